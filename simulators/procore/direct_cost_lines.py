"""Lines of direct costs."""

from typing import TYPE_CHECKING

from simulators.kit.http import Request, Response
from simulators.procore import contract_lines, paging, wbs
from simulators.procore.errors import Refused, invalid
from simulators.procore.routes import route
from simulators.procore.store import Company, Row
from simulators.procore.sync import sync

if TYPE_CHECKING:
    from simulators.procore.core import Procore

TABLE = "direct_cost_line_items"
RESOURCE = "Direct Cost Line Items"
BASE = "/rest/v1.0/projects/{project_id}/direct_costs"
FILTERS: dict[str, paging.Filter] = {
    "direct_cost_id": paging.equal("_direct_cost_id"),
    "id": paging.equal("id"),
    "created_at": paging.within("created_at"),
    "updated_at": paging.within("updated_at"),
    "cost_code_id": paging.equal("_cost_code_id"),
    "line_item_type_id": paging.equal("_type_id"),
}


def make(simulator: "Procore", company: Company, cost: Row, fields: Row) -> Row:
    """A line that is not stored yet. Raises 422."""
    code = wbs.named(simulator, company, cost["_project_id"], fields)
    if code is None:
        raise invalid(wbs_code_id="can't be blank")
    company.check_origin(TABLE, fields.get("origin_id"), None, simulator.clash_status)
    now = simulator.now_text()
    row: Row = {
        "id": company.new_id(TABLE),
        "description": None,
        "uom": None,
        "quantity": None,
        "unit_cost": None,
        "amount": None,
        "extended_type": "manual",
        "ref": fields.get("ref"),
        "tax_code_id": None,
        "origin_id": None,
        "origin_data": None,
        "created_at": now,
        "updated_at": now,
        "_project_id": cost["_project_id"],
        "_direct_cost_id": cost["id"],
        "_wbs_id": code["id"],
        "_cost_code_id": code["_cost_code_id"],
        "_type_id": code["_type_id"],
    }
    contract_lines.take_over(simulator, company, row, TABLE, fields)
    return row


def make_all(simulator: "Procore", company: Company, cost: Row, sent: list[Row]) -> list[Row]:
    """All lines or none: a refused one gives back the external ids of those before it. Raises 422."""
    made: list[Row] = []
    try:
        for fields in sent:
            made.append(make(simulator, company, cost, fields))
    except Refused:
        for row in made:
            company.origins.pop((TABLE, row["origin_id"]), None)
        raise
    return made


def attach(company: Company, cost: Row, row: Row) -> None:
    """Stores a line at the end of its direct cost."""
    row["position"] = len(cost["_lines"]) + 1
    company.add(TABLE, row, cost["_project_id"])
    cost["_lines"].append(row["id"])


def create(simulator: "Procore", company: Company, cost: Row, fields: Row) -> Row:
    """Adds one line. Raises 422."""
    row = make(simulator, company, cost, fields)
    attach(company, cost, row)
    _changed(simulator, company, cost, row, "created")
    return row


def update(simulator: "Procore", company: Company, row: Row, fields: Row) -> Row:
    """Changes a line. Raises 422."""
    cost = company.tables["direct_costs"][row["_direct_cost_id"]]
    code = wbs.named(simulator, company, cost["_project_id"], fields)
    if code is not None:
        row["_wbs_id"], row["_cost_code_id"], row["_type_id"] = code["id"], code["_cost_code_id"], code["_type_id"]
    contract_lines.take_over(simulator, company, row, TABLE, fields)
    simulator.touch(row)
    _changed(simulator, company, cost, row, "updated")
    return row


def upsert(simulator: "Procore", company: Company, cost: Row, fields: Row) -> Row:
    """A line in the body of its direct cost: with an id it is changed, without one it is new. Raises 422."""
    if fields.get("id") is None:
        return create(simulator, company, cost, fields)
    return update(simulator, company, _of(simulator, cost, fields["id"]), fields)


def note_deleted(simulator: "Procore", cost: Row, row: Row) -> None:
    """It goes with its direct cost: the ledger says so, no webhook does."""
    simulator.record(TABLE, _key(cost, row), row["id"], "deleted", simulator.company.id)


def _key(cost: Row, row: Row) -> str:
    return str(row["origin_id"] or f"{cost['origin_id'] or cost['invoice_number']}/{row['position']}")


def announce(simulator: "Procore", cost: Row, row: Row, effect: str) -> None:
    simulator.changed(TABLE, row, effect, _key(cost, row), RESOURCE, related=((cost["id"], "Direct Costs"),))


def _changed(simulator: "Procore", company: Company, cost: Row, row: Row, effect: str) -> None:
    from simulators.procore import direct_costs

    announce(simulator, cost, row, effect)
    simulator.touch(cost)
    direct_costs.announce(simulator, company, cost, "updated")


def shown(company: Company, row: Row) -> Row:
    project = company.tables["projects"][row["_project_id"]]
    return {
        **contract_lines.common(company, row),
        "project": {"id": project["id"], "name": project["name"]},
        "holder": {"id": row["_direct_cost_id"], "holder_type": "DirectCost"},
    }


def _cost(simulator: "Procore", number: object, project_id: str) -> Row:
    return simulator.company.get("direct_costs", number, int(project_id))


def _of(simulator: "Procore", cost: Row, number: object) -> Row:
    row = simulator.company.get(TABLE, number)
    if row["_direct_cost_id"] != cost["id"]:
        raise Refused(404, "Line item not found")
    return row


@route("GET", BASE + "/line_items")
def list_all(simulator: "Procore", request: Request, project_id: str) -> Response:
    company = simulator.company
    rows = paging.select(request, company.rows(TABLE, int(project_id)), FILTERS)
    return paging.answer(request, rows, lambda row: {**shown(company, row), "direct_cost_id": row["_direct_cost_id"]})


@route("GET", BASE + "/{direct_cost_id}/line_items")
def list_lines(simulator: "Procore", request: Request, project_id: str, direct_cost_id: str) -> Response:
    company, cost = simulator.company, _cost(simulator, direct_cost_id, project_id)
    rows = [company.tables[TABLE][number] for number in cost["_lines"]]
    return paging.answer(request, paging.select(request, rows, FILTERS), lambda row: shown(company, row))


@route("POST", BASE + "/{direct_cost_id}/line_items")
def create_line(simulator: "Procore", request: Request, project_id: str, direct_cost_id: str) -> Response:
    cost = _cost(simulator, direct_cost_id, project_id)
    row = create(simulator, simulator.company, cost, simulator.body(request, "line_item"))
    return Response.of(201, shown(simulator.company, row))


@route("PATCH", BASE + "/{direct_cost_id}/line_items/{id}")
def update_line(simulator: "Procore", request: Request, project_id: str, direct_cost_id: str, id: str) -> Response:
    row = _of(simulator, _cost(simulator, direct_cost_id, project_id), id)
    update(simulator, simulator.company, row, simulator.body(request, "line_item"))
    return Response.of(200, shown(simulator.company, row))


@route("DELETE", BASE + "/{direct_cost_id}/line_items/{id}")
def delete_line(simulator: "Procore", request: Request, project_id: str, direct_cost_id: str, id: str) -> Response:
    cost = _cost(simulator, direct_cost_id, project_id)
    row = _of(simulator, cost, id)
    cost["_lines"].remove(row["id"])
    simulator.company.remove(TABLE, row)
    _changed(simulator, simulator.company, cost, row, "deleted")
    return Response(200)


@route("PATCH", BASE + "/line_items/sync")
def sync_lines(simulator: "Procore", request: Request, project_id: str) -> Response:
    """Every row of a new line names its direct cost."""
    company = simulator.company

    def add(fields: Row) -> Row:
        cost = company.find("direct_costs", fields.get("direct_cost_id"))
        if cost is None or cost["_project_id"] != int(project_id):
            raise invalid(direct_cost_id="does not exist")
        return create(simulator, company, cost, fields)

    return sync(
        simulator,
        request,
        table=TABLE,
        kind=TABLE,
        create=add,
        update=lambda row, fields: update(simulator, company, row, fields),
        show=lambda row: {**shown(company, row), "direct_cost_id": row["_direct_cost_id"]},
        belongs=lambda row: row["_project_id"] == int(project_id),
    )
