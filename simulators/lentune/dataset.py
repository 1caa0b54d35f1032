"""Builds the tenant from a data set: settings, branches, suppliers, what only Lentune knows, and invoices received."""

from decimal import Decimal
from typing import Any

from simulators.lentune import company
from simulators.lentune.commitments import lines_total
from simulators.lentune.shapes import money
from simulators.lentune.store import Row, fold
from simulators.lentune.tenant import NO_SETTINGS, Tenant


def build(tenant: Tenant, whole: dict[str, Any]) -> None:
    """Raises LookupError when an entry names a supplier or project that the data set does not have."""
    part = whole.get("lentune") or {}
    link_company(tenant, whole.get("company") or {}, part.get("settings") or {})
    for name in part.get("branches") or []:
        add_branch(tenant, str(name))
    for name in part.get("suppliers") or []:
        add_supplier(tenant, str(name))
    names = {entry["code"]: entry["name"] for entry in (whole.get("procore") or {}).get("cost_types") or []}
    for spec in part.get("projects") or []:
        add_project(tenant, spec, names)
    for spec in part.get("purchase_orders") or []:
        add_order(tenant, spec)
    for spec in part.get("invoices") or []:
        add_invoice(tenant, spec)


def link_company(tenant: Tenant, link: Row, settings: Row) -> None:
    merged = NO_SETTINGS | settings
    merged["po_master"] = company.master(merged)
    fields = {
        "version": "1",
        "procore_company_id": str(link.get("procore_id", "")),
        "procore_company_name": str(link.get("name", "")),
        "connected": True,
        "settings": merged,
    }
    tenant.store.insert("procore_companies", tenant.now, fields)


def add_branch(tenant: Tenant, name: str) -> Row:
    code = f"B{tenant.store.number('branch_code'):02d}"
    return tenant.store.insert("branches", tenant.now, {"code": code, "description": name, "active": True})


def add_supplier(tenant: Tenant, name: str) -> Row:
    fields = {
        "code": f"S{tenant.store.number('supplier_code'):04d}", "description": name, "email": None,
        "payment_terms": "20th of the month following", "active": True,
    }  # fmt: skip
    return tenant.store.insert("suppliers", tenant.now, fields)


def add_project(tenant: Tenant, spec: Row, cost_type_names: dict[str, str]) -> Row:
    """A project that only Lentune knows, with its local cost codes."""
    fields = {
        "code": str(spec["code"]), "description": spec["description"], "stage": "", "branch_id": None, "region": None,
        "status": "open", "delivery_address": None,
    }  # fmt: skip
    project = tenant.store.insert("projects", tenant.now, fields)
    for code in spec.get("cost_codes") or []:
        kind = code.get("type")
        type_id = local_cost_type(tenant, kind, cost_type_names.get(kind, kind))["id"] if kind else None
        add_cost_code(tenant, project["id"], str(code["code"]), code["description"], type_id)
    return project


def local_cost_type(tenant: Tenant, code: str, name: str) -> Row:
    found = tenant.store.holder("cost_types", code)
    fields = {"code": code, "description": name, "general_ledger_code": None}
    return found or tenant.store.insert("cost_types", tenant.now, fields)


def add_cost_code(tenant: Tenant, project_id: str, code: str, description: str, type_id: str | None) -> Row:
    """A cost code made in Lentune: on no budget."""
    fields = {
        "project_id": project_id, "code": code, "description": description, "cost_type_id": type_id,
        "master_cost_code_id": None, "from_sub_job": False, "sub_job": None, "on_budget": False,
        "budget_amount": "0.00", "active": True,
    }  # fmt: skip
    return tenant.store.insert("cost_codes", tenant.now, fields)


def add_order(tenant: Tenant, spec: Row) -> Row:
    """A purchase order that was in Lentune before; no event, no gate."""
    project = project_called(tenant, spec["project"])
    supplier = supplier_called(tenant, spec["supplier"])
    lines = []
    for entry in spec["lines"]:
        line_id = f"ln-{tenant.store.number('line'):06d}"
        code = cost_code_of(tenant, project["id"], str(entry["code"]), entry.get("type"))
        if code is None:
            raise LookupError(f"no cost code {entry['code']} in project {project['code']}")
        lines.append(
            {"id": line_id, "external_line_id": line_id, "cost_code_id": code["id"],
             "description": entry["description"], "quantity": None, "unit": None, "amount": amount(entry["amount"]),
             "invoiced_to_date": "0.00"}
        )  # fmt: skip
    fields = {
        "number": spec["number"], "description": spec["description"], "project_id": project["id"],
        "supplier_id": supplier["id"], "supplier_name_received": None, "currency": spec.get("currency", "NZD"),
        "status": spec.get("status", "approved"), "origin": "lentune", "lines": lines, "total": lines_total(lines),
    }  # fmt: skip
    return tenant.store.insert("purchase_orders", tenant.now, fields)


def add_invoice(tenant: Tenant, spec: Row) -> Row:
    """An invoice as it came in the post: received, not coded. The clerk codes it later from what it names."""
    lines = []
    for entry in spec["lines"]:
        lines.append(
            {"id": f"il-{tenant.store.number('invoice_line'):06d}", "description": entry.get("description") or "",
             "project_id": None, "cost_code_id": None, "purchase_order_line_id": None, "net": amount(entry["net"]),
             "tax": amount(entry.get("tax", "0.00")), "tax_code": entry.get("tax_code")}
        )  # fmt: skip
    net = sum((Decimal(line["net"]) for line in lines), Decimal(0))
    tax = sum((Decimal(line["tax"]) for line in lines), Decimal(0))
    fields = {
        "number": str(spec["number"]), "supplier_id": supplier_called(tenant, spec["supplier"])["id"],
        "invoice_date": str(spec["date"]), "due_date": str(spec["due"]) if spec.get("due") else None,
        "kind": spec.get("kind", "project"), "status": "received", "purchase_order_id": None, "subcontract_id": None,
        "lines": lines, "net": money(net), "tax": money(tax),
        "gross": amount(spec["gross"]) if spec.get("gross") else money(net + tax), "document_url": None,
        "posting": {"state": "not_ready", "target": "none", "procore_id": None, "attempts": 0,
                    "last_attempt_at": None, "error": None},
    }  # fmt: skip
    row = tenant.store.insert("invoices", tenant.now, fields)
    tenant.store.coding[row["id"]] = spec
    return row


def amount(value: object) -> str:
    return money(Decimal(str(value)))


def project_called(tenant: Tenant, code: object) -> Row:
    row = tenant.store.holder("projects", str(code))
    if row is None:
        raise LookupError(f"no project {code}")
    return row


def supplier_called(tenant: Tenant, name: str) -> Row:
    row = tenant.store.first("suppliers", lambda one: fold(one["description"]) == fold(name))
    if row is None:
        raise LookupError(f"no supplier {name}")
    return row


def cost_code_of(tenant: Tenant, project_id: str, code: str, cost_type: str | None) -> Row | None:
    """A project's code by its text and cost type; without a type the first of that text."""
    store = tenant.store
    if cost_type is None:
        ids = store.by_project.get(project_id, [])
        return next((row for row in (store.find("cost_codes", i) for i in ids) if row and row["code"] == code), None)
    kind = store.holder("cost_types", cost_type)
    return store.holder("cost_codes", project_id, code, kind["id"]) if kind else None
