"""The vault's rows as what a write left and as our objects, read strictly where money or identity depends on it."""

from datetime import UTC, datetime
from decimal import Decimal

from connectors.calls import NotUnderstood
from connectors.fields import Row, amount, day, ident, moment
from connectors.plan import Done, Seen
from objects import Invoice, Payment
from objects.text import clean

STATUSES = frozenset({
    "unprocessed", "incomplete", "pending", "approved", "rejected", "on_hold", "exported", "paid", "void",
})
PLACEMENTS = frozenset({"queue", "routed", "open_entry_screen"})
METHODS = frozenset({"check", "electronic", "credit_card", "other"})
ZERO = Decimal("0.00")


def one_of(row: Row, name: str, path: str, choices: frozenset[str]) -> str:
    value = row.get(name)
    if not isinstance(value, str) or value not in choices:
        raise NotUnderstood(f"{path}.{name}", f"{value!r} is not one of {', '.join(sorted(choices))}")
    return value


def done_of(row: Row) -> Done:
    """What stands there as what our write left: whose it is, which revision, and where it was put."""
    path = "invoice"
    document = row.get("document")
    data = {
        "revision": str(row.get("procore_revision") or ""), "procore_invoice_id": str(row.get("procore_invoice_id") or ""),
        "gross": f"{amount(row, 'gross', path)}", "placement": one_of(row, "placement", path, PLACEMENTS),
        "sha256": str(document.get("sha256") or "") if isinstance(document, dict) else "",
        "refused": str(row.get("refused") or ""),  # by the importer of a drop folder
    }  # fmt: skip
    return Done(ident(row, "id", path), None, str(row.get("version") or "") or None, data=data)


def seen_of(row: Row) -> Seen:
    """As it stands there. It has no lines, only their routing, and its key is the Procore invoice id."""
    key = str(row.get("procore_invoice_id") or "") or None
    return Seen(ident(row, "id", "invoice"), amount(row, "gross", "invoice"), None, key)


def invoice(row: Row, currency: str) -> Invoice:
    """An imported invoice as something to look at: its status, where it is, and why it stayed in the queue."""
    source_id = ident(row, "id", "invoices")
    path = f"invoices/{source_id}"
    created = moment(row, "created_at", path)
    gross = amount(row, "gross", path)
    reason = str(row.get("failover_reason") or "")
    findings = [one for one in (row.get("validation") or {}).get("findings") or () if isinstance(one, dict)]
    said = "; ".join(clean(one.get("message")) for one in findings if one.get("severity") == "error")
    return Invoice(
        source_id=source_id, number=str(row.get("accounting_reference") or source_id), supplier_id="", supplier_name=said,
        date=(created or datetime.now(UTC)).date(), status=one_of(row, "status", path, STATUSES), overhead=False,
        currency=currency, lines=(), net=gross, tax=ZERO, gross=gross, version=str(row.get("version") or ""),
        posting_state=one_of(row, "placement", path, PLACEMENTS) + (f":{reason}" if reason else ""),
        posted_as=str(row.get("procore_invoice_id") or "") or None, updated_at=moment(row, "updated_at", path),
    )  # fmt: skip


def payment(row: Row, currency: str) -> Payment:
    """A payment that the job found (B.7). One of an invoice that did not come from Procore names none."""
    source_id = ident(row, "id", "payments")
    path = f"payments/{source_id}"
    if odd := row.get("odd"):  # a drop folder's row that could not be read
        raise NotUnderstood(path, str(odd))
    voided = row.get("voided")
    if not isinstance(voided, bool):
        raise NotUnderstood(f"{path}.voided", f"{voided!r} says neither yes nor no")
    return Payment(
        source_id=source_id, project_id="", number=clean(row.get("check_number")), name="",
        invoice_id=str(row.get("procore_invoice_id") or ""), amount=amount(row, "amount", path), currency=currency,
        date=day(row, "payment_date", path), method=one_of(row, "method", path, METHODS), voided=voided,
        receipt=str(row.get("procore_payment_id") or ""), updated_at=moment(row, "seen_at", path),
    )  # fmt: skip
