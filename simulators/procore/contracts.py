"""Commitments: purchase order and work order contracts, their status rules and computed totals."""

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING

from simulators.kit.http import Request, Response
from simulators.procore import money, vendors
from simulators.procore.errors import NOT_INCLUDED, TAKEN, invalid
from simulators.procore.routes import route
from simulators.procore.store import Company, Row, one_of, public

if TYPE_CHECKING:
    from simulators.procore.core import Procore


@dataclass(frozen=True)
class Kind:
    """What differs between the two kinds of contract."""

    table: str
    key: str
    resource: str
    statuses: tuple[str, ...]
    # Statuses in which it can be invoiced.
    billable: tuple[str, ...]
    prefix: str
    own_fields: tuple[str, ...]

    @property
    def lines_table(self) -> str:
        return f"{self.key}_line_items"

    @property
    def lines_resource(self) -> str:
        return f"{self.resource.removesuffix('s')} Line Items"

    @property
    def holder(self) -> str:
        return "".join(word.capitalize() for word in self.key.split("_"))


PO = Kind(
    table="purchase_order_contracts",
    key="purchase_order_contract",
    resource="Purchase Order Contracts",
    statuses=("Draft", "Processing", "Submitted", "Partially Received", "Received", "Approved", "Closed"),
    billable=("Approved", "Partially Received", "Received"),
    prefix="PO",
    own_fields=("bill_to_address", "delivery_date", "payment_terms", "ship_to_address", "ship_via"),
)
WO = Kind(
    table="work_order_contracts",
    key="work_order_contract",
    resource="Work Order Contracts",
    statuses=("Draft", "Out For Bid", "Out For Signature", "Approved", "Complete", "Terminated", "Void"),
    billable=("Approved",),
    prefix="SC",
    own_fields=(
        "actual_completion_date", "contract_estimated_completion_date", "contract_start_date", "exclusions",
        "inclusions",
    ),
)  # fmt: skip
KINDS = {kind.table: kind for kind in (PO, WO)}
LOCKED = ("Approved", "Complete")
COMMON = (
    "accounting_method", "approval_letter_date", "contract_date", "description", "executed", "execution_date",
    "issued_on_date", "letter_of_intent_date", "number", "origin_code", "private", "retainage_percent",
    "returned_date", "show_line_items_to_non_admins", "signed_contract_received_date", "status", "title",
)  # fmt: skip


def create(simulator: "Procore", company: Company, project: Row, kind: Kind, fields: Row) -> Row:
    """A contract without lines, Draft unless said otherwise. Raises 422, or the status of an external id clash."""
    _checked(company, project["id"], kind, fields, None)
    company.check_origin(kind.table, fields.get("origin_id"), None, simulator.clash_status)
    now = simulator.now_text()
    row: Row = {"id": company.new_id("contracts")}
    row |= dict.fromkeys((*COMMON, *kind.own_fields, "origin_id", "origin_data"))
    row |= {
        "accounting_method": "amount",
        "executed": False,
        "private": False,
        "status": "Draft",
        "retainage_percent": "0.0",
        "requisitions_are_enabled": True,
        "created_at": now,
        "updated_at": now,
        "deleted_at": None,
        "currency_configuration": {"currency_iso_code": company.currency},
        "_type": kind.table,
        "_vendor_id": None,
        "_lines": [],
        "_change_orders": [],
        "_requisitions": [],
        "_payments": [],
    }
    company.add("contracts", row, project["id"])
    if not fields.get("number"):
        fields = {**fields, "number": _next_number(company, project["id"], kind)}
    _take_over(simulator, company, row, fields)
    total(company, row)
    simulator.changed(kind.table, row, "created", row["origin_id"] or row["number"], kind.resource)
    return row


def update(simulator: "Procore", company: Company, row: Row, fields: Row) -> Row:
    """Changes a contract's header. Raises 422; the vendor of an approved contract is locked."""
    kind = KINDS[row["_type"]]
    _checked(company, row["_project_id"], kind, fields, row)
    vendor_changes = "vendor_id" in fields and fields["vendor_id"] != row["_vendor_id"]
    if vendor_changes and locked(simulator, row) and fields.get("status", row["status"]) in LOCKED:
        raise invalid(vendor_id=f"can't be changed while the contract is {row['status']}")
    if fields.get("accounting_method", row["accounting_method"]) != row["accounting_method"] and row["_lines"]:
        raise invalid(accounting_method="can't be changed once there are line items")
    _take_over(simulator, company, row, fields)
    simulator.touch(row)
    simulator.changed(kind.table, row, "updated", row["origin_id"] or row["number"], kind.resource)
    return row


def delete(simulator: "Procore", company: Company, row: Row) -> None:
    """Deletes a contract that is neither locked nor invoiced; it stays visible as deleted. Raises 422."""
    kind = KINDS[row["_type"]]
    if locked(simulator, row):
        raise invalid(base=f"The contract can't be deleted while it is {row['status']}")
    if row["_requisitions"] or row["_payments"] or row["_change_orders"]:
        raise invalid(base="The contract can't be deleted while it has invoices, payments or change orders")
    company.remove("contracts", row)
    company.keys.pop(("contract", row["_project_id"], row["number"]), None)
    row["deleted_at"] = simulator.now_text()
    simulator.touch(row)
    company.tables.setdefault("deleted_contracts", {})[row["id"]] = row
    simulator.changed(kind.table, row, "deleted", row["origin_id"] or row["number"], kind.resource)


def locked(simulator: "Procore", row: Row) -> bool:
    """Whether vendor and schedule of values are locked (a setting that is on by default)."""
    return bool(simulator.options["lock_approved"]) and row["status"] in LOCKED


def _checked(company: Company, project_id: int, kind: Kind, fields: Row, row: Row | None) -> None:
    one_of(fields, "status", kind.statuses)
    one_of(fields, "accounting_method", ("amount", "unit"))
    if row is not None and "status" in fields and fields["status"] is None:
        raise invalid(status=NOT_INCLUDED)
    if fields.get("vendor_id") is not None and company.find("vendors", fields["vendor_id"]) is None:
        raise invalid(vendor_id="does not exist")
    if fields.get("number"):
        owner = company.keys.get(("contract", project_id, str(fields["number"])))
        if owner is not None and (row is None or owner != row["id"]):
            raise invalid(number=TAKEN)


def _take_over(simulator: "Procore", company: Company, row: Row, fields: Row) -> None:
    kind = KINDS[row["_type"]]
    company.set_origin(kind.table, row, fields, simulator.clash_status)
    if fields.get("number"):
        company.keys.pop(("contract", row["_project_id"], row["number"]), None)
        company.keys[("contract", row["_project_id"], str(fields["number"]))] = row["id"]
    row.update({name: fields[name] for name in (*COMMON, *kind.own_fields) if name in fields})
    if "retainage_percent" in fields:
        row["retainage_percent"] = money.plain(money.amount(fields["retainage_percent"], "retainage_percent")) or "0.0"
    if "vendor_id" in fields:
        row["_vendor_id"] = None if fields["vendor_id"] is None else int(fields["vendor_id"])
        vendor = company.find("vendors", row["_vendor_id"])
        if vendor is not None:
            vendors.use(simulator, vendor, row["_project_id"])


def _next_number(company: Company, project_id: int, kind: Kind) -> str:
    position = 1
    while ("contract", project_id, f"{kind.prefix}-{position:03d}") in company.keys:
        position += 1
    return f"{kind.prefix}-{position:03d}"


def total(company: Company, row: Row) -> None:
    """Computes the totals that nobody can write."""
    lines = company.tables.get("line_items", {})
    grand = sum((money.of(lines[number]["amount"]) for number in row["_lines"]), money.ZERO)
    by_status = _change_orders(company, row)
    approved = by_status["approved"]
    requisitions = company.tables.get("requisitions", {})
    invoiced = sum((requisitions[number]["_claimed"] for number in row["_requisitions"]), money.ZERO)
    payments = company.tables.get("contract_payments", {})
    paid = sum((money.of(payments[number]["amount"]) for number in row["_payments"]), money.ZERO)
    revised = grand + approved
    row |= {
        "grand_total": money.text(grand),
        "approved_change_orders": money.text(approved),
        "pending_change_orders": money.text(by_status["pending"]),
        "draft_change_orders_amount": money.text(by_status["draft"]),
        "revised_contract": money.text(revised),
        "pending_revised_contract": money.text(revised + by_status["pending"]),
        "total_requisitions_amount": money.text(invoiced),
        "total_draw_requests_amount": "0.00",
        "total_payments": money.text(paid),
        "percentage_paid": money.text(paid * 100 / revised if revised else money.ZERO),
        "remaining_balance_outstanding": money.text(revised - paid),
    }


def _change_orders(company: Company, row: Row) -> dict[str, Decimal]:
    sums = {"approved": money.ZERO, "pending": money.ZERO, "draft": money.ZERO}
    table = company.tables.get("commitment_change_orders", {})
    for number in row["_change_orders"]:
        status = table[number]["status"]
        status = {"proceeding": "pending", "pricing": "pending", "revised": "pending"}.get(status, status)
        if status in sums:
            sums[status] += money.of(table[number]["grand_total"])
    return sums


def listed(company: Company, row: Row) -> Row:
    """A contract as its list answers it: without lines."""
    shown = public(row)
    vendor = company.tables["vendors"][row["_vendor_id"]] if row["_vendor_id"] else None
    shown["vendor"] = {"id": vendor["id"], "company": vendor["name"]} if vendor else None
    shown["project"] = project_reference(company, row)
    return shown


def project_reference(company: Company, row: Row) -> Row:
    """The project of a row, as most objects show it."""
    project = company.tables["projects"][row["_project_id"]]
    return {"id": project["id"], "name": project["name"]}


def show(company: Company, row: Row) -> Row:
    """A contract as GET answers it: with its lines."""
    from simulators.procore import contract_lines, packages

    shown = listed(company, row)
    vendor = company.find("vendors", row["_vendor_id"])
    if vendor is not None:
        shown["vendor"] |= {"origin_id": vendor["origin_id"], "origin_data": vendor["origin_data"]}
    lines = company.tables.get("line_items", {})
    shown |= {
        "created_by_id": 30_001,
        "line_items": [contract_lines.shown(company, lines[number]) for number in row["_lines"]],
        "change_order_packages": packages.references(company, row),
        "change_order_requests": [],
        "potential_change_orders": [],
        "payments_issued": [],
        "invoice_contacts": [],
    }
    if row["_type"] == WO.table:
        shown["attachments"] = []
    return shown


@route("GET", "/rest/v1.0/projects/{project_id}/contracts/{contract_id}/invoice_configuration")
def show_invoice_configuration(simulator: "Procore", request: Request, project_id: str, contract_id: str) -> Response:
    """The document has no over-billing setting here, nor anywhere else: it shows in refusals only."""
    row = simulator.company.get("contracts", contract_id, int(project_id))
    return Response.of(
        200,
        {
            "id": row["id"],
            "separate_billing_for_stored_materials": False,
            "stored_materials_billing_method": None,
            "contract_id": row["id"],
            "project_id": row["_project_id"],
            "company_id": simulator.company.id,
            "ssr_enabled": False,
            "move_materials_to_previous_work_completed": False,
            "commitment_has_invoices": bool(row["_requisitions"]),
            "retainage_rule_set": None,
        },
    )
