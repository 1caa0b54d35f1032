"""Vendors: the company's directory of suppliers, and which of them a project uses."""

from typing import TYPE_CHECKING

from simulators.kit.http import Request, Response
from simulators.procore import paging
from simulators.procore.errors import TAKEN, Refused, invalid
from simulators.procore.routes import route
from simulators.procore.store import Company, Row, public, required
from simulators.procore.sync import sync

if TYPE_CHECKING:
    from simulators.procore.core import Procore

TEXTS = (
    "name", "abbreviated_name", "address", "authorized_bidder", "business_phone", "city", "country_code",
    "email_address", "fax_number", "is_active", "labor_union", "license_number", "mobile_phone", "notes",
    "non_union_prevailing_wage", "origin_code", "prequalified", "state_code", "trade_name", "union_member", "website",
    "zip", "legal_name",
)  # fmt: skip
FILTERS: dict[str, paging.Filter] = {
    "origin_id": paging.equal("origin_id"),
    "search": lambda row, wanted: ",".join(wanted).lower() in str(row["name"]).lower(),
    "created_at": paging.within("created_at"),
    "updated_at": paging.within("updated_at"),
    "id": paging.equal("id"),
}
COMPACT = ("id", "name")


def create(simulator: "Procore", company: Company, fields: Row) -> Row:
    """A new active vendor; names are unique in the company. Raises 422."""
    required(fields, "name")
    _free(company, fields["name"], None)
    company.check_origin("vendors", fields.get("origin_id"), None, simulator.clash_status)
    now = simulator.now_text()
    row: Row = dict.fromkeys((*TEXTS, "origin_id", "origin_data"))
    row |= {
        "id": company.new_id("vendors"),
        "is_active": True,
        "company_vendor": True,
        "is_connected": False,
        "created_at": now,
        "updated_at": now,
        "_projects": [],
    }
    company.add("vendors", row)
    _take_over(simulator, company, row, fields)
    simulator.changed("vendors", row, "created", row["origin_id"] or row["name"], "Company Vendors")
    return row


def update(simulator: "Procore", company: Company, row: Row, fields: Row) -> Row:
    """Changes a vendor. Raises 422."""
    if "name" in fields:
        required(fields, "name")
        _free(company, fields["name"], row["id"])
    _take_over(simulator, company, row, fields)
    simulator.touch(row)
    simulator.changed("vendors", row, "updated", row["origin_id"] or row["name"], "Company Vendors")
    return row


def by_name(company: Company, name: str) -> Row | None:
    number = company.keys.get(("vendor", name.lower()))
    return company.find("vendors", number)


def _free(company: Company, name: str, own_id: int | None) -> None:
    if company.keys.get(("vendor", str(name).lower()), own_id) != own_id:
        raise invalid(name=TAKEN)


def _take_over(simulator: "Procore", company: Company, row: Row, fields: Row) -> None:
    company.set_origin("vendors", row, fields, simulator.clash_status)
    if "name" in fields:
        company.keys.pop(("vendor", str(row["name"]).lower()), None)
        company.keys[("vendor", str(fields["name"]).lower())] = row["id"]
    row.update({name: fields[name] for name in TEXTS if name in fields})


def shown(row: Row) -> Row:
    return {
        **public(row),
        "project_ids": list(row["_projects"]),
        "projects_count": len(row["_projects"]),
        "synced_to_erp": row["origin_id"] is not None,
        "attachments": [],
        "trades": [],
    }


@route("GET", "/rest/v1.0/vendors")
def list_company_vendors(simulator: "Procore", request: Request) -> Response:
    if request.q("company_id") is None:
        raise Refused(400, {"company_id": ["is missing"]})
    rows = [row for row in simulator.company.rows("vendors") if simulator.visible(row["created_at"])]
    rows = paging.select(request, rows, FILTERS)
    if request.q("view") == "compact":
        return paging.answer(request, rows, lambda row: {name: row[name] for name in COMPACT})
    return paging.answer(request, rows, shown)


@route("GET", "/rest/v1.0/vendors/{id}")
def show_company_vendor(simulator: "Procore", request: Request, id: str) -> Response:
    return Response.of(200, shown(simulator.company.get("vendors", id)))


@route("POST", "/rest/v1.0/vendors")
def create_company_vendor(simulator: "Procore", request: Request) -> Response:
    return Response.of(201, shown(create(simulator, simulator.company, simulator.body(request, "vendor"))))


@route("PATCH", "/rest/v1.0/vendors/{id}")
def update_company_vendor(simulator: "Procore", request: Request, id: str) -> Response:
    row = simulator.company.get("vendors", id)
    return Response.of(200, shown(update(simulator, simulator.company, row, simulator.body(request, "vendor"))))


@route("PATCH", "/rest/v1.0/vendors/sync")
def sync_company_vendors(simulator: "Procore", request: Request) -> Response:
    company = simulator.company
    return sync(
        simulator,
        request,
        table="vendors",
        kind="vendors",
        create=lambda fields: create(simulator, company, fields),
        update=lambda row, fields: update(simulator, company, row, fields),
        show=shown,
    )


@route("GET", "/rest/v1.1/projects/{project_id}/vendors")
def list_project_vendors(simulator: "Procore", request: Request, project_id: str) -> Response:
    rows = [row for row in simulator.company.rows("vendors") if int(project_id) in row["_projects"]]
    return paging.answer(request, paging.select(request, rows, FILTERS), _project_vendor)


@route("POST", "/rest/v1.0/projects/{project_id}/vendors/{id}/actions/add")
def add_vendor_to_project(simulator: "Procore", request: Request, project_id: str, id: str) -> Response:
    row = simulator.company.get("vendors", id)
    use(simulator, row, int(project_id))
    return Response.of(201, _project_vendor(row))


def use(simulator: "Procore", row: Row, project_id: int) -> None:
    """Adds a vendor to a project's directory, as choosing it on a contract does."""
    if project_id in row["_projects"]:
        return
    row["_projects"].append(project_id)
    event = {"id": row["id"], "_project_id": project_id}
    simulator.changed("project_vendors", event, "created", row["name"], "Project Vendors")


def _project_vendor(row: Row) -> Row:
    return {"id": row["id"], "name": row["name"], "is_active": row["is_active"]}
