"""Procore and Sage Paperless, as a run drives them: invoices in, payments back."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from simulators.kit.actions import BadAction
from tests.mill import paperless_folder
from tests.mill import paperless_people as people
from tests.mill.dataset import small_with_two_projects
from tests.mill.moments import EVERYWHERE
from tests.mill.people import People
from tests.mill.site import Site
from tests.mill.workers import Place
from tests.mill.world import World

SYSTEM = "sage_paperless"
#: An invoice into the vault, a payment into Procore: both are looked for first, and nobody repeats them by himself.
WRITTEN = (
    people.submit_good_invoice, people.submit_good_invoice, people.submit_good_invoice, people.pay_a_part, people.pay_a_part,
    people.pay_a_part, people.pay_in_full,
)  # fmt: skip
LOOKED = "answered procore GET /rest/v1.0/contract_payments"
#: Where a worker stands still: with a payment, and with an invoice, whose files it fetches before.
STANDS: tuple[tuple[Place, ...], tuple[Place, ...]] = (
    (("claimed", 1), ("before_remote_write", 1), (LOOKED, 1), (LOOKED, 2), ("before_look", 1), ("answered procore POST", 1),
     ("asking procore POST", 1), ("outcome_stored", 1), ("before_telling", 1), ("asking sage_paperless PUT", 1)),
    (("claimed", 1), ("answered procore GET /storage", 1), ("answered procore GET /attachments", 1), ("before_remote_write", 1),
     ("answered sage_paperless POST", 1), ("asking sage_paperless POST", 1), ("outcome_stored", 1)),
)  # fmt: skip
DIES: tuple[tuple[Place, ...], tuple[Place, ...]] = (
    (("answered procore POST", 1), ("answered procore POST", 1), ("asking procore POST", 1), ("before_remote_write", 1),
     ("before_commit", 2), ("outcome_stored", 1), ("before_telling", 1), ("answered sage_paperless PUT", 1)),
    (("before_remote_write", 1), ("answered sage_paperless POST", 1), ("answered procore GET /storage", 1), ("before_commit", 1),
     ("outcome_stored", 1)),
)  # fmt: skip
PAYMENT, INVOICE = "sync_record r WHERE r.kind = 'payment'", "sync_record r WHERE r.kind = 'invoice'"
COUNTED = {
    "a payment was in doubt": f"{PAYMENT} AND EXISTS (SELECT FROM history h WHERE h.record_id = r.id"
    " AND h.after ->> 'state' = 'checking')",
    "a payment in doubt was sent again on a person's word": "write w JOIN sync_record r ON r.id = w.record_id"
    " AND r.kind = 'payment' WHERE w.side = 'target' AND w.sends > 1",
    "several payments on one commitment": "(SELECT r.company_id FROM sync_record r WHERE r.kind = 'payment'"
    " AND r.remote_id IS NOT NULL GROUP BY r.company_id, r.held ->> 'contract_id' HAVING count(*) > 1) AS r WHERE true",
    "an invoice was picked by hand": f"{INVOICE} AND r.sent -> 'metadata' ->> 'mode' = 'manual'",
    "a payment waited for its invoice": f"{PAYMENT} AND r.problems::text LIKE '%%payment_invoice_%%'",
    "a payment was too much": f"{PAYMENT} AND r.problems::text LIKE '%%payment_over_invoice%%'",
    "a payment was voided after it was written": f"{PAYMENT} AND r.problems::text LIKE '%%payment_voided%%'",
    "a payment was corrected after it was written": f"{PAYMENT} AND r.problems::text LIKE '%%payment_changed_after_sync%%'",
    "an invoice was held for its files": f"{INVOICE} AND r.state = 'held' AND r.problems::text LIKE '%%attachment_%%'",
    "a newer revision met people at work": f"{INVOICE} AND r.problems::text LIKE '%%paperless_in_work%%'",
    "an approval was taken back": f"{INVOICE} AND r.problems::text LIKE '%%approval_taken_back%%'",
    "an invoice went to the queue with its reason": f"{INVOICE} AND r.state = 'synced' AND"
    " (r.problems::text LIKE '%%paperless_reviewer_missing%%' OR r.problems::text LIKE '%%paperless_validation_failed%%')",
    "cloud sync was stopped": f"{INVOICE} AND r.problems::text LIKE '%%cloud_sync_not_running%%'",
    "Sitebooks did not write payments": f"{PAYMENT} AND r.problems::text LIKE '%%payments_not_written%%'",
}
MUST_REACH = tuple(COUNTED)


def dataset(number: int) -> dict[str, Any]:
    """With one vault, some vendors' invoices having reviewers."""
    data = small_with_two_projects(number)
    part = data[SYSTEM]
    part["vaults"] = part["vaults"][:1]
    return data


def options(limits: Mapping[str, int]) -> dict[str, Any]:
    return {"rate_per_minute": limits["minute"]}


def connection(number: int) -> dict[str, Any]:
    return {"vault_id": "sage300", "vault": "Kauri & Sons (Sage 300)", "bridge": "sage_300_cre", "queue": "q-ap",
            "create_payments_in_procore": True}  # fmt: skip


def paged(rows: int) -> None:
    from connectors.sage_paperless import client

    client.PAGE_SIZE = str(rows)


def unseen(site: Site, system: str, remote: str) -> dict[str, Any]:
    """Procore has no webhook for invoices: a pass would find it."""
    if system == SYSTEM:
        return {"kind": "payment", "source_id": remote, "project_id": ""}
    row = _requisition(site, remote)
    return {"kind": "invoice", "source_id": remote, "project_id": _project(site, row)} if row else {}


def _requisition(site: Site, remote: str) -> dict[str, Any] | None:
    rows = site.simulators["procore"].state()["requisitions"]
    return next((dict(row) for row in rows if str(row["id"]) == remote), None)


def _project(site: Site, row: dict[str, Any]) -> str:
    projects = site.simulators["procore"].state()["projects"]
    return next(str(one["id"]) for one in projects if one["project_number"] == row["project_number"])


def changed(site: Site, record: dict[str, Any]) -> Callable[[People], Any] | None:
    """Another amount or one more file; a payment is voided or corrected."""
    if not record:
        return None
    if record["kind"] == "payment":
        def change_payment(p: People) -> Any:
            if p.random.random() < 0.5:
                return p.act(SYSTEM, "void_payment", payment=record["source_id"])
            return p.act(SYSTEM, "edit_payment", payment=record["source_id"], amount=p.money(100))

        return change_payment

    def change_invoice(p: People) -> Any:
        row = _requisition(site, record["source_id"])
        if row is None:
            raise BadAction("it is gone")
        named = {"commitment": row["commitment"], "number": row["number"]}
        if p.random.random() < 0.5:
            return p.act("procore", "attach_file", **named, **people.a_file(p))
        if people.paid(p, row):
            raise BadAction("an invoice with payments is not changed any more")
        return p.act("procore", "change_requisition", **named, amount=p.money(900))

    return change_invoice


def arrived(site: Site, record: Any) -> str:
    """What a person sees in Payments Issued of a payment in doubt."""
    if record.kind != "payment":
        return ""
    rows = site.simulators["procore"].state()["contract_payments"]
    return next((str(row["id"]) for row in rows if row["origin_id"] == record.key), "")


_REST = World(
    system=SYSTEM, dataset=dataset, options=options, connection=connection, paged=paged, acts=people.ACTS, drawn=people.DRAWN,
    meddling=(people.number_payment, people.file_to_payment), approvals=("", "", "payment", "invoice"),
    focus=("/contract_payments$", "/invoices$", "/attachments/", "procore-receipt"),
    written=WRITTEN, touched={"requisitions": "invoice", "payments": "payment"}, unseen=unseen, changed=changed,
    stands=STANDS, dies=DIES, moments=EVERYWHERE, counted=COUNTED, must_reach=MUST_REACH, decides=True, arrived=arrived,
    asked_again=frozenset({"worker_lost", "procore_rejected", "paperless_rejected", "document_torn"}),
)  # fmt: skip
WORLD = replace(_REST, others=(paperless_folder.world(_REST),))
