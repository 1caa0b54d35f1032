"""What people do in Procore with direct costs and invoices that an integration wrote: change them, delete them."""

from typing import TYPE_CHECKING

from simulators.kit.actions import BadAction
from simulators.procore import direct_costs, requisitions
from simulators.procore.errors import Refused
from simulators.procore.people import contract, own, refused
from simulators.procore.routes import ACTIONS
from simulators.procore.store import Company, Row

if TYPE_CHECKING:
    from simulators.procore.core import Procore


def _direct_cost(company: Company, number: str) -> Row:
    rows = [row for row in company.rows("direct_costs") if row["invoice_number"] == str(number)]
    if len(rows) != 1:
        raise BadAction(f"{len(rows)} direct costs {number}")
    return rows[0]


@ACTIONS.add
def change_direct_cost(
    simulator: "Procore", number: str, amount: str | None = None, description: str | None = None, line: int = 1,
    company: str = "",
) -> None:  # fmt: skip
    """Changes a direct cost's description, or the amount of one of its lines (counted from 1)."""
    owner = own(simulator, company)
    row = _direct_cost(owner, number)
    fields: Row = {} if description is None else {"description": description}
    if amount is not None:
        if not 1 <= int(line) <= len(row["_lines"]):
            raise BadAction(f"{number} has no line {line}")
        fields["line_items"] = [{"id": row["_lines"][int(line) - 1], "extended_type": "manual", "amount": amount}]
    try:
        direct_costs.update(simulator, owner, row, fields)
    except Refused as error:
        raise refused(error) from error


@ACTIONS.add
def delete_direct_cost(simulator: "Procore", number: str, company: str = "") -> None:
    """Deletes a direct cost with its lines, by its invoice number."""
    owner = own(simulator, company)
    direct_costs.delete(simulator, owner, _direct_cost(owner, number))


@ACTIONS.add
def delete_requisition(simulator: "Procore", commitment: str, invoice_number: str, company: str = "") -> None:
    """Deletes a commitment's latest subcontractor invoice, after setting it back to Draft."""
    owner = own(simulator, company)
    for number in contract(owner, commitment)["_requisitions"]:
        row = owner.tables["requisitions"][number]
        if row["invoice_number"] == str(invoice_number):
            if number != contract(owner, commitment)["_requisitions"][-1]:
                raise BadAction("Only the latest invoice can be deleted")  # and it stays as approved as it was
            try:
                requisitions.update(simulator, owner, row, {"status": "draft"})
                requisitions.delete(simulator, owner, row)
            except Refused as error:
                raise refused(error) from error
            return
    raise BadAction(f"{commitment} has no invoice {invoice_number}")
