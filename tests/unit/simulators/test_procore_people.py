"""What people do in the simulated Procore: each action by natural references, its effect, and its refusals."""

from typing import Any

import pytest

from simulators.kit.actions import BadAction
from tests.unit.simulators.procore_calls import Caller

LINE = {"code": "03-300", "type": "M", "amount": "10.00", "description": "x"}


@pytest.fixture
def procore() -> Caller:
    return Caller()


def held(procore: Caller, kind: str, **where: Any) -> list[dict[str, Any]]:
    return [row for row in procore.core.state()[kind] if all(row.get(name) == value for name, value in where.items())]


def test_projects(procore: Caller) -> None:
    procore.act("create_project", number="2001", name="Weir", stage="Pre-Construction", region="Auckland")
    procore.act("set_stage", project="2001", stage="Course of Construction")
    procore.act("create_region", name="Otago")
    procore.act("set_region", project="2001", region="Otago")
    procore.act("rename_project", project="2001", name="Tui Weir")
    (row,) = held(procore, "projects", project_number="2001")
    assert (row["name"], row["stage"], row["region"]) == ("Tui Weir", "Course of Construction", "Otago")
    procore.act("deactivate_project", project="2001")
    assert len(procore.get("/rest/v1.1/projects", company_id="4100")) == 1
    assert len(procore.get("/rest/v1.1/projects", company_id="4100", filters__by_status="All")) == 2


def test_budget_and_codes(procore: Caller) -> None:
    procore.act("create_sub_job", project="1001", code="B", name="Building B")
    procore.act("add_budget_line", project="1001", code="03-300", type="M", amount="7.00", sub_job="B")
    procore.act("change_budget_line", project="1001", code="03-300", type="M", amount="8.00", sub_job="B")
    (row,) = held(procore, "budget_line_items", biller="Building B")
    assert row["original_budget_amount"] == "8.00" and row["biller_type"] == "SubJob"
    procore.act("rename_sub_job", project="1001", code="B", name="Block B")
    assert held(procore, "budget_line_items", biller="Block B")
    procore.act("remove_budget_line", project="1001", code="03-300", type="M", sub_job="B")
    assert not held(procore, "budget_line_items", biller="Block B")
    procore.act("add_cost_code", code="03-900", name="Polishing", project="1001")
    procore.act("add_cost_code", code="03-900", name="Polishing")
    assert held(procore, "cost_codes", full_code="03-900", project_number="1001")
    assert held(procore, "standard_cost_codes", full_code="03-900")


def test_vendors(procore: Caller) -> None:
    procore.act("create_vendor", name="Tasman Ltd")
    procore.act("rename_vendor", vendor="Tasman Ltd", name="Tasman Limited")
    assert held(procore, "vendors", name="Tasman Limited") and not held(procore, "vendors", name="Tasman Ltd")


def test_commitments(procore: Caller) -> None:
    procore.act(
        "create_commitment", project="1001", type="po", number="PO-2", title="T", vendor="Southern Steel Ltd", lines=[LINE]
    )
    procore.act("add_line", number="PO-2", code="01-100", type="L", amount="5.50", description="y")
    procore.act("change_line", number="PO-2", position=1, amount="20.00")
    procore.act("edit_commitment", number="PO-2", title="New", vendor="Pacific Concrete Ltd", new_number="PO-3")
    (row,) = held(procore, "purchase_order_contracts", number="PO-3")
    assert (row["title"], row["vendor"], row["status"], row["grand_total"]) == (
        "New",
        "Pacific Concrete Ltd",
        "Approved",
        "25.50",
    )
    procore.act("remove_line", number="PO-3", position=2)
    procore.act("set_commitment_status", number="PO-3", status="Closed")
    procore.act("delete_commitment", number="PO-3")
    assert not held(procore, "purchase_order_contracts", number="PO-3")
    assert {entry["actor"] for entry in procore.core.ledger.entries} == {"person"}


@pytest.mark.parametrize(
    ("action", "args"),
    [
        ("set_stage", {"project": "9", "stage": "Completed"}),
        ("set_stage", {"project": "1001", "stage": "Nowhere"}),
        ("add_budget_line", {"project": "1001", "code": "03-300", "type": "M", "amount": "1"}),
        ("add_budget_line", {"project": "1001", "code": "99-999", "type": "M", "amount": "1"}),
        ("add_budget_line", {"project": "1001", "code": "03-300", "type": "Z", "amount": "1"}),
        ("create_project", {"number": "1001", "name": "x", "stage": "Completed"}),
        ("create_vendor", {"name": "Southern Steel Ltd"}),
        ("rename_vendor", {"vendor": "Nobody", "name": "x"}),
        ("create_commitment", {"project": "1001", "type": "po", "number": "PO-1001-01", "title": "x"}),
        ("create_commitment", {"project": "1001", "type": "po", "number": "PO-5", "title": "x", "status": "Out For Bid"}),
        ("set_commitment_status", {"number": "PO-1001-01", "status": "Paid"}),
        ("change_line", {"number": "PO-1001-01", "position": 9, "amount": "1"}),
        ("set_variation_status", {"commitment": "SC-1001-01", "number": "9", "status": "approved"}),
        ("add_billing_period", {"project": "1001", "start": "2026-11-15", "end": "2026-12-15", "due": "2026-12-31"}),
        ("add_billing_period", {"project": "1001", "start": "soon", "end": "2026-12-15", "due": "2026-12-31"}),
        ("close_billing_period", {"project": "1001", "start": "2020-01-01"}),
        ("approve_requisition", {"commitment": "SC-1001-01", "number": 1}),
    ],
)
def test_what_cannot_be_done_says_so_and_changes_nothing(procore: Caller, action: str, args: dict[str, Any]) -> None:
    before = procore.core.state()
    with pytest.raises(BadAction) as refused:
        procore.act(action, **args)
    assert str(refused.value)
    assert procore.core.state() == before


def test_expired_tokens_are_refused_until_signed_in_again(procore: Caller) -> None:
    procore.act("expire_tokens")
    assert procore.call("GET", "/rest/v1.1/projects", company_id="4100").status == 401
    procore.token = procore.sign_in().json()["access_token"]
    assert procore.get("/rest/v1.1/projects", company_id="4100")


def test_every_action_is_listed_with_its_sentence(procore: Caller) -> None:
    listed = procore.core.actions.listed()
    assert len(listed) >= 30 and all(action["sentence"].endswith(".") for action in listed)
