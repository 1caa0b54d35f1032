"""The one route table of the simulated Procore, and the list of modules that fill it."""

from importlib import import_module

from simulators.kit.actions import Actions
from simulators.kit.router import Router

ROUTER = Router()
route = ROUTER.route
ACTIONS = Actions()

MODULES = (
    "oauth", "company_api", "projects", "vendors", "cost_codes", "standard_codes", "cost_types", "wbs", "budget",
    "contracts", "contract_routes", "contract_lines", "change_orders", "change_order_lines", "packages", "billing_periods",
    "requisitions", "requisition_items", "payments", "direct_costs", "direct_cost_lines", "hooks", "hooks_v2",
    "attachments", "people", "people_money", "people_costs", "people_files",
)  # fmt: skip


def load() -> None:
    """Imports every module that registers routes or actions."""
    for name in MODULES:
        import_module(f"simulators.procore.{name}")
