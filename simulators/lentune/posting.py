"""Where an invoice goes and whether it may: the routing rules of contract B.4, kept up to date on every invoice."""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from simulators.lentune.shapes import money
from simulators.lentune.store import Row, Store
from simulators.lentune.tenant import Tenant
from simulators.lentune.webhooks import emit

TO_PROCORE = ("commitment_invoice", "direct_cost")
SETTLED = ("posting", "posted", "skipped")


@dataclass(frozen=True)
class Route:
    """Target, whether it may go, the step of B.4 that decided, and the code of what is missing."""

    target: str
    ready: bool
    step: int
    missing: str = ""


def route(tenant: Tenant, invoice: Row) -> Route:
    """The five steps of B.4, in their order."""
    settings = tenant.settings
    if invoice["kind"] == "overhead" and settings["accounting_route"] == "project_via_procore_overhead_direct":
        approved = invoice["status"] == "approved"
        return Route("accounting", approved, 1, "" if approved else "invoice_not_approved")
    missing = gap(tenant.store, invoice)
    if missing:
        return Route("none", False, 2, missing)
    if settings["po_master"] == "neither":
        return Route("direct_cost", True, 3)
    if linked_order(tenant.store, invoice):
        return Route("commitment_invoice", True, 4)
    return Route("direct_cost", True, 5)


def gap(store: Store, invoice: Row) -> str:
    """Code of the first thing the invoice lacks (L-08 to L-10), or an empty text."""
    if invoice["status"] != "approved":
        return "invoice_not_approved"
    if any(store.find("projects", line["project_id"]) is None for line in invoice["lines"]):
        return "invoice_project_missing"
    codes = [store.find("cost_codes", line["cost_code_id"]) for line in invoice["lines"]]
    if any(code is None for code in codes):
        return "invoice_cost_code_missing"
    return "cost_code_without_cost_type" if any(code and not code["cost_type_id"] for code in codes) else ""


def linked_order(store: Store, invoice: Row) -> Row | None:
    """The invoice's purchase order or subcontract, if Procore has it too."""
    order = order_of(store, invoice)
    return order if order and order.get("external") else None


def order_of(store: Store, invoice: Row) -> Row | None:
    return store.find("purchase_orders", invoice["purchase_order_id"]) or store.find(
        "subcontracts", invoice["subcontract_id"]
    )


def refresh(tenant: Tenant, invoices: Iterable[Row] | None = None, edited: bool = False) -> None:
    """Decide anew for invoices that are not settled; `edited`: a person changed them, so a failure is forgotten.

    Emits invoice.ready_to_post when an invoice becomes ready for Procore.
    """
    for invoice in list(tenant.store.live("invoices") if invoices is None else invoices):
        posting = invoice["posting"]
        if posting["state"] in SETTLED:
            continue
        decided = route(tenant, invoice)
        state = "ready" if decided.ready else "not_ready"
        if posting["state"] == "failed" and not edited:
            state = "failed"
        tenant.store.reasons[invoice["id"]] = f"B.4 step {decided.step} {decided.missing}".strip()
        if (state, decided.target) == (posting["state"], posting["target"]):
            continue
        became_ready = state == "ready" and posting["state"] != "ready"
        error = posting["error"] if state == "failed" else None
        invoice["posting"] = posting | {"state": state, "target": decided.target, "error": error}
        tenant.store.touch(invoice, tenant.now)
        if became_ready and decided.target in TO_PROCORE:
            announce(tenant, "invoice.ready_to_post", invoice)


def announce(tenant: Tenant, event: str, invoice: Row) -> None:
    emit(tenant, event, invoice["id"], invoice["version"], public(tenant.store, invoice))


def public(store: Store, invoice: Row) -> Row:
    """As the contract shows it: the document's address depends on where this system is reached."""
    return invoice | {"document_url": f"{store.base}/adapter/lentune/v1/invoices/{invoice['id']}/document"}


def release_leases(tenant: Tenant) -> None:
    """An invoice whose claim ran out returns to ready by itself (contract B.2, posting-claims)."""
    moment = tenant.now.timestamp()
    for invoice_id in [key for key, until in tenant.store.leases.items() if until <= moment]:
        del tenant.store.leases[invoice_id]
        invoice = tenant.store.find("invoices", invoice_id)
        if invoice and invoice["posting"]["state"] == "posting":
            invoice["posting"] = invoice["posting"] | {"state": "ready"}
            tenant.store.touch(invoice, tenant.now)


def count_invoiced(store: Store, invoice: Row, sign: int) -> None:
    """Add (1) or take away (-1) an approved invoice from what its order lines have been invoiced to date."""
    if invoice["status"] != "approved":
        return
    order = order_of(store, invoice)
    if order is None:
        return
    lines = {line["id"]: line for line in order["lines"]}
    for line in invoice["lines"]:
        held = lines.get(line["purchase_order_line_id"] or "")
        if held:
            held["invoiced_to_date"] = money(Decimal(held["invoiced_to_date"]) + sign * Decimal(line["net"]))


def summed(lines: list[Row], name: str) -> Decimal:
    return sum((Decimal(line[name]) for line in lines), Decimal(0))
