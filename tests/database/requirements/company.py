"""A company with as little in it as a line needs: tests name only what they are about."""

from copy import deepcopy
from typing import Any

STAGES = [
    {"name": "Pre-Construction", "category": "pre_construction"},
    {"name": "Course of Construction", "category": "course_of_construction"},
]
COST_TYPES = [
    {"code": "M", "name": "Materials", "base_type": "materials"},
    {"code": "S", "name": "Subcontract", "base_type": "commitment"},
]
#: Division 03 and its two codes, and 05: few, because every one of them is a record.
STANDARD = [
    {"code": "03", "name": "Concrete", "codes": {"300": "Cast in Place"}},
    {"code": "05", "name": "Metals", "codes": {"100": "Structural Steel"}},
]
SETTINGS = {
    "procore_purchase_order": True,
    "lentune_purchase_order": False,
    "project_stages": ["Course of Construction"],
    "accounting_route": "project_via_procore_overhead_direct",
    "auto_push_invoices": True,
    "auto_push_cron": "*/5 * * * *",
    "region_to_branch": "equal_name",
    "rounding_tolerance": "0.02",
    "tax_mappings": [],
    "pull_variations": True,
    "pull_subcontracts": True,
}
OPEN_PERIOD = {"start": "2026-11-01", "end": "2026-11-30", "due": "2026-12-20", "status": "open"}
PACIFIC, SOUTHERN = "Pacific Concrete Ltd", "Southern Steel Ltd"

Part = dict[str, Any]


def budget(code: str = "03-300", kind: str = "M", amount: str = "100000.00", sub_job: str = "") -> Part:
    """A budget line."""
    return {"code": code, "type": kind, "amount": amount} | ({"sub_job": sub_job} if sub_job else {})


def line(
    amount: str | None = "60000.00", code: str = "03-300", kind: str = "M", description: str = "Ready-mix", sub_job: str = ""
) -> Part:
    """A line of a schedule of values."""
    return budget(code, kind, amount, sub_job) | {"description": description}  # type: ignore[arg-type]


def project(number: str = "1001", **other: Any) -> Part:
    """A project in an allowed stage with a budget of two codes and an open billing period."""
    return {
        "number": number,
        "name": f"Project {number}",
        "stage": "Course of Construction",
        "region": "Auckland",
        "prevent_overbilling": True,
        "allow_overbilling": False,
        "billing_periods": [OPEN_PERIOD],
        "budget": [budget(), budget("05-100", "S", "200000.00")],
        **other,
    }


def order(number: str = "PO-1", *lines: Part, form: str = "po", **other: Any) -> Part:
    """An approved purchase order of Procore's; `form` sc makes it a subcontract."""
    return {
        "type": form,
        "project": "1001",
        "number": number,
        "title": "Concrete",
        "vendor": PACIFIC,
        "status": "Approved",
        "lines": list(lines) or [line()],
        **other,
    }


def invoice(number: str = "INV-1", net: str = "1000.00", **other: Any) -> Part:
    """An invoice of Lentune's on project 1001, coded to 03-300; with `order` on the order's first line."""
    coding: Part = {"order_line": 1} if "order" in other else {"code": "03-300", "type": "M"}
    base: Part = {
        "number": number,
        "supplier": PACIFIC,
        "date": "2026-11-10",
        "lines": [{**coding, "net": net, "description": "Concrete"}],
    }
    return base | ({} if "order" in other or "project" in other else {"project": "1001"}) | other


def dataset(
    *,
    projects: list[Part] | None = None,
    commitments: list[Part] | None = None,
    settings: Part | None = None,
    suppliers: list[str] | None = None,
    **lentune: Any,
) -> Part:
    """Both systems' data set; keyword parts that are not named here belong to Lentune. `own_projects` are Lentune's own;
    `regions`, `vendors`, `variations` are Procore's."""
    return deepcopy(
        {
            "company": {"procore_id": 4100, "name": "Kauri & Sons Construction", "currency": "NZD"},
            "procore": {
                "stages": STAGES,
                "regions": lentune.pop("regions", ["Auckland"]),
                "cost_types": COST_TYPES,
                "standard_cost_codes": STANDARD,
                "vendors": lentune.pop("vendors", [PACIFIC, SOUTHERN]),
                "projects": [project()] if projects is None else projects,
                "commitments": commitments or [],
                "variations": lentune.pop("variations", []),
            },
            "lentune": {
                "branches": ["Auckland"],
                "settings": SETTINGS | (settings or {}),
                "suppliers": [PACIFIC, SOUTHERN] if suppliers is None else suppliers,
                "projects": lentune.pop("own_projects", []),
                "purchase_orders": [],
                "invoices": [],
                **lentune,
            },
        }
    )
