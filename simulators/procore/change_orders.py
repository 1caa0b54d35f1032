"""Commitment change orders, which people call variations: whole list without pages, statuses, computed amount."""

from typing import TYPE_CHECKING

from simulators.kit.http import Request, Response
from simulators.procore import contracts, money, paging
from simulators.procore.errors import TAKEN, invalid
from simulators.procore.routes import route
from simulators.procore.store import Company, Row, one_of, public, required

if TYPE_CHECKING:
    from simulators.procore.core import Procore

STATUSES = (
    "draft", "pricing", "not_pricing", "pending", "revised", "proceeding", "not_proceeding", "pending_billable",
    "no_charge", "approved", "rejected", "void",
)  # fmt: skip
FIELDS = (
    "description", "title", "invoiced_date", "due_date", "signed_change_order_received_date", "executed", "paid",
    "signature_required", "private", "field_change", "schedule_impact_amount", "number", "revision", "status",
    "reference", "location_id",
)  # fmt: skip
FILTERS: dict[str, paging.Filter] = {
    "id": paging.equal("id"),
    "legacy_package_id": paging.equal("legacy_package_id"),
    "contract_id": paging.equal("contract_id"),
    "vendor_id": paging.equal("_vendor_id"),
    "executed": paging.boolean("executed"),
    "signature_required": paging.boolean("signature_required"),
    "status": paging.equal("status"),
    "updated_at": paging.within("updated_at"),
}
# The package's name for the same thing in webhooks; a change order has none of its own.
RESOURCE = "Change Order Packages"


def create(simulator: "Procore", company: Company, project_id: int, fields: Row) -> Row:
    """A change order without lines and the legacy package that stands for it. Raises 422."""
    required(fields, "contract_id")
    contract = company.find("contracts", fields["contract_id"])
    if contract is None or contract["_project_id"] != project_id:
        raise invalid(contract_id="does not exist")
    one_of(fields, "status", STATUSES)
    number = str(fields.get("number") or f"{len(contract['_change_orders']) + 1:03d}")
    if company.keys.get(("change_order", contract["id"], number)) is not None:
        raise invalid(number=TAKEN)
    now = simulator.now_text()
    row: Row = dict.fromkeys(FIELDS)
    row |= {
        "id": company.new_id("commitment_change_orders"),
        "batch_id": None,
        "contract_id": contract["id"],
        "legacy_package_id": company.new_id("change_order_packages"),
        "legacy_request_id": None,
        "type": "CommitmentChangeOrder",
        "status": "draft",
        "revision": 0,
        "executed": False,
        "paid": False,
        "private": False,
        "signature_required": False,
        "grand_total": "0.00",
        "created_at": now,
        "updated_at": now,
        "reviewed_at": None,
        "currency_configuration": {"currency_iso_code": company.currency},
        "_lines": [],
        "_vendor_id": contract["_vendor_id"],
        "_origin_id": None,
        "_origin_code": None,
    }
    _take_over(simulator, row, {**fields, "number": number})
    company.add("commitment_change_orders", row, project_id)
    company.keys[("change_order", contract["id"], number)] = row["id"]
    company.keys[("package", row["legacy_package_id"])] = row["id"]
    contract["_change_orders"].append(row["id"])
    announce(simulator, company, row, "created")
    return row


def update(simulator: "Procore", company: Company, row: Row, fields: Row) -> Row:
    """Changes a change order. Raises 422."""
    one_of(fields, "status", STATUSES)
    if fields.get("number") and str(fields["number"]) != row["number"]:
        if company.keys.get(("change_order", row["contract_id"], str(fields["number"]))) is not None:
            raise invalid(number=TAKEN)
        company.keys.pop(("change_order", row["contract_id"], row["number"]), None)
        company.keys[("change_order", row["contract_id"], str(fields["number"]))] = row["id"]
    _take_over(simulator, row, fields)
    simulator.touch(row)
    announce(simulator, company, row, "updated")
    return row


def delete(simulator: "Procore", company: Company, row: Row) -> None:
    """Raises 422 when it is approved."""
    if row["status"] == "approved":
        raise invalid(base="An approved change order can't be deleted")
    company.tables["contracts"][row["contract_id"]]["_change_orders"].remove(row["id"])
    company.keys.pop(("change_order", row["contract_id"], row["number"]), None)
    company.keys.pop(("package", row["legacy_package_id"]), None)
    company.remove("commitment_change_orders", row)
    announce(simulator, company, row, "deleted")


def _take_over(simulator: "Procore", row: Row, fields: Row) -> None:
    before = row["status"]
    row.update({name: fields[name] for name in FIELDS if name in fields and fields[name] is not None})
    row["number"] = str(row["number"])
    if row["status"] != before and row["status"] in ("approved", "rejected"):
        row["reviewed_at"] = simulator.now_text()


def announce(simulator: "Procore", company: Company, row: Row, effect: str) -> None:
    """Computes amounts anew, notes the change, and tells the hooks under the package's name and id."""
    lines = company.tables.get("change_order_line_items", {})
    row["grand_total"] = money.text(sum((money.of(lines[n]["amount"]) for n in row["_lines"]), money.ZERO))
    contract = company.tables["contracts"].get(row["contract_id"])
    if contract is not None:
        contracts.total(company, contract)
    contract_number = contract["number"] if contract else row["contract_id"]
    simulator.changed("commitment_change_orders", row, effect, f"{contract_number}/{row['number']}")
    package = {"id": row["legacy_package_id"], "_project_id": row["_project_id"]}
    simulator.announce(RESOURCE, package, effect)


def shown(row: Row) -> Row:
    return {**public(row), "change_events": [], "attachments": []}


@route("GET", "/rest/v1.0/projects/{project_id}/commitment_change_orders")
def list_commitment_change_orders(simulator: "Procore", request: Request, project_id: str) -> Response:
    """The whole set: this list has no pages."""
    rows = paging.select(request, simulator.company.rows("commitment_change_orders", int(project_id)), FILTERS)
    return Response.of(200, [shown(row) for row in rows if simulator.visible(row["created_at"])])


@route("GET", "/rest/v1.0/projects/{project_id}/commitment_change_orders/{id}")
def show_commitment_change_order(simulator: "Procore", request: Request, project_id: str, id: str) -> Response:
    return Response.of(200, shown(simulator.company.get("commitment_change_orders", id, int(project_id))))


@route("POST", "/rest/v1.0/projects/{project_id}/commitment_change_orders")
def post_commitment_change_order(simulator: "Procore", request: Request, project_id: str) -> Response:
    fields = simulator.body(request, "change_order")
    return Response.of(201, shown(create(simulator, simulator.company, int(project_id), fields)))


@route("PATCH", "/rest/v1.0/projects/{project_id}/commitment_change_orders/{id}")
def patch_commitment_change_order(simulator: "Procore", request: Request, project_id: str, id: str) -> Response:
    row = simulator.company.get("commitment_change_orders", id, int(project_id))
    return Response.of(200, shown(update(simulator, simulator.company, row, simulator.body(request, "change_order"))))


@route("DELETE", "/rest/v1.0/projects/{project_id}/commitment_change_orders/{id}")
def delete_commitment_change_order(simulator: "Procore", request: Request, project_id: str, id: str) -> Response:
    delete(simulator, simulator.company, simulator.company.get("commitment_change_orders", id, int(project_id)))
    return Response(204)
