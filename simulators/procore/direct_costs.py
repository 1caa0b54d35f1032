"""Direct costs: invoices, expenses and payroll booked on a project without a commitment."""

from typing import TYPE_CHECKING

from simulators.kit.http import Request, Response
from simulators.procore import direct_cost_lines, money, paging
from simulators.procore.errors import invalid
from simulators.procore.routes import route
from simulators.procore.store import Company, Row, one_of, public, required
from simulators.procore.sync import sync

if TYPE_CHECKING:
    from simulators.procore.core import Procore

TYPES = ("invoice", "expense", "payroll")
STATUSES = ("draft", "pending", "revise_and_resubmit", "approved")
FIELDS = ("description", "direct_cost_date", "invoice_number", "payment_date", "received_date", "status", "terms")
MOST_LINES = 100
FILTERS: dict[str, paging.Filter] = {
    "id": paging.equal("id"),
    "origin_id": paging.equal("origin_id"),
    "invoice_number": paging.equal("invoice_number"),
    "created_at": paging.within("created_at"),
    "updated_at": paging.within("updated_at"),
    "payment_date": paging.within("_payment_moment"),
    "received_date": paging.within("_received_moment"),
}


def create(simulator: "Procore", company: Company, project_id: int, fields: Row) -> Row:
    """A direct cost with up to a hundred lines, all or nothing. Raises 422."""
    required(fields, "direct_cost_type")
    one_of(fields, "direct_cost_type", TYPES)
    if fields["direct_cost_type"] != "payroll":
        required(fields, "vendor_id", "invoice_number")
    _checked(company, fields)
    company.check_origin("direct_costs", fields.get("origin_id"), None, simulator.clash_status)
    lines = fields.get("line_items") or []
    if len(lines) > MOST_LINES:
        raise invalid(line_items=f"can't be more than {MOST_LINES}")
    now = simulator.now_text()
    row: Row = dict.fromkeys(FIELDS)
    row |= {
        "id": company.new_id("direct_costs"),
        "direct_cost_type": fields["direct_cost_type"],
        "status": "draft",
        "origin_id": None,
        "origin_data": None,
        "grand_total": "0.00",
        "created_at": now,
        "updated_at": now,
        "deleted_at": None,
        "_project_id": project_id,
        "_vendor_id": None,
        "_lines": [],
    }
    made = direct_cost_lines.make_all(simulator, company, row, lines)
    _take_over(simulator, company, row, fields)
    company.add("direct_costs", row, project_id)
    for line in made:
        direct_cost_lines.attach(company, row, line)
    announce(simulator, company, row, "created")
    for line in made:
        direct_cost_lines.announce(simulator, row, line, "created")
    return row


def update(simulator: "Procore", company: Company, row: Row, fields: Row) -> Row:
    """Changes a direct cost; its type stays. The app may change one with an external id too. Raises 422."""
    if fields.get("direct_cost_type", row["direct_cost_type"]) != row["direct_cost_type"]:
        raise invalid(direct_cost_type="can't be changed")
    _checked(company, fields)
    _take_over(simulator, company, row, fields)
    for line in fields.get("line_items") or []:
        direct_cost_lines.upsert(simulator, company, row, line)
    simulator.touch(row)
    announce(simulator, company, row, "updated")
    return row


def delete(simulator: "Procore", company: Company, row: Row) -> None:
    """Deletes it with its lines."""
    for number in list(row["_lines"]):
        line = company.tables["direct_cost_line_items"][number]
        company.remove("direct_cost_line_items", line)
        direct_cost_lines.note_deleted(simulator, row, line)
    company.remove("direct_costs", row)
    announce(simulator, company, row, "deleted")


def _checked(company: Company, fields: Row) -> None:
    one_of(fields, "status", STATUSES)
    if fields.get("vendor_id") is not None and company.find("vendors", fields["vendor_id"]) is None:
        raise invalid(vendor_id="does not exist")


def _take_over(simulator: "Procore", company: Company, row: Row, fields: Row) -> None:
    company.set_origin("direct_costs", row, fields, simulator.clash_status)
    row.update({name: fields[name] for name in FIELDS if name in fields and fields[name] is not None})
    if fields.get("vendor_id") is not None:
        row["_vendor_id"] = int(fields["vendor_id"])
    for name in ("payment", "received"):
        given = row[f"{name}_date"]
        row[f"_{name}_moment"] = f"{given}T00:00:00Z" if given else None


def announce(simulator: "Procore", company: Company, row: Row, effect: str) -> None:
    """Computes the total anew, notes the change and tells the hooks."""
    lines = company.tables.get("direct_cost_line_items", {})
    if effect != "deleted":
        row["grand_total"] = money.text(sum((money.of(lines[n]["amount"]) for n in row["_lines"]), money.ZERO))
    key = row["origin_id"] or row["invoice_number"] or row["id"]
    simulator.changed("direct_costs", row, effect, key, "Direct Costs")


def listed(company: Company, row: Row) -> Row:
    """Lists have no lines and the vendor as text."""
    vendor = company.find("vendors", row["_vendor_id"])
    return {
        **public(row),
        "amount": row["grand_total"],
        "vendor": vendor["name"] if vendor else None,
        "vendor_id": vendor["id"] if vendor else None,
        "vendor_name": vendor["name"] if vendor else None,
        "currency_configuration": {"currency_iso_code": company.currency},
    }


def show(company: Company, row: Row) -> Row:
    """One direct cost with its lines."""
    project = company.tables["projects"][row["_project_id"]]
    lines = company.tables.get("direct_cost_line_items", {})
    shown = listed(company, row)
    del shown["amount"]
    return {
        **shown,
        "vendor": {"id": shown["vendor_id"], "name": shown["vendor_name"]} if shown["vendor_id"] else None,
        "company": {"id": company.id, "name": company.name},
        "project": {"id": project["id"], "name": project["name"]},
        "attachments": [],
        "attachments_count": 0,
        "line_items_count": len(row["_lines"]),
        "line_items": [direct_cost_lines.shown(company, lines[number]) for number in row["_lines"] if number in lines],
    }


BASE = "/rest/v1.1/projects/{project_id}/direct_costs"


@route("GET", BASE)
def list_direct_costs(simulator: "Procore", request: Request, project_id: str) -> Response:
    company = simulator.company
    rows = [r for r in company.rows("direct_costs", int(project_id)) if simulator.visible(r["created_at"])]
    return paging.answer(request, paging.select(request, rows, FILTERS), lambda row: listed(company, row))


@route("GET", BASE + "/{id}")
def show_direct_cost(simulator: "Procore", request: Request, project_id: str, id: str) -> Response:
    return Response.of(200, show(simulator.company, simulator.company.get("direct_costs", id, int(project_id))))


@route("POST", BASE)
def create_direct_cost(simulator: "Procore", request: Request, project_id: str) -> Response:
    fields = simulator.body(request, "direct_cost")
    return Response.of(201, show(simulator.company, create(simulator, simulator.company, int(project_id), fields)))


@route("PATCH", BASE + "/{id}")
def update_direct_cost(simulator: "Procore", request: Request, project_id: str, id: str) -> Response:
    row = simulator.company.get("direct_costs", id, int(project_id))
    fields = simulator.body(request, "direct_cost")
    return Response.of(200, show(simulator.company, update(simulator, simulator.company, row, fields)))


@route("DELETE", BASE + "/{id}")
def delete_direct_cost(simulator: "Procore", request: Request, project_id: str, id: str) -> Response:
    row = simulator.company.get("direct_costs", id, int(project_id))
    answer = show(simulator.company, row)
    delete(simulator, simulator.company, row)
    return Response.of(200, answer)


@route("PATCH", "/rest/v1.0/projects/{project_id}/direct_costs/sync")
def sync_direct_costs(simulator: "Procore", request: Request, project_id: str) -> Response:
    company = simulator.company
    return sync(
        simulator,
        request,
        table="direct_costs",
        kind="direct_costs",
        create=lambda fields: create(simulator, company, int(project_id), {**fields, "line_items": []}),
        update=lambda row, fields: update(simulator, company, row, {**fields, "line_items": []}),
        show=lambda row: show(company, row),
        belongs=lambda row: row["_project_id"] == int(project_id),
    )
