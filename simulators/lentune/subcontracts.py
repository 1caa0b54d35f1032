"""Subcontracts in Payment Claims, claims against them, and variations (L-22, L-23)."""

from decimal import Decimal

from simulators.lentune import shapes
from simulators.lentune.commitments import build_lines, code_gate, content_gate, lines_total, number_gate, project_gate
from simulators.lentune.paging import Match, choice, listed
from simulators.lentune.posting import refresh
from simulators.lentune.problems import FieldError, Refusal
from simulators.lentune.projects import supplier_for
from simulators.lentune.shapes import Json, money
from simulators.lentune.store import Row, fold
from simulators.lentune.tenant import Answer, Call, Tenant
from simulators.lentune.upsert import upsert

PARENT_TABLE = {"purchase_order": "purchase_orders", "subcontract": "subcontracts", "project_budget": "projects"}


def list_subcontracts(tenant: Tenant, call: Call) -> Answer:
    return listed(tenant, call, "subcontracts")


def put_subcontract(tenant: Tenant, call: Call) -> Answer:
    """Subcontracts come whoever raises the purchase orders; only their own setting stops them."""
    tenant.company(call.params["procore_company_id"])
    if not tenant.settings["pull_subcontracts"]:
        raise Refusal("forbidden", "Subcontracts are not pulled from Procore (setting pull_subcontracts).")
    content_gate(call.content)
    answer = upsert(tenant, call, "subcontracts", shapes.SUBCONTRACT, build_subcontract)
    refresh(tenant)
    return answer


def build_subcontract(tenant: Tenant, call: Call, body: Json, row: Row | None) -> Row:
    store = tenant.store
    number_gate(store, "subcontracts", body["number"], row)
    project_gate(store, body["project_id"])
    code_gate(store, body["project_id"], body["lines"])
    supplier_id, warnings = supplier_for(store, body.get("supplier_name"), row)
    lines = build_lines(store, body["lines"], row["lines"] if row else [])
    return {
        "number": body["number"],
        "description": body["description"],
        "project_id": body["project_id"],
        "supplier_id": supplier_id,
        "status": body["status"],
        "retention_percent": body.get("retention_percent"),
        "module": "payment_claims",
        "lines": lines,
        "total": lines_total(lines),
        "variations_total": row["variations_total"] if row else "0.00",
        "warnings": warnings,
    }


def list_claims(tenant: Tenant, call: Call) -> Answer:
    subcontract, status = choice(call, "subcontract_id"), choice(call, "status")
    matches: list[Match] = []
    if subcontract:
        matches.append(lambda row: row["subcontract_id"] == subcontract)
    if status:
        matches.append(lambda row: row["status"] == status)
    return listed(tenant, call, "payment_claims", matches)


def list_variations(tenant: Tenant, call: Call) -> Answer:
    return listed(tenant, call, "variations")


def put_variation(tenant: Tenant, call: Call) -> Answer:
    tenant.company(call.params["procore_company_id"])
    if not tenant.settings["pull_variations"]:
        raise Refusal("forbidden", "Variations are not pulled from Procore (setting pull_variations).")
    answer = upsert(tenant, call, "variations", shapes.VARIATION, build_variation)
    if "Content-Unchanged" not in answer.headers:
        total_variations(tenant, answer.body["parent"])
    return answer


def build_variation(tenant: Tenant, call: Call, body: Json, row: Row | None) -> Row:
    """The parent must be here, and the lines' codes must belong to its project; they need not be on the budget."""
    store = tenant.store
    kind = body["parent"]["kind"]
    parent = store.find(PARENT_TABLE[kind], body["parent"]["id"])
    if parent is None:
        error = FieldError("/parent/id", "unknown", f"is no {kind.replace('_', ' ')} of this tenant")
        raise Refusal("validation_failed", "The variation's parent is not here.", status=422, field_errors=[error])
    project_id = parent["id"] if kind == "project_budget" else parent["project_id"]
    code_gate(store, project_id, body["lines"], on_budget=False)
    lines = build_lines(store, body["lines"], row["lines"] if row else [])
    return {
        "number": body["number"],
        "title": body["title"],
        "status": body["status"],
        "parent": body["parent"],
        "lines": lines,
        "total": lines_total(lines),
        "warnings": [],
    }


def total_variations(tenant: Tenant, parent: Row) -> None:
    """A subcontract shows the sum of its approved variations."""
    subcontract = tenant.store.find("subcontracts", parent["id"]) if parent["kind"] == "subcontract" else None
    if subcontract is None:
        return
    amounts = [
        Decimal(row["total"])
        for row in tenant.store.live("variations")
        if row["parent"] == parent and fold(row["status"]) == "approved"
    ]
    summed = money(sum(amounts, Decimal(0)))
    if summed != subcontract["variations_total"]:
        subcontract["variations_total"] = summed
        tenant.store.touch(subcontract, tenant.now)
