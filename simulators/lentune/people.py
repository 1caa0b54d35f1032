"""What a person can do in Lentune, by natural references (POST /_sim/act)."""

from collections.abc import Callable
from functools import wraps
from typing import TYPE_CHECKING, Any

from simulators.kit.actions import Actions, BadAction
from simulators.lentune import clerk, company, dataset, orders, posting
from simulators.lentune.commitments import lines_total
from simulators.lentune.problems import Refusal
from simulators.lentune.shapes import SETTINGS, money
from simulators.lentune.store import Row
from simulators.lentune.tenant import Tenant
from simulators.lentune.webhooks import emit

if TYPE_CHECKING:
    from simulators.lentune.core import Lentune

actions = Actions()


def person(act: Callable[..., Any]) -> Callable[..., Any]:
    """Registers an action; what the rules refuse, or what is not found, is told to the person in a sentence."""

    @wraps(act)
    def run(simulator: "Lentune", **args: Any) -> Any:
        simulator.as_person(f"/{act.__name__}")
        try:
            return act(simulator.tenant(), **args)
        except Refusal as refusal:
            raise BadAction(str(refusal)) from refusal
        except clerk.NotHere as error:
            raise BadAction(f"{error.name} is not in Lentune") from error
        except KeyError as error:
            raise BadAction(f"{error.args[0]} is missing") from error
        except IndexError as error:
            raise BadAction("there is no line of that number") from error
        except ArithmeticError as error:
            raise BadAction("an amount is not a number") from error
        except LookupError as error:
            raise BadAction(str(error)) from error
        finally:
            simulator.enter_changes()

    return actions.add(run)


def invoice_called(tenant: Tenant, number: str) -> Row:
    row = tenant.store.first("invoices", lambda one: one["number"] == str(number))
    if row is None:
        raise LookupError(f"no invoice {number}")
    return row


def order_called(tenant: Tenant, number: str) -> Row:
    row = tenant.store.holder("purchase_orders", str(number))
    if row is None:
        raise LookupError(f"no purchase order {number}")
    return row


def edit_invoice(tenant: Tenant, invoice: Row, fields: Row) -> Row:
    """Change an invoice; a posted one tells its subscribers that Procore may now differ."""
    store = tenant.store
    store.coding.pop(invoice["id"], None)
    posting.count_invoiced(store, invoice, -1)
    store.update("invoices", invoice, tenant.now, fields)
    posting.count_invoiced(store, invoice, 1)
    if invoice["posting"]["state"] == "posted":
        posting.announce(tenant, "invoice.changed_after_post", invoice)
    else:
        posting.refresh(tenant, [invoice], edited=True)
    return posting.public(store, invoice)


@person
def create_invoice(
    tenant: Tenant,
    number: str,
    supplier: str,
    date: str,
    lines: list[dict[str, Any]],
    order: str | None = None,
    project: str | None = None,
    kind: str = "project",
    gross: str | None = None,
    status: str = "approved",
) -> Row:
    """Enter an invoice in full; lines name order_line, or code and type, with net, tax and description."""
    spec = {"number": number, "supplier": supplier, "date": date, "lines": lines, "order": order, "project": project,
            "kind": kind, "gross": gross, "status": status}  # fmt: skip
    invoice = dataset.add_invoice(tenant, spec)
    clerk.work(tenant)
    return posting.public(tenant.store, invoice)


@person
def code_invoice_line(
    tenant: Tenant,
    number: str,
    line: int,
    project: str | None = None,
    code: str | None = None,
    type: str | None = None,
    order_line: int | None = None,
) -> Row:
    """Give one line (counted from 1) its project, cost code and cost type, or a line of the invoice's order."""
    invoice = invoice_called(tenant, number)
    order = posting.order_of(tenant.store, invoice)
    spec = {"project": project or (None if order_line else project_code_of(tenant, invoice))}
    entry = {"code": code, "type": type, "order_line": order_line}
    lines = list(invoice["lines"])
    lines[line - 1] = lines[line - 1] | clerk.line_coding(tenant, order, spec, entry)
    return edit_invoice(tenant, invoice, {"lines": lines})


def project_code_of(tenant: Tenant, invoice: Row) -> str | None:
    """Code of the project that the invoice's lines name already."""
    for line in invoice["lines"]:
        project = tenant.store.find("projects", line["project_id"])
        if project:
            return str(project["code"])
    return None


@person
def set_invoice_project(tenant: Tenant, number: str, project: str) -> Row:
    """Put a project on every line; each keeps its code and type if the project has them."""
    invoice = invoice_called(tenant, number)
    target = dataset.project_called(tenant, project)
    lines = []
    for line in invoice["lines"]:
        held = tenant.store.find("cost_codes", line["cost_code_id"])
        key = ("cost_codes", target["id"], held["code"], held["cost_type_id"] or "") if held else ("cost_codes",)
        same = tenant.store.holder(*key)
        lines.append(line | {"project_id": target["id"], "cost_code_id": same["id"] if same else None,
                             "purchase_order_line_id": None})  # fmt: skip
    return edit_invoice(tenant, invoice, {"lines": lines, "purchase_order_id": None, "subcontract_id": None})


@person
def approve_invoice(tenant: Tenant, number: str) -> Row:
    """Approve an invoice as it is."""
    return edit_invoice(tenant, invoice_called(tenant, number), {"status": "approved"})


@person
def hold_invoice(tenant: Tenant, number: str) -> Row:
    """Put an invoice on hold."""
    return edit_invoice(tenant, invoice_called(tenant, number), {"status": "on_hold"})


@person
def reject_invoice(tenant: Tenant, number: str) -> Row:
    """Reject an invoice."""
    return edit_invoice(tenant, invoice_called(tenant, number), {"status": "rejected"})


@person
def change_invoice(
    tenant: Tenant,
    number: str,
    line: int = 1,
    net: str | None = None,
    tax: str | None = None,
    description: str | None = None,
    gross: str | None = None,
    date: str | None = None,
) -> Row:
    """Change a line's amounts or text, the date, or the gross amount (else it follows the lines)."""
    invoice = invoice_called(tenant, number)
    lines = [dict(row) for row in invoice["lines"]]
    changes = {"net": net and dataset.amount(net), "tax": tax and dataset.amount(tax), "description": description}
    lines[line - 1].update({name: value for name, value in changes.items() if value is not None})
    nets, taxes = posting.summed(lines, "net"), posting.summed(lines, "tax")
    fields: Row = {"lines": lines, "net": money(nets), "tax": money(taxes)}
    if gross or net or tax:
        fields["gross"] = dataset.amount(gross) if gross else money(nets + taxes)
    if date:
        fields["invoice_date"] = str(date)
    return edit_invoice(tenant, invoice, fields)


@person
def create_purchase_order(
    tenant: Tenant,
    project: str,
    description: str,
    supplier: str,
    lines: list[dict[str, Any]],
    number: str = "",
    status: str = "approved",
) -> Row:
    """Raise a purchase order in Lentune; not possible while Procore raises them (P-12)."""
    owner = dataset.project_called(tenant, project)
    built = []
    for position, entry in enumerate(lines, 1):
        code = dataset.cost_code_of(tenant, owner["id"], str(entry["code"]), entry.get("type"))
        if code is None:
            raise LookupError(f"no cost code {entry['code']} in project {project}")
        built.append({"external_line_id": str(position), "cost_code_id": code["id"],
                      "description": entry["description"], "amount": dataset.amount(entry["amount"])})  # fmt: skip
    body = {"description": description, "project_id": owner["id"], "supplier_name": supplier, "lines": built,
            "status": status}  # fmt: skip
    return orders.raise_order(tenant, body, number)


def change_order(tenant: Tenant, number: str, fields: Row, event: str) -> Row:
    row = tenant.store.update("purchase_orders", order_called(tenant, number), tenant.now, fields)
    orders.announce(tenant, event, row)
    return row


@person
def approve_purchase_order(tenant: Tenant, number: str) -> Row:
    """Approve a draft purchase order."""
    return change_order(tenant, number, {"status": "approved"}, "purchase_order.approved")


@person
def cancel_purchase_order(tenant: Tenant, number: str) -> Row:
    """Void a purchase order."""
    return change_order(tenant, number, {"status": "void"}, "purchase_order.cancelled")


@person
def change_purchase_order(
    tenant: Tenant, number: str, description: str | None = None, line: int = 1, amount: str | None = None
) -> Row:
    """Change a purchase order's description, or the amount of a line (counted from 1)."""
    row = order_called(tenant, number)
    lines = [dict(entry) for entry in row["lines"]]
    if amount:
        lines[line - 1]["amount"] = dataset.amount(amount)
    fields: Row = {"lines": lines, "total": lines_total(lines)}
    if description:
        fields["description"] = description
    return change_order(tenant, number, fields, "purchase_order.updated")


@person
def set_order_supplier(tenant: Tenant, number: str, supplier: str) -> Row:
    """Fill in the supplier of a purchase order or subcontract that arrived with none (L-34)."""
    order = clerk.order_called(tenant, number)
    fields = {
        "supplier_id": dataset.supplier_called(tenant, supplier)["id"],
        "warnings": [entry for entry in order["warnings"] if entry["code"] != "supplier_blank"],
    }
    table = "subcontracts" if "module" in order else "purchase_orders"
    return tenant.store.update(table, order, tenant.now, fields)


@person
def create_supplier(tenant: Tenant, name: str) -> Row:
    """Add a supplier."""
    return dataset.add_supplier(tenant, name)


@person
def rename_supplier(tenant: Tenant, name: str, to: str) -> Row:
    """Give a supplier another name."""
    row = dataset.supplier_called(tenant, name)
    return tenant.store.update("suppliers", row, tenant.now, {"description": to})


@person
def add_branch(tenant: Tenant, name: str) -> Row:
    """Add a branch."""
    return dataset.add_branch(tenant, name)


@person
def set_settings(tenant: Tenant, settings: dict[str, Any]) -> Row:
    """Change and save any field of the Procore connection's settings."""
    link = next(tenant.store.live("procore_companies"), None)
    if link is None:
        raise LookupError("no Procore company is linked")
    SETTINGS.require({name: value for name, value in link["settings"].items() if name != "po_master"} | settings)
    company.save(tenant, link, settings)
    return dict(link["settings"])


@person
def create_payment_claim(
    tenant: Tenant,
    subcontract: str,
    reference: str,
    claimed: str,
    period_from: str = "",
    period_to: str = "",
    status: str = "approved",
) -> Row:
    """Enter a subcontractor's claim."""
    parent = tenant.store.holder("subcontracts", subcontract)
    if parent is None:
        raise LookupError(f"no subcontract {subcontract}")
    fields: Row = {
        "subcontract_id": parent["id"], "reference": reference, "status": status, "claimed": dataset.amount(claimed),
        "retention_held": "0.00", "payment_schedule_sent_at": None,
    }  # fmt: skip
    fields |= {name: day for name, day in (("period_from", period_from), ("period_to", period_to)) if day}
    if status == "approved":
        fields["approved_amount"] = fields["claimed"]
    row = tenant.store.insert("payment_claims", tenant.now, fields, key=reference)
    if status == "approved":
        emit(tenant, "payment_claim.approved", row["id"], row["version"], row)
    return row


@person
def approve_payment_claim(tenant: Tenant, reference: str, amount: str | None = None) -> Row:
    """Approve a claim, in full or for another amount."""
    row = tenant.store.first("payment_claims", lambda one: one["reference"] == reference)
    if row is None:
        raise LookupError(f"no payment claim {reference}")
    fields = {"status": "approved", "approved_amount": dataset.amount(amount) if amount else row["claimed"]}
    tenant.store.update("payment_claims", row, tenant.now, fields, key=reference)
    emit(tenant, "payment_claim.approved", row["id"], row["version"], row)
    return row


@person
def set_cost_type(tenant: Tenant, project: str, code: str, type: str) -> Row:
    """Give a project's cost code a cost type; invoices that waited for it are decided anew (L-10)."""
    owner = dataset.project_called(tenant, project)
    row = dataset.cost_code_of(tenant, owner["id"], code, None)
    kind = tenant.store.holder("cost_types", type)
    if row is None or kind is None:
        raise LookupError(f"no cost code {code}" if row is None else f"no cost type {type}")
    other = tenant.store.holder("cost_codes", owner["id"], code, kind["id"])
    if other is not None and other["id"] != row["id"]:
        raise BadAction(f"{other['id']} is code {code} with type {type} already")
    tenant.store.update("cost_codes", row, tenant.now, {"cost_type_id": kind["id"]})
    used = [one for one in tenant.store.live("invoices") if any(ln["cost_code_id"] == row["id"] for ln in one["lines"])]
    posting.refresh(tenant, used, edited=True)
    return row


@person
def link_project(tenant: Tenant, project: str, procore_id: str) -> Row:
    """Say that a project Lentune had already is this project of Procore; its next update then finds it."""
    row = dataset.project_called(tenant, project)
    external = {"procore_company_id": tenant.store.company_id, "procore_id": procore_id, "procore_type": "project"}
    other = tenant.store.by_external("projects", external)
    if row.get("external") or other is not None:
        raise BadAction(f"{project} or Procore project {procore_id} is linked already")
    return tenant.store.update("projects", row, tenant.now, {"external": external})


@person
def rename_project(tenant: Tenant, project: str, description: str) -> Row:
    """Give a project another description."""
    row = dataset.project_called(tenant, project)
    return tenant.store.update("projects", row, tenant.now, {"description": description})


@person
def delete_project(tenant: Tenant, project: str) -> Row:
    """Delete a project; lists show its tombstone with updated_since."""
    row = dataset.project_called(tenant, project)
    tenant.store.delete("projects", row, tenant.now)
    posting.refresh(tenant)
    return row


@person
def expire_tokens(tenant: Tenant) -> int:
    """End every sign-in; clients must get new tokens."""
    count = len(tenant.store.tokens)
    tenant.store.tokens.clear()
    return count
