"""Payments made in accounting: found by the job, listed by cursor, with the Procore payment made of each (contract B.7)."""

from datetime import datetime, timedelta
from decimal import Decimal

from simulators.sage_paperless import imports
from simulators.sage_paperless.paging import limit_of
from simulators.sage_paperless.problems import Refusal, malformed
from simulators.sage_paperless.shapes import RECEIPT
from simulators.sage_paperless.site import Answer, Call, Site
from simulators.sage_paperless.store import Row, Vault, money, public, stamp, total
from simulators.sage_paperless.webhooks import emit


def due(row: Row) -> Decimal:
    """What accounting pays in all: the total less what is held back."""
    return Decimal(row["gross"]) - Decimal(row["_meta"].get("retainage") or "0.00")


def paid(vault: Vault, row: Row) -> Decimal:
    """What was paid in accounting, found by the job or not."""
    return total([p["amount"] for p in vault.payments.values() if p["invoice_id"] == row["id"] and not p["voided"]])


def enter(site: Site, vault: Vault, invoice_id: str, procore_invoice_id: str | None, fields: Row) -> Row:
    """A check or transfer in accounting. Nobody outside sees it before the job has found it."""
    number = site.store.number("payments")
    row: Row = {
        "id": f"pay-{number:06d}", "invoice_id": invoice_id, "procore_invoice_id": procore_invoice_id,
        "check_number": None, "method": "check", "discount": "0.00", "voided": False, "seen_at": "", "cursor": "",
        "procore_payment_id": None, "_found": False, "_changed": True, "_told": None,
    } | fields  # fmt: skip
    vault.payments[row["id"]] = row
    site.store.note(vault, "payments", row["id"], row["id"], "created")
    return row


def change(site: Site, vault: Vault, row: Row, fields: Row) -> None:
    """Somebody in accounting corrects or voids it; the job finds that too."""
    row.update(fields, _changed=True)
    site.store.note(vault, "payments", row["id"], row["id"], "updated")


def backfill(site: Site, vault: Vault) -> int:
    """The job: brings what is new or changed into Sage Paperless. Each such row gets a newer cursor."""
    job = vault.jobs["payment_backfill"]
    job["last_run_at"] = stamp(site.now)
    changed = [row for row in vault.payments.values() if row["_changed"]]
    for row in changed:
        cursor, seen = f"{site.store.number('cursor'):012d}", _later(site, row["seen_at"])
        row.update(_found=True, _changed=False, seen_at=seen, cursor=cursor)
        _tell(site, vault, row)
        site.store.note(vault, "payments", row["id"], row["id"], "action")
    return len(changed)


def _later(site: Site, before: str) -> str:
    """A change that is found at the moment of the one before it is told as the later one."""
    now = site.now
    return stamp(max(now, datetime.fromisoformat(before) + timedelta(microseconds=1)) if before else now)


def _tell(site: Site, vault: Vault, row: Row) -> None:
    invoice = vault.invoices.get(row["invoice_id"])
    version = row["cursor"]
    if invoice is not None:
        settled = paid(vault, invoice) >= due(invoice)
        if invoice["status"] in ("exported", "paid"):
            invoice["status"] = "paid" if settled else "exported"
        imports.touch(site, vault, invoice)
    if row["voided"]:
        if row["_told"] != "voided":
            emit(site, vault, "payment.voided", row["id"], version, public(row))
        row["_told"] = "voided"
    elif row["_told"] is None and invoice is not None:
        row["_told"] = "paid"
        imports.tell(site, vault, "invoice.paid", invoice)


def list_payments(site: Site, call: Call) -> Answer:
    """What the job has found, oldest first; `after` and `cursor` both name the last row handled."""
    vault = call.vault
    if vault.connection["state"] != "successful":
        raise Refusal("payments_not_enabled", f"Vault {vault.name} is not connected with Procore.")
    if not vault.jobs["payment_backfill"]["configured"]:
        raise Refusal("backfill_job_not_running", "The payment job is not configured.")
    limit, after = limit_of(call), max(call.query.get("after", ""), call.query.get("cursor", ""))
    if not all(character in "0123456789" for character in after):
        raise malformed("/query/after", "is not a cursor of this list")
    wanted = call.query.get("procore_invoice_id")
    rows = sorted((row for row in vault.payments.values() if row["_found"]), key=lambda row: str(row["cursor"]))
    rows = [row for row in rows if row["cursor"] > after and wanted in (None, row["procore_invoice_id"])]
    rows = [row for row in rows if site.visible is None or site.visible(row["seen_at"])]
    more = rows[limit - 1]["cursor"] if len(rows) > limit else None
    return Answer(200, {"data": [public(row) for row in rows[:limit]], "next_cursor": more})


def confirm_payment(site: Site, call: Call) -> Answer:
    """Notes the Procore payment made of it; another one than before is refused."""
    vault = call.vault
    row = vault.payment(call.params["payment_id"])
    body = call.body(RECEIPT)
    if row["procore_invoice_id"] is None:
        raise Refusal("invoice_not_from_procore", f"{row['id']} is of an invoice that did not come from Procore.")
    held = row["procore_payment_id"]
    if held not in (None, body["procore_payment_id"]):
        raise malformed("/procore_payment_id", f"is another one than {held}, which was noted before", 409)
    if held is None:
        row["procore_payment_id"] = body["procore_payment_id"]
        row["_receipt"] = body
        site.store.note(vault, "receipts", row["id"], body["procore_payment_id"], "created")
        invoice = vault.invoices.get(row["invoice_id"])
        if invoice is not None:
            imports.touch(site, vault, invoice)
    return Answer(200, public(row))


def amount_of(value: str) -> str:
    """Raises ArithmeticError for what is no number."""
    return money(Decimal(str(value)))
