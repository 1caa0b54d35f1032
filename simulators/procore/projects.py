"""Projects: the list, one project, and changing it. The list lacks fields that one project has."""

from typing import TYPE_CHECKING

from simulators.kit.http import Request, Response
from simulators.procore import paging
from simulators.procore.errors import BLANK, Refused, invalid
from simulators.procore.routes import route
from simulators.procore.store import Company, Row, required
from simulators.procore.sync import sync

if TYPE_CHECKING:
    from simulators.procore.core import Procore

# Plain fields that are stored as they were sent.
TEXTS = (
    "name", "project_number", "accounting_project_number", "address", "city", "country_code", "county", "description",
    "designated_market_area", "flag", "phone", "public_notes", "state_code", "store_number", "time_zone", "zip",
    "start_date", "completion_date", "actual_start_date", "projected_finish_date", "estimated_start_date",
    "estimated_completion_date", "warranty_start_date", "warranty_end_date", "origin_code", "latitude", "longitude",
    "square_feet", "parent_job_id", "project_bid_type_id", "project_owner_type_id", "active",
)  # fmt: skip
AMOUNTS = ("estimated_value", "total_value")
SHOW_ONLY = {
    "template": False, "code": None, "locale": None, "photo_url": None, "logo_id": None, "sector": None,
    "work_scope": None, "delivery_method": None, "from_project_template_id": None, "inbound_email_address": None,
    "parent_job": None, "project_sector_id": None, "priority": None, "estimated_budget": None,
}  # fmt: skip
FILTERS: dict[str, paging.Filter] = {
    "name": paging.text("name"),
    "project_number": paging.text("project_number"),
    "created_at": paging.within("created_at"),
    "updated_at": paging.within("updated_at"),
    "origin_id": paging.equal("origin_id"),
    "id": paging.equal("id"),
    "synced": lambda row, wanted: str(row["origin_id"] is not None).lower() == wanted[0].lower(),
    "by_stage": paging.equal("_stage_id"),
    "by_region": paging.equal("_region_id"),
    "by_department": lambda row, wanted: any(str(number) in wanted for number in row["_department_ids"]),
}
STATUSES = {"all": (True, False), "active": (True,), "inactive": (False,)}


def create(simulator: "Procore", company: Company, fields: Row) -> Row:
    """A new active project; a code list of the company is copied into it by the caller. Raises 422."""
    required(fields, "name")
    company.check_origin("projects", fields.get("origin_id"), None, simulator.clash_status)
    now = simulator.now_text()
    row: Row = dict.fromkeys((*TEXTS, *AMOUNTS, "origin_id", "origin_data"))
    row |= {
        "id": company.new_id("projects"),
        "active": True,
        "created_at": now,
        "updated_at": now,
        "_stage_id": None,
        "_region_id": None,
        "_department_ids": [],
        "_prevent_overbilling": False,
        "_allow_overbilling": True,
        "_budget_locked": False,
        "_erp": False,
    }
    company.add("projects", row)
    _take_over(simulator, company, row, fields)
    simulator.changed("projects", row, "created", row["origin_id"] or row["project_number"], "Projects")
    return row


def update(simulator: "Procore", company: Company, row: Row, fields: Row) -> Row:
    """Changes a project. Raises 422."""
    if "name" in fields:
        required(fields, "name")
    _take_over(simulator, company, row, fields)
    simulator.touch(row)
    simulator.changed("projects", row, "updated", row["origin_id"] or row["project_number"], "Projects")
    return row


def _take_over(simulator: "Procore", company: Company, row: Row, fields: Row) -> None:
    for name, table, private in (
        ("project_stage_id", "stages", "_stage_id"),
        ("project_region_id", "regions", "_region_id"),
    ):
        if name in fields:
            if fields[name] is not None and company.find(table, fields[name]) is None:
                raise invalid(**{name: "does not exist"})
            row[private] = None if fields[name] is None else int(fields[name])
    if "department_ids" in fields:
        row["_department_ids"] = [int(number) for number in fields["department_ids"]]
    company.set_origin("projects", row, fields, simulator.clash_status)
    row.update({name: fields[name] for name in TEXTS if name in fields})
    row.update({name: str(fields[name]) for name in AMOUNTS if fields.get(name) is not None})
    if "erp_integrated" in fields:
        row["_erp"] = bool(fields["erp_integrated"])


def _reference(company: Company, table: str, number: int | None) -> Row | None:
    row = company.find(table, number) if number is not None else None
    return {"id": row["id"], "name": row["name"]} if row else None


def show(company: Company, row: Row) -> Row:
    """One project as GET answers it."""
    shown = listed(company, row)
    for name in ("project_template", "is_demo", "photo_id"):
        shown.pop(name, None)
    return {
        **shown,
        **SHOW_ONLY,
        "is_demo": False,
        "is_erp_integrated": row["_erp"],
        "project_stage_id": row["_stage_id"],
    }


def listed(company: Company, row: Row) -> Row:
    """One project as the list answers it."""
    shown = {name: value for name, value in row.items() if name[0] != "_"}
    number = row["project_number"]
    shown |= {
        "display_name": f"{number} - {row['name']}" if number else row["name"],
        "company": {"id": company.id, "name": company.name},
        "custom_fields": {},
        "is_demo": False,
        "project_region_id": row["_region_id"],
        "project_region": _reference(company, "regions", row["_region_id"]),
        "project_stage": _reference(company, "stages", row["_stage_id"]),
        "departments": [ref for number in row["_department_ids"] if (ref := _reference(company, "departments", number))],
        "standard_cost_code_list_id": next((r["id"] for r in company.rows("standard_cost_code_lists")), None),
    }
    # The document allows no null for these objects: they are absent.
    return {n: v for n, v in shown.items() if v is not None or n not in ("project_region", "project_stage", "company")}


@route("GET", "/rest/v1.1/projects")
def list_projects(simulator: "Procore", request: Request) -> Response:
    if request.q("company_id") is None:
        raise Refused(400, {"company_id": ["is missing"]})
    wanted = (paging.wanted_values(request, "by_status") or ["Active"])[0].lower()
    if wanted not in STATUSES:
        raise Refused(400, {"by_status": ["is invalid"]})
    company = simulator.company
    rows = [row for row in company.rows("projects") if row["active"] in STATUSES[wanted] and simulator.visible(row["created_at"])]
    rows = _sorted(request, paging.select(request, rows, FILTERS))
    if request.q("view") == "ids":
        return paging.answer(request, rows, lambda row: {"id": row["id"]}, default=200_000, ceiling=200_000)
    return paging.answer(request, rows, lambda row: listed(company, row), default=100, ceiling=300)


def _sorted(request: Request, rows: list[Row]) -> list[Row]:
    for name in reversed((request.q("sort") or "").split(",")):
        column = name.lstrip("-")
        if column in ("name", "project_number", "updated_at", "created_at", "id"):
            rows = sorted(rows, key=lambda row: (row[column] is None, row[column]), reverse=name.startswith("-"))
    return rows


@route("GET", "/rest/v1.0/projects/{id}")
def show_project(simulator: "Procore", request: Request, id: str) -> Response:
    _company_named(request.q("company_id"))
    return Response.of(200, show(simulator.company, simulator.company.get("projects", id)))


@route("POST", "/rest/v1.0/projects")
def create_project(simulator: "Procore", request: Request) -> Response:
    from simulators.procore import cost_codes

    _company_named(simulator.body(request).get("company_id"))
    row = create(simulator, simulator.company, simulator.body(request, "project"))
    cost_codes.copy_standard(simulator, simulator.company, row["id"])
    return Response.of(201, show(simulator.company, row))


@route("PATCH", "/rest/v1.0/projects/{id}")
def update_project(simulator: "Procore", request: Request, id: str) -> Response:
    _company_named(simulator.body(request).get("company_id"))
    row = simulator.company.get("projects", id)
    fields = simulator.body(request, "project")
    if "name" in fields and not fields["name"]:
        raise invalid(name=BLANK)
    return Response.of(200, show(simulator.company, update(simulator, simulator.company, row, fields)))


@route("PATCH", "/rest/v1.0/projects/sync")
def sync_projects(simulator: "Procore", request: Request) -> Response:
    company = simulator.company
    return sync(
        simulator,
        request,
        table="projects",
        kind="projects",
        create=lambda fields: create(simulator, company, fields),
        update=lambda row, fields: update(simulator, company, row, fields),
        show=lambda row: show(company, row),
    )


@route("PATCH", "/rest/v1.0/projects/{project_id}/configuration")
def update_project_configuration(simulator: "Procore", request: Request, project_id: str) -> Response:
    """The document lets one setting be written and leaves the answer open."""
    fields = simulator.body(request, "configuration")
    row = simulator.company.get("projects", project_id)
    row["_job_costs"] = bool(fields.get("erp_job_cost_transaction_syncing_enabled", row.get("_job_costs", False)))
    simulator.changed("projects", row, "action", row["project_number"])
    return Response.of(200, {"erp_job_cost_transaction_syncing_enabled": row["_job_costs"]})


def _company_named(number: object) -> None:
    if number in (None, ""):
        raise Refused(400, {"company_id": ["is missing"]})
