"""Builds the company from a data set, through the same rules that requests go through."""

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from simulators.kit.clock import Clock
from simulators.procore import (
    attachments,
    billing_periods,
    budget,
    change_order_lines,
    change_orders,
    company_api,
    contract_lines,
    contracts,
    cost_codes,
    cost_types,
    people,
    requisitions,
    standard_codes,
    vendors,
    wbs,
)
from simulators.procore.contracts import PO, WO
from simulators.procore.store import Company, Row

if TYPE_CHECKING:
    from simulators.procore.core import Procore

DEFAULT_COMPANY = 4100
# What the data set holds was there before anybody looked.
BEFORE = datetime(2026, 11, 1, 8, tzinfo=UTC)


def build(simulator: "Procore", dataset: dict[str, Any]) -> None:
    """One company, or several equal ones with the same ids inside (`companies: 2`), all with the app installed."""
    about = dataset.get("company") or {}
    first = int(about.get("procore_id", DEFAULT_COMPANY))
    clock = simulator.clock
    simulator.clock = Clock(min(BEFORE, clock.now() - timedelta(hours=1)))
    try:
        for offset in range(int(dataset.get("companies", 1))):
            name = about.get("name", "Empty company")
            company = Company(first + offset, name if not offset else f"{name} {offset + 1}", about.get("currency", "NZD"))
            simulator.data.companies[company.id] = company
            simulator.data.installed.add(company.id)
            simulator.company = company
            _fill(simulator, company, dataset.get("procore") or {})
    finally:
        simulator.clock = clock
    simulator.company = simulator.data.companies[first]


def _fill(simulator: "Procore", company: Company, parts: dict[str, Any]) -> None:
    for stage in parts.get("stages", []):
        company_api.stage(company, stage["name"], stage["category"], bool(stage.get("bidding")))
    for region in parts.get("regions", []):
        company_api.named(company, "regions", region)
    for kind in parts.get("cost_types", []):
        cost_types.create(simulator, company, kind)
    _standard_codes(simulator, company, parts.get("standard_cost_codes", []))
    for vendor in parts.get("vendors", []):
        vendors.create(simulator, company, {"name": vendor} if isinstance(vendor, str) else vendor)
    for project in parts.get("projects", []):
        _project(simulator, company, project)
    for commitment in parts.get("commitments", []):
        _commitment(simulator, company, commitment)
    for variation in parts.get("variations", []):
        _variation(simulator, company, variation)
    for spec in parts.get("requisitions", []):
        requisition(simulator, company, spec)


def _standard_codes(simulator: "Procore", company: Company, divisions: list[dict[str, Any]]) -> None:
    owner = standard_codes.create_list(simulator, company, "Standard codes")["id"]
    for division in divisions:
        fields = {"code": division["code"], "name": division["name"]}
        parent = standard_codes.create(simulator, company, owner, fields)["id"]
        for code, name in division["codes"].items():
            standard_codes.create(simulator, company, owner, {"code": code, "name": name, "parent_id": parent})


def _project(simulator: "Procore", company: Company, spec: dict[str, Any]) -> None:
    row = people.new_project(simulator, company, spec)
    row["_prevent_overbilling"] = bool(spec.get("prevent_overbilling", False))
    row["_allow_overbilling"] = bool(spec.get("allow_overbilling", True))
    for sub_job in spec.get("sub_jobs", []):
        cost_codes.create_sub_job(simulator, company, row["id"], sub_job)
    for period in spec.get("billing_periods", []):
        fields = {
            "start_date": period["start"],
            "end_date": period["end"],
            "due_date": period["due"],
            "status": period["status"],
        }
        billing_periods.create(simulator, company, row["id"], fields)
    for line in spec.get("budget", []):
        code = budget_code(simulator, company, row["id"], line)
        budget.create(simulator, company, row["id"], {"wbs_code_id": code["id"], "original_budget_amount": line["amount"]})


def budget_code(simulator: "Procore", company: Company, project_id: int, line: dict[str, Any]) -> Row:
    """The budget code of a code, a cost type and maybe a sub job, by their own names."""
    sub_job = company.keys[("sub_job", project_id, line["sub_job"])] if line.get("sub_job") else None
    cost_code = cost_codes.leaf(company, project_id, line["code"], sub_job)
    cost_type = company.tables["line_item_types"][company.keys[("type", line["type"])]]
    return wbs.ensure(simulator, company, cost_code, cost_type)


def line_fields(simulator: "Procore", company: Company, project_id: int, line: dict[str, Any]) -> Row:
    """A data set's line as the interface takes it."""
    fields: Row = {
        "wbs_code_id": budget_code(simulator, company, project_id, line)["id"],
        "description": line.get("description"),
    }
    if line.get("quantity") is not None:
        return fields | {name: line.get(name) for name in ("quantity", "unit_cost", "uom")}
    return fields | {"amount": line.get("amount")}


def _commitment(simulator: "Procore", company: Company, spec: dict[str, Any]) -> None:
    project_id = company.keys[("project", spec["project"])]
    project = company.tables["projects"][project_id]
    vendor = vendors.by_name(company, spec["vendor"])
    fields = {
        "number": spec["number"],
        "title": spec["title"],
        "vendor_id": vendor["id"] if vendor else None,
        "status": "Draft",
        "retainage_percent": spec.get("retainage", "0.0"),
        "accounting_method": spec.get("accounting_method", "amount"),
    }
    row = contracts.create(simulator, company, project, PO if spec["type"] == "po" else WO, fields)
    for line in spec.get("lines", []):
        contract_lines.create(simulator, company, row, line_fields(simulator, company, project_id, line))
    row["status"] = spec.get("status", "Draft")
    row["updated_at"] = spec.get("updated_at", row["updated_at"])


def _variation(simulator: "Procore", company: Company, spec: dict[str, Any]) -> None:
    contract = people.contract(company, spec["commitment"], spec.get("project"))
    fields = {"contract_id": contract["id"], "number": spec["number"], "title": spec.get("title")}
    row = change_orders.create(simulator, company, contract["_project_id"], fields)
    for line in spec.get("lines", []):
        change_order_lines.create(simulator, company, row, line_fields(simulator, company, contract["_project_id"], line))
    change_orders.update(simulator, company, row, {"status": spec.get("status", "draft")})


def requisition(simulator: "Procore", company: Company, spec: dict[str, Any]) -> Row:
    """An invoice by its commitment, the start of its period (else the first open one) and lines by position; with its files."""
    contract = people.contract(company, spec["commitment"], spec.get("project"))
    project = company.tables["projects"][contract["_project_id"]]
    period = _period(company, project["id"], str(spec.get("period") or ""))
    closed, period["status"] = period["status"], "open"  # it was open when the invoice was made
    items = [
        {"item_type": "contract_item", "line_item_id": contract["_lines"][int(line["line"]) - 1],
         "work_completed_this_period": str(line["amount"])}
        for line in spec["lines"]
    ]  # fmt: skip
    names = ("status", "billing_date", "invoice_number", "payment_date")
    fields = {name: str(spec[name]) for name in names if spec.get(name)} | {"period_id": period["id"], "items": items}
    if spec.get("number"):
        fields["invoice_number"] = str(spec["number"])
    try:
        row = requisitions.create(simulator, company, project, contract["id"], fields)
    finally:
        period["status"] = closed
    for file in spec.get("attachments") or []:
        attachments.add(company, row, {"kind": file} if isinstance(file, str) else file)
    for name in spec.get("docusign") or []:
        row.setdefault("_docusign", []).append(name)
        row["electronic_signature_id"] = 310_000 + row["id"] % 10_000
    row["erp_status"] = spec.get("erp_status")
    return row


def _period(company: Company, project_id: int, start: str) -> Row:
    for row in company.rows("billing_periods", project_id):
        if (row["start_date"] == start) if start else (row["status"] == "open"):
            return row
    raise LookupError(f"no billing period {start or 'is open'}")
