"""Sub jobs: plain codes in Lentune that name them, and the way back (L-03, L-04, L-05)."""

import pytest

from tests.database.requirements.company import PACIFIC, budget, invoice, project

SITE = project(sub_jobs=[{"code": "B", "name": "Building B"}], budget=[budget(), budget(sub_job="B", amount="95000.00")])


@pytest.mark.requirement("L-03", "L-04")
def test_a_sub_job_code_is_an_ordinary_code_of_the_main_project_and_names_it(start):
    world = start(projects=[SITE])
    main = world.one("lentune", "projects")
    code = world.one("lentune", "cost_codes", code="B.03-300")
    assert code["project_id"] == main["id"]
    assert code["from_sub_job"] is True
    assert "Building B" in code["description"] and "Cast in Place" in code["description"]
    assert code["budget_amount"] == "95000.00"
    assert world.one("lentune", "cost_codes", code="03-300")["budget_amount"] == "100000.00"
    assert len(world.ledger("lentune", kind="project", effect="created")) == 1, "no separate sub-project"


@pytest.mark.requirement("L-04")
def test_a_renamed_sub_job_is_renamed_in_the_description(start):
    world = start(projects=[SITE])
    before = world.one("lentune", "cost_codes", code="B.03-300")
    world.act("procore", "rename_sub_job", project="1001", code="B", name="North Tower")
    world.settle()
    after = world.one("lentune", "cost_codes", code="B.03-300")
    assert "North Tower" in after["description"] and "Building B" not in after["description"]
    assert after["id"] == before["id"]


@pytest.mark.requirement("L-05", "L-19")
def test_costs_go_back_to_the_sub_job_and_code_they_came_from(start):
    world = start(projects=[SITE])
    both = [
        {"code": "B.03-300", "type": "M", "net": "845.05", "description": "Kerb"},
        {"code": "03-300", "type": "M", "net": "154.95", "description": "Slab"},
    ]
    world.act("lentune", "create_invoice", **invoice(lines=both))
    world.settle()
    assert _lines(world) == {"B.03-300.M": "845.05", "03-300.M": "154.95"}


@pytest.mark.requirement("L-05")
def test_the_way_back_goes_by_ids_and_not_by_text(start):
    """After both names changed, on either side, the cost still lands on the code it came from."""
    world = start(projects=[SITE])
    here = {c["code"]: c for c in world.lentune.data.tables["cost_codes"].values()}
    here["B.03-300"]["code"], here["03-300"]["code"] = "03-300", "B.03-300"  # as people might, by hand
    sub_job_code, main_code = here["B.03-300"]["id"], here["03-300"]["id"]
    world.act("procore", "rename_sub_job", project="1001", code="B", name="North Tower")
    world.act(
        "lentune",
        "create_invoice",
        number="INV-1",
        supplier=PACIFIC,
        date="2026-11-10",
        project="1001",
        status="received",
        lines=[{"net": "845.05", "description": "Kerb"}],
    )
    world.lentune.data.tables["invoices"]["inv-000001"]["lines"][0] |= {"cost_code_id": sub_job_code}
    world.act("lentune", "approve_invoice", number="INV-1")
    world.settle()
    assert main_code != sub_job_code
    assert _lines(world) == {"B.03-300.M": "845.05"}


def _lines(world):
    return {line["code"]: line["amount"] for line in world.one("procore", "direct_costs")["lines"]}
