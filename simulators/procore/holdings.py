"""Everything the simulated Procore holds, by kind, with the natural references that people use."""

from typing import TYPE_CHECKING, Any

from simulators.procore import budget, money
from simulators.procore.store import Company, Row, public

if TYPE_CHECKING:
    from simulators.procore.core import World

PLAIN = (
    "stages", "regions", "departments", "line_item_types", "standard_cost_codes", "vendors", "sub_jobs", "cost_codes",
    "wbs_codes", "billing_periods", "contract_payments", "hooks", "triggers",
)  # fmt: skip


def state(world: "World") -> dict[str, list[dict[str, Any]]]:
    """Rows of all companies together; each says whose it is."""
    kinds: dict[str, list[Row]] = {}
    for company in world.companies.values():
        for kind, rows in _company(company).items():
            kinds.setdefault(kind, []).extend({**row, "company_id": company.id} for row in rows)
    return kinds


def _company(company: Company) -> dict[str, list[Row]]:
    kinds: dict[str, list[Row]] = {
        "projects": [_project(company, row) for row in company.rows("projects")],
        "purchase_order_contracts": _contracts(company, "purchase_order_contracts"),
        "work_order_contracts": _contracts(company, "work_order_contracts"),
        "commitment_change_orders": [_change_order(company, row) for row in company.rows("commitment_change_orders")],
        "budget_line_items": [budget.detail_row(company, row) for row in company.rows("budget_line_items")],
        "requisitions": [_requisition(company, row) for row in company.rows("requisitions")],
        "direct_costs": [_direct_cost(company, row) for row in company.rows("direct_costs")],
    }
    kinds |= {name: [_located(company, row) for row in company.rows(name)] for name in PLAIN}
    return kinds


def _number(company: Company, row: Row) -> str | None:
    project = company.find("projects", row.get("_project_id"))
    return project["project_number"] if project else None


def _located(company: Company, row: Row) -> Row:
    return {**public(row), "project_number": _number(company, row)} if "_project_id" in row else public(row)


def _project(company: Company, row: Row) -> Row:
    stage, region = company.find("stages", row["_stage_id"]), company.find("regions", row["_region_id"])
    return {
        "id": row["id"],
        "project_number": row["project_number"],
        "name": row["name"],
        "stage": stage["name"] if stage else None,
        "region": region["name"] if region else None,
        "active": row["active"],
        "origin_id": row["origin_id"],
        "prevent_overbilling": row["_prevent_overbilling"],
        "allow_overbilling": row["_allow_overbilling"],
        "budget_locked": row["_budget_locked"],
    }


def _contracts(company: Company, kind: str) -> list[Row]:
    return [_contract(company, row) for row in company.rows("contracts") if row["_type"] == kind]


def _line(company: Company, table: str, number: int) -> Row:
    row = company.tables[table][number]
    code = company.tables["wbs_codes"][row["_wbs_id"]]
    names = ("id", "position", "description", "quantity", "unit_cost", "uom", "amount", "origin_id")
    return {**{name: row[name] for name in names}, "code": code["flat_code"]}


def _contract(company: Company, row: Row) -> Row:
    vendor = company.find("vendors", row["_vendor_id"])
    names = ("id", "number", "title", "status", "grand_total", "revised_contract", "total_requisitions_amount")
    return {
        **{name: row[name] for name in names},
        "vendor": vendor["name"] if vendor else None,
        "project_number": _number(company, row),
        "origin_id": row["origin_id"],
        "lines": [_line(company, "line_items", number) for number in row["_lines"]],
    }


def _change_order(company: Company, row: Row) -> Row:
    names = ("id", "number", "title", "status", "grand_total", "contract_id", "legacy_package_id")
    return {
        **{name: row[name] for name in names},
        "commitment": company.tables["contracts"][row["contract_id"]]["number"],
        "project_number": _number(company, row),
        "lines": [_line(company, "change_order_line_items", number) for number in row["_lines"]],
    }


def _file(row: Row) -> Row:
    """What it was made of, for the judges: no API tells that a file is damaged."""
    made = row["_made_of"]
    told = {"name": row["name"], "type": row["content_type"], "lost": row["_lost"]}
    return told | {"kind": made["kind"], "pages": int(made["pages"] or 1)}


def _requisition(company: Company, row: Row) -> Row:
    contract = company.tables["contracts"][row["commitment_id"]]
    names = ("id", "number", "invoice_number", "status", "billing_date", "commitment_id", "period_id", "origin_id")
    return {
        **{name: row[name] for name in names},
        "commitment": contract["number"],
        "project_number": _number(company, row),
        "total_claimed_amount": money.text(row["_claimed"]),
        "erp_status": row["erp_status"],
        "attachments": [company.tables["attachments"][number]["name"] for number in row.get("_attachments", ())],
        "files": [_file(company.tables["attachments"][number]) for number in row.get("_attachments", ())],
        "docusign": list(row.get("_docusign", ())),
        "items": [
            {"line_item_id": item["line_item_id"], "work_completed_this_period": money.text(item["this"])}
            for item in row["_items"]
        ],
    }


def _direct_cost(company: Company, row: Row) -> Row:
    vendor = company.find("vendors", row["_vendor_id"])
    names = ("id", "invoice_number", "direct_cost_type", "status", "direct_cost_date", "grand_total", "origin_id")
    return {
        **{name: row[name] for name in names},
        "vendor": vendor["name"] if vendor else None,
        "project_number": _number(company, row),
        "lines": [_line(company, "direct_cost_line_items", number) for number in row["_lines"]],
    }
