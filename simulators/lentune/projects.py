"""Projects, branches, cost types and suppliers: what commitments and invoices hang on."""

from simulators.lentune import shapes
from simulators.lentune.paging import Match, listed
from simulators.lentune.problems import FieldError, Refusal, warning
from simulators.lentune.shapes import Json
from simulators.lentune.store import Row, Store, fold
from simulators.lentune.tenant import Answer, Call, Tenant, record
from simulators.lentune.upsert import linked_elsewhere, refuse_clash, upsert
from simulators.lentune.webhooks import emit


def list_branches(tenant: Tenant, call: Call) -> Answer:
    return listed(tenant, call, "branches")


def list_projects(tenant: Tenant, call: Call) -> Answer:
    code = call.query.get("code")
    matches: list[Match] = [] if code is None else [lambda row: row["code"] == code]
    return listed(tenant, call, "projects", matches)


def get_project(tenant: Tenant, call: Call) -> Answer:
    tenant.company(call.params["procore_company_id"])
    row = tenant.store.by_external("projects", call.params)
    if row is None or row["deleted_at"] or (tenant.visible and not tenant.visible(row["created_at"])):
        raise Refusal("not_found", f"No project was made from Procore project {call.params['procore_id']}.")
    return record(row)


def put_project(tenant: Tenant, call: Call) -> Answer:
    answer = upsert(tenant, call, "projects", shapes.PROJECT, build_project)
    return announced(tenant, "project.upserted", answer)


def build_project(tenant: Tenant, call: Call, body: Json, row: Row | None) -> Row:
    """Stage gate for a new project only (L-01); branch by equal name (L-36, L-37)."""
    allowed = {fold(stage) for stage in tenant.settings["project_stages"]}
    if (row is None or row["deleted_at"]) and fold(body["stage"]) not in allowed:
        raise Refusal("project_stage_not_allowed", f"Projects in stage '{body['stage']}' are not let in.")
    refuse_clash("project", tenant.store.holder("projects", body["code"]), row, body["code"])
    branch_id, warnings = branch(tenant.store, body.get("region"), row)
    return {
        "code": body["code"],
        "description": body["description"],
        "stage": body["stage"],
        "branch_id": branch_id,
        "region": body.get("region"),
        "status": body.get("status", "open"),
        "delivery_address": body.get("delivery_address"),
        "warnings": warnings,
    }


def branch(store: Store, region: str | None, before: Row | None) -> tuple[str | None, list[dict[str, str]]]:
    """The active branch of this name, or none with a warning; a branch that a person filled in is kept, as a supplier is."""
    if not region:
        return None, []
    for row in store.live("branches"):
        if row["active"] and fold(row["description"]) == fold(region):
            return row["id"], []
    if before and before["branch_id"] and before.get("region") == region:
        return before["branch_id"], []
    return None, [warning("branch_unmatched", region)]


def list_cost_types(tenant: Tenant, call: Call) -> Answer:
    return listed(tenant, call, "cost_types")


def put_cost_type(tenant: Tenant, call: Call) -> Answer:
    return upsert(tenant, call, "cost_types", shapes.COST_TYPE, build_cost_type, same_cost_type)


def same_cost_type(tenant: Tenant, body: Json) -> Row | None:
    """Cost types match both ways by code (F6)."""
    row = tenant.store.holder("cost_types", body["code"])
    return None if row is None or linked_elsewhere(row, body["external"]) else row


def build_cost_type(tenant: Tenant, call: Call, body: Json, row: Row | None) -> Row:
    refuse_clash("cost type", tenant.store.holder("cost_types", body["code"]), row, body["code"])
    ledger_code = row.get("general_ledger_code") if row else None
    return {"code": body["code"], "description": body["description"], "general_ledger_code": ledger_code}


def list_suppliers(tenant: Tenant, call: Call) -> Answer:
    name = call.query.get("description")
    matches: list[Match] = [] if name is None else [lambda row: fold(row["description"]) == fold(name or "")]
    return listed(tenant, call, "suppliers", matches)


def put_supplier(tenant: Tenant, call: Call) -> Answer:
    answer = upsert(tenant, call, "suppliers", shapes.SUPPLIER, build_supplier, same_supplier)
    return announced(tenant, "supplier.upserted", answer)


def same_supplier(tenant: Tenant, body: Json) -> Row | None:
    """Matching compares the two names (L-35). Raises Refusal supplier_ambiguous, external_key_taken."""
    same = suppliers_called(tenant.store, body["description"])
    free = [row for row in same if not linked_elsewhere(row, body["external"])]
    if len(free) > 1:
        ids = ", ".join(row["id"] for row in free)
        raise Refusal("supplier_ambiguous", f"{ids} are all called '{body['description']}'.")
    if same and not free:
        error = FieldError("/description", "not_unique", f"belongs to {same[0]['id']}")
        raise Refusal(
            "external_key_taken", f"'{body['description']}' is linked to another Procore vendor.", field_errors=[error]
        )
    return free[0] if free else None


def build_supplier(tenant: Tenant, call: Call, body: Json, row: Row | None) -> Row:
    code = body.get("code") or (row["code"] if row else f"S{tenant.store.number('supplier_code'):04d}")
    return {
        "code": code,
        "description": body["description"],
        "email": body.get("email", row["email"] if row else None),
        "payment_terms": row["payment_terms"] if row else None,
        "active": body.get("active", True),
    }


def suppliers_called(store: Store, name: str) -> list[Row]:
    """Active suppliers of this name; usually one or none."""
    return [row for row in store.live("suppliers") if row["active"] and fold(row["description"]) == fold(name)]


def supplier_for(store: Store, name: str | None, before: Row | None) -> tuple[str | None, list[dict[str, str]]]:
    """Supplier id by name, else blank with a warning (L-34); a supplier that a person filled in is kept."""
    found = suppliers_called(store, name) if name else []
    if len(found) == 1:
        return found[0]["id"], []
    if before and before["supplier_id"] and before.get("supplier_name_received", name) == name:
        return before["supplier_id"], []
    return None, [warning("supplier_blank", name or "")]


def announced(tenant: Tenant, event: str, answer: Answer) -> Answer:
    """Tell subscribers about a record that was written; nothing when it was unchanged."""
    if "Content-Unchanged" not in answer.headers:
        emit(tenant, event, answer.body["id"], answer.body["version"], answer.body)
    return answer
