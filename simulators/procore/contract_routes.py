"""The requests for both kinds of commitment: the same paths under two names."""

from typing import TYPE_CHECKING

from simulators.kit.http import Request, Response
from simulators.procore import contracts, paging
from simulators.procore.contracts import PO, WO, Kind
from simulators.procore.errors import Refused
from simulators.procore.routes import route
from simulators.procore.store import Row
from simulators.procore.sync import sync

if TYPE_CHECKING:
    from simulators.procore.core import Procore

FILTERS: dict[str, paging.Filter] = {
    "id": paging.equal("id"),
    "status": paging.equal("status"),
    "created_at": paging.within("created_at"),
    "updated_at": paging.within("updated_at"),
    "origin_id": paging.equal("origin_id"),
}


def _of_kind(simulator: "Procore", kind: Kind, number: object, project_id: object) -> Row:
    """Raises 404 for a contract of the other kind, too."""
    project = simulator.project(project_id)
    row = simulator.company.get("contracts", number, project["id"])
    if row["_type"] != kind.table:
        raise Refused(404, f"{kind.resource.removesuffix('s')} not found")
    return row


def _rows(simulator: "Procore", request: Request, kind: Kind, project_id: int) -> list[Row]:
    company = simulator.company
    deleted = (paging.wanted_values(request, "include_deleted") or [""])[0]
    rows: list[Row] = []
    if deleted != "only":
        rows += [
            row
            for row in company.rows("contracts", project_id)
            if row["_type"] == kind.table and simulator.visible(row["created_at"])
        ]
    if deleted in ("only", "with"):
        rows += [
            row
            for row in company.tables.get("deleted_contracts", {}).values()
            if row["_type"] == kind.table and row["_project_id"] == project_id
        ]
    return paging.select(request, rows, FILTERS)


def register(kind: Kind) -> None:
    """Adds the routes of one kind."""
    base = f"/rest/v1.0/{kind.table}"

    @route("GET", base)
    def list_contracts(simulator: "Procore", request: Request) -> Response:
        project = simulator.project(request.q("project_id"))
        company = simulator.company
        rows = _rows(simulator, request, kind, project["id"])
        return paging.answer(request, rows, lambda row: contracts.listed(company, row))

    @route("GET", base + "/{id}")
    def show_contract(simulator: "Procore", request: Request, id: str) -> Response:
        row = _of_kind(simulator, kind, id, request.q("project_id"))
        return Response.of(200, contracts.show(simulator.company, row))

    @route("POST", base)
    def create_contract(simulator: "Procore", request: Request) -> Response:
        project = simulator.project(simulator.body(request).get("project_id"))
        fields = simulator.body(request, kind.key)
        row = contracts.create(simulator, simulator.company, project, kind, fields)
        return Response.of(201, contracts.show(simulator.company, row))

    @route("PATCH", base + "/{id}")
    def update_contract(simulator: "Procore", request: Request, id: str) -> Response:
        row = _of_kind(simulator, kind, id, simulator.body(request).get("project_id"))
        contracts.update(simulator, simulator.company, row, simulator.body(request, kind.key))
        return Response.of(200, contracts.show(simulator.company, row))

    @route("DELETE", base + "/{id}")
    def delete_contract(simulator: "Procore", request: Request, id: str) -> Response:
        row = _of_kind(simulator, kind, id, request.q("project_id"))
        contracts.delete(simulator, simulator.company, row)
        return Response.of(200, contracts.listed(simulator.company, row))

    @route("PATCH", base + "/sync")
    def sync_contracts(simulator: "Procore", request: Request) -> Response:
        project = simulator.project(simulator.body(request).get("project_id") or request.q("project_id"))
        company = simulator.company
        return sync(
            simulator,
            request,
            table="contracts",
            kind=kind.table,
            create=lambda fields: contracts.create(simulator, company, project, kind, fields),
            update=lambda row, fields: contracts.update(simulator, company, row, fields),
            show=lambda row: contracts.show(company, row),
            belongs=lambda row: row["_project_id"] == project["id"] and row["_type"] == kind.table,
        )


register(PO)
register(WO)


@route("GET", "/rest/v1.0/commitments")
def list_commitments(simulator: "Procore", request: Request) -> Response:
    """The thin list of both kinds; the document allows a work order's statuses only, so a purchase order has none."""
    project = simulator.project(request.q("project_id"))
    company = simulator.company
    return paging.answer(request, list(company.rows("contracts", project["id"])), lambda row: _summary(simulator, row))


def _summary(simulator: "Procore", row: Row) -> Row:
    vendor = simulator.company.find("vendors", row["_vendor_id"])
    return {
        **{name: row[name] for name in ("id", "title", "number", "description", "executed", "created_at", "private")},
        "status": row["status"] if row["status"] in WO.statuses else None,
        "delivery_date": row.get("delivery_date"),
        "vendor": {"id": vendor["id"], "name": vendor["name"]} if vendor else None,
    }
