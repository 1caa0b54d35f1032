"""Commitments and variations on their way to Lentune (L-16, L-22, L-23, L-28 to L-33)."""

import pytest

from sync import records
from tests.database.requirements.company import OPEN_PERIOD, SOUTHERN, budget, line, order, project
from tests.world import World

#: Number -> the order and the codes it must be held for. One world holds them all, so each is seen beside the others.
BROKEN = {
    "PO-NODESC": (order("PO-NODESC", title=""), {"description_missing"}),
    "PO-NOLINES": (order("PO-NOLINES") | {"lines": []}, {"schedule_of_values_empty"}),
    "PO-LINEDESC": (order("PO-LINEDESC", line(), line(description="")), {"line_description_missing"}),
    "PO-LINEVALUE": (order("PO-LINEVALUE", line(None)), {"line_value_missing"}),
    "PO-OFFBUDGET": (order("PO-OFFBUDGET", line(code="05-100", kind="S")), {"cost_code_not_on_budget"}),
    "PO-TAKEN": (order("PO-TAKEN"), {"po_number_not_unique"}),
    "PO-EVERYTHING": (
        order("PO-EVERYTHING", line(None, description=""), line("1.00", "05-100", "S", ""), title="", status="Draft"),
        {"description_missing", "line_description_missing", "line_value_missing", "cost_code_not_on_budget"},
    ),
}
SITE = project(budget=[budget()])
YARD = {
    "own_projects": [
        {"code": "YARD", "description": "Yard", "cost_codes": [{"code": "99-100", "type": "M", "description": "Sundry"}]}
    ],
    "purchase_orders": [
        {
            "project": "YARD",
            "number": "PO-TAKEN",
            "description": "Gravel",
            "supplier": SOUTHERN,
            "status": "approved",
            "lines": [{"code": "99-100", "amount": "1500.00", "description": "Gravel"}],
        }
    ],
}


@pytest.fixture(scope="module")
def broken(database) -> World:
    """Synced and closed: its tests only look."""
    from sync.connections import new_company
    from tests.database.requirements.company import dataset

    world = World(
        new_company("Broken commitments", "4100"),
        dataset(projects=[SITE], commitments=[order("PO-GOOD"), *(spec for spec, _ in BROKEN.values())], **YARD),
    )
    world.sync()
    world.close()
    return world


@pytest.mark.requirement("L-28", "L-29", "L-30", "L-31", "L-32", "L-33")
@pytest.mark.parametrize("number", BROKEN)
def test_each_prerequisite_alone_and_all_that_are_wrong_at_once(broken, number):
    found = [r for r in broken.records("commitment") if r.number == number and r.direction == "from_procore"]
    assert len(found) == 1
    assert {p["code"] for p in found[0].problems} == BROKEN[number][1]
    assert found[0].state == ("held" if number == "PO-OFFBUDGET" else "needs_attention")
    key = found[0].source_id
    assert broken.ledger("lentune", key=key) == [], "nothing of it is stored in Lentune"


def test_one_that_is_wrong_holds_up_no_other(broken):
    assert broken.record("commitment", "PO-GOOD").state == "synced"
    assert {o["number"] for o in broken.state("lentune", "purchase_orders")} == {"PO-GOOD", "PO-TAKEN"}
    assert broken.one("lentune", "purchase_orders", number="PO-TAKEN")["description"] == "Gravel", "not overwritten"


@pytest.mark.requirement("L-32", "L-33")
def test_people_are_told_which_lines_and_what_to_do(broken):
    shown = broken.shown("commitment", "PO-LINEDESC").problems[0]
    assert "2" in shown.cause and shown.fix == ("Describe every line in Procore.",)
    crosses = {c.requirement for c in broken.shown("commitment", "PO-EVERYTHING").checks if not c.ok}
    assert {"L-29", "L-32", "L-33", "L-21"} <= crosses


@pytest.mark.requirement("L-28")
def test_a_number_is_unique_across_projects(start):
    world = start(projects=[project(), project("1002")], commitments=[order("PO-1"), order("PO-1", project="1002")])
    records = [r for r in world.records("commitment") if r.number == "PO-1"]
    assert len(world.state("lentune", "purchase_orders")) <= 1, "never two of one number, and never a look-alike"
    late = [r for r in records if r.state == "needs_attention"]
    assert late and all([p["code"] for p in r.problems] == ["po_number_not_unique"] for r in late)
    tried = {r.url.path for r in world.transports["lentune"].sent("PUT", "/purchase-orders/")}
    assert not [path for path in tried for r in late if path.endswith(f"/{r.source_id.partition(':')[2]}")], "nor tried"
    world.act("procore", "edit_commitment", number="PO-1", project="1002", new_number="PO-2")
    world.settle()
    assert sorted(o["number"] for o in world.state("lentune", "purchase_orders")) == ["PO-1", "PO-2"]


@pytest.mark.requirement("L-28")
def test_a_commitment_without_a_number_waits_for_one(start):
    world = start(sync=False, commitments=[order("PO-1")])
    row = next(iter(world.procore.data.companies[4100].tables["contracts"].values()))
    row["number"] = None
    world.sync()
    record = world.records("commitment")[0]
    assert [p["code"] for p in record.problems] == ["commitment_number_missing"]
    assert world.state("lentune", "purchase_orders") == []
    row["number"] = "PO-1"
    world.act("procore", "edit_commitment", number="PO-1", title="Now numbered")
    world.settle()
    assert world.one("lentune", "purchase_orders", number="PO-1")["description"] == "Now numbered"


@pytest.mark.requirement("L-28", "L-29", "L-30", "L-32", "L-33")
def test_each_arrives_by_itself_once_it_is_put_right(start):
    wrong = [BROKEN[n][0] for n in ("PO-NODESC", "PO-NOLINES", "PO-LINEDESC", "PO-LINEVALUE", "PO-TAKEN")]
    world = start(commitments=wrong, **YARD)
    assert [o["number"] for o in world.state("lentune", "purchase_orders")] == ["PO-TAKEN"]
    world.act("procore", "edit_commitment", number="PO-NODESC", title="Described")
    world.act("procore", "add_line", number="PO-NOLINES", code="03-300", type="M", amount="10.00", description="Line")
    world.act("procore", "change_line", number="PO-LINEDESC", position=2, description="Now said")
    world.act("procore", "change_line", number="PO-LINEVALUE", position=1, amount="33.10")
    world.act("procore", "edit_commitment", number="PO-TAKEN", new_number="PO-FREE")
    world.settle()
    there = {o["number"]: o["total"] for o in world.state("lentune", "purchase_orders", origin="procore")}
    assert there == {
        "PO-NODESC": "60000.00",
        "PO-NOLINES": "10.00",
        "PO-LINEDESC": "120000.00",
        "PO-LINEVALUE": "33.10",
        "PO-FREE": "60000.00",
    }


@pytest.mark.requirement("L-22")
def test_a_subcontract_goes_to_payment_claims_and_not_among_the_orders(start):
    world = start(
        commitments=[
            order("PO-1"),
            order("SC-1", line("180000.00", "05-100", "S", "Steel frame"), form="sc", vendor=SOUTHERN, retainage="5.00"),
        ]
    )
    there = world.one("lentune", "subcontracts")
    assert (there["number"], there["module"], there["total"], there["status"]) == (
        "SC-1",
        "payment_claims",
        "180000.00",
        "approved",
    )
    assert float(there["retention_percent"]) == 5.0
    assert [o["number"] for o in world.state("lentune", "purchase_orders")] == ["PO-1"]


@pytest.mark.requirement("L-22")
def test_subcontracts_stay_in_procore_while_they_are_not_pulled(start):
    world = start(settings={"pull_subcontracts": False}, commitments=[order("SC-1", line("1.00", "05-100", "S"), form="sc")])
    assert world.record("commitment", "SC-1").problems[0]["code"] == "subcontracts_not_pulled"
    assert world.state("lentune", "subcontracts") == []
    world.save(pull_subcontracts=True)
    assert world.one("lentune", "subcontracts", number="SC-1")


@pytest.mark.requirement("L-23")
def test_variations_are_pulled_and_never_pushed(start):
    world = start(
        commitments=[order("SC-1", line("180000.00", "05-100", "S"), form="sc", vendor=SOUTHERN)],
        variations=[
            {
                "commitment": "SC-1",
                "number": "001",
                "title": "Bracing",
                "status": "approved",
                "lines": [line("8750.00", "05-100", "S", "Bracing")],
            }
        ],
    )
    there = world.one("lentune", "variations", number="001")
    parent = world.one("lentune", "subcontracts", number="SC-1")
    assert (there["parent"]["id"], there["total"], there["title"]) == (parent["id"], "8750.00", "Bracing")
    assert parent["variations_total"] == "8750.00"
    world.act(
        "procore",
        "create_variation",
        commitment="SC-1",
        number="002",
        title="Delete canopy",
        status="pending",
        lines=[line("-2100.50", "05-100", "S", "Canopy removed")],
    )
    world.settle()
    assert world.one("lentune", "variations", number="002")["total"] == "-2100.50"
    world.act("procore", "set_variation_status", commitment="SC-1", number="002", status="approved")
    world.settle()
    assert world.one("lentune", "subcontracts", number="SC-1")["variations_total"] == "6649.50"
    assert [e for e in world.ledger("procore") if "change_order" in e["kind"]] == []


@pytest.mark.requirement("L-23", "L-21")
def test_a_variation_waits_for_its_commitment(start):
    world = start(
        projects=[project(budget=[budget()], billing_periods=[OPEN_PERIOD])],
        commitments=[order("SC-1", line("100.00", "05-100", "S"), form="sc")],
        variations=[
            {
                "commitment": "SC-1",
                "number": "001",
                "title": "More",
                "status": "approved",
                "lines": [line("5.00", description="More")],
            }
        ],
    )
    assert world.problems("variation", "001") == ["commitment_not_synced"]
    assert world.record("variation", "001").state == "held"
    world.act("procore", "add_budget_line", project="1001", code="05-100", type="S", amount="200.00")
    world.settle()
    assert world.one("lentune", "variations", number="001")["total"] == "5.00"


@pytest.mark.requirement("L-23")
def test_a_variation_refused_because_its_order_is_gone_there_follows_when_the_order_is_back(start):
    more = {"commitment": "PO-1", "number": "001", "title": "More", "status": "pending"}
    world = start(commitments=[order()], variations=[more | {"lines": [line("5.00", description="More")]}])
    world.act("lentune", "delete_order", number="PO-1")
    world.act("procore", "set_variation_status", commitment="PO-1", number="001", status="approved")
    world.settle()
    assert (world.record("variation", "001").state, world.problems("variation", "001")) == ("held", ["commitment_not_synced"])
    world.act("procore", "edit_commitment", number="PO-1", title="Changed since")
    world.settle()
    assert world.problems("commitment", "PO-1") == ["vanished_at_target"], "it is not made again unasked"
    world.run(records.retry(world.company, [world.record("commitment", "PO-1").id], "somebody"))
    world.settle()
    made = world.one("lentune", "purchase_orders", number="PO-1", deleted_at=None)
    there = world.one("lentune", "variations", number="001")
    assert (there["parent"]["id"], there["status"]) == (made["id"], "approved")
    assert world.record("variation", "001").state == "synced"
