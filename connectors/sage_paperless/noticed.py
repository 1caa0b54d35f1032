"""One paid notice row by row (contract C.4): a row that cannot be used is listed with its reason and stops no other."""

import codecs
import csv
from collections.abc import Iterator
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

Row = dict[str, Any]
COLUMNS = {
    "PaymentId", "LinkDocumentID", "ProcoreInvoice", "CheckNumber", "CheckDate", "CheckAmount", "Method", "Voided", "SeenAt",
}  # fmt: skip
VOIDED = {"true": True, "false": False}
#: The notice's own time, for rows that tell none.
STAMPS = ("payments-%Y%m%dT%H%M%S%fZ", "payments-%Y%m%dT%H%M%SZ")


def rows_of(content: bytes, name: str, company: str) -> Iterator[Row] | None:
    """The rows as the REST list shows them; odd ones have `odd`. None: it does not begin as a paid notice does."""
    first, *lines = content.removeprefix(codecs.BOM_UTF8).split(b"\n")
    columns = _fields(first)
    if columns is None or not set(columns) >= COLUMNS or len(set(columns)) != len(columns):
        return None
    return (_row(line, columns, name, company) for line in lines if line.strip())


def unread(row_id: str, name: str, reason: str, seen_at: str = "") -> Row:
    """A row that is shown to people and not used."""
    seen_at = seen_at if _aware(seen_at) else _stamp(name)
    return {"id": row_id, "odd": reason, "seen_at": seen_at, "cursor": seen_at, "notice": name}


def _fields(line: bytes) -> list[str] | None:
    """None: it is no UTF-8, or quoted as no reader would agree on."""
    try:
        found = list(csv.reader([line.rstrip(b"\r").decode()], strict=True))
    except (UnicodeDecodeError, csv.Error):
        return None
    return found[0] if len(found) == 1 else None


def _row(line: bytes, columns: list[str], name: str, company: str) -> Row:
    fields = _fields(line)
    if fields is None or len(fields) != len(columns):
        reason = "a row is cut off, wrongly quoted or not UTF-8"
        return unread(f"row-{sha256(line.strip()).hexdigest()[:12]}", name, reason)
    given = dict(zip(columns, fields, strict=True))
    if not given["PaymentId"]:
        return unread(f"row-{sha256(line.strip()).hexdigest()[:12]}", name, "a row has no PaymentId")
    if reason := _wrong(given, company):
        return unread(given["PaymentId"], name, reason, given["SeenAt"])
    return {
        "id": given["PaymentId"], "invoice_id": given["LinkDocumentID"], "procore_invoice_id": given["ProcoreInvoice"] or None,
        "check_number": given["CheckNumber"] or None, "payment_date": given["CheckDate"], "amount": given["CheckAmount"],
        "method": given["Method"], "voided": VOIDED[given["Voided"]], "seen_at": given["SeenAt"], "cursor": given["SeenAt"],
        "procore_payment_id": None, "notice": name,
    }  # fmt: skip


def _wrong(given: dict[str, str], company: str) -> str:
    """Both ids name the same invoice or neither names one: a row of another origin is listed and never sent (G7)."""
    link, invoice = given["LinkDocumentID"], given["ProcoreInvoice"]
    ours = link.startswith("procore:")
    if ours and not link.startswith(f"procore:{company}:"):
        return f"LinkDocumentID {link} is of another Procore company than {company}"
    if (ours or invoice) and link != f"procore:{company}:{invoice}":
        return f"LinkDocumentID {link or '(none)'} and ProcoreInvoice {invoice or '(none)'} name different invoices"
    if given["Voided"] not in VOIDED:
        return f"Voided is {given['Voided']!r}, neither true nor false"
    return "" if _aware(given["SeenAt"]) else f"SeenAt is {given['SeenAt']!r}, no time with its zone"


def _aware(text: str) -> bool:
    try:
        return datetime.fromisoformat(text).tzinfo is not None
    except ValueError:
        return False


def _stamp(name: str) -> str:
    for form in STAMPS:
        try:
            return datetime.strptime(name, form).replace(tzinfo=UTC).isoformat()
        except ValueError:
            continue
    return ""
