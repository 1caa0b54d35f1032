"""What the other side should hold of an object, as JSON-ready data: the same data means nothing to do.

Fields below "matched" are not sent: they say what Lentune will match by itself, so that a new match is a new version.
"""

from typing import Any

from connectors.calls import NotUnderstood
from connectors.lentune import checks, posting_checks, routing
from connectors.lentune.scope import standing
from objects.budget_code import BudgetCode
from objects.commitment import Commitment, CommitmentLine, Variation
from objects.cost import CostCode, CostType
from objects.invoice import Invoice
from objects.known import Known
from objects.money import amount_of, text_of, total
from objects.project import Project
from objects.vendor import Vendor

Held = dict[str, Any]
ORDER_STATUS = {"draft": "draft", "approved": "approved", "closed": "closed", "terminated": "void", "void": "void"}
SUBCONTRACT_STATUS = {
    "draft": "draft", "approved": "approved", "closed": "complete", "terminated": "terminated", "void": "void",
}


def external(known: Known, kind: str, procore_id: str, project_id: str | None = None) -> Held:
    """The anchor of an upsert (B.1, ExternalKey). The time of change is left out: it changes without meaning."""
    return {"procore_company_id": known.site_company_id, "procore_project_id": project_id, "procore_id": procore_id,
            "procore_type": kind}


def project(obj: Project, known: Known, key: str) -> Held:
    """F3 and L-36: number to code, name to description, region to the branch of equal name."""
    branches = [b.source_id for b in known.find("lentune", "branch", name=obj.region) if b.active] if obj.region else []
    return {
        "as": "project", "code": obj.number, "description": obj.name, "stage": obj.stage, "region": obj.region or None,
        "status": "open" if obj.active else "closed", "delivery_address": obj.address or None,
        "external": external(known, "project", obj.source_id), "matched": {"branch_id": branches[0] if branches else None},
    }


def cost_type(obj: CostType, known: Known, key: str) -> Held:
    return {"as": "cost_type", "code": obj.number, "description": obj.name,
            "external": external(known, "cost_type", obj.source_id)}


def cost_code(obj: CostCode, known: Known, key: str) -> Held:
    """L-15: Procore's standard code is Lentune's master cost code; division and code are joined already (F8)."""
    return {"as": "master_cost_code", "code": obj.number, "description": obj.name, "active": True,
            "external": external(known, "standard_cost_code", obj.source_id)}


def vendor(obj: Vendor, known: Known, key: str) -> Held:
    """L-35: only which supplier it is."""
    supplier: Vendor = next(found for found in known.find("lentune", "vendor", name=obj.name) if found.active)
    return {"as": "supplier_match", "supplier_id": supplier.source_id, "supplier": supplier.name, "code": supplier.number}


def budget_code(obj: BudgetCode, known: Known, key: str) -> Held:
    """L-03, L-04 and B.8: a sub job's code is a plain code under the main project, its name in the description."""
    job = obj.sub_job
    held: Held = {
        "as": "project_cost_code", "project_id": standing(known, "project", obj.project_id),
        "code": f"{job.number}.{obj.number}" if job else obj.number,
        "description": f"{job.name} - {obj.name}" if job else obj.name,
        "cost_type_code": obj.cost_type or None, "on_budget": obj.on_budget, "sub_job": None,
        "external": external(known, "sub_job_cost_code" if job else "cost_code", obj.source_id, obj.project_id),
    }
    if job:
        held["sub_job"] = {"procore_sub_job_id": job.source_id, "code": job.number, "name": job.name}
    if obj.amount is not None:
        held["budget_amount"] = text_of(obj.amount)
    return held


def commitment(obj: Commitment, known: Known, key: str) -> Held:
    """L-16 and L-22: a purchase order among the orders, a subcontract into Payment Claims."""
    contract, _, procore_id = obj.source_id.partition(":")
    supplier = checks.supplier_of(obj, known)
    held: Held = {
        "as": obj.form, "number": obj.number, "description": obj.name,
        "project_id": standing(known, "project", obj.project_id),
        "supplier_name": (supplier.name if supplier else obj.vendor_name) or None,
        "lines": [_line(line, known) for line in obj.lines], "total": text_of(obj.amount),
        "external": external(known, contract, procore_id, obj.project_id),
        "matched": {"supplier_id": supplier.source_id if supplier else None},
    }
    if obj.form == "purchase_order":
        return held | {"status": ORDER_STATUS[obj.status], "currency": obj.currency}
    return held | {"status": SUBCONTRACT_STATUS[obj.status], "retention_percent": obj.retainage_percent}


def variation(obj: Variation, known: Known, key: str) -> Held:
    """L-23: with Procore's status as text, under the order or subcontract it changes."""
    kind, _, parent_id = (standing(known, "commitment", obj.commitment_id) or "").partition(":")
    lines = [_line(line, known, obj.name or obj.number) for line in obj.lines]
    return {
        "as": "variation", "number": obj.number, "title": obj.name, "status": obj.status,
        "parent": {"kind": kind, "id": parent_id}, "lines": lines, "total": text_of(obj.amount),
        "external": external(known, "change_order", obj.source_id.rpartition(":")[2], obj.project_id),
    }


def invoice(obj: Invoice, known: Known, key: str) -> Held:
    """What Procore should hold: a commitment invoice or a direct cost, as B.4 decides, and which step decided."""
    target, step = routing.target(obj, known)
    [project_id] = routing.site_projects(obj, known)
    held: Held = {"as": target, "step": step, "project_id": project_id, "number": obj.number, "date": obj.date.isoformat()}
    return held | (_billed(obj, known, project_id) if target == "commitment_invoice" else _direct(obj, known))


def _billed(obj: Invoice, known: Known, project_id: str) -> Held:
    if not routing.site_commitment(obj, known):
        raise NotUnderstood("invoice.order", "it was posted to a commitment that is not linked with its order any more")
    if not routing.period(obj, known, project_id):
        raise NotUnderstood("invoice.period", "it was posted in a billing period that Procore does not show any more")
    billed = {routing.site_line(obj, line.order_line_id or "", known): "0.00" for line in obj.lines}
    for line, amount in zip(obj.lines, routing.amounts(obj), strict=True):
        site_line = routing.site_line(obj, line.order_line_id or "", known)
        billed[site_line] = text_of(amount_of(billed[site_line]) + amount)
    return {
        "commitment_id": routing.site_commitment(obj, known), "period_id": routing.period(obj, known, project_id),
        "lines": [{"line_id": line_id, "amount": amount} for line_id, amount in billed.items()],
        "total": text_of(total(map(amount_of, billed.values()))),
    }


def _direct(obj: Invoice, known: Known) -> Held:
    """L-19, and L-05: each line on the budget code that its code came from, sub job and all."""
    name = posting_checks.supplier_name(obj, known)
    lines: list[Held] = []
    for coded, amount in zip(routing.coded(obj, known), routing.amounts(obj), strict=True):
        origin = known.linked_from("budget_code", coded.cost_code_id)
        line = {"ref": coded.line.source_id, "wbs_code_id": origin.source_id if origin else "",
                "amount": text_of(amount), "description": coded.line.description or f"{name} {obj.number}"}
        tax = known.settings.procore_tax(coded.line.tax_code)
        lines.append(line | ({"tax_code": tax} if tax else {}))
    return {
        "company_id": known.site_company_id, "vendor_id": posting_checks.site_vendor(obj.supplier_id, name, known),
        "vendor_name": name, "vendor": "create", "description": f"{name} {obj.number}", "lines": lines,
        "total": text_of(total(amount_of(line["amount"]) for line in lines)),
    }


def raised_order(obj: Commitment, known: Known, key: str) -> Held:
    """P-07: a purchase order of Lentune's as Procore should hold it; a void one is closed there, which knows no void."""
    project = known.linked_from("project", obj.project_id)
    supplier: Vendor | None = known.snapshot("lentune", "vendor", obj.vendor_id) if obj.vendor_id else None
    vendor_id = posting_checks.site_vendor(supplier.source_id, supplier.name, known) if supplier else None
    lines = []
    for line in obj.lines:
        origin = known.linked_from("budget_code", line.budget_code_id)
        lines.append({"ref": line.source_id, "wbs_code_id": origin.source_id if origin else "",
                      "amount": text_of(line.amount or amount_of(0)), "description": line.description,
                      "quantity": line.quantity, "unit": line.unit})
    return {
        "as": "purchase_order", "company_id": known.site_company_id, "project_id": project.source_id if project else "",
        "number": obj.number, "title": obj.name, "vendor_id": vendor_id, "lines": lines, "total": text_of(obj.amount),
        "status": "Approved" if obj.status == "approved" else "Draft" if obj.status == "draft" else "Closed",
    }


def _line(line: CommitmentLine, known: Known, described: str = "") -> Held:
    return {
        "external_line_id": line.source_id, "cost_code_id": standing(known, "budget_code", line.budget_code_id),
        "description": line.description or described, "quantity": line.quantity, "unit": line.unit,
        "amount": None if line.amount is None else text_of(line.amount),
    }
