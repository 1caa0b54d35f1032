"""The simulated Procore against its document: every route is in it, and every answer validates."""

from typing import Any

import pytest

from simulators.procore.routes import ROUTER
from tests.contracts.checker import operation_of, operations
from tests.unit.simulators.procore_calls import Caller, Json

# Sign-in pages are for people, and addresses of files are given ready-made: no interface document has them.
PAGES = {
    ("GET", "/oauth/authorize"), ("POST", "/oauth/authorize"), ("GET", "/attachments/{company_id}/{id}"),
    ("GET", "/storage/{company_id}/{id}"),
}  # fmt: skip


def test_every_route_is_an_operation_of_the_document() -> None:
    documented = {operation_of("procore", method, template).template for method, template in operations("procore")}
    for method, template in set(ROUTER.routes) - PAGES:
        assert operation_of("procore", method, template).template in documented


@pytest.fixture(scope="module")
def procore() -> Caller:
    """The demo company after an invoice, a payment, a direct cost, a hook and a delivery."""
    caller = Caller("demo")
    project, contract = caller.project(), caller.contract("SC-1001-01")["id"]
    scope: Json = {"project_id": project}
    line = caller.get(f"/rest/v1.0/work_order_contracts/{contract}/line_items", **scope)[0]
    period = caller.get(f"/rest/v1.0/projects/{project}/billing_periods")[0]["id"]
    item = {"item_type": "contract_item", "line_item_id": line["id"], "work_completed_this_period": "1000.50"}
    made = [
        ("/rest/v1.1/requisitions", {**scope, "commitment_id": contract, "requisition": {"period_id": period, "items": [item]}}),
        ("/rest/v1.0/contract_payments", {**scope, "contract_id": contract, "contract_payment": {"amount": "10.00"}}),
        (
            f"/rest/v1.1/projects/{project}/direct_costs",
            {
                "direct_cost": {
                    "direct_cost_type": "invoice",
                    "vendor_id": 2_000_001,
                    "invoice_number": "7",
                    "line_items": [{"wbs_code_id": line["wbs_code"]["id"], "quantity": 3, "unit_cost": 1.25}],
                }
            },
        ),
        (
            "/rest/v1.0/webhooks/hooks",
            {"company_id": 4100, "hook": {"api_version": "v2", "namespace": "n", "destination_url": "https://a.example/"}},
        ),
    ]
    for path, body in made:
        assert caller.call("POST", path, body).status == 201
    trigger = {"resource_name": "Projects", "event_type": "update"}
    caller.call("POST", "/rest/v1.0/webhooks/hooks/5001/triggers", {"company_id": 4100, "api_version": "v2", "trigger": trigger})
    caller.act("set_stage", project="1003", stage="Course of Construction")
    caller.deliver()
    return caller


IDS = {
    "company_id": "4100",
    "project_id": "610001",
    "purchase_order_contract_id": "400001",
    "work_order_contract_id": "400005",
    "contract_id": "400005",
    "commitment_change_order_id": "440001",
    "requisition_id": "470001",
    "direct_cost_id": "490001",
    "hook_id": "5001",
    "budget_view_id": "9001",
    "segment_id": "512",
}
OWN_IDS = {
    "projects": "610001", "vendors": "2000001", "sub_jobs": "630001", "cost_codes": "70000001",
    "standard_cost_codes": "150001", "line_item_types": "1401", "budget_line_items": "90000001",
    "purchase_order_contracts": "400001", "work_order_contracts": "400005", "commitment_change_orders": "440001",
    "change_order_packages": "450001", "billing_periods": "460001", "requisitions": "470001",
    "contract_payments": "480001", "direct_costs": "490001",
}  # fmt: skip
QUERY: dict[str, Any] = {
    "company_id": "4100",
    "project_id": "610001",
    "contract_id": "400005",
    "standard_cost_code_list_id": "1501",
    "view": "extended",
}
READS = sorted(template for method, template in ROUTER.routes if method == "GET" and template.startswith("/rest"))


@pytest.mark.parametrize("template", READS)
def test_every_read_answers_as_documented(procore: Caller, template: str) -> None:
    parts = template.split("/")
    path = "/".join(
        OWN_IDS[parts[at - 1]] if part == "{id}" else IDS[part[1:-1]] if part.startswith("{") else part
        for at, part in enumerate(parts)
    )
    known = operation_of("procore", "GET", path).query()
    answer = procore.call("GET", path, **{name: value for name, value in QUERY.items() if name in known})
    assert answer.status == 200, answer.body


def test_the_demo_company_is_what_its_file_says(procore: Caller) -> None:
    kinds = Caller("demo").core.state()
    assert {name: len(kinds[name]) for name in ("projects", "purchase_order_contracts", "work_order_contracts")} == {
        "projects": 4,
        "purchase_order_contracts": 11,
        "work_order_contracts": 7,
    }
    assert len(kinds["budget_line_items"]) == 19 and len(kinds["commitment_change_orders"]) == 4
    assert len(kinds["standard_cost_codes"]) == 18 and len(kinds["line_item_types"]) == 4
    order = next(row for row in kinds["purchase_order_contracts"] if row["number"] == "PO-1001-01")
    assert [line["code"] for line in order["lines"]] == ["03-300.M", "B.03-300.M"]


def test_ids_are_the_same_for_the_same_seed() -> None:
    first, second = Caller("demo").core, Caller("demo").core
    assert first.state() == second.state() and first.credentials == second.credentials
    before = first.state()
    first.seed("large", 2, 50)
    assert len(first.state()["purchase_order_contracts"]) == 50
    first.seed("demo", 1)
    assert first.state() == before


def test_an_empty_procore_still_lets_the_app_in() -> None:
    caller = Caller("demo")
    caller.core.reset()
    caller.token = caller.sign_in().json()["access_token"]
    assert caller.get("/rest/v1.1/projects", company_id="4100") == []


def test_ten_thousand_orders_are_built_and_listed(procore: Caller) -> None:
    caller = Caller("large", objects=1000)
    projects = caller.get("/rest/v1.1/projects", company_id="4100")
    assert len(projects) == 2
    rows = caller.call("GET", "/rest/v1.0/purchase_order_contracts", project_id=projects[0]["id"])
    assert rows.headers["Total"] == "500" and len(rows.json()) == 100
    lines = caller.get(f"/rest/v1.0/purchase_order_contracts/{rows.json()[0]['id']}/line_items", project_id=projects[0]["id"])
    assert len(lines) == 5
