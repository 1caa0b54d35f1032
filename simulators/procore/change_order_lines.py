"""Lines of a commitment change order, on the v2 interface: ids as text, wrapped in data."""

from decimal import Decimal
from typing import TYPE_CHECKING

from simulators.kit.http import Request, Response
from simulators.procore import change_orders, contract_lines, paging, wbs
from simulators.procore.errors import Refused, invalid
from simulators.procore.routes import route
from simulators.procore.store import Company, Row, required

if TYPE_CHECKING:
    from simulators.procore.core import Procore

BASE = "/rest/v2.0/companies/{company_id}/projects/{project_id}/commitment_change_orders/{commitment_change_order_id}/line_items"


def create(simulator: "Procore", company: Company, order: Row, fields: Row) -> Row:
    """Adds a line. Raises 422 when the change order is approved."""
    _open(order)
    if fields.get("wbs_code_id") is None and fields.get("cost_code_id") is None:
        required(fields, "wbs_code_id")
    row: Row = {
        "id": company.new_id("change_order_line_items"),
        "description": None,
        "uom": None,
        "quantity": None,
        "unit_cost": None,
        "amount": None,
        "extended_type": "manual",
        "position": len(order["_lines"]) + 1,
        "tax_code_id": None,
        "origin_id": None,
        "origin_data": None,
        "created_at": simulator.now_text(),
        "updated_at": simulator.now_text(),
        "_order_id": order["id"],
        "_commitment_line_id": None,
    }
    _take_over(simulator, company, order, row, fields)
    company.add("change_order_line_items", row)
    order["_lines"].append(row["id"])
    simulator.touch(order)
    change_orders.announce(simulator, company, order, "updated")
    return row


def update(simulator: "Procore", company: Company, order: Row, row: Row, fields: Row) -> Row:
    """Changes a line. Raises 422."""
    _open(order)
    _take_over(simulator, company, order, row, fields)
    simulator.touch(row)
    simulator.touch(order)
    change_orders.announce(simulator, company, order, "updated")
    return row


def _open(order: Row) -> None:
    if order["status"] == "approved":
        raise invalid(base="The lines of an approved change order are locked")


def _take_over(simulator: "Procore", company: Company, order: Row, row: Row, fields: Row) -> None:
    code = wbs.named(simulator, company, order["_project_id"], fields)
    if code is not None:
        row["_wbs_id"] = code["id"]
    line_id = fields.get("commitment_line_item_id")
    if line_id is not None:
        line = company.find("line_items", line_id)
        if line is None or line["_contract_id"] != order["contract_id"]:
            raise invalid(commitment_line_item_id="does not exist")
        row["_commitment_line_id"] = line["id"]
    contract_lines.take_over(simulator, company, row, "change_order_line_items", fields)


def shown(row: Row) -> Row:
    """A line of the v2 interface."""
    line = row["_commitment_line_id"]
    return {
        "id": str(row["id"]),
        "prime_line_item_id": None,
        "commitment_line_item_id": str(line) if line else None,
        "description": row["description"],
        "uom": row["uom"],
        "quantity": None if row["quantity"] is None else Decimal(row["quantity"]),
        "unit_cost": row["unit_cost"],
        "amount": row["amount"],
        "extended_type": row["extended_type"],
        "wbs_code_id": str(row["_wbs_id"]),
        "tax_code_id": None,
        "position": row["position"],
        "wbs_code": {"id": str(row["_wbs_id"])},
    }


def _order(simulator: "Procore", number: str, project_id: str) -> Row:
    return simulator.company.get("commitment_change_orders", number, int(project_id))


def _line(simulator: "Procore", order: Row, number: str) -> Row:
    row = simulator.company.get("change_order_line_items", number)
    if row["_order_id"] != order["id"]:
        raise Refused(404, "Line item not found")
    return row


@route("GET", BASE)
def list_lines(
    simulator: "Procore", request: Request, company_id: str, project_id: str, commitment_change_order_id: str
) -> Response:
    order = _order(simulator, commitment_change_order_id, project_id)
    rows = [simulator.company.tables["change_order_line_items"][number] for number in order["_lines"]]
    return paging.answer_v2(request, rows, shown)


@route("POST", BASE)
def create_line(
    simulator: "Procore", request: Request, company_id: str, project_id: str, commitment_change_order_id: str
) -> Response:
    order = _order(simulator, commitment_change_order_id, project_id)
    row = create(simulator, simulator.company, order, simulator.body(request))
    return Response.of(200, {"data": shown(row)})


@route("PATCH", BASE + "/{id}")
def update_line(
    simulator: "Procore", request: Request, company_id: str, project_id: str, commitment_change_order_id: str, id: str
) -> Response:
    order = _order(simulator, commitment_change_order_id, project_id)
    row = update(simulator, simulator.company, order, _line(simulator, order, id), simulator.body(request))
    return Response.of(200, {"data": shown(row)})


@route("DELETE", BASE + "/{id}")
def delete_line(
    simulator: "Procore", request: Request, company_id: str, project_id: str, commitment_change_order_id: str, id: str
) -> Response:
    order = _order(simulator, commitment_change_order_id, project_id)
    _open(order)
    row = _line(simulator, order, id)
    order["_lines"].remove(row["id"])
    simulator.company.remove("change_order_line_items", row)
    simulator.touch(order)
    change_orders.announce(simulator, simulator.company, order, "updated")
    return Response(204)
