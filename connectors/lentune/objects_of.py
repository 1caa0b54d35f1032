"""Lentune's rows as our objects. Ids stay Lentune's; orders are named purchase_order:<id> or subcontract:<id>.

Only purchase orders carry a currency (B.2); everything else is counted in the connection's.
"""

from connectors import fields
from connectors.calls import NotUnderstood
from connectors.fields import Row
from objects.budget_code import BudgetCode, SubJobRef
from objects.commitment import Commitment, CommitmentLine
from objects.invoice import Invoice, InvoiceLine
from objects.money import total
from objects.project import Branch, Project
from objects.vendor import Vendor

ORDER_STATUS = {"draft": "draft", "approved": "approved", "closed": "closed", "void": "void"}
SUBCONTRACT_STATUS = {
    "draft": "draft", "approved": "approved", "complete": "closed", "terminated": "terminated", "void": "void",
}
INVOICE_STATUS = {name: name for name in ("received", "checked", "approved", "rejected", "on_hold")}
INVOICE_KIND = {"project": "", "overhead": "overhead"}
PROJECT_STATUS = {"open": "open", "on_hold": "open", "closed": "closed"}
POSTING = {
    "posted": "posted", "not_ready": "", "ready": "", "posting": "", "failed": "", "skipped": "",
}
TARGET = {name: name for name in ("commitment_invoice", "direct_cost", "accounting", "none")}
ORIGIN = {"lentune": "lentune", "procore": "procore"}


def branch(row: Row, currency: str) -> Branch:
    return Branch(fields.ident(row, "id", "branch"), fields.words(row, "code"), fields.words(row, "description"),
                  row.get("active") is not False)


def vendor(row: Row, currency: str) -> Vendor:
    return Vendor(
        source_id=fields.ident(row, "id", "supplier"), name=fields.words(row, "description"),
        number=fields.words(row, "code"), active=row.get("active") is not False,
        updated_at=fields.moment(row, "updated_at", "supplier"),
    )


def project(row: Row, currency: str) -> Project:
    return Project(
        source_id=fields.ident(row, "id", "project"), number=fields.words(row, "code"), name=fields.words(row, "description"),
        stage=fields.words(row, "stage"), region=fields.words(row, "region"),
        active=fields.one_of(row, "status", "project", PROJECT_STATUS) == "open",
        address=fields.words(row, "delivery_address"), updated_at=fields.moment(row, "updated_at", "project"),
    )


def budget_code(row: Row, currency: str) -> BudgetCode:
    path, sub_job = "cost_code", row.get("sub_job")
    return BudgetCode(
        source_id=fields.ident(row, "id", path), project_id=fields.ident(row, "project_id", path),
        number=fields.words(row, "code"), name=fields.words(row, "description"),
        cost_type_id=fields.ident_or_none(row, "cost_type_id", path) or "",
        sub_job=None if sub_job is None else SubJobRef(
            fields.ident(sub_job, "procore_sub_job_id", f"{path}.sub_job"), fields.words(sub_job, "code"),
            fields.words(sub_job, "name"),
        ),
        amount=fields.amount_or_none(row, "budget_amount", path), currency=currency,
        on_budget=row.get("on_budget") is True, updated_at=fields.moment(row, "updated_at", path),
    )


def purchase_order(row: Row, currency: str) -> Commitment:
    """`origin_id` is the Procore id of an order that came from there; `version` is needed to link one that did not."""
    origin = fields.one_of(row, "origin", "purchase_order", ORIGIN)
    external = row.get("external") if isinstance(row.get("external"), dict) else None
    return _commitment(
        row, currency, "purchase_order", fields.one_of(row, "status", "purchase_order", ORDER_STATUS),
        origin_id=str((external or {}).get("procore_id", "")) if origin == "procore" else "",
        version=fields.ident(row, "version", "purchase_order") if origin == "lentune" else "",
    )


def subcontract(row: Row, currency: str) -> Commitment:
    external = row.get("external") if isinstance(row.get("external"), dict) else None
    status = fields.one_of(row, "status", "subcontract", SUBCONTRACT_STATUS)
    origin_id = str((external or {}).get("procore_id", ""))
    return _commitment(row, currency, "subcontract", status, origin_id=origin_id, version="")


def _commitment(row: Row, currency: str, form: str, status: str, origin_id: str, version: str) -> Commitment:
    lines = tuple(_line(line, f"{form}.lines[{n}]") for n, line in enumerate(fields.rows_of(row, "lines", form)))
    if total(line.amount for line in lines) != fields.amount(row, "total", form):
        raise NotUnderstood(f"{form}.total", "differs from the sum of its lines")
    return Commitment(
        source_id=f"{form}:{fields.ident(row, 'id', form)}", project_id=fields.ident(row, "project_id", form), form=form,
        number=fields.words(row, "number"), name=fields.words(row, "description"), status=status,
        source_status=str(row["status"]), currency=fields.words(row, "currency") or currency, lines=lines,
        vendor_id=fields.ident_or_none(row, "supplier_id", form) or "", vendor_name="",
        retainage_percent=row.get("retention_percent"), origin_id=origin_id, version=version,
        updated_at=fields.moment(row, "updated_at", form),
    )


def _line(row: Row, path: str) -> CommitmentLine:
    return CommitmentLine(
        source_id=fields.ident(row, "id", path), budget_code_id=fields.ident(row, "cost_code_id", path), code="",
        description=fields.words(row, "description"), amount=fields.amount(row, "amount", path),
        quantity=row.get("quantity"), unit=row.get("unit"), external_id=fields.words(row, "external_line_id"),
    )


def invoice(row: Row, currency: str) -> Invoice:
    """Only what people decide: the row's version and the comings and goings of its posting are our own doing.

    Sums the contract makes optional are those of the lines when absent. The supplier's name is its snapshot's.
    """
    lines = tuple(_invoice_line(line, f"invoice.lines[{n}]")
                  for n, line in enumerate(fields.rows_of(row, "lines", "invoice")))
    if not lines:
        raise NotUnderstood("invoice.lines", "there are none")
    net, tax = fields.amount_or_none(row, "net", "invoice"), fields.amount_or_none(row, "tax", "invoice")
    posting = row.get("posting")
    if not isinstance(posting, dict):
        raise NotUnderstood("invoice.posting", "is missing")
    posted = fields.one_of(posting, "state", "invoice.posting", POSTING)
    return Invoice(
        source_id=fields.ident(row, "id", "invoice"), number=fields.words(row, "number"),
        supplier_id=fields.ident(row, "supplier_id", "invoice"), supplier_name="",
        date=fields.day(row, "invoice_date", "invoice"), status=fields.one_of(row, "status", "invoice", INVOICE_STATUS),
        overhead=fields.one_of(row, "kind", "invoice", INVOICE_KIND) == "overhead", currency=currency, lines=lines,
        net=total(line.net for line in lines) if net is None else net,
        tax=total(line.tax for line in lines) if tax is None else tax, gross=fields.amount(row, "gross", "invoice"),
        due_date=fields.day_or_none(row, "due_date", "invoice"), order_id=_order_id(row), posting_state=posted,
        posted_as=fields.ident_or_none(posting, "procore_id", "invoice.posting") if posted else None,
        posted_to=fields.one_of(posting, "target", "invoice.posting", TARGET) if posted else "",
        updated_at=fields.moment(row, "updated_at", "invoice"),
    )


def _order_id(row: Row) -> str | None:
    order = fields.ident_or_none(row, "purchase_order_id", "invoice")
    subcontract_id = fields.ident_or_none(row, "subcontract_id", "invoice")
    if order and subcontract_id:
        raise NotUnderstood("invoice.subcontract_id", "names a subcontract besides a purchase order")
    if order:
        return f"purchase_order:{order}"
    return f"subcontract:{subcontract_id}" if subcontract_id else None


def _invoice_line(row: Row, path: str) -> InvoiceLine:
    return InvoiceLine(
        source_id=fields.ident(row, "id", path), description=fields.words(row, "description"),
        net=fields.amount(row, "net", path), tax=fields.amount(row, "tax", path),
        project_id=fields.ident_or_none(row, "project_id", path),
        cost_code_id=fields.ident_or_none(row, "cost_code_id", path),
        order_line_id=fields.ident_or_none(row, "purchase_order_line_id", path),
        tax_code=fields.words(row, "tax_code") or None,
    )
