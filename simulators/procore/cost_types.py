"""Line item types, which people call cost types: labour, materials and the like."""

from typing import TYPE_CHECKING

from simulators.kit.http import Request, Response
from simulators.procore import paging
from simulators.procore.errors import TAKEN, invalid, missing
from simulators.procore.routes import route
from simulators.procore.store import Company, Row, one_of, public, required
from simulators.procore.sync import sync

if TYPE_CHECKING:
    from simulators.procore.core import Procore

BASE_TYPES = ("labor", "equipment", "materials", "commitment", "owner_cost", "professional_services", "other")
FILTERS: dict[str, paging.Filter] = {"origin_id": paging.equal("origin_id")}


def create(simulator: "Procore", company: Company, fields: Row) -> Row:
    """`csv_import_code` is written and read as `code`; it is unique in the company. Raises 422."""
    required(fields, "name")
    one_of(fields, "base_type", BASE_TYPES)
    code = fields.get("csv_import_code") or fields.get("code")
    _free(company, code, None)
    company.check_origin("line_item_types", fields.get("origin_id"), None, simulator.clash_status)
    row: Row = {
        "id": company.new_id("line_item_types"),
        "name": fields["name"],
        "code": code,
        "base_type": fields.get("base_type") or "other",
        "origin_id": None,
        "origin_data": None,
    }
    company.add("line_item_types", row)
    company.keys[("type", code)] = row["id"]
    company.set_origin("line_item_types", row, fields, simulator.clash_status)
    simulator.changed("line_item_types", row, "created", row["origin_id"] or code, "Line Item Types")
    return row


def update(simulator: "Procore", company: Company, row: Row, fields: Row) -> Row:
    """Renames a type or changes its code. Raises 422."""
    one_of(fields, "base_type", BASE_TYPES)
    code = fields.get("csv_import_code", row["code"])
    _free(company, code, row["id"])
    company.keys.pop(("type", row["code"]), None)
    company.keys[("type", code)] = row["id"]
    row["code"] = code
    row.update({name: fields[name] for name in ("name", "base_type") if fields.get(name)})
    company.set_origin("line_item_types", row, fields, simulator.clash_status)
    simulator.changed("line_item_types", row, "updated", row["origin_id"] or code, "Line Item Types")
    return row


def _free(company: Company, code: str | None, own_id: int | None) -> None:
    if code is not None and company.keys.get(("type", code), own_id) != own_id:
        raise invalid(code=TAKEN)


def reference(row: Row) -> Row:
    """A type inside a line: empty fields are absent there."""
    return {name: value for name, value in public(row).items() if value is not None}


@route("GET", "/rest/v1.0/line_item_types")
def list_line_item_types(simulator: "Procore", request: Request) -> Response:
    """The reference calls project_id required; taken as optional unless the option says otherwise."""
    if simulator.options["require_project_for_types"] and request.q("project_id") is None:
        raise missing("project_id")
    rows = paging.select(request, simulator.company.rows("line_item_types"), FILTERS)
    return paging.answer(request, rows, public)


@route("GET", "/rest/v1.0/line_item_types/{id}")
def show_line_item_type(simulator: "Procore", request: Request, id: str) -> Response:
    return Response.of(200, public(simulator.company.get("line_item_types", id)))


@route("POST", "/rest/v1.0/line_item_types")
def post_line_item_type(simulator: "Procore", request: Request) -> Response:
    row = create(simulator, simulator.company, simulator.body(request, "line_item_type"))
    return Response.of(201, public(row))


@route("PATCH", "/rest/v1.0/line_item_types/sync")
def sync_line_item_types(simulator: "Procore", request: Request) -> Response:
    company = simulator.company
    return sync(
        simulator,
        request,
        table="line_item_types",
        kind="line_item_types",
        create=lambda fields: create(simulator, company, fields),
        update=lambda row, fields: update(simulator, company, row, fields),
        show=public,
    )
