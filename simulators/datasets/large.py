"""The large data set: N purchase orders of five lines, with the projects and budget lines they need."""

from datetime import UTC, date, datetime, timedelta
from random import Random
from typing import Any

PER_PROJECT = 500
LINES = 5
CODES = [f"{division:02d}-{code}" for division in range(1, 21) for code in (100, 200, 300)]
VENDORS = 50
#: Orders were last changed a minute apart, the newest then: what a reader reads again for safety is not all of them.
LATEST = datetime(2026, 11, 1, 8, tzinfo=UTC)


def generate(objects: int, seed: int) -> dict[str, Any]:
    """`objects` purchase orders over objects/500 projects (at least one); the same seed gives the same data."""
    random = Random(seed)
    numbers = [f"{2001 + index}" for index in range(max(1, objects // PER_PROJECT))]
    vendors = [f"Vendor {index:03d} Ltd" for index in range(VENDORS)]
    return {
        "company": {"procore_id": 4100, "name": "Kauri & Sons Construction", "currency": "NZD"},
        "procore": {
            "stages": [{"name": "Course of Construction", "category": "course_of_construction"}],
            "regions": ["Auckland"],
            "cost_types": [{"code": "M", "name": "Materials", "base_type": "materials"}],
            "standard_cost_codes": _divisions(),
            "vendors": vendors,
            "projects": [_project(number) for number in numbers],
            "commitments": [_order(index, numbers, vendors, random) for index in range(objects)],
            "variations": [],
        },
        "lentune": {
            "branches": ["Auckland"],
            "settings": {
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
            },
            "suppliers": vendors,
            "projects": [],
            "purchase_orders": [],
            "invoices": [],
        },
        "sitebooks": {},
        "people": [],
        "expected": {},
    }


def _divisions() -> list[dict[str, Any]]:
    divisions: dict[str, dict[str, str]] = {}
    for code in CODES:
        division, leaf = code.split("-")
        divisions.setdefault(division, {})[leaf] = f"Work {code}"
    return [{"code": code, "name": f"Division {code}", "codes": leaves} for code, leaves in divisions.items()]


def _project(number: str) -> dict[str, Any]:
    return {
        "number": number,
        "name": f"Project {number}",
        "stage": "Course of Construction",
        "region": "Auckland",
        "prevent_overbilling": True,
        "allow_overbilling": False,
        "billing_periods": [{"start": date(2026, 11, 1), "end": date(2026, 11, 30), "due": date(2026, 12, 20), "status": "open"}],
        "budget": [{"code": code, "type": "M", "amount": "1000000.00"} for code in CODES],
    }


def _order(index: int, numbers: list[str], vendors: list[str], random: Random) -> dict[str, Any]:
    project = numbers[index % len(numbers)]
    return {
        "type": "po",
        "project": project,
        "number": f"PO-{project}-{index + 1:05d}",
        "title": f"Order {index + 1}",
        "vendor": random.choice(vendors),
        "status": "Approved",
        "updated_at": f"{LATEST - timedelta(minutes=index):%Y-%m-%dT%H:%M:%SZ}",
        "lines": [
            {
                "code": code,
                "type": "M",
                "amount": f"{random.randrange(1_000, 5_000_000) / 100:.2f}",
                "description": f"Item {position + 1}",
            }
            for position, code in enumerate(random.sample(CODES, LINES))
        ],
    }
