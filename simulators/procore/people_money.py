"""What people do in Procore with commitments, variations, billing periods and invoices."""

from collections.abc import Callable
from datetime import date
from typing import TYPE_CHECKING, Any

from simulators.kit.actions import BadAction
from simulators.procore import (
    billing_periods,
    building,
    change_order_lines,
    change_orders,
    contract_lines,
    contracts,
    requisitions,
    vendors,
)
from simulators.procore.contracts import KINDS, LOCKED, PO, WO
from simulators.procore.errors import Refused
from simulators.procore.people import contract, own, project, refused
from simulators.procore.routes import ACTIONS
from simulators.procore.store import Company, Row

if TYPE_CHECKING:
    from simulators.procore.core import Procore

_project, _contract = project, contract


def _try(rule: Callable[..., Any], *arguments: Any) -> Any:
    try:
        return rule(*arguments)
    except Refused as error:
        raise refused(error) from error


def _vendor(owner: Company, name: str) -> Row:
    row = vendors.by_name(owner, name)
    if row is None:
        raise BadAction(f"no vendor {name}")
    return row


def _line_fields(simulator: "Procore", owner: Company, project_id: int, line: dict[str, Any]) -> Row:
    try:
        return building.line_fields(simulator, owner, project_id, line)
    except KeyError as error:
        raise BadAction(f"no such cost type or sub job: {error}") from error
    except Refused as error:
        raise refused(error) from error


def _edit(simulator: "Procore", owner: Company, row: Row, change: Callable[[], Any]) -> Any:
    """A person who edits an approved contract sets it back to Draft, edits, and approves it again."""
    status = row["status"]
    if status not in LOCKED:
        return _try(change)
    _try(contracts.update, simulator, owner, row, {"status": "Draft"})
    try:
        return _try(change)
    finally:
        _try(contracts.update, simulator, owner, row, {"status": status})


@ACTIONS.add
def create_commitment(
    simulator: "Procore",
    project: str,
    type: str,
    number: str,
    title: str,
    vendor: str = "",
    status: str = "Approved",
    lines: list[dict[str, Any]] | None = None,
    retainage: str = "0",
    company: str = "",
) -> int:
    """Raises a purchase order (po) or subcontract (sc) with its lines: code, type, amount, description, sub_job."""
    owner = own(simulator, company)
    row = _project(owner, project)
    kind = PO if type == "po" else WO
    if status not in kind.statuses:
        raise BadAction(f"no status {status} for {kind.resource}")
    fields = {"number": number, "title": title, "retainage_percent": retainage}
    if vendor:
        fields["vendor_id"] = _vendor(owner, vendor)["id"]
    made = [_line_fields(simulator, owner, row["id"], line) for line in lines or []]
    new: Row = _try(contracts.create, simulator, owner, row, kind, fields)
    for line in made:
        _try(contract_lines.create, simulator, owner, new, line)
    if status != "Draft":
        _try(contracts.update, simulator, owner, new, {"status": status})
    return int(new["id"])


@ACTIONS.add
def set_commitment_status(simulator: "Procore", number: str, status: str, project: str = "", company: str = "") -> None:
    """Sets a commitment's status, for example Approved."""
    owner = own(simulator, company)
    row = _contract(owner, number, project or None)
    if status not in KINDS[row["_type"]].statuses:
        raise BadAction(f"no status {status} for {KINDS[row['_type']].resource}")
    _try(contracts.update, simulator, owner, row, {"status": status})


@ACTIONS.add
def edit_commitment(
    simulator: "Procore",
    number: str,
    title: str | None = None,
    vendor: str | None = None,
    new_number: str | None = None,
    project: str = "",
    company: str = "",
) -> None:
    """Changes a commitment's title, vendor or number."""
    owner = own(simulator, company)
    row = _contract(owner, number, project or None)
    fields: Row = {}
    if title is not None:
        fields["title"] = title
    if vendor is not None:
        fields["vendor_id"] = _vendor(owner, vendor)["id"]
    if new_number is not None:
        fields["number"] = new_number
    if vendor is None:
        _try(contracts.update, simulator, owner, row, fields)
    else:
        _edit(simulator, owner, row, lambda: contracts.update(simulator, owner, row, fields))


@ACTIONS.add
def delete_commitment(simulator: "Procore", number: str, project: str = "", company: str = "") -> None:
    """Deletes a commitment, after setting it back to Draft if it is approved."""
    owner = own(simulator, company)
    row = _contract(owner, number, project or None)
    if row["status"] in LOCKED:
        _try(contracts.update, simulator, owner, row, {"status": "Draft"})
    _try(contracts.delete, simulator, owner, row)


@ACTIONS.add
def add_line(
    simulator: "Procore",
    number: str,
    code: str,
    type: str,
    amount: str | None = None,
    description: str = "",
    sub_job: str = "",
    project: str = "",
    company: str = "",
) -> None:
    """Adds a line to a commitment's schedule of values."""
    owner = own(simulator, company)
    row = _contract(owner, number, project or None)
    line = {"code": code, "type": type, "amount": amount, "description": description, "sub_job": sub_job}
    fields = _line_fields(simulator, owner, row["_project_id"], line)
    _edit(simulator, owner, row, lambda: contract_lines.create(simulator, owner, row, fields))


@ACTIONS.add
def change_line(
    simulator: "Procore",
    number: str,
    position: int,
    amount: str | None = None,
    description: str | None = None,
    project: str = "",
    company: str = "",
) -> None:
    """Changes amount or description of a commitment's line."""
    owner = own(simulator, company)
    row = _contract(owner, number, project or None)
    line = _line(owner, row, position)
    fields = {n: v for n, v in (("amount", amount), ("description", description)) if v is not None}
    if "amount" in fields:
        fields["extended_type"] = "manual"
    _edit(simulator, owner, row, lambda: contract_lines.update(simulator, owner, line, fields))


@ACTIONS.add
def remove_line(simulator: "Procore", number: str, position: int, project: str = "", company: str = "") -> None:
    """Removes a line of a commitment."""
    owner = own(simulator, company)
    row = _contract(owner, number, project or None)
    line = _line(owner, row, position)
    _edit(simulator, owner, row, lambda: contract_lines.delete(simulator, owner, line))


def _line(owner: Company, row: Row, position: int) -> Row:
    for number in row["_lines"]:
        line = owner.tables["line_items"][number]
        if line["position"] == int(position):
            return line
    raise BadAction(f"{row['number']} has no line {position}")


@ACTIONS.add
def create_variation(
    simulator: "Procore",
    commitment: str,
    number: str,
    title: str,
    lines: list[dict[str, Any]],
    status: str = "approved",
    company: str = "",
) -> int:
    """Raises a variation (commitment change order) with its lines: code, type, amount, description, sub_job."""
    owner = own(simulator, company)
    row = _contract(owner, commitment)
    fields = {"contract_id": row["id"], "number": number, "title": title}
    made = [_line_fields(simulator, owner, row["_project_id"], line) for line in lines]
    order: Row = _try(change_orders.create, simulator, owner, row["_project_id"], fields)
    for line in made:
        _try(change_order_lines.create, simulator, owner, order, line)
    _try(change_orders.update, simulator, owner, order, {"status": status})
    return int(order["id"])


@ACTIONS.add
def set_variation_status(simulator: "Procore", commitment: str, number: str, status: str, company: str = "") -> None:
    """Sets a variation's status, for example approved."""
    owner = own(simulator, company)
    row = _contract(owner, commitment)
    order = owner.find("commitment_change_orders", owner.keys.get(("change_order", row["id"], number)))
    if order is None:
        raise BadAction(f"{commitment} has no variation {number}")
    _try(change_orders.update, simulator, owner, order, {"status": status})


@ACTIONS.add
def add_billing_period(
    simulator: "Procore", project: str, start: str, end: str, due: str, status: str = "open", company: str = ""
) -> None:
    """Adds a billing period to a project; dates as 2026-11-01."""
    owner = own(simulator, company)
    try:
        dates = [date.fromisoformat(str(value)).isoformat() for value in (start, end, due)]
    except ValueError as error:
        raise BadAction(str(error)) from error
    fields = dict(zip(("start_date", "end_date", "due_date"), dates, strict=True)) | {"status": status}
    _try(billing_periods.create, simulator, owner, _project(owner, project)["id"], fields)


@ACTIONS.add
def close_billing_period(simulator: "Procore", project: str, start: str, company: str = "") -> None:
    """Closes the billing period that starts on a date."""
    owner = own(simulator, company)
    for period in owner.rows("billing_periods", _project(owner, project)["id"]):
        if period["start_date"] == str(start):
            _try(billing_periods.update, simulator, owner, period, {"status": "closed"})
            return
    raise BadAction(f"no billing period starts on {start}")


@ACTIONS.add
def approve_requisition(simulator: "Procore", commitment: str, number: int, status: str = "approved", company: str = "") -> None:
    """Approves a subcontractor invoice, by its number on the commitment."""
    owner = own(simulator, company)
    row = _contract(owner, commitment)
    for requisition_id in row["_requisitions"]:
        requisition = owner.tables["requisitions"][requisition_id]
        if requisition["number"] == int(number):
            _try(requisitions.update, simulator, owner, requisition, {"status": status})
            return
    raise BadAction(f"{commitment} has no invoice {number}")
