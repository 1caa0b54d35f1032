"""Billing periods of a project: an invoice needs an open one."""

from typing import TYPE_CHECKING

from simulators.kit.http import Request, Response
from simulators.procore import paging
from simulators.procore.errors import invalid
from simulators.procore.routes import route
from simulators.procore.store import Company, Row, one_of, public, required

if TYPE_CHECKING:
    from simulators.procore.core import Procore

FIELDS = ("start_date", "end_date", "due_date", "status")
FILTERS: dict[str, paging.Filter] = {
    "id": paging.equal("id"),
    "created_at": paging.within("created_at"),
    "updated_at": paging.within("updated_at"),
    "status": paging.equal("status"),
}


def create(simulator: "Procore", company: Company, project_id: int, fields: Row) -> Row:
    """A period; those of a project do not overlap. Raises 422."""
    required(fields, *FIELDS)
    one_of(fields, "status", ("open", "closed"))
    _dates(company, project_id, fields, None)
    now = simulator.now_text()
    row: Row = {
        "id": company.new_id("billing_periods"),
        **{name: str(fields[name]) for name in FIELDS},
        "position": sum(1 for _ in company.rows("billing_periods", project_id)) + 1,
        "project_id": project_id,
        "created_at": now,
        "updated_at": now,
        "_requisitions": [],
    }
    company.add("billing_periods", row, project_id)
    simulator.changed("billing_periods", row, "created", f"{project_id}/{row['start_date']}")
    return row


def update(simulator: "Procore", company: Company, row: Row, fields: Row) -> Row:
    """Opens, closes or moves a period; one with invoices keeps its dates. Raises 422."""
    one_of(fields, "status", ("open", "closed"))
    moved = {name: str(fields[name]) for name in FIELDS if fields.get(name) and str(fields[name]) != row[name]}
    if row["_requisitions"] and {"start_date", "end_date"} & set(moved):
        raise invalid(base="A billing period in use keeps its dates")
    _dates(company, row["_project_id"], {**row, **moved}, row["id"])
    row.update(moved)
    simulator.touch(row)
    simulator.changed("billing_periods", row, "updated", f"{row['_project_id']}/{row['start_date']}")
    return row


def _dates(company: Company, project_id: int, fields: Row, own_id: int | None) -> None:
    first, last = str(fields["start_date"]), str(fields["end_date"])
    if last < first:
        raise invalid(end_date="must be after the start date")
    for other in company.rows("billing_periods", project_id):
        if other["id"] != own_id and first <= other["end_date"] and other["start_date"] <= last:
            raise invalid(start_date="overlaps another billing period")


@route("GET", "/rest/v1.0/projects/{project_id}/billing_periods")
def list_billing_periods(simulator: "Procore", request: Request, project_id: str) -> Response:
    rows = paging.select(request, simulator.company.rows("billing_periods", int(project_id)), FILTERS)
    return paging.answer(request, rows, public)


@route("GET", "/rest/v1.0/projects/{project_id}/billing_periods/{id}")
def show_billing_period(simulator: "Procore", request: Request, project_id: str, id: str) -> Response:
    return Response.of(200, public(simulator.company.get("billing_periods", id, int(project_id))))


@route("POST", "/rest/v1.0/projects/{project_id}/billing_periods")
def post_billing_period(simulator: "Procore", request: Request, project_id: str) -> Response:
    fields = simulator.body(request, "billing_period")
    return Response.of(201, public(create(simulator, simulator.company, int(project_id), fields)))


@route("PATCH", "/rest/v1.0/projects/{project_id}/billing_periods/{id}")
def patch_billing_period(simulator: "Procore", request: Request, project_id: str, id: str) -> Response:
    row = simulator.company.get("billing_periods", id, int(project_id))
    return Response.of(200, public(update(simulator, simulator.company, row, simulator.body(request, "billing_period"))))


@route("DELETE", "/rest/v1.0/projects/{project_id}/billing_periods/{id}")
def delete_billing_period(simulator: "Procore", request: Request, project_id: str, id: str) -> Response:
    row = simulator.company.get("billing_periods", id, int(project_id))
    if row["_requisitions"]:
        raise invalid(base="A billing period in use can't be deleted")
    simulator.company.remove("billing_periods", row)
    simulator.changed("billing_periods", row, "deleted", f"{row['_project_id']}/{row['start_date']}")
    return Response.of(200, public(row))
