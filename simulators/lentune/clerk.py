"""The desk clerk: codes each invoice as soon as the records it names are in Lentune, then approves it."""

from dataclasses import dataclass

from simulators.lentune.dataset import add_cost_code, cost_code_of
from simulators.lentune.posting import count_invoiced, refresh
from simulators.lentune.store import Row
from simulators.lentune.tenant import Tenant


@dataclass
class NotHere(Exception):
    """What the invoice names has not arrived; the clerk waits."""

    name: str


def work(tenant: Tenant) -> None:
    """One look at every invoice that still waits to be coded."""
    for invoice_id, spec in list(tenant.store.coding.items()):
        invoice = tenant.store.find("invoices", invoice_id)
        if invoice is None:
            del tenant.store.coding[invoice_id]
            continue
        try:
            coded = coding(tenant, invoice, spec)
        except NotHere:
            continue
        del tenant.store.coding[invoice_id]
        approve(tenant, invoice, coded | {"status": spec.get("status", "approved")})


def approve(tenant: Tenant, invoice: Row, fields: Row) -> None:
    """Checked, then approved (or what the fields say): two changes, as two clicks are."""
    if fields["status"] == "approved":
        tenant.store.update("invoices", invoice, tenant.now, fields | {"status": "checked"})
        fields = {"status": "approved"}
    tenant.store.update("invoices", invoice, tenant.now, fields)
    count_invoiced(tenant.store, invoice, 1)
    refresh(tenant, [invoice], edited=True)


def coding(tenant: Tenant, invoice: Row, spec: Row) -> Row:
    """The invoice's order and lines from what the data set names. Raises NotHere."""
    order = order_called(tenant, spec["order"]) if spec.get("order") else None
    lines = [
        line | line_coding(tenant, order, spec, entry)
        for line, entry in zip(invoice["lines"], spec["lines"], strict=True)
    ]
    return {
        "lines": lines,
        "purchase_order_id": order["id"] if order and "module" not in order else None,
        "subcontract_id": order["id"] if order and "module" in order else None,
    }


def line_coding(tenant: Tenant, order: Row | None, spec: Row, entry: Row) -> Row:
    """Project, cost code and order line of one line; a line that names nothing stays empty."""
    if entry.get("order_line"):
        if order is None or len(order["lines"]) < int(entry["order_line"]):
            raise NotHere(f"order line {entry['order_line']}")
        line = order["lines"][int(entry["order_line"]) - 1]
        return {
            "project_id": order["project_id"],
            "cost_code_id": line["cost_code_id"],
            "purchase_order_line_id": line["id"],
            "description": entry.get("description") or line["description"],
        }
    number = entry.get("project") or spec.get("project")
    if number is None:
        return {}
    project = tenant.store.holder("projects", str(number))
    if project is None:
        raise NotHere(f"project {number}")
    return {"project_id": project["id"], "cost_code_id": code_called(tenant, project["id"], entry)}


def code_called(tenant: Tenant, project_id: str, entry: Row) -> str | None:
    """The cost code's id. An entry with a code and no type is one the clerk makes up (it breaks L-10)."""
    if not entry.get("code"):
        return None
    code = str(entry["code"])
    if entry.get("type") is None:
        held = tenant.store.holder("cost_codes", project_id, code, "")
        row = held or add_cost_code(tenant, project_id, code, entry.get("description") or code, None)
        return str(row["id"])
    found = cost_code_of(tenant, project_id, code, entry["type"])
    if found is None:
        raise NotHere(f"cost code {code}")
    return str(found["id"])


def order_called(tenant: Tenant, number: str) -> Row:
    """A purchase order or subcontract by number. Raises NotHere."""
    store = tenant.store
    order = store.holder("purchase_orders", number) or store.holder("subcontracts", number)
    if order is None:
        raise NotHere(f"order {number}")
    return order
