"""The schedule of values: the lines of a commitment, locked once it is approved."""

from decimal import Decimal
from typing import TYPE_CHECKING

from simulators.kit.http import Request, Response
from simulators.procore import contracts, cost_codes, cost_types, money, paging, wbs
from simulators.procore.company_api import UNITS
from simulators.procore.contracts import KINDS, PO, WO, Kind
from simulators.procore.errors import NOT_INCLUDED, Refused, invalid
from simulators.procore.routes import route
from simulators.procore.store import Company, Row, one_of, public
from simulators.procore.sync import sync

if TYPE_CHECKING:
    from simulators.procore.core import Procore

FILTERS: dict[str, paging.Filter] = {
    "id": paging.equal("id"),
    "created_at": paging.within("created_at"),
    "updated_at": paging.within("updated_at"),
    "cost_code_id": paging.equal("_cost_code_id"),
    "line_item_type_id": paging.equal("_type_id"),
}
LOCKED = "The schedule of values can't be changed while the contract is {}"


def create(simulator: "Procore", company: Company, contract: Row, fields: Row) -> Row:
    """Adds a line at the end. Raises 422."""
    _unlocked(simulator, contract)
    code = wbs.named(simulator, company, contract["_project_id"], fields)
    if code is None:
        raise invalid(wbs_code_id="can't be blank")
    kind = KINDS[contract["_type"]]
    company.check_origin(kind.lines_table, fields.get("origin_id"), None, simulator.clash_status)
    now = simulator.now_text()
    row: Row = {
        "id": company.new_id("line_items"),
        "description": None,
        "uom": None,
        "quantity": None,
        "unit_cost": None,
        "amount": None,
        "extended_type": "manual",
        "position": len(contract["_lines"]) + 1,
        "tax_code_id": None,
        "origin_id": None,
        "origin_data": None,
        "created_at": now,
        "updated_at": now,
        "_type": kind.lines_table,
        "_contract_id": contract["id"],
    }
    _code(row, code)
    take_over(simulator, company, row, kind.lines_table, fields)
    company.tables.setdefault("line_items", {})[row["id"]] = row
    contract["_lines"].append(row["id"])
    _announce(simulator, company, contract, row, "created")
    return row


def update(simulator: "Procore", company: Company, row: Row, fields: Row) -> Row:
    """Changes a line. Raises 422."""
    contract = company.tables["contracts"][row["_contract_id"]]
    _unlocked(simulator, contract)
    code = wbs.named(simulator, company, contract["_project_id"], fields)
    if code is not None:
        _code(row, code)
    take_over(simulator, company, row, row["_type"], fields)
    simulator.touch(row)
    _announce(simulator, company, contract, row, "updated")
    return row


def delete(simulator: "Procore", company: Company, row: Row) -> None:
    """Removes a line. Raises 422 when it is locked or invoiced."""
    contract = company.tables["contracts"][row["_contract_id"]]
    _unlocked(simulator, contract)
    if contract["_requisitions"]:
        raise invalid(base="A line of a contract with invoices can't be deleted")
    contract["_lines"].remove(row["id"])
    company.remove("line_items", row)
    _announce(simulator, company, contract, row, "deleted")


def _code(row: Row, code: Row) -> None:
    row["_wbs_id"], row["_cost_code_id"], row["_type_id"] = code["id"], code["_cost_code_id"], code["_type_id"]


def take_over(simulator: "Procore", company: Company, row: Row, kind: str, fields: Row) -> None:
    """The fields of any financial line: quantity times price when it is calculated. Raises 422."""
    one_of(fields, "extended_type", ("manual", "calculated"))
    if fields.get("uom") and fields["uom"].lower() not in UNITS:
        raise invalid(uom=NOT_INCLUDED)
    company.set_origin(kind, row, fields, simulator.clash_status)
    row.update({name: fields[name] for name in ("description", "uom", "tax_code_id") if name in fields})
    for name in ("quantity", "unit_cost"):
        if name in fields:
            row[name] = money.plain(money.amount(fields[name], name))
    manual = fields.get("amount", fields.get("manual_amount"))
    if fields.get("extended_type"):
        row["extended_type"] = fields["extended_type"]
    elif manual is None and row["quantity"] is not None and row["unit_cost"] is not None:
        row["extended_type"] = "calculated"
    if row["extended_type"] == "calculated":
        row["amount"] = money.text(money.of(row["quantity"]) * money.of(row["unit_cost"]))
    elif "amount" in fields or "manual_amount" in fields:
        row["amount"] = money.text(money.amount(manual))


def _announce(simulator: "Procore", company: Company, contract: Row, row: Row, effect: str) -> None:
    """A change of a line is a change of its contract: totals and updated_at."""
    kind = KINDS[contract["_type"]]
    contracts.total(company, contract)
    simulator.touch(contract)
    row["_project_id"] = contract["_project_id"]
    key = row["origin_id"] or f"{contract['number']}/{row['position']}"
    simulator.changed(kind.lines_table, row, effect, key, kind.lines_resource, related=((contract["id"], kind.resource),))
    simulator.announce(kind.resource, contract)


def _unlocked(simulator: "Procore", contract: Row) -> None:
    if contracts.locked(simulator, contract):
        raise invalid(base=LOCKED.format(contract["status"]))


def shown(company: Company, row: Row) -> Row:
    """A line as lists and GET answer it."""
    contract = company.tables["contracts"][row["_contract_id"]]
    return {
        **common(company, row),
        "project": contracts.project_reference(company, contract),
        "holder": {"id": contract["id"], "holder_type": KINDS[contract["_type"]].holder},
    }


def common(company: Company, row: Row) -> Row:
    """What every financial line shows: its budget code in all three forms, and its amount three times."""
    line = public(row)
    line |= {
        "total_amount": row["amount"],
        "extended_amount": row["amount"],
        "company": {"id": company.id, "name": company.name},
        "wbs_code": wbs.reference(company, company.tables["wbs_codes"][row["_wbs_id"]]),
        "cost_code": cost_codes.reference(company, company.tables["cost_codes"][row["_cost_code_id"]]),
        "line_item_type": cost_types.reference(company.tables["line_item_types"][row["_type_id"]]),
        "currency_configuration": {"currency_iso_code": company.currency},
    }
    return line


def amount(row: Row) -> Decimal:
    return money.of(row["amount"])


def _contract(simulator: "Procore", kind: Kind, number: str, project_id: object) -> Row:
    project = simulator.project(project_id)
    row = simulator.company.get("contracts", number, project["id"])
    if row["_type"] != kind.table:
        raise Refused(404, "Contract not found")
    return row


def _line(simulator: "Procore", contract: Row, number: str) -> Row:
    row = simulator.company.get("line_items", number)
    if row["_contract_id"] != contract["id"]:
        raise Refused(404, "Line item not found")
    return row


def register(kind: Kind) -> None:
    """Adds the line routes of one kind of contract."""
    name = f"{kind.key}_id"
    base = f"/rest/v1.0/{kind.table}/{{{name}}}/line_items"

    @route("GET", base)
    def list_lines(simulator: "Procore", request: Request, **path: str) -> Response:
        contract = _contract(simulator, kind, path[name], request.q("project_id"))
        company = simulator.company
        rows = [company.tables["line_items"][number] for number in contract["_lines"]]
        rows = [row for row in paging.select(request, rows, FILTERS) if simulator.visible(row["created_at"])]
        return paging.answer(request, rows, lambda row: shown(company, row))

    @route("POST", base)
    def create_line(simulator: "Procore", request: Request, **path: str) -> Response:
        contract = _contract(simulator, kind, path[name], simulator.body(request).get("project_id"))
        row = create(simulator, simulator.company, contract, simulator.body(request, "line_item"))
        return Response.of(201, shown(simulator.company, row))

    @route("PATCH", base + "/{id}")
    def update_line(simulator: "Procore", request: Request, id: str, **path: str) -> Response:
        contract = _contract(simulator, kind, path[name], simulator.body(request).get("project_id"))
        row = _line(simulator, contract, id)
        return Response.of(
            200, shown(simulator.company, update(simulator, simulator.company, row, simulator.body(request, "line_item")))
        )

    @route("DELETE", base + "/{id}")
    def delete_line(simulator: "Procore", request: Request, id: str, **path: str) -> Response:
        contract = _contract(simulator, kind, path[name], request.q("project_id"))
        row = _line(simulator, contract, id)
        answer = shown(simulator.company, row)
        delete(simulator, simulator.company, row)
        return Response.of(200, answer)

    @route("PATCH", base + "/sync")
    def sync_lines(simulator: "Procore", request: Request, **path: str) -> Response:
        contract = _contract(simulator, kind, path[name], request.q("project_id"))
        company = simulator.company
        return sync(
            simulator,
            request,
            table="line_items",
            kind=kind.lines_table,
            create=lambda fields: create(simulator, company, contract, fields),
            update=lambda row, fields: update(simulator, company, row, fields),
            show=lambda row: shown(company, row),
            belongs=lambda row: row["_contract_id"] == contract["id"],
        )

    @route("GET", f"/rest/v1.0/{kind.table}/{{{name}}}/line_item_contract_details")
    def list_details(simulator: "Procore", request: Request, **path: str) -> Response:
        """No contract here has a subcontractor's own schedule of values."""
        _contract(simulator, kind, path[name], request.q("project_id"))
        return paging.answer(request, [], public)


register(PO)
register(WO)
