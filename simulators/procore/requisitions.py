"""Subcontractor invoices: who may be invoiced, when, one per period, and the computed summary."""

from typing import TYPE_CHECKING

from simulators.kit.http import Request, Response
from simulators.procore import attachments, contracts, money, paging, requisition_items
from simulators.procore.contracts import KINDS, PO
from simulators.procore.errors import invalid
from simulators.procore.routes import route
from simulators.procore.store import Company, Row, one_of, public, required

if TYPE_CHECKING:
    from simulators.procore.core import Procore

STATUSES = (
    "draft", "under_review", "revise_and_resubmit", "approved", "approved_as_noted", "pending_owner_approval",
)  # fmt: skip
DELETABLE = ("draft", "under_review", "revise_and_resubmit")
FIELDS = (
    "requisition_start", "requisition_end", "billing_date", "final", "invoice_number", "payment_date", "status",
    "submitted_at",
)  # fmt: skip
FILTERS: dict[str, paging.Filter] = {
    "id": paging.equal("id"),
    "commitment_id": paging.equal("commitment_id"),
    "period_id": paging.equal("period_id"),
    "status": paging.equal("status"),
    "created_at": paging.within("created_at"),
    "updated_at": paging.within("updated_at"),
    "origin_id": paging.equal("origin_id"),
}
# The value of erp_status that is known from budget changes (contract 11.7); such an invoice stays as it is.
SYNCED = "synced"
# Texts that the vendor does not publish.
NO_OPEN_PERIOD = "must be an open billing period"
NOT_APPROVED = "must be at approved status"
ONE_PER_PERIOD = "already has an invoice for this commitment"


def create(simulator: "Procore", company: Company, project: Row, commitment_id: object, fields: Row) -> Row:
    """An invoice with an item per line of the schedule of values. Raises 422."""
    contract = company.find("contracts", commitment_id)
    if contract is None or contract["_project_id"] != project["id"]:
        raise invalid(commitment_id="does not exist")
    if contract["status"] not in KINDS[contract["_type"]].billable:
        raise invalid(commitment_id=NOT_APPROVED)
    required(fields, "period_id")
    period = _open_period(company, project["id"], fields["period_id"])
    one_of(fields, "status", STATUSES)
    if simulator.options["keeps_invoices_single"]:
        _one_per_period(company, contract, period, None)
        company.check_origin("requisitions", fields.get("origin_id"), None, simulator.clash_status)
    now = simulator.now_text()
    last = company.find("requisitions", contract["_requisitions"][-1]) if contract["_requisitions"] else None
    number = last["number"] + 1 if last else 1
    row: Row = dict.fromkeys(FIELDS)
    row |= {
        "id": company.new_id("requisitions"),
        "previous_requisition_id": last["id"] if last else None,
        "project_id": project["id"],
        "commitment_id": contract["id"],
        "commitment_type": "PurchaseOrderContract" if contract["_type"] == PO.table else "WorkOrderContract",
        "period_id": period["id"],
        "requisition_start": period["start_date"],
        "requisition_end": period["end_date"],
        "billing_date": period["end_date"],
        "number": number,
        "invoice_number": str(number),
        "invoice_type": "requisition",
        "final": False,
        "status": "draft",
        "erp_status": None,
        "origin_id": None,
        "origin_data": None,
        "created_at": now,
        "updated_at": now,
        "_items": requisition_items.from_schedule(company, contract),
        "_claimed": money.ZERO,
        "_due_date": None,
    }
    row.update({name: fields[name] for name in FIELDS if fields.get(name) is not None})
    requisition_items.apply_new(company, project, contract, row, fields.get("items") or [])
    company.add("requisitions", row, project["id"])
    _set_origin(simulator, company, row, fields)
    contract["_requisitions"].append(row["id"])
    period["_requisitions"].append(row["id"])
    announce(simulator, company, row, "created")
    return row


def update(simulator: "Procore", company: Company, row: Row, fields: Row) -> Row:
    """Changes header and items. Raises 422, also for what was synced with ERP."""
    if row["erp_status"] == SYNCED and set(fields) - {"origin_id", "origin_data"}:
        raise invalid(base="An invoice synced with ERP can't be changed")
    one_of(fields, "status", STATUSES)
    contract = company.tables["contracts"][row["commitment_id"]]
    project = company.tables["projects"][row["project_id"]]
    if fields.get("period_id") not in (None, row["period_id"]):
        period = _open_period(company, project["id"], fields["period_id"])
        if simulator.options["keeps_invoices_single"]:
            _one_per_period(company, contract, period, row["id"])
        company.tables["billing_periods"][row["period_id"]]["_requisitions"].remove(row["id"])
        period["_requisitions"].append(row["id"])
        row["period_id"] = period["id"]
    if fields.get("items"):
        requisition_items.apply(company, project, contract, row, fields["items"])
    _set_origin(simulator, company, row, fields)
    row.update({name: fields[name] for name in FIELDS if name in fields})
    simulator.touch(row)
    announce(simulator, company, row, "updated")
    return row


def delete(simulator: "Procore", company: Company, row: Row) -> None:
    """Only the latest invoice of a commitment, and only while it is open. Raises 422."""
    contract = company.tables["contracts"][row["commitment_id"]]
    if contract["_requisitions"][-1] != row["id"] or row["status"] not in DELETABLE or row["erp_status"] == SYNCED:
        raise invalid(base="Only the latest invoice can be deleted, and only before it is approved")
    contract["_requisitions"].remove(row["id"])
    company.tables["billing_periods"][row["period_id"]]["_requisitions"].remove(row["id"])
    company.remove("requisitions", row)
    announce(simulator, company, row, "deleted")


def announce(simulator: "Procore", company: Company, row: Row, effect: str) -> None:
    """Notes the change. No webhook tells of invoices: they must be polled."""
    contract = company.tables["contracts"][row["commitment_id"]]
    row["_claimed"] = sum((item["this"] + item["stored"] for item in row["_items"]), money.ZERO)
    contracts.total(company, contract)
    simulator.changed("requisitions", row, effect, row["origin_id"] or f"{contract['number']}/{row['number']}")


def _set_origin(simulator: "Procore", company: Company, row: Row, fields: Row) -> None:
    if simulator.options["keeps_invoices_single"]:
        company.set_origin("requisitions", row, fields, simulator.clash_status)
    else:
        row.update({name: fields[name] for name in ("origin_id", "origin_data") if name in fields})


def _open_period(company: Company, project_id: int, number: object) -> Row:
    period = company.find("billing_periods", number)
    if period is None or period["_project_id"] != project_id or period["status"] != "open":
        raise invalid(period_id=NO_OPEN_PERIOD)
    return period


def _one_per_period(company: Company, contract: Row, period: Row, own_id: int | None) -> None:
    for number in contract["_requisitions"]:
        if number != own_id and company.tables["requisitions"][number]["period_id"] == period["id"]:
            raise invalid(period_id=ONE_PER_PERIOD)


def shown(company: Company, row: Row, items: bool = True) -> Row:
    """An invoice; lists leave the items out unless a view asks for them."""
    contract = company.tables["contracts"][row["commitment_id"]]
    vendor = company.find("vendors", contract["_vendor_id"])
    shown_items = requisition_items.shown(company, contract, row)
    summary = requisition_items.summary(contract, row, shown_items)
    last = contract["_requisitions"] and contract["_requisitions"][-1] == row["id"]
    answer = {
        **public(row),
        "contract_name": contract["title"],
        "vendor_id": vendor["id"] if vendor else None,
        "vendor_name": vendor["name"] if vendor else None,
        "deletable": bool(last) and row["status"] in DELETABLE,
        "percent_complete": requisition_items.percent_complete(summary),
        "total_claimed_amount": money.text(row["_claimed"]),
        "move_materials_to_previous_work_completed": False,
        "summary": summary,
        "currency_configuration": {"currency_iso_code": company.currency, "base_currency_iso_code": company.currency},
        "attachments": attachments.listed(company, row),
    }
    if items:
        answer["items"] = shown_items
    return answer


def _one(simulator: "Procore", number: str, project_id: object) -> Row:
    return simulator.company.get("requisitions", number, simulator.project(project_id)["id"])


@route("GET", "/rest/v1.1/requisitions")
def list_requisitions(simulator: "Procore", request: Request) -> Response:
    company, project = simulator.company, simulator.project(request.q("project_id"))
    rows = paging.select(request, company.rows("requisitions", project["id"]), FILTERS)
    rows = [row for row in rows if simulator.visible(row["created_at"])]
    if (paging.wanted_values(request, "is_last") or [""])[0] == "true":
        rows = [row for row in rows if company.tables["contracts"][row["commitment_id"]]["_requisitions"][-1] == row["id"]]
    items = request.q("view") in ("items", "extended")
    return paging.answer(request, rows, lambda row: shown(company, row, items), default=30)


@route("GET", "/rest/v1.1/requisitions/{id}")
def show_requisition(simulator: "Procore", request: Request, id: str) -> Response:
    return Response.of(200, shown(simulator.company, _one(simulator, id, request.q("project_id"))))


@route("POST", "/rest/v1.1/requisitions")
def create_requisition(simulator: "Procore", request: Request) -> Response:
    sent = simulator.body(request)
    project = simulator.project(sent.get("project_id"))
    required(sent, "commitment_id")
    fields = simulator.body(request, "requisition")
    return Response.of(
        201, shown(simulator.company, create(simulator, simulator.company, project, sent["commitment_id"], fields))
    )


@route("PATCH", "/rest/v1.1/requisitions/{id}")
def update_requisition(simulator: "Procore", request: Request, id: str) -> Response:
    row = _one(simulator, id, simulator.body(request).get("project_id") or request.q("project_id"))
    return Response.of(
        200, shown(simulator.company, update(simulator, simulator.company, row, simulator.body(request, "requisition")))
    )


@route("DELETE", "/rest/v1.1/requisitions/{id}")
def delete_requisition(simulator: "Procore", request: Request, id: str) -> Response:
    delete(simulator, simulator.company, _one(simulator, id, request.q("project_id")))
    return Response(200)


@route("PATCH", "/rest/v2.0/companies/{company_id}/projects/{project_id}/requisitions/{id}/payment_details")
def update_payment_details(simulator: "Procore", request: Request, company_id: str, project_id: str, id: str) -> Response:
    row = simulator.company.get("requisitions", id, int(project_id))
    row["_due_date"] = simulator.body(request).get("due_date")
    simulator.touch(row)
    announce(simulator, simulator.company, row, "updated")
    return Response.of(200, {"data": {"due_date": row["_due_date"]}})
