"""Codes: the budget first, master cost codes, and commitments that wait for a code (L-10, L-14, L-15, L-20, L-21, L-31)."""

import pytest

from tests.database.requirements.company import budget, line, order, project

ONE_CODE = project(budget=[budget()])


@pytest.mark.requirement("L-14")
def test_a_code_added_to_the_budget_appears_by_its_webhook(start):
    world = start(projects=[ONE_CODE])
    assert [c["code"] for c in world.state("lentune", "cost_codes")] == ["03-300"]
    world.act("procore", "add_budget_line", project="1001", code="05-100", type="S", amount="14000.00")
    world.settle()
    code = world.one("lentune", "cost_codes", code="05-100")
    assert (code["on_budget"], code["budget_amount"], code["description"]) == (True, "14000.00", "Structural Steel")
    world.act("procore", "change_budget_line", project="1001", code="05-100", type="S", amount="15000.50")
    world.settle()
    assert world.one("lentune", "cost_codes", code="05-100")["budget_amount"] == "15000.50"


@pytest.mark.requirement("L-14")
def test_a_code_taken_off_the_budget_is_not_deleted_in_lentune(start):
    world = start(projects=[ONE_CODE])
    world.act("procore", "remove_budget_line", project="1001", code="03-300", type="M")
    world.settle()
    world.scan("procore", full=True)
    world.settle()
    assert len(world.state("lentune", "cost_codes")) == 1, "invoices may use it; a person decides"
    assert world.ledger("lentune", kind="project_cost_code", effect="deleted") == []


@pytest.mark.requirement("L-15")
def test_standard_codes_become_master_cost_codes(start):
    world = start()
    codes = {c["code"]: c["description"] for c in world.state("lentune", "master_cost_codes")}
    assert codes == {"03": "Concrete", "03-300": "Cast in Place", "05": "Metals", "05-100": "Structural Steel"}
    world.act("procore", "add_cost_code", code="05-200", name="Handrails")
    world.settle()
    assert world.one("lentune", "master_cost_codes", code="05-200")["description"] == "Handrails"
    assert {r.state for r in world.records("cost_code")} == {"synced"}


@pytest.mark.requirement("L-10")
def test_a_code_arrives_with_its_cost_type(start):
    world = start(projects=[ONE_CODE])
    kind = world.one("lentune", "cost_types", code="M")
    assert world.one("lentune", "cost_codes", code="03-300")["cost_type_id"] == kind["id"]


@pytest.mark.requirement("L-20")
def test_a_draft_that_uses_a_code_before_it_is_on_the_budget_warns(start):
    world = start(
        projects=[ONE_CODE],
        commitments=[order("PO-1", status="Draft"), order("PO-2", line(code="05-100", kind="S"), status="Draft")],
    )
    shown = world.shown("commitment", "PO-2")
    assert [w.code for w in shown.warnings] == ["codes_off_budget_in_draft"]
    assert "05-100" in shown.warnings[0].cause and "budget" in shown.warnings[0].fix[0]
    assert world.record("commitment", "PO-1").warnings == []


@pytest.mark.requirement("L-21", "L-31")
def test_a_commitment_waits_for_its_code_and_arrives_by_itself(start):
    """Budget first, then the code, only then the commitment; nobody touches the commitment again."""
    world = start(projects=[ONE_CODE], commitments=[order("PO-1", line(), line("12400.00", "05-100", "S", "Steel"))])
    waiting = world.record("commitment", "PO-1")
    assert (waiting.state, world.problems("commitment", "PO-1")) == ("held", ["cost_code_not_on_budget"])
    shown = world.shown("commitment", "PO-1").problems[0]
    assert "05-100" in shown.cause and "budget" in shown.fix[0] and shown.heals
    assert world.ledger("lentune", kind="purchase_order") == [], "nothing of it was stored, not even a part"
    world.act("procore", "add_budget_line", project="1001", code="05-100", type="S", amount="14000.00")
    world.settle()
    assert world.record("commitment", "PO-1").state == "synced"
    there = world.one("lentune", "purchase_orders", number="PO-1")
    code = world.one("lentune", "cost_codes", code="05-100")
    assert [ln["amount"] for ln in there["lines"]] == ["60000.00", "12400.00"] and there["lines"][1]["cost_code_id"] == code["id"]
    order_entry, code_entry = world.ledger("lentune", remote_id=there["id"])[0], world.ledger("lentune", remote_id=code["id"])[0]
    assert code_entry["seq"] < order_entry["seq"]


@pytest.mark.requirement("L-31")
def test_a_commitment_waits_until_its_code_is_in_lentune_and_not_only_on_the_budget(start):
    world = start(sync=False, commitments=[order()])
    world.fault(
        "lentune",
        on="request",
        action="status",
        status=422,
        match={"method": "PUT", "path": "/cost-codes/"},
        body={"code": "validation_failed", "detail": "not today"},
    )
    world.sync()
    assert world.record("commitment", "PO-1").state == "held"
    assert world.problems("commitment", "PO-1") == ["cost_code_not_synced"]
    assert world.state("lentune", "purchase_orders") == []
    world.mend()
    from sync import records

    world.run(records.retry(world.company, [r.id for r in world.records("budget_code")], "test"))
    world.settle()
    assert world.one("lentune", "purchase_orders", number="PO-1")
