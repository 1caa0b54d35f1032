"""What people do where Sage Paperless is: invoices and their files in Procore, both in the vault, payments in accounting."""

from typing import Any

from simulators.kit.actions import BadAction
from tests.mill import people
from tests.mill.people import VENDORS, Act, People

VAULT, QUEUES = "sage_paperless", ("q-ap", "q-check")
KINDS = ("pdf", "pdf", "pdf", "jpeg", "png", "tiff", "text")
#: Files that cannot be part of a document, and one that nobody converts.
BAD = ("damaged", "encrypted", "zero-byte", "drawing")
STATUSES = ("approved", "approved", "approved", "approved", "draft", "under_review", "approved_as_noted")
BEHAVIORS = (
    "automated_import_into_queue", "automated_import_and_auto_route_with_queue_failover", "manual_import",
)  # fmt: skip


class Refused(BadAction):
    """Sitebooks itself does not let them."""


# pieces


def a_file(p: People) -> dict[str, Any]:
    """Small, and now and then no good."""
    kind = p.random.choice(BAD) if p.random.random() < 0.1 else p.random.choice(KINDS)
    ending = {"text": "txt", "jpeg": "jpg", "tiff": "tif", "drawing": "dwg", "png": "png"}.get(kind, "pdf")
    return {"kind": kind, "name": f"File {p.random.randrange(1000)}.{ending}", "pages": p.random.choice([1, 1, 2])}


def an_invoice(p: People, *statuses: str) -> dict[str, Any]:
    """In Procore."""
    rows = p.rows("procore", "requisitions")
    return dict(p.one([row for row in rows if not statuses or row["status"] in statuses]))


def _named(row: dict[str, Any]) -> dict[str, Any]:
    return {"commitment": row["commitment"], "number": row["number"]}


def paid(p: People, row: dict[str, Any]) -> bool:
    """Whether accounting or Procore has a payment of it: such an invoice stays as it is."""
    there = p.site.simulators[VAULT].state()["payments"]
    issued = p.rows("procore", "contract_payments")
    return any(one["procore_invoice_id"] == str(row["id"]) for one in there) or any(
        one["requisition_id"] == row["id"] for one in issued
    )


def _unpaid(p: People, row: dict[str, Any]) -> dict[str, Any]:
    if paid(p, row):
        raise BadAction("an invoice with payments is not changed any more")
    return row


def imported(p: People, *statuses: str) -> dict[str, Any]:
    """In the vault."""
    rows = p.rows(VAULT, "invoices")
    return dict(p.one([row for row in rows if not statuses or row["status"] in statuses]))


def save(p: People, **values: Any) -> Any:
    """A person saves settings of the connection in Sitebooks."""
    from connectors.calls import CallFailed
    from sync import settings
    from tasks import publish

    try:
        publish.ring_all(p.site.company, settings.save(p.site.company, VAULT, values, "anna"), "interactive")
    except (settings.Refused, CallFailed) as error:
        raise Refused(str(error)) from error


# in Procore


def enter_commitment(p: People) -> Any:
    """An order, which accounting has too, as a rule."""
    project = p.project()
    number = p.number("C-", "procore", "purchase_order_contracts", "work_order_contracts")
    vendor = p.random.choice(VENDORS)
    p.act(
        "procore", "create_commitment", project=project, type=p.random.choice(["po", "sc"]), number=number,
        title=f"Order {number}", vendor=vendor, status="Approved", lines=p.lines(project),
    )  # fmt: skip
    if p.random.random() < 0.9:
        p.act(VAULT, "set_reference", kind="commitment", value=number, parent=vendor)


def submit_invoice(p: People) -> Any:
    """With 0 to 3 files."""
    contract = p.contract()
    number = p.number("SI-", "procore", "requisitions", name="invoice_number")
    lines = [{"line": 1, "amount": p.money(900)}]
    files = [a_file(p) for _ in range(p.random.choice([0, 1, 1, 1, 2, 3]))]
    return p.act(
        "procore", "create_requisition", commitment=contract["number"], invoice_number=number, lines=lines,
        status=p.random.choice(STATUSES), attachments=files,
    )  # fmt: skip


def submit_good_invoice(p: People) -> Any:
    """Approved, of an order that accounting has, with files that can be joined."""
    known = {row["value"] for row in p.rows(VAULT, "references") if row["kind"] == "commitment" and row["active"]}
    contract = p.one([row for row in _contracts(p) if row["number"] in known])
    number = p.number("SI-", "procore", "requisitions", name="invoice_number")
    kinds = [p.random.choice(KINDS) for _ in range(p.random.choice([1, 1, 2]))]
    files = [{"kind": kind, "name": f"Page {place} of {number}", "pages": 1} for place, kind in enumerate(kinds)]
    return p.act(
        "procore", "create_requisition", commitment=contract["number"], invoice_number=number, status="approved",
        lines=[{"line": 1, "amount": p.money(900)}], attachments=files,
    )  # fmt: skip


def _contracts(p: People) -> list[dict[str, Any]]:
    return p.rows("procore", "purchase_order_contracts") + p.rows("procore", "work_order_contracts")


def claim_other_amount(p: People) -> Any:
    return p.act("procore", "change_requisition", **_named(_unpaid(p, an_invoice(p))), amount=p.money(900))


def renumber_invoice(p: People) -> Any:
    number = p.number("SI-", "procore", "requisitions", name="invoice_number")
    return p.act("procore", "change_requisition", **_named(_unpaid(p, an_invoice(p))), invoice_number=number)


def decide_invoice(p: People) -> Any:
    """Approved, or the approval is taken back."""
    status = p.random.choice(["approved", "approved", "approved", "draft", "revise_and_resubmit", "approved_as_noted"])
    return p.act("procore", "approve_requisition", **_named(an_invoice(p)), status=status)


def delete_invoice(p: People) -> Any:
    row = _unpaid(p, an_invoice(p))
    return p.act("procore", "delete_requisition", commitment=row["commitment"], invoice_number=row["invoice_number"])


def attach_file(p: People) -> Any:
    return p.act("procore", "attach_file", **_named(an_invoice(p)), **a_file(p))


def _with_file(p: People) -> tuple[dict[str, Any], str]:
    row = p.one([row for row in p.rows("procore", "requisitions") if row["attachments"]])
    return row, p.one(row["attachments"])


def remove_file(p: People) -> Any:
    row, name = _with_file(p)
    return p.act("procore", "remove_attachment", **_named(row), name=name)


def replace_file(p: People) -> Any:
    """Another one in the place of one, mostly a good one."""
    row, name = _with_file(p)
    p.act("procore", "remove_attachment", **_named(row), name=name)
    return p.act("procore", "attach_file", **_named(row), **a_file(p))


def lose_file(p: People) -> Any:
    """Still listed, and gone."""
    row, name = _with_file(p)
    return p.act("procore", "lose_file", **_named(row), name=name)


def sign_invoice(p: People) -> Any:
    return p.act("procore", "attach_docusign", **_named(an_invoice(p)))


def _issued(p: People) -> dict[str, Any]:
    """A payment that we wrote."""
    row = p.one([row for row in p.rows("procore", "contract_payments") if row["origin_id"]])
    contract = next(one for one in _contracts(p) if one["id"] == row["contract_id"])
    return {"commitment": contract["number"], "number": row["payment_number"]}


def number_payment(p: People) -> Any:
    """Y-14."""
    return p.act("procore", "edit_payment", **_issued(p), new_number=p.random.randrange(1000, 9999))


def file_to_payment(p: People) -> Any:
    """Y-13."""
    return p.act("procore", "attach_to_payment", **_issued(p))


def expire_tokens(p: People) -> Any:
    """The vault's own token does not end."""
    return p.act("procore", "expire_tokens")


# in the vault and in accounting


def work_on_invoice(p: People) -> Any:
    act = p.random.choice(["start_work", "route_invoice", "approve_invoice", "reject_invoice", "hold_invoice", "void_invoice"])
    return p.act(VAULT, act, invoice=imported(p)["id"])


def export_invoice(p: People) -> Any:
    return p.act(VAULT, "export_invoice", invoice=imported(p, "approved")["id"])


def _payable(p: People) -> dict[str, Any]:
    return imported(p, "unprocessed", "incomplete", "pending", "approved", "exported")


def pay_in_full(p: People) -> Any:
    return p.act(VAULT, "pay_invoice", invoice=_payable(p)["id"], check=check(p))


def pay_a_part(p: People) -> Any:
    return p.act(VAULT, "pay_invoice", invoice=_payable(p)["id"], amount=p.money(150), check=check(p))


def pay_too_much(p: People) -> Any:
    return p.act(VAULT, "pay_invoice", invoice=_payable(p)["id"], amount="99999.00", check=check(p))


def pay_unknown(p: People) -> Any:
    """Of an invoice entered by hand, of one that nobody imported, or of one that never was."""
    rows = p.rows("procore", "requisitions")
    ids = ["", "999999", *[str(row["id"]) for row in rows if not p.random.randrange(3)]]
    return p.act(VAULT, "pay_other", amount=p.money(300), check=check(p), procore_invoice_id=p.random.choice(ids))


def check(p: People) -> str:
    """Its number."""
    return p.number("7", VAULT, "payments", name="check_number")


def _payment(p: People) -> str:
    return str(p.one([row for row in p.rows(VAULT, "payments") if not row["voided"]])["id"])


def void_payment(p: People) -> Any:
    return p.act(VAULT, "void_payment", payment=_payment(p))


def correct_payment(p: People) -> Any:
    change = p.random.choice([{"amount": p.money(150)}, {"check": check(p)}, {"date": "2026-11-09"}])
    return p.act(VAULT, "edit_payment", payment=_payment(p), **change)


def change_reference(p: People) -> Any:
    """A vendor or commitment is made inactive in accounting, or active again."""
    row = p.one([row for row in p.rows(VAULT, "references") if row["kind"] in ("vendor", "commitment")])
    return p.act(VAULT, "set_reference", kind=row["kind"], value=row["value"], active=p.random.random() < 0.7)


def remove_reference(p: People) -> Any:
    row = p.one([row for row in p.rows(VAULT, "references") if row["kind"] == "commitment"])
    return p.act(VAULT, "remove_reference", kind="commitment", value=row["value"])


def stop_or_start(p: People) -> Any:
    """Cloud sync, or the job that finds payments."""
    name = p.random.choice(["start_cloud_sync", "start_cloud_sync", "stop_cloud_sync", "start_job", "start_job", "stop_job"])
    return p.act(VAULT, name)


def change_vault(p: People) -> Any:
    """The Procore window there: import behaviour and queue."""
    now = p.rows(VAULT, "configurations")[0]
    wanted = {name: value for name, value in now.items() if name != "vault_id"}
    return p.act(
        VAULT, "set_configuration",
        configuration=wanted | {"import_behaviour": p.random.choice(BEHAVIORS), "queue_id": p.random.choice(QUEUES)},
    )  # fmt: skip


# in Sitebooks


def change_behavior(p: People) -> Any:
    return save(p, import_behavior=p.random.choice(BEHAVIORS), queue=p.random.choice(QUEUES))


def change_writer(p: People) -> Any:
    """Sitebooks writes payments, or nobody does; rarely the vault itself."""
    if p.random.random() < 0.15:
        return save(p, create_payments_in_procore=True, payment_writer="product")
    return save(p, create_payments_in_procore=p.random.random() < 0.75, payment_writer="sitebooks")


def sync_payments(p: People) -> Any:
    """Sync Payments for Synced Invoices (Y-16)."""
    from sync import payments
    from tasks import publish

    for system in payments.asked(p.site.company, VAULT, "anna"):
        publish.send("sitebooks.payment.pull", [p.site.company, system], "interactive")


def pick_invoices(p: People) -> Any:
    """A person picks what waits for that, with Manual Import on (S-26)."""
    from sync import records
    from tasks import publish

    ids = p.site.waiting_for("waiting_for_push")
    publish.ring_all(p.site.company, records.retry(p.site.company, [p.one(ids)], "anna"), "interactive")


#: How often each is drawn. Invoices and payments move most; what makes much else wait is rare.
WEIGHTS: dict[Act, int] = {
    submit_good_invoice: 22, submit_invoice: 10, pay_in_full: 10, pay_a_part: 16, pay_too_much: 1, pay_unknown: 2,
    void_payment: 3, correct_payment: 2, number_payment: 3, file_to_payment: 1, claim_other_amount: 5, renumber_invoice: 2,
    decide_invoice: 5, delete_invoice: 2, attach_file: 4, remove_file: 2, replace_file: 3, lose_file: 1, sign_invoice: 1,
    enter_commitment: 4, people.retitle_commitment: 2, people.commitment_status: 1, work_on_invoice: 5, export_invoice: 2,
    change_reference: 2, remove_reference: 1, stop_or_start: 2, change_vault: 1, change_behavior: 1, change_writer: 1,
    sync_payments: 3, pick_invoices: 4, expire_tokens: 2, people.set_stage: 1,
}  # fmt: skip
ACTS: dict[str, Act] = {act.__name__: act for act in WEIGHTS}
DRAWN: list[str] = [act.__name__ for act, weight in WEIGHTS.items() for _ in range(weight)]
