"""Purchase orders either way, behind the two boxes (contract B.2, P-05 to P-14)."""

from simulators.lentune import shapes
from simulators.lentune.commitments import build_lines, code_gate, content_gate, lines_total, number_gate, project_gate
from simulators.lentune.paging import Match, choice, listed
from simulators.lentune.posting import refresh
from simulators.lentune.problems import Refusal
from simulators.lentune.projects import supplier_for
from simulators.lentune.shapes import EXTERNAL, Json
from simulators.lentune.store import Row, external_key
from simulators.lentune.tenant import Answer, Call, Tenant, check_version, record
from simulators.lentune.upsert import upsert
from simulators.lentune.webhooks import emit


def list_orders(tenant: Tenant, call: Call) -> Answer:
    filters = {
        "status": choice(call, "status", "draft", "approved", "closed", "void"),
        "origin": choice(call, "origin", "lentune", "procore"),
        "project_id": choice(call, "project_id"),
    }
    wanted = {name: value for name, value in filters.items() if value}
    matches: list[Match] = [lambda row: all(row[name] == value for name, value in wanted.items())]
    return listed(tenant, call, "purchase_orders", matches if wanted else None)


def get_order(tenant: Tenant, call: Call) -> Answer:
    return record(tenant.store.get("purchase_orders", call.params["purchase_order_id"]))


def put_order(tenant: Tenant, call: Call) -> Answer:
    """Intake from Procore: only while Procore raises the purchase orders (P-08, P-14)."""
    tenant.company(call.params["procore_company_id"])
    master = tenant.settings["po_master"]
    if master == "lentune":
        raise Refusal("po_master_is_lentune", "The Lentune purchase order box is on.")
    if master == "neither":
        raise Refusal("po_sync_disabled", "Neither purchase order box is on.")
    external = (call.content or {}).get("external") or {}
    if isinstance(external, dict) and external.get("procore_type") == "work_order_contract":
        raise Refusal("subcontract_belongs_in_payment_claims", "Send it to /subcontracts.")
    content_gate(call.content)
    answer = upsert(tenant, call, "purchase_orders", shapes.PURCHASE_ORDER, build_order)
    refresh(tenant)
    return answer


def build_order(tenant: Tenant, call: Call, body: Json, row: Row | None) -> Row:
    store = tenant.store
    number_gate(store, "purchase_orders", body["number"], row)
    project_gate(store, body["project_id"])
    code_gate(store, body["project_id"], body["lines"])
    supplier_id, warnings = supplier_for(store, body.get("supplier_name"), row)
    lines = build_lines(store, body["lines"], row["lines"] if row else [])
    return {
        "number": body["number"],
        "description": body["description"],
        "project_id": body["project_id"],
        "supplier_id": supplier_id,
        "supplier_name_received": body.get("supplier_name"),
        "currency": body.get("currency", "NZD"),
        "status": body["status"],
        "origin": row["origin"] if row else "procore",
        "lines": lines,
        "total": lines_total(lines),
        "warnings": warnings,
    }


def create_order(tenant: Tenant, call: Call) -> Answer:
    """Raised in Lentune, by the interface or by a person: refused while Procore raises them (P-12)."""
    return record(raise_order(tenant, call.body(shapes.PURCHASE_ORDER_CREATE), key=call.key()), 201)


def raise_order(tenant: Tenant, body: Json, number: str = "", key: str = "") -> Row:
    """Add a Lentune order; the number is Lentune's unless a person gives one."""
    store = tenant.store
    if tenant.settings["po_master"] == "procore":
        raise Refusal("po_master_is_procore", "The Procore purchase order box is on.")
    if number:
        number_gate(store, "purchase_orders", number, None)
    project_gate(store, body["project_id"])
    code_gate(store, body["project_id"], body["lines"], on_budget=False)
    supplier_id, warnings = supplier_for(store, body.get("supplier_name"), None)
    lines = build_lines(store, body["lines"], [])
    fields = {
        "number": number or free_number(tenant),
        "description": body["description"],
        "project_id": body["project_id"],
        "supplier_id": supplier_id,
        "supplier_name_received": body.get("supplier_name"),
        "currency": body.get("currency", "NZD"),
        "status": body.get("status", "draft"),
        "origin": "lentune",
        "lines": lines,
        "total": lines_total(lines),
        "warnings": warnings,
    }
    row = store.insert("purchase_orders", tenant.now, fields, key)
    if row["status"] == "approved":
        announce(tenant, "purchase_order.approved", row)
    return row


def free_number(tenant: Tenant) -> str:
    while True:
        number = f"PO-{1000 + tenant.store.number('po_number')}"
        if tenant.store.holder("purchase_orders", number) is None:
            return number


def announce(tenant: Tenant, event: str, row: Row) -> None:
    """Only orders raised in Lentune have events; Procore knows its own."""
    if row["origin"] == "lentune":
        emit(tenant, event, row["id"], row["version"], row)


def link_order(tenant: Tenant, call: Call) -> Answer:
    """Keep the Procore id of an order that was sent there (P-07). The same id again changes nothing."""
    store = tenant.store
    row = store.get("purchase_orders", call.params["purchase_order_id"])
    external = call.body(EXTERNAL)
    tenant.company(external["procore_company_id"])
    held = row.get("external")
    if held and external_key("purchase_orders", held) == external_key("purchase_orders", external):
        return record(row)
    check_version(call, row["version"], required=True)
    other = store.by_external("purchase_orders", external)
    if held or other is not None:
        taken = f"{row['number']} is linked to {held['procore_id']}" if held else "Another order holds this Procore id"
        raise Refusal("external_key_taken", f"{taken}.")
    store.update("purchase_orders", row, tenant.now, {"external": external})
    refresh(tenant)
    return record(row)
