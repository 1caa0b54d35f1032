"""Payments issued on commitments."""

from typing import TYPE_CHECKING

from simulators.kit.http import Request, Response
from simulators.procore import attachments, contracts, money, paging
from simulators.procore.errors import Refused, invalid
from simulators.procore.routes import route
from simulators.procore.store import Company, Row, one_of, public

if TYPE_CHECKING:
    from simulators.procore.core import Procore

FIELDS = (
    "date", "check_number", "payment_method", "invoice_number", "invoice_date", "notes", "payment_number",
    "draw_request_number",
)  # fmt: skip
HIDDEN = ("payment_method", "invoice_date")
# What people may still change in a payment that came from accounting (Y-12 to Y-14), beside its files.
OPEN = ("payment_number",)


def create(simulator: "Procore", company: Company, contract: Row, fields: Row) -> Row:
    """A payment on a contract. Raises 422."""
    amount = money.amount(fields.get("amount"))
    if amount is None:
        raise invalid(amount="can't be blank")
    _checked(company, contract, fields)
    company.check_origin("contract_payments", fields.get("origin_id"), None, simulator.clash_status)
    now = simulator.now_text()
    row: Row = dict.fromkeys(FIELDS)
    row |= {
        "id": company.new_id("contract_payments"),
        "amount": money.text(amount),
        "contract_id": contract["id"],
        "project_id": contract["_project_id"],
        "requisition_id": None,
        "payment_number": len(contract["_payments"]) + 1,
        "origin_id": None,
        "origin_code": None,
        "origin_data": None,
        "status": None,
        "external_payment_id": None,
        "created_at": now,
        "updated_at": now,
    }
    _take_over(simulator, company, row, fields)
    company.add("contract_payments", row, contract["_project_id"])
    contract["_payments"].append(row["id"])
    _announce(simulator, company, contract, row, "created")
    return row


def update(simulator: "Procore", company: Company, contract: Row, row: Row, fields: Row) -> Row:
    """Changes a payment; one with an external id keeps everything but that, its number and its files. Raises 422."""
    _checked(company, contract, fields)
    kept = {name for name in (*FIELDS, "amount", "requisition_id") if name in fields} - set(OPEN)
    if row["origin_id"] and kept:
        raise invalid(base="A payment synced with ERP can't be changed")
    if fields.get("amount") is not None:
        row["amount"] = money.text(money.amount(fields["amount"]))
    _take_over(simulator, company, row, fields)
    simulator.touch(row)
    _announce(simulator, company, contract, row, "updated")
    return row


def delete(simulator: "Procore", company: Company, contract: Row, row: Row) -> None:
    """Raises 422 for a payment with an external id."""
    if row["origin_id"]:
        raise invalid(base="A payment synced with ERP can't be deleted")
    contract["_payments"].remove(row["id"])
    company.remove("contract_payments", row)
    _announce(simulator, company, contract, row, "deleted")


def _checked(company: Company, contract: Row, fields: Row) -> None:
    one_of(fields, "payment_method", ("check", "credit_card", "electronic"))
    number = fields.get("requisition_id")
    if number is not None and int(number) not in contract["_requisitions"]:
        raise invalid(requisition_id="does not exist")


def _take_over(simulator: "Procore", company: Company, row: Row, fields: Row) -> None:
    company.set_origin("contract_payments", row, fields, simulator.clash_status)
    row.update({name: fields[name] for name in FIELDS if fields.get(name) is not None})
    if fields.get("requisition_id") is not None:
        row["requisition_id"] = int(fields["requisition_id"])


def _announce(simulator: "Procore", company: Company, contract: Row, row: Row, effect: str) -> None:
    contracts.total(company, contract)
    key = row["origin_id"] or f"{contract['number']}/{row['payment_number']}"
    simulator.changed("contract_payments", row, effect, key, "Contract Payments")


def shown(company: Company, row: Row) -> Row:
    answer = {name: value for name, value in public(row).items() if name not in HIDDEN}
    return {**answer, "attachments": attachments.listed(company, row)}


def _contract(simulator: "Procore", project_id: object, contract_id: object) -> Row:
    project = simulator.project(project_id)
    if contract_id in (None, ""):
        raise Refused(400, {"contract_id": ["is missing"]})
    return simulator.company.get("contracts", contract_id, project["id"])


def _payment(simulator: "Procore", contract: Row, number: str) -> Row:
    row = simulator.company.get("contract_payments", number)
    if row["contract_id"] != contract["id"]:
        raise Refused(404, "Contract payment not found")
    return row


@route("GET", "/rest/v1.0/contract_payments")
def list_contract_payments(simulator: "Procore", request: Request) -> Response:
    contract = _contract(simulator, request.q("project_id"), request.q("contract_id"))
    company = simulator.company
    rows = [company.tables["contract_payments"][number] for number in contract["_payments"]]
    rows = [row for row in rows if simulator.visible(row["created_at"])]
    return paging.answer(request, rows, lambda row: shown(company, row))


@route("GET", "/rest/v1.0/contract_payments/{id}")
def show_contract_payment(simulator: "Procore", request: Request, id: str) -> Response:
    contract = _contract(simulator, request.q("project_id"), request.q("contract_id"))
    return Response.of(200, shown(simulator.company, _payment(simulator, contract, id)))


@route("POST", "/rest/v1.0/contract_payments")
def create_contract_payment(simulator: "Procore", request: Request) -> Response:
    sent = simulator.body(request)
    contract = _contract(simulator, sent.get("project_id"), sent.get("contract_id"))
    fields = simulator.body(request, "contract_payment")
    return Response.of(201, shown(simulator.company, create(simulator, simulator.company, contract, fields)))


@route("PATCH", "/rest/v1.0/contract_payments/{id}")
def update_contract_payment(simulator: "Procore", request: Request, id: str) -> Response:
    sent = simulator.body(request)
    contract = _contract(simulator, sent.get("project_id"), sent.get("contract_id"))
    row = _payment(simulator, contract, id)
    fields = simulator.body(request, "contract_payment")
    return Response.of(200, shown(simulator.company, update(simulator, simulator.company, contract, row, fields)))


@route("DELETE", "/rest/v1.0/contract_payments/{id}")
def delete_contract_payment(simulator: "Procore", request: Request, id: str) -> Response:
    contract = _contract(simulator, request.q("project_id"), request.q("contract_id"))
    row = _payment(simulator, contract, id)
    delete(simulator, simulator.company, contract, row)
    return Response.of(200, shown(simulator.company, row))
