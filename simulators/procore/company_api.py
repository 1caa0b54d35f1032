"""Who am I, which companies, and the company's short lists: stages, regions, departments, types, programs, units."""

from typing import TYPE_CHECKING

from simulators.kit.http import Request, Response
from simulators.procore import paging
from simulators.procore.errors import TAKEN, invalid
from simulators.procore.routes import route
from simulators.procore.store import Company, Row, one_of, public, required

if TYPE_CHECKING:
    from simulators.procore.core import Procore

CATEGORIES = ("pre_construction", "course_of_construction", "post_construction", "completed", "not_awarded", "canceled")
UNITS = ("ea", "ls", "lot", "hr", "day", "wk", "mo", "m", "m2", "m3", "lm", "kg", "t", "l", "%")


@route("GET", "/rest/v1.0/me")
def show_me(simulator: "Procore", request: Request) -> Response:
    return Response.of(200, {"id": 39_001, "login": simulator.credentials["email"], "name": "Sitebooks connector"})


@route("GET", "/rest/v1.0/companies")
def list_companies(simulator: "Procore", request: Request) -> Response:
    world = simulator.data
    rows: list[Row] = [
        {"id": company.id, "name": company.name, "is_active": True, "my_company": False}
        for company in world.companies.values()
        if company.id in world.installed
    ]
    return paging.answer(request, rows, public)


def stage(company: Company, name: str, category: str, bidding: bool = False) -> Row:
    """A new stage of the company's list."""
    row: Row = {
        "id": company.new_id("stages"),
        "name": name,
        "is_bidding_stage": bidding,
        "is_concept_stage": False,
        "category": category,
        "readonly": False,
        "default_stage": False,
        "hideable": True,
        "has_rfi_prefixes": False,
        "project_stage_has_children": False,
    }
    return company.add("stages", row)


def named(company: Company, table: str, name: str) -> Row:
    """A new region or department."""
    return company.add(table, {"id": company.new_id(table), "name": name})


def by_name(company: Company, table: str, name: str | None) -> Row | None:
    """The row of a short list with this name."""
    return next((row for row in company.rows(table) if row["name"] == name), None)


@route("GET", "/rest/v1.0/companies/{company_id}/project_stages")
def list_project_stages(simulator: "Procore", request: Request, company_id: str) -> Response:
    return paging.answer(request, list(simulator.company.rows("stages")), public)


@route("POST", "/rest/v1.0/companies/{company_id}/project_stages")
def create_project_stage(simulator: "Procore", request: Request, company_id: str) -> Response:
    fields = simulator.body(request, "project_stage")
    required(fields, "name", "category")
    one_of(fields, "category", CATEGORIES)
    _unused(simulator.company, "stages", fields["name"])
    row = stage(simulator.company, fields["name"], fields["category"], bool(fields.get("is_bidding_stage")))
    simulator.changed("project_stages", row, "created", row["name"], "Project Stages")
    return Response.of(201, public(row))


@route("GET", "/rest/v1.0/companies/{company_id}/project_regions")
def list_project_regions(simulator: "Procore", request: Request, company_id: str) -> Response:
    return paging.answer(request, list(simulator.company.rows("regions")), public)


@route("POST", "/rest/v1.0/companies/{company_id}/project_regions")
def create_project_region(simulator: "Procore", request: Request, company_id: str) -> Response:
    fields = simulator.body(request, "project_region")
    required(fields, "name")
    _unused(simulator.company, "regions", fields["name"])
    row = named(simulator.company, "regions", fields["name"])
    simulator.changed("project_regions", row, "created", row["name"], "Project Regions")
    return Response.of(201, public(row))


@route("GET", "/rest/v1.0/departments")
def list_departments(simulator: "Procore", request: Request) -> Response:
    return paging.answer(request, list(simulator.company.rows("departments")), public)


@route("POST", "/rest/v1.0/departments")
def create_department(simulator: "Procore", request: Request) -> Response:
    fields = simulator.body(request, "department")
    required(fields, "name")
    _unused(simulator.company, "departments", fields["name"])
    row = named(simulator.company, "departments", fields["name"])
    simulator.changed("departments", row, "created", row["name"], "Departments")
    return Response.of(201, public(row))


@route("GET", "/rest/v1.0/companies/{company_id}/project_types")
@route("GET", "/rest/v1.0/companies/{company_id}/programs")
def list_nothing(simulator: "Procore", request: Request, company_id: str) -> Response:
    """The company keeps neither project types nor programs."""
    return paging.answer(request, [], public)


@route("GET", "/rest/v1.0/companies/{company_id}/uoms")
def list_units(simulator: "Procore", request: Request, company_id: str) -> Response:
    rows: list[Row] = [{"id": 1 + position, "name": name} for position, name in enumerate(UNITS)]
    return paging.answer(request, rows, public)


def _unused(company: Company, table: str, name: str) -> None:
    if by_name(company, table, name) is not None:
        raise invalid(name=TAKEN)
