"""Change order packages: the older name of a commitment change order, under which webhooks and invoices know it."""

from typing import TYPE_CHECKING, Any

from simulators.kit.http import Request, Response
from simulators.procore import change_orders, cost_codes, cost_types, paging, wbs
from simulators.procore.errors import not_found
from simulators.procore.routes import route
from simulators.procore.store import Company, Row

if TYPE_CHECKING:
    from simulators.procore.core import Procore

FILTERS: dict[str, paging.Filter] = {
    "id": paging.equal("id"),
    "created_at": paging.within("created_at"),
    "updated_at": paging.within("updated_at"),
}
SHARED = (
    "contract_id", "created_at", "due_date", "executed", "invoiced_date", "number", "reviewed_at", "revision",
    "signed_change_order_received_date", "title", "updated_at", "grand_total",
)  # fmt: skip


def by_id(company: Company, number: Any) -> Row:
    """The change order that a package stands for. Raises 404."""
    found = company.keys.get(("package", int(number))) if str(number).isdigit() else None
    row = company.find("commitment_change_orders", found)
    if row is None:
        raise not_found("Change order package")
    return row


def listed(company: Company, row: Row) -> Row:
    """`pending_billable` exists on the newer interface only."""
    return {
        **{name: row[name] for name in SHARED},
        "id": row["legacy_package_id"],
        "status": "pending" if row["status"] == "pending_billable" else row["status"],
        "deleted_at": None,
        "origin_id": row["_origin_id"],
        "origin_code": row["_origin_code"],
        "origin_data": None,
        "paid_date": None,
        "currency_configuration": {"currency_iso_code": company.currency},
    }


def references(company: Company, contract: Row) -> list[Row]:
    """The packages of a contract, as the contract shows them."""
    rows = [company.tables["commitment_change_orders"][number] for number in contract["_change_orders"]]
    return [listed(company, row) for row in rows]


def show(company: Company, row: Row) -> Row:
    """A package with its lines."""
    lines = company.tables.get("change_order_line_items", {})
    return {
        **listed(company, row),
        "description": row["description"],
        "private": row["private"],
        "type": "CommitmentContractChangeOrder",
        "attachments": [],
        "line_items": [_line(company, row, lines[number]) for number in row["_lines"]],
    }


def _line(company: Company, order: Row, row: Row) -> Row:
    code = company.tables["wbs_codes"][row["_wbs_id"]]
    return {
        "id": row["id"],
        "position": row["position"],
        "description": row["description"],
        "quantity": row["quantity"],
        "uom": row["uom"],
        "unit_cost": row["unit_cost"],
        "total_amount": row["amount"],
        "extended_amount": row["amount"],
        "cost_code": cost_codes.reference(company, company.tables["cost_codes"][code["_cost_code_id"]]),
        "line_item_type": cost_types.reference(company.tables["line_item_types"][code["_type_id"]]),
        "wbs_code": wbs.reference(company, code),
        "holder": {"id": order["legacy_package_id"], "holder_type": "ChangeOrderPackage"},
        "markup_line_items": [],
    }


@route("GET", "/rest/v1.0/change_order_packages")
def list_change_order_packages(simulator: "Procore", request: Request) -> Response:
    project = simulator.project(request.q("project_id"))
    company, contract = simulator.company, request.q("contract_id")
    orders = company.rows("commitment_change_orders", project["id"])
    rows = [listed(company, row) for row in orders if not contract or str(row["contract_id"]) == contract]
    return paging.answer(request, paging.select(request, rows, FILTERS), dict)


@route("GET", "/rest/v1.0/change_order_packages/{id}")
def show_change_order_package(simulator: "Procore", request: Request, id: str) -> Response:
    simulator.project(request.q("project_id"))
    return Response.of(200, show(simulator.company, by_id(simulator.company, id)))


@route("PATCH", "/rest/v1.0/change_order_packages/{id}")
def update_change_order_package(simulator: "Procore", request: Request, id: str) -> Response:
    """The one place where a change order takes an external id."""
    row = by_id(simulator.company, id)
    fields = simulator.body(request, "change_order")
    for name, private in (("origin_id", "_origin_id"), ("origin_code", "_origin_code")):
        if name in fields:
            row[private] = fields[name]
    change_orders.update(simulator, simulator.company, row, fields)
    return Response.of(200, show(simulator.company, row))


@route("GET", "/rest/v1.0/change_order/statuses")
def list_change_order_statuses(simulator: "Procore", request: Request) -> Response:
    rows: list[Row] = [
        {"id": position, "name": status.replace("_", " ").title(), "mapped_to_status": status, "show_in_select": True}
        for position, status in enumerate(change_orders.STATUSES, 1)
    ]
    return paging.answer(request, rows, dict)
