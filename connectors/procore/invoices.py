"""Subcontractor invoices (requisitions, 11.11): nothing rings for them, so they are polled by what changed."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from hashlib import sha256
from typing import Any

from connectors.calls import NotUnderstood
from connectors.procore.client import ProcoreClient
from connectors.procore.reading import ListedByProject, changed_since
from connectors.procore.shapes import PURCHASE_ORDER, SUBCONTRACT, currency, day, ident, known_status, moment, money
from objects.document import DOCUSIGN, Attachment
from objects.invoice import Invoice, InvoiceLine
from objects.money import text_of, total
from objects.text import clean

Record = Mapping[str, Any]
PATH = "/rest/v1.1/requisitions"
#: Procore's word for the kind of commitment -> the first part of our source ids.
FORMS = {"PurchaseOrderContract": PURCHASE_ORDER, "WorkOrderContract": SUBCONTRACT}
STATUSES = frozenset({
    "draft", "under_review", "revise_and_resubmit", "approved", "approved_as_noted", "pending_owner_approval",
})
ZERO = Decimal("0.00")


class Requisitions(ListedByProject):
    """The list carries items and files where asked for `items`; one that does not is read again by itself."""

    kind, filtered = "invoice", True

    def lists(self, client: ProcoreClient, project_id: str, since: datetime | None) -> Iterator[list[dict[str, Any]]]:
        return client.pages(PATH, {"project_id": project_id, "view": "items", **changed_since(since)})

    def show(self, client: ProcoreClient, ref: str, project_id: str) -> dict[str, Any]:
        return dict(client.get(f"{PATH}/{ref}", {"project_id": project_id, "view": "items"}))

    def read(self, client: ProcoreClient, record: Record, project_id: str) -> Invoice:
        return invoice(record, project_id, client.settings.currency)


def invoice(record: Record, project_id: str, base: str) -> Invoice:
    """An invoice with its lines and the list of its files. Raises NotUnderstood."""
    number_id = ident(record, "requisitions")
    path = f"requisitions/{number_id}"
    if str(record.get("project_id")) != project_id:
        raise NotUnderstood(f"{path}.project_id", f"{record.get('project_id')} is not the project asked for, {project_id}")
    billed = day(record.get("billing_date"), f"{path}.billing_date")
    if billed is None:
        raise NotUnderstood(f"{path}.billing_date", "is missing")
    lines = _lines(record, project_id, path)
    net = total(line.net for line in lines)
    tax = money((record.get("summary") or {}).get("tax_applicable_to_this_payment"), f"{path}.summary.tax") or ZERO
    made = Invoice(
        source_id=number_id, number=clean(record.get("invoice_number")) or str(record.get("number") or number_id),
        supplier_id="" if record.get("vendor_id") is None else str(record["vendor_id"]),
        supplier_name=clean(record.get("vendor_name")), date=billed,
        status=known_status(record.get("status"), STATUSES, path), overhead=False,
        currency=currency(record, base, path), lines=lines, net=net, tax=tax, gross=net + tax,
        due_date=day(record.get("due_date"), f"{path}.due_date"), order_id=_order(record, path),
        retainage=_retained(record, path), attachments=_files(record, path),
        claimed=_told(record, "total_claimed_amount", path), due=_told(record.get("summary"), "current_payment_due", path),
        posting_state=clean(record.get("erp_status")),  # what Procore's own ERP integration does with it (C-12)
    )  # fmt: skip
    return replace(made, version=_revision(made), updated_at=moment(record.get("updated_at"), f"{path}.updated_at"))


def _order(record: Record, path: str) -> str:
    form, number = FORMS.get(str(record.get("commitment_type"))), record.get("commitment_id")
    if form is None or number is None:
        raise NotUnderstood(f"{path}.commitment", f"{record.get('commitment_type')!r} {number} is no commitment")
    return f"{form}:{number}"


def _listed(record: Record, name: str, path: str) -> list[Record]:
    items = record.get(name)
    if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
        raise NotUnderstood(f"{path}.{name}", "is not a list of records")
    return items


def _lines(record: Record, project_id: str, path: str) -> tuple[InvoiceLine, ...]:
    """What each item claims for this period; items that claim nothing are left out, unless none claims anything."""
    items = _listed(record, "items", path)
    if not items:
        raise NotUnderstood(f"{path}.items", "an invoice has an item for every line of its commitment")
    ordered = sorted(items, key=lambda item: (int(item.get("position") or 0), int(item.get("id") or 0)))
    lines = [_line(item, project_id, f"{path}.items/{item.get('id')}") for item in ordered]
    return tuple([line for line in lines if line.net] or lines)


def _line(item: Record, project_id: str, path: str) -> InvoiceLine:
    code = item.get("wbs_code") or {}
    return InvoiceLine(
        source_id=ident(item, path), description=clean(item.get("description_of_work")), net=_claimed(item, path), tax=ZERO,
        project_id=project_id, cost_code_id=None if code.get("id") is None else str(code["id"]),
        order_line_id=None if item.get("line_item_id") is None else str(item["line_item_id"]),
    )  # fmt: skip


def _claimed(item: Record, path: str) -> Decimal:
    """Work of this period, and the materials that are stored now and were not before."""
    before = _sum(item, path, "materials_presently_stored_from_previous_progress")
    stored = _sum(item, path, "materials_presently_stored") - before
    return _sum(item, path, "work_completed_this_period") + stored


def _retained(record: Record, path: str) -> Decimal:
    """Held back of this period's work and of its materials, less what is given back of either."""
    given = ("work_completed_retainage_released_this_period", "materials_stored_retainage_released_this_period")
    items = _listed(record, "items", path)
    return total(_kept(item, path) - _sum(item, path, *given) for item in items)


def _kept(item: Record, path: str) -> Decimal:
    """Of materials an item names what is held back of the new ones, else all that is: the same, unless some were stored before.

    Which of both a company's items fill is not published; the invoice's own payment due tells whether it was the right one.
    """
    new = "materials_stored_retainage_new_materials"
    materials = new if item.get(new) is not None else "materials_stored_retainage_currently_retained"
    return _sum(item, path, "work_completed_retainage_retained_this_period", materials)


def _told(said: Any, name: str, path: str) -> Decimal | None:
    """A total of Procore's own; None where it tells none."""
    return money(said.get(name), f"{path}.{name}") if isinstance(said, Mapping) else None


def _sum(item: Record, path: str, *names: str) -> Decimal:
    return total(money(item.get(name), f"{path}.{name}") for name in names)


def _files(record: Record, path: str) -> tuple[Attachment, ...]:
    """In Procore's order (S-21), then what was signed with DocuSign: linked, and not among the attachments (S-29)."""
    files = [
        Attachment(ident(one, f"{path}.attachments"), str(one.get("filename") or one.get("name") or "file"),
                   clean(one.get("content_type")))
        for one in _listed(record, "attachments", path)
    ]  # fmt: skip
    signed = record.get("electronic_signature_id")
    if signed is not None:
        files.append(Attachment(f"docusign:{signed}", f"DocuSign document {signed}", DOCUSIGN))
    return tuple(files)


def _revision(made: Invoice) -> str:
    """Of what it says, not of when it was touched: the same content is the same revision."""
    said = [
        made.number, made.supplier_id, made.supplier_name, made.order_id, made.date.isoformat(), str(made.due_date),
        made.currency, text_of(made.gross), text_of(made.retainage or ZERO),
        [[line.source_id, line.description, text_of(line.net), line.cost_code_id, line.order_line_id] for line in made.lines],
        [[file.source_id, file.name] for file in made.attachments],
    ]  # fmt: skip
    return sha256(json.dumps(said, ensure_ascii=False).encode()).hexdigest()[:12]
