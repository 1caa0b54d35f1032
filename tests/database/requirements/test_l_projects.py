"""Projects: the stage gate, its webhook, regions and branches (L-01, L-02, L-36, L-37)."""

from datetime import datetime

import pytest

from sync import scan
from tests.database.requirements.company import PACIFIC, dataset, order, project
from tests.world import World

WAITING = project("1002", stage="Pre-Construction")


@pytest.mark.requirement("L-01")
def test_a_project_in_another_stage_stays_out_with_everything_in_it(start):
    world = start(projects=[project(), WAITING], commitments=[order("PO-2", project="1002")])
    assert [p["code"] for p in world.state("lentune", "projects")] == ["1001"]
    assert world.state("lentune", "purchase_orders") == []
    out = world.record("project", "1002")
    assert (out.state, out.problems[0]["code"]) == ("ignored", "project_stage_not_allowed")
    assert "Pre-Construction" in world.shown("project", "1002").problems[0].cause
    assert len(scan.projects(world.company, "procore")) == 1, "lists of a project that stays out are not read"


@pytest.mark.requirement("L-01")
def test_the_allowed_stages_are_a_setting(start):
    world = start(projects=[project(), WAITING])
    world.save(project_stages=["Course of Construction", "Pre-Construction"])
    assert world.one("lentune", "projects", code="1002")["stage"] == "Pre-Construction"
    assert world.one("lentune", "procore_companies")["settings"]["project_stages"] == [
        "Course of Construction",
        "Pre-Construction",
    ]


@pytest.mark.requirement("L-01", "P-01")
def test_two_companies_have_stages_and_boxes_of_their_own(company):
    from sync.connections import new_company

    parts = {"projects": [WAITING], "commitments": [order("PO-2", project="1002")]}
    strict = World(company, dataset(**parts))
    open_to_all = World(
        new_company("Other company", "4100"),
        dataset(**parts, settings={"project_stages": ["Pre-Construction"], "procore_purchase_order": False}),
    )
    for world in (strict, open_to_all):
        world.here()
        world.sync()
    assert strict.state("lentune", "projects") == []
    assert open_to_all.one("lentune", "projects", code="1002")
    assert open_to_all.record("commitment", "PO-2").problems[0]["code"] == "po_sync_disabled"
    strict.here()
    strict.save(project_stages=["Pre-Construction"])
    strict.sync()
    assert strict.one("lentune", "purchase_orders", number="PO-2")
    assert open_to_all.state("lentune", "purchase_orders") == [], "one company's boxes are not another's"
    assert open_to_all.record("commitment", "PO-2").state == "ignored"
    strict.close()


@pytest.mark.requirement("L-01")
def test_a_project_that_is_in_stays_when_its_stage_moves_on(start):
    world = start()
    world.act("procore", "set_stage", project="1001", stage="Pre-Construction")
    world.act("procore", "rename_project", project="1001", name="Renamed")
    world.settle()
    there = world.one("lentune", "projects", code="1001")
    assert (there["description"], there["stage"]) == ("Renamed", "Pre-Construction")


@pytest.mark.requirement("L-02")
def test_moving_a_project_into_an_allowed_stage_is_enough(start):
    """Only webhooks are delivered: no scheduled scan runs after the move."""
    world = start(projects=[project(), WAITING], commitments=[order("PO-2", project="1002", vendor=PACIFIC)])
    world.act("procore", "set_stage", project="1002", stage="Course of Construction")
    world.settle()
    there = world.one("lentune", "projects", code="1002")
    assert {c["code"] for c in world.state("lentune", "cost_codes", project_id=there["id"])} == {"03-300", "05-100"}
    assert world.one("lentune", "purchase_orders", number="PO-2")["project_id"] == there["id"], "usable: its orders are there too"
    moved = world.ledger("procore", actor="person", kind="projects")[-1]["at"]
    arrived = world.ledger("lentune", kind="project", remote_id=there["id"])[0]["at"]
    assert 0 <= (datetime.fromisoformat(arrived) - datetime.fromisoformat(moved)).total_seconds() < 60


@pytest.mark.requirement("L-02")
def test_a_project_set_up_in_an_allowed_stage_arrives_by_its_webhook(start):
    world = start(projects=[])
    world.act("procore", "create_project", number="1009", name="New", stage="Course of Construction", region="Auckland")
    world.settle()
    assert world.one("lentune", "projects", code="1009")["description"] == "New"


@pytest.mark.requirement("L-36", "L-37")
def test_region_and_branch_of_equal_name(start):
    world = start(
        projects=[project(), project("1002", region="Northland"), project("1003", region="")],
        regions=["Auckland", "Northland"],
        branches=[" auckland"],
    )
    branch = world.one("lentune", "branches")
    assert world.one("lentune", "projects", code="1001")["branch_id"] == branch["id"]
    assert world.one("lentune", "projects", code="1002")["branch_id"] is None, "the project arrives all the same"
    assert [w["code"] for w in world.record("project", "1002").warnings] == ["branch_unmatched"]
    assert [w.severity for w in world.shown("project", "1002").warnings] == ["warning"]
    assert set(world.states("project").values()) == {"synced"}
    assert world.record("project", "1001").warnings == world.record("project", "1003").warnings == []


@pytest.mark.requirement("L-36")
def test_a_branch_added_later_is_filled_in(start):
    world = start(projects=[project(region="Northland")], regions=["Auckland", "Northland"])
    world.act("lentune", "add_branch", name="Northland")
    world.sync()
    there = world.one("lentune", "projects", code="1001")
    assert there["branch_id"] == world.one("lentune", "branches", description="Northland")["id"]
    assert world.record("project", "1001").warnings == []
