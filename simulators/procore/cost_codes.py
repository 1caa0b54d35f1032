"""Cost codes and sub jobs of a project: a tree of divisions and codes, one for the project and one per sub job."""

from typing import TYPE_CHECKING

from simulators.kit.http import Request, Response
from simulators.procore import paging
from simulators.procore.errors import TAKEN, invalid, not_found
from simulators.procore.routes import route
from simulators.procore.store import Company, Row, public, required
from simulators.procore.sync import sync

if TYPE_CHECKING:
    from simulators.procore.core import Procore

FILTERS: dict[str, paging.Filter] = {"id": paging.equal("id"), "origin_id": paging.equal("origin_id")}


# Sub jobs.


def create_sub_job(simulator: "Procore", company: Company, project_id: int, fields: Row) -> Row:
    """A sub job with its own copy of the company's codes; the code is unique in the project. Raises 422."""
    required(fields, "name", "code")
    if company.keys.get(("sub_job", project_id, str(fields["code"]))) is not None:
        raise invalid(code=TAKEN)
    company.check_origin("sub_jobs", fields.get("origin_id"), None, simulator.clash_status)
    now = simulator.now_text()
    row: Row = {
        "id": company.new_id("sub_jobs"),
        "name": fields["name"],
        "code": str(fields["code"]),
        "origin_id": None,
        "origin_data": None,
        "created_at": now,
        "updated_at": now,
    }
    company.add("sub_jobs", row, project_id)
    company.keys[("sub_job", project_id, row["code"])] = row["id"]
    company.set_origin("sub_jobs", row, fields, simulator.clash_status)
    simulator.changed("sub_jobs", row, "created", row["origin_id"] or row["code"], "Sub Jobs")
    copy_standard(simulator, company, project_id, row["id"])
    return row


def update_sub_job(simulator: "Procore", company: Company, row: Row, fields: Row) -> Row:
    """Renames a sub job or changes its code. Raises 422."""
    project_id = row["_project_id"]
    if "code" in fields and str(fields["code"]) != row["code"]:
        if company.keys.get(("sub_job", project_id, str(fields["code"]))) is not None:
            raise invalid(code=TAKEN)
        del company.keys[("sub_job", project_id, row["code"])]
        row["code"] = str(fields["code"])
        company.keys[("sub_job", project_id, row["code"])] = row["id"]
    if fields.get("name"):
        row["name"] = fields["name"]
    company.set_origin("sub_jobs", row, fields, simulator.clash_status)
    simulator.touch(row)
    simulator.changed("sub_jobs", row, "updated", row["origin_id"] or row["code"], "Sub Jobs")
    return row


@route("GET", "/rest/v1.0/sub_jobs")
def list_sub_jobs(simulator: "Procore", request: Request) -> Response:
    project = simulator.project(request.q("project_id"))
    return paging.answer(request, list(simulator.company.rows("sub_jobs", project["id"])), public)


@route("GET", "/rest/v1.0/sub_jobs/{id}")
def show_sub_job(simulator: "Procore", request: Request, id: str) -> Response:
    project = simulator.project(request.q("project_id"))
    return Response.of(200, public(simulator.company.get("sub_jobs", id, project["id"])))


@route("POST", "/rest/v1.0/sub_jobs")
def post_sub_job(simulator: "Procore", request: Request) -> Response:
    project = simulator.project(simulator.body(request).get("project_id"))
    fields = simulator.body(request, "sub_job")
    return Response.of(201, public(create_sub_job(simulator, simulator.company, project["id"], fields)))


@route("PATCH", "/rest/v1.0/sub_jobs/{id}")
def patch_sub_job(simulator: "Procore", request: Request, id: str) -> Response:
    project = simulator.project(simulator.body(request).get("project_id"))
    row = simulator.company.get("sub_jobs", id, project["id"])
    return Response.of(200, public(update_sub_job(simulator, simulator.company, row, simulator.body(request, "sub_job"))))


@route("PATCH", "/rest/v1.0/sub_jobs/sync")
def sync_sub_jobs(simulator: "Procore", request: Request) -> Response:
    company, project_id = simulator.company, simulator.project(request.q("project_id"))["id"]
    return sync(
        simulator,
        request,
        table="sub_jobs",
        kind="sub_jobs",
        create=lambda fields: create_sub_job(simulator, company, project_id, fields),
        update=lambda row, fields: update_sub_job(simulator, company, row, fields),
        show=public,
        belongs=lambda row: row["_project_id"] == project_id,
    )


# Cost codes.


def create(simulator: "Procore", company: Company, project_id: int, fields: Row, sub_job_id: int | None = None) -> Row:
    """A code below `parent_id`, or a division without one; full codes are unique per project or sub job. Raises 422."""
    required(fields, "code", "name")
    parent = company.find("cost_codes", fields["parent_id"]) if fields.get("parent_id") else None
    if fields.get("parent_id") and parent is None:
        raise invalid(parent_id="does not exist")
    full = f"{parent['full_code']}-{fields['code']}" if parent else str(fields["code"])
    if company.keys.get(("cost_code", project_id, sub_job_id, full)) is not None:
        raise invalid(code=TAKEN)
    company.check_origin("cost_codes", fields.get("origin_id"), None, simulator.clash_status)
    now = simulator.now_text()
    row: Row = {
        "id": company.new_id("cost_codes"),
        "code": str(fields["code"]),
        "full_code": full,
        "sortable_code": full,
        "name": fields["name"],
        "parent": {"id": parent["id"] if parent else None},
        "position": fields.get("position"),
        "standard_cost_code_id": fields.get("standard_cost_code_id"),
        "origin_id": None,
        "origin_data": None,
        "created_at": now,
        "updated_at": now,
        "deleted_at": None,
        "_sub_job_id": sub_job_id,
        "_parent": parent is None,
    }
    company.add("cost_codes", row, project_id)
    company.keys[("cost_code", project_id, sub_job_id, full)] = row["id"]
    company.set_origin("cost_codes", row, fields, simulator.clash_status)
    simulator.changed("cost_codes", row, "created", row["origin_id"] or full, "Cost Codes")
    return row


def update(simulator: "Procore", company: Company, row: Row, fields: Row) -> Row:
    """Renames a code or moves it in the order; the code itself stays. Raises 422."""
    if "name" in fields:
        required(fields, "name")
        row["name"] = fields["name"]
    if "position" in fields:
        row["position"] = fields["position"]
    company.set_origin("cost_codes", row, fields, simulator.clash_status)
    simulator.touch(row)
    simulator.changed("cost_codes", row, "updated", row["origin_id"] or row["full_code"], "Cost Codes")
    return row


def copy_standard(simulator: "Procore", company: Company, project_id: int, sub_job_id: int | None = None) -> None:
    """Copies the company's standard codes that the project or sub job has not yet, divisions first."""
    copies: dict[int, int] = {}
    for standard in company.rows("standard_cost_codes"):
        known = company.keys.get(("cost_code", project_id, sub_job_id, standard["full_code"]))
        if known is None:
            fields = {
                "code": standard["code"],
                "name": standard["name"],
                "parent_id": copies.get(standard["parent_id"]) if standard["parent_id"] else None,
                "standard_cost_code_id": standard["id"],
            }
            known = create(simulator, company, project_id, fields, sub_job_id)["id"]
        copies[standard["id"]] = known


def shown(company: Company, row: Row) -> Row:
    """A cost code as lists and GET answer it."""
    biller = _biller(company, row)
    return {
        **public(row),
        "biller": biller["name"],
        "biller_id": biller["id"],
        "biller_type": "SubJob" if row["_sub_job_id"] else "Project",
        "biller_origin_id": biller["origin_id"],
        "budgeted": row.get("_budgeted", False),
        "line_item_types": [],
    }


def reference(company: Company, row: Row) -> Row:
    """A cost code inside a line; the document allows no null there, so empty fields are absent."""
    return {name: value for name, value in shown(company, row).items() if value is not None}


def _biller(company: Company, row: Row) -> Row:
    if row["_sub_job_id"]:
        return company.get("sub_jobs", row["_sub_job_id"])
    return company.get("projects", row["_project_id"])


def _scope(simulator: "Procore", request: Request) -> tuple[int, int | None]:
    """The project, and the sub job when one is asked for, that codes are listed of or written to."""
    project_id = simulator.project(request.q("project_id"))["id"]
    sub_job = request.q("sub_job_id")
    return project_id, simulator.company.get("sub_jobs", sub_job, project_id)["id"] if sub_job else None


@route("GET", "/rest/v1.0/cost_codes")
def list_cost_codes(simulator: "Procore", request: Request) -> Response:
    company = simulator.company
    project_id, sub_job_id = _scope(simulator, request)
    rows = [row for row in company.rows("cost_codes", project_id) if row["_sub_job_id"] == sub_job_id]
    return paging.answer(request, paging.select(request, rows, FILTERS), lambda row: shown(company, row))


@route("GET", "/rest/v1.0/cost_codes/{id}")
def show_cost_code(simulator: "Procore", request: Request, id: str) -> Response:
    project_id, _ = _scope(simulator, request)
    return Response.of(200, shown(simulator.company, simulator.company.get("cost_codes", id, project_id)))


@route("POST", "/rest/v1.0/cost_codes")
def post_cost_code(simulator: "Procore", request: Request) -> Response:
    sent = simulator.body(request)
    project = simulator.project(sent.get("project_id"))
    _not_erp(project)
    sub_job_id = int(sent["sub_job_id"]) if sent.get("sub_job_id") else None
    row = create(simulator, simulator.company, project["id"], simulator.body(request, "cost_code"), sub_job_id)
    return Response.of(201, shown(simulator.company, row))


@route("PATCH", "/rest/v1.0/cost_codes/{id}")
def patch_cost_code(simulator: "Procore", request: Request, id: str) -> Response:
    project = simulator.project(simulator.body(request).get("project_id"))
    _not_erp(project)
    row = simulator.company.get("cost_codes", id, project["id"])
    return Response.of(
        200, shown(simulator.company, update(simulator, simulator.company, row, simulator.body(request, "cost_code")))
    )


@route("PATCH", "/rest/v1.0/cost_codes/sync")
def sync_cost_codes(simulator: "Procore", request: Request) -> Response:
    company = simulator.company
    project_id, sub_job_id = _scope(simulator, request)
    return sync(
        simulator,
        request,
        table="cost_codes",
        kind="cost_codes",
        create=lambda fields: create(simulator, company, project_id, fields, sub_job_id),
        update=lambda row, fields: update(simulator, company, row, fields),
        show=lambda row: shown(company, row),
        belongs=lambda row: row["_project_id"] == project_id and row["_sub_job_id"] == sub_job_id,
    )


def leaf(company: Company, project_id: int, full_code: str, sub_job_id: int | None) -> Row:
    """The code of that full code. Raises 404."""
    row = company.find("cost_codes", company.keys.get(("cost_code", project_id, sub_job_id, full_code)))
    if row is None:
        raise not_found(f"Cost code {full_code}")
    return row


def _not_erp(project: Row) -> None:
    """On an ERP-integrated project only the sync action writes cost codes."""
    if project["_erp"]:
        raise invalid(base="Cost codes of an ERP integrated project are managed by the ERP integration")
