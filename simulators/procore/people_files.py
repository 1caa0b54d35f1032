"""What people do in Procore with invoices' files, and with payments."""

from typing import TYPE_CHECKING, Any

from simulators.kit.actions import BadAction
from simulators.procore import attachments, payments, requisitions
from simulators.procore.errors import Refused
from simulators.procore.people import contract, own, refused
from simulators.procore.routes import ACTIONS
from simulators.procore.store import Company, Row

if TYPE_CHECKING:
    from simulators.procore.core import Procore


def invoice(owner: Company, commitment: str, number: Any) -> Row:
    """By its number on the commitment. Raises BadAction."""
    for requisition_id in contract(owner, commitment)["_requisitions"]:
        row = owner.tables["requisitions"][requisition_id]
        if row["number"] == int(number):
            return row
    raise BadAction(f"{commitment} has no invoice {number}")


def payment(owner: Company, commitment: str, number: Any) -> tuple[Row, Row]:
    """The contract and its payment of that number. Raises BadAction."""
    holder = contract(owner, commitment)
    for payment_id in holder["_payments"]:
        row = owner.tables["contract_payments"][payment_id]
        if row["payment_number"] == int(number):
            return holder, row
    raise BadAction(f"{commitment} has no payment {number}")


def attach(simulator: "Procore", owner: Company, row: Row, spec: dict[str, Any]) -> Row:
    try:
        return attachments.add(owner, row, spec)
    except ValueError as error:
        raise BadAction(str(error)) from error


@ACTIONS.add
def create_requisition(
    simulator: "Procore",
    commitment: str,
    lines: list[dict[str, Any]],
    invoice_number: str = "",
    status: str = "approved",
    attachments: list[dict[str, Any]] | None = None,
    period: str = "",
    company: str = "",
) -> int:
    """Enters a subcontractor invoice: lines of {line, amount}, files of {kind, name, pages}, the start of its period."""
    from simulators.procore import building

    owner = own(simulator, company)
    contract(owner, commitment)
    spec: Row = {"commitment": commitment, "lines": lines, "status": status, "attachments": attachments or [], "period": period}
    try:
        return int(building.requisition(simulator, owner, spec | ({"number": invoice_number} if invoice_number else {}))["id"])
    except Refused as error:
        raise refused(error) from error
    except (LookupError, ValueError) as error:
        raise BadAction(str(error)) from error


@ACTIONS.add
def change_requisition(
    simulator: "Procore", commitment: str, number: int, invoice_number: str = "", amount: str = "", line: int = 1,
    company: str = "",
) -> None:  # fmt: skip
    """Changes an invoice, by its number on the commitment: what the supplier calls it, or what one line claims."""
    owner = own(simulator, company)
    row = invoice(owner, commitment, number)
    fields: Row = {"invoice_number": invoice_number} if invoice_number else {}
    if amount:
        if not 1 <= int(line) <= len(row["_items"]):
            raise BadAction(f"invoice {number} has no line {line}")
        fields["items"] = [{"id": row["_items"][int(line) - 1]["id"], "work_completed_this_period": str(amount)}]
    try:
        requisitions.update(simulator, owner, row, fields)
    except Refused as error:
        raise refused(error) from error


@ACTIONS.add
def attach_file(
    simulator: "Procore",
    commitment: str,
    number: int,
    kind: str = "pdf",
    name: str = "",
    pages: int = 1,
    size: int = 0,
    content_type: str = "",
    company: str = "",
) -> int:
    """Attaches a file to an invoice: pdf, jpeg, png, tiff, text, docx, drawing, damaged, encrypted or zero-byte."""
    owner = own(simulator, company)
    row = invoice(owner, commitment, number)
    spec = {"kind": kind, "name": name, "pages": pages, "size": size, "content_type": content_type}
    new = attach(simulator, owner, row, spec)
    simulator.touch(row)
    requisitions.announce(simulator, owner, row, "updated")
    return int(new["id"])


@ACTIONS.add
def remove_attachment(simulator: "Procore", commitment: str, number: int, name: str, company: str = "") -> None:
    """Takes a file off an invoice."""
    owner = own(simulator, company)
    row = invoice(owner, commitment, number)
    attachments.remove(owner, row, _file(owner, row, name))
    simulator.touch(row)
    requisitions.announce(simulator, owner, row, "updated")


@ACTIONS.add
def lose_file(simulator: "Procore", commitment: str, number: int, name: str, company: str = "") -> None:
    """A file is still listed, and cannot be downloaded any more."""
    owner = own(simulator, company)
    _file(owner, invoice(owner, commitment, number), name)["_lost"] = True


@ACTIONS.add
def attach_docusign(
    simulator: "Procore", commitment: str, number: int, name: str = "Signed invoice.pdf", company: str = ""
) -> None:
    """Signs an invoice with DocuSign: the signed document is linked to it, and is no attachment that could be read (S-29)."""
    owner = own(simulator, company)
    row = invoice(owner, commitment, number)
    row.setdefault("_docusign", []).append(name)
    row["electronic_signature_id"] = 310_000 + row["id"] % 10_000
    simulator.touch(row)
    requisitions.announce(simulator, owner, row, "updated")


@ACTIONS.add
def set_erp_status(simulator: "Procore", commitment: str, number: int, erp_status: str, company: str = "") -> None:
    """Sets what Procore's ERP tool says of an invoice, for example synced."""
    owner = own(simulator, company)
    row = invoice(owner, commitment, number)
    row["erp_status"] = erp_status or None
    simulator.touch(row)
    requisitions.announce(simulator, owner, row, "updated")


@ACTIONS.add
def enter_payment(
    simulator: "Procore", commitment: str, amount: str, date: str, invoice: int | None = None, check: str = "", company: str = ""
) -> int:
    """Enters a payment by hand, for an invoice by its number on the commitment."""
    owner = own(simulator, company)
    fields: Row = {"amount": amount, "date": date, "check_number": check or None, "payment_method": "check"}
    if invoice:
        fields["requisition_id"] = _invoice(owner, commitment, invoice)["id"]
    try:
        return int(payments.create(simulator, owner, contract(owner, commitment), fields)["id"])
    except Refused as error:
        raise refused(error) from error


@ACTIONS.add
def edit_payment(
    simulator: "Procore",
    commitment: str,
    number: int,
    new_number: int | None = None,
    amount: str | None = None,
    check: str | None = None,
    notes: str | None = None,
    company: str = "",
) -> None:
    """Changes a payment; of one that came from accounting only its number (Y-12, Y-14)."""
    owner = own(simulator, company)
    holder, row = payment(owner, commitment, number)
    given = {"payment_number": new_number, "amount": amount, "check_number": check, "notes": notes}
    try:
        payments.update(simulator, owner, holder, row, {name: value for name, value in given.items() if value is not None})
    except Refused as error:
        raise refused(error) from error


@ACTIONS.add
def attach_to_payment(
    simulator: "Procore", commitment: str, number: int, kind: str = "pdf", name: str = "Remittance.pdf", company: str = ""
) -> None:
    """Attaches a file to a payment, also to one that came from accounting (Y-13)."""
    owner = own(simulator, company)
    holder, row = payment(owner, commitment, number)
    attach(simulator, owner, row, {"kind": kind, "name": name})
    payments.update(simulator, owner, holder, row, {})


@ACTIONS.add
def delete_payment(simulator: "Procore", commitment: str, number: int, company: str = "") -> None:
    """Deletes a payment that did not come from accounting."""
    owner = own(simulator, company)
    holder, row = payment(owner, commitment, number)
    try:
        payments.delete(simulator, owner, holder, row)
    except Refused as error:
        raise refused(error) from error


# The actions' argument is called invoice, too.
_invoice = invoice


def _file(owner: Company, row: Row, name: str) -> Row:
    found = attachments.called(owner, row, name)
    if found is None:
        raise BadAction(f"no file {name} on the invoice")
    return found
