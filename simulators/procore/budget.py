"""The budget: its lock, its lines, and the views that people read it by."""

from decimal import Decimal
from typing import TYPE_CHECKING

from simulators.kit.http import Request, Response
from simulators.procore import money, paging, wbs
from simulators.procore.errors import TAKEN, Refused, invalid
from simulators.procore.routes import route
from simulators.procore.store import Company, Row, required

if TYPE_CHECKING:
    from simulators.procore.core import Procore

VIEW_ID = 9001
LOCKED = "The budget is locked"
VIEW = {
    "id": VIEW_ID,
    "name": "Procore Standard Budget",
    "description": "Standard view",
    "created_at": wbs.SINCE,
    "updated_at": wbs.SINCE,
    "role": "standard",
}
# Named in brackets in the query, without the word filters.
ROW_FILTERS = ("cost_code_id", "root_cost_code_id", "category_id")


def create(simulator: "Procore", company: Company, project_id: int, fields: Row) -> Row:
    """A budget line; one per budget code. Raises 422."""
    required(fields, "wbs_code_id")
    code = wbs.named(simulator, company, project_id, fields)
    assert code is not None
    _unlocked(company, project_id)
    if company.keys.get(("budget", code["id"])) is not None:
        raise invalid(wbs_code_id=TAKEN)
    row: Row = {
        "id": company.new_id("budget_line_items"),
        "uom": fields.get("uom"),
        "quantity": money.amount(fields.get("quantity"), "quantity"),
        "unit_cost": money.amount(fields.get("unit_cost"), "unit_cost"),
        "calculation_strategy": fields.get("calculation_strategy") or "manual",
        "_amount": _original(fields),
        "_wbs_id": code["id"],
    }
    company.add("budget_line_items", row, project_id)
    company.keys[("budget", code["id"])] = row["id"]
    company.tables["cost_codes"][code["_cost_code_id"]]["_budgeted"] = True
    simulator.changed("budget_line_items", row, "created", code["flat_code"], "Budget Line Items")
    return row


def update(simulator: "Procore", company: Company, row: Row, fields: Row) -> Row:
    """Changes an original amount, unless the budget is locked. Raises 422."""
    _unlocked(company, row["_project_id"])
    if fields.get("original_budget_amount") is not None:
        row["_amount"] = _original(fields)
    row.update({name: fields[name] for name in ("uom", "quantity", "unit_cost", "calculation_strategy") if name in fields})
    simulator.changed("budget_line_items", row, "updated", _code(company, row)["flat_code"], "Budget Line Items")
    return row


def delete(simulator: "Procore", company: Company, row: Row) -> None:
    """Takes a line off the budget. Raises 422 when it is locked."""
    _unlocked(company, row["_project_id"])
    company.remove("budget_line_items", row)
    code = _code(company, row)
    del company.keys[("budget", code["id"])]
    simulator.changed("budget_line_items", row, "deleted", code["flat_code"], "Budget Line Items")


def _code(company: Company, row: Row) -> Row:
    return company.tables["wbs_codes"][row["_wbs_id"]]


def _original(fields: Row) -> Decimal:
    given = money.amount(fields.get("original_budget_amount"), "original_budget_amount")
    if given is not None:
        return given
    quantity, price = money.amount(fields.get("quantity")), money.amount(fields.get("unit_cost"))
    return quantity * price if quantity is not None and price is not None else money.ZERO


def _unlocked(company: Company, project_id: int) -> None:
    if company.tables["projects"][project_id]["_budget_locked"]:
        raise invalid(base=LOCKED)


def shown(company: Company, row: Row) -> Row:
    return {
        "id": row["id"],
        "original_budget_amount": row["_amount"],
        "uom": row["uom"],
        "quantity": row["quantity"],
        "unit_cost": row["unit_cost"],
        "calculation_strategy": row["calculation_strategy"],
        "wbs_code": wbs.reference(company, _code(company, row)),
        "currency_configuration": {"currency_iso_code": company.currency},
    }


def detail_row(company: Company, row: Row) -> Row:
    """A line as a budget view lists it; the row's id is the budget line's."""
    code = _code(company, row)
    cost_code = company.tables["cost_codes"][code["_cost_code_id"]]
    cost_type = company.tables["line_item_types"][code["_type_id"]]
    root = company.find("cost_codes", cost_code["parent"]["id"]) or cost_code
    project = company.tables["projects"][row["_project_id"]]
    biller = company.tables["sub_jobs"][code["_sub_job_id"]] if code["_sub_job_id"] else project
    amount = money.text(row["_amount"])
    return {
        "id": row["id"],
        "deletable": not project["_budget_locked"],
        "company_id": company.id,
        "company": company.name,
        "project_id": project["id"],
        "project": project["name"],
        "wbs_code_id": code["id"],
        "biller_id": biller["id"],
        "biller": biller["name"],
        "biller_type": "SubJob" if code["_sub_job_id"] else "Project",
        "root_cost_code_id": root["id"],
        "root_cost_code": f"{root['full_code']} - {root['name']}",
        "cost_code_id": cost_code["id"],
        "cost_code_origin_id": cost_code["origin_id"],
        "cost_code": f"{cost_code['full_code']} - {cost_code['name']}",
        "category_id": cost_type["id"],
        "category": cost_type["name"],
        "budget_modifications": "0.00",
        "original_budget_amount": amount,
        "currency_configuration": {"currency_iso_code": company.currency},
        # A column that this company added to its view.
        "Revised Budget": amount,
    }


@route("GET", "/rest/v1.0/projects/{project_id}/budget")
def show_budget(simulator: "Procore", request: Request, project_id: str) -> Response:
    return Response.of(200, {"locked": simulator.company.get("projects", project_id)["_budget_locked"]})


@route("POST", "/rest/v1.0/projects/{project_id}/budget/lock")
def lock_budget(simulator: "Procore", request: Request, project_id: str) -> Response:
    return _set_lock(simulator, project_id, True, 201)


@route("DELETE", "/rest/v1.0/projects/{project_id}/budget/lock")
def unlock_budget(simulator: "Procore", request: Request, project_id: str) -> Response:
    return _set_lock(simulator, project_id, False, 200)


def _set_lock(simulator: "Procore", project_id: str, locked: bool, status: int) -> Response:
    project = simulator.company.get("projects", project_id)
    project["_budget_locked"] = locked
    simulator.changed("budgets", project, "action", project["project_number"])
    return Response.of(status, {"locked": locked})


@route("POST", "/rest/v1.1/budget_line_items")
def create_budget_line_item(simulator: "Procore", request: Request) -> Response:
    project = simulator.project(simulator.body(request).get("project_id"))
    row = create(simulator, simulator.company, project["id"], simulator.body(request, "budget_line_item"))
    return Response.of(201, shown(simulator.company, row))


@route("GET", "/rest/v1.1/budget_line_items/{id}")
def show_budget_line_item(simulator: "Procore", request: Request, id: str) -> Response:
    project = simulator.project(request.q("project_id"))
    return Response.of(200, shown(simulator.company, simulator.company.get("budget_line_items", id, project["id"])))


@route("PATCH", "/rest/v1.1/budget_line_items/{id}")
def update_budget_line_item(simulator: "Procore", request: Request, id: str) -> Response:
    project = simulator.project(simulator.body(request).get("project_id"))
    row = simulator.company.get("budget_line_items", id, project["id"])
    update(simulator, simulator.company, row, simulator.body(request, "budget_line_item"))
    return Response.of(200, shown(simulator.company, row))


@route("GET", "/rest/v1.0/budget_views")
def list_budget_views(simulator: "Procore", request: Request) -> Response:
    return paging.answer(request, [VIEW], dict)


@route("GET", "/rest/v1.0/budget_views/{budget_view_id}/detail_rows")
def list_detail_rows(simulator: "Procore", request: Request, budget_view_id: str) -> Response:
    company, project = simulator.company, simulator.project(request.q("project_id"))
    if budget_view_id != str(VIEW_ID):
        raise Refused(404, "Budget view not found")
    wanted = request.qall("budget_line_item_id[]") or request.qall("budget_line_item_id")
    rows = [r for r in company.rows("budget_line_items", project["id"]) if not wanted or str(r["id"]) in wanted]
    if request.q("budget_row_type") == "unbudgeted":
        rows = []
    shown_rows = [detail_row(company, row) for row in rows]
    for name in ROW_FILTERS:
        values = request.qall(f"{name}[]")
        shown_rows = [row for row in shown_rows if not values or str(row[name]) in values]
    billers = request.qall("biller[]")
    shown_rows = [row for row in shown_rows if not billers or row["biller"] in billers or str(row["biller_id"]) in billers]
    return paging.answer(request, shown_rows, dict)


@route("GET", "/rest/v1.0/budget_views/{budget_view_id}/budget_detail_columns")
def list_budget_detail_columns(simulator: "Procore", request: Request, budget_view_id: str) -> Response:
    names = ("original_budget_amount", "budget_modifications", "Revised Budget")
    columns = [{"id": str(n), "name": name, "position": n, "type": "standard"} for n, name in enumerate(names, 1)]
    return Response.of(200, columns)
