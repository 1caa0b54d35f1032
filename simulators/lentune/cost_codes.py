"""Master cost codes and project cost codes, sub-job codes among them (contract B.8)."""

from simulators.lentune import shapes
from simulators.lentune.paging import Match, choice, listed, page
from simulators.lentune.posting import refresh
from simulators.lentune.problems import FieldError, Refusal
from simulators.lentune.projects import announced
from simulators.lentune.shapes import Json
from simulators.lentune.store import Row, Store
from simulators.lentune.tenant import Answer, Call, Tenant
from simulators.lentune.upsert import refuse_clash, unlinked, upsert


def list_master_cost_codes(tenant: Tenant, call: Call) -> Answer:
    return listed(tenant, call, "master_cost_codes")


def put_master_cost_code(tenant: Tenant, call: Call) -> Answer:
    return upsert(tenant, call, "master_cost_codes", shapes.MASTER_COST_CODE, build_master, same_master)


def same_master(tenant: Tenant, body: Json) -> Row | None:
    """A standard code of Lentune's own with this code becomes the linked one (F5, L-15)."""
    return unlinked(tenant.store.holder("master_cost_codes", body["code"]))


def build_master(tenant: Tenant, call: Call, body: Json, row: Row | None) -> Row:
    refuse_clash("master cost", tenant.store.holder("master_cost_codes", body["code"]), row, body["code"])
    kept = row["cost_type_id"] if row and "cost_type_code" not in body else None
    return {
        "code": body["code"],
        "description": body["description"],
        "cost_type_id": kept or cost_type_id(tenant.store, body.get("cost_type_code")),
        "active": body.get("active", True),
    }


def cost_type_id(store: Store, code: str | None) -> str | None:
    """Id of a cost type by its code. Raises Refusal validation_failed (422) for one that never arrived."""
    if not code:
        return None
    row = store.holder("cost_types", code)
    if row is None:
        error = FieldError("/cost_type_code", "unknown", f"no cost type {code} in Lentune")
        raise Refusal("validation_failed", f"There is no cost type {code}.", status=422, field_errors=[error])
    return str(row["id"])


def list_project_cost_codes(tenant: Tenant, call: Call) -> Answer:
    project_id = call.params["project_id"]
    if project_id not in tenant.store.tables["projects"]:
        raise Refusal("project_unknown", f"No project {project_id} in this tenant.", status=400)
    on_budget = choice(call, "on_budget", "true", "false")
    matches: list[Match] = [lambda row: row["on_budget"] == (on_budget == "true")] if on_budget else []
    store = tenant.store
    return page(tenant, call, store.tables["cost_codes"], store.by_project.get(project_id, []), matches)


def put_project_cost_code(tenant: Tenant, call: Call) -> Answer:
    project_id = call.params["project_id"]
    if tenant.store.find("projects", project_id) is None:
        raise Refusal("project_unknown", f"No project {project_id} in this tenant.")

    def same_code(tenant: Tenant, body: Json) -> Row | None:
        """A code made in Lentune with this code and cost type becomes the linked one (F7)."""
        kind = tenant.store.holder("cost_types", body.get("cost_type_code") or "")
        return unlinked(tenant.store.holder("cost_codes", project_id, body["code"], kind["id"] if kind else ""))

    answer = upsert(tenant, call, "cost_codes", shapes.PROJECT_COST_CODE, build_project_cost_code, same_code)
    answer = announced(tenant, "cost_code.upserted", answer)
    if "Content-Unchanged" not in answer.headers:
        refresh(tenant)
    return answer


def build_project_cost_code(tenant: Tenant, call: Call, body: Json, row: Row | None) -> Row:
    """Unique per project, code and cost type; a sub job's code is an ordinary code of the main project (L-03)."""
    store, project_id = tenant.store, call.params["project_id"]
    if row is not None and row["project_id"] != project_id:
        raise Refusal("external_key_taken", f"This Procore record is a cost code of project {row['project_id']}.")
    type_id = cost_type_id(store, body.get("cost_type_code"))
    refuse_clash("cost", store.holder("cost_codes", project_id, body["code"], type_id or ""), row, body["code"])
    sub_job = body.get("sub_job")
    bare = body["code"].removeprefix(f"{sub_job['code']}.") if sub_job else body["code"]
    master = store.holder("master_cost_codes", bare)
    return {
        "project_id": project_id,
        "code": body["code"],
        "description": body["description"],
        "cost_type_id": type_id,
        "master_cost_code_id": master["id"] if master else None,
        "from_sub_job": sub_job is not None,
        "sub_job": sub_job,
        "on_budget": body["on_budget"],
        "budget_amount": body.get("budget_amount", "0.00"),
        "active": True,
    }
