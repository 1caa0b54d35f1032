"""The company's standard cost codes: the list that new projects copy."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from simulators.kit.http import Request, Response
from simulators.procore import paging
from simulators.procore.errors import TAKEN, invalid, missing
from simulators.procore.routes import route
from simulators.procore.store import Company, Row, public, required
from simulators.procore.sync import sync

if TYPE_CHECKING:
    from simulators.procore.core import Procore

FILTERS: dict[str, paging.Filter] = {"origin_id": paging.equal("origin_id")}


def create_list(simulator: "Procore", company: Company, name: str) -> Row:
    """A new list of standard codes."""
    row: Row = {
        "id": company.new_id("standard_cost_code_lists"),
        "name": name,
        "company_id": company.id,
        "is_erp_list": False,
        "available_to_use_on_new_projects": True,
    }
    company.add("standard_cost_code_lists", row)
    simulator.changed("standard_cost_code_lists", row, "created", name, "Standard Cost Code Lists")
    return row


def create(simulator: "Procore", company: Company, list_id: int, fields: Row) -> Row:
    """A code below `parent_id`, or a division; full codes are unique in a list. Raises 422."""
    required(fields, "code", "name")
    parent = company.find("standard_cost_codes", fields.get("parent_id"))
    if fields.get("parent_id") and parent is None:
        raise invalid(parent_id="does not exist")
    full = f"{parent['full_code']}-{fields['code']}" if parent else str(fields["code"])
    if company.keys.get(("standard", list_id, full)) is not None:
        raise invalid(code=TAKEN)
    company.check_origin("standard_cost_codes", fields.get("origin_id"), None, simulator.clash_status)
    row: Row = {
        "id": company.new_id("standard_cost_codes"),
        "standard_cost_code_list_id": list_id,
        "parent_id": parent["id"] if parent else None,
        "code": str(fields["code"]),
        "full_code": full,
        "name": fields["name"],
        "origin_id": None,
        "origin_data": None,
    }
    company.add("standard_cost_codes", row)
    company.keys[("standard", list_id, full)] = row["id"]
    company.set_origin("standard_cost_codes", row, fields, simulator.clash_status)
    simulator.changed("standard_cost_codes", row, "created", row["origin_id"] or full, "Standard Cost Codes")
    return row


def update(simulator: "Procore", company: Company, row: Row, fields: Row) -> Row:
    """Renames a standard code. Raises 422."""
    if "name" in fields:
        required(fields, "name")
        row["name"] = fields["name"]
    company.set_origin("standard_cost_codes", row, fields, simulator.clash_status)
    simulator.changed("standard_cost_codes", row, "updated", row["origin_id"] or row["full_code"], "Standard Cost Codes")
    return row


@route("GET", "/rest/v1.0/standard_cost_code_lists")
def list_standard_cost_code_lists(simulator: "Procore", request: Request) -> Response:
    return paging.answer(request, list(simulator.company.rows("standard_cost_code_lists")), public)


@route("POST", "/rest/v1.0/standard_cost_code_lists")
def post_standard_cost_code_list(simulator: "Procore", request: Request) -> Response:
    fields = simulator.body(request, "standard_cost_code_list")
    required(fields, "name")
    return Response.of(201, public(create_list(simulator, simulator.company, fields["name"])))


@route("GET", "/rest/v1.0/standard_cost_codes")
def list_standard_cost_codes(simulator: "Procore", request: Request) -> Response:
    """Without `view` only the ids are shown."""
    list_id = request.q("standard_cost_code_list_id")
    if list_id is None:
        raise missing("standard_cost_code_list_id")
    company = simulator.company
    company.get("standard_cost_code_lists", list_id)
    rows = [row for row in company.rows("standard_cost_codes") if str(row["standard_cost_code_list_id"]) == list_id]
    return paging.answer(request, paging.select(request, rows, FILTERS), _view(request.q("view")))


def _view(view: str | None) -> Callable[[Row], Row]:
    if view in ("compact", "extended"):
        return public
    return lambda row: {"id": row["id"], "standard_cost_code_list_id": row["standard_cost_code_list_id"]}


@route("GET", "/rest/v1.0/standard_cost_codes/{id}")
def show_standard_cost_code(simulator: "Procore", request: Request, id: str) -> Response:
    return Response.of(200, public(simulator.company.get("standard_cost_codes", id)))


@route("POST", "/rest/v1.0/standard_cost_codes")
def post_standard_cost_code(simulator: "Procore", request: Request) -> Response:
    fields = simulator.body(request, "standard_cost_code")
    list_id = simulator.body(request).get("standard_cost_code_list_id") or fields.get("standard_cost_code_list_id")
    owner = simulator.company.get("standard_cost_code_lists", list_id)
    return Response.of(201, public(create(simulator, simulator.company, owner["id"], fields)))


@route("PATCH", "/rest/v1.0/standard_cost_codes/sync")
def sync_standard_cost_codes(simulator: "Procore", request: Request) -> Response:
    company = simulator.company
    owner = company.get("standard_cost_code_lists", simulator.body(request).get("standard_cost_code_list_id"))
    return sync(
        simulator,
        request,
        table="standard_cost_codes",
        kind="standard_cost_codes",
        create=lambda fields: create(simulator, company, owner["id"], fields),
        update=lambda row, fields: update(simulator, company, row, fields),
        show=public,
    )
