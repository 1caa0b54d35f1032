"""A process that dies anywhere in a plan: the next one resumes at the first step that is missing, and nothing doubles."""

import pytest

from sync import engine, records
from tests.database.engine.stand import (
    Died,
    arrive,
    bring_to_an_end,
    dying,
    lease_over,
    put,
    quarantine_over,
    record,
    run_due,
    states,
    writes,
)
from tests.database.requirements.company import order

#: Changing requests of a direct cost's whole way, by the system they go to.
ON_PROCORE, ON_LENTUNE = ("header", "lines-1", "approve"), ("claim", "posting-result")
DEATHS = [
    *[("procore", n, name, after) for n, name in enumerate(ON_PROCORE, 1) for after in (False, True)],
    *[("lentune", n, name, after) for n, name in enumerate(ON_LENTUNE, 1) for after in (False, True)],
]


@pytest.mark.requirement("L-13")
@pytest.mark.parametrize(("system", "at", "step", "after"), DEATHS)
def test_killed_at_each_point_of_a_direct_cost_it_is_booked_once(start, system, at, step, after):
    world = start()
    one = arrive(world, lines=[{"code": "03-300", "type": "M", "net": f"{n}.10", "description": f"Line {n}"} for n in (1, 2, 3)])
    with dying(world, system, at, after) as seen, pytest.raises(Died):
        engine.run(world.company, [one])
    assert len(seen) == at
    before = {w.step: (w.state, w.sends) for w in writes(world, one)}
    held = bring_to_an_end(world, one)
    assert held.state == "synced"
    cost = world.one("procore", "direct_costs")
    assert (cost["grand_total"], cost["status"], [ln["amount"] for ln in cost["lines"]]) == (
        "6.30",
        "approved",
        ["1.10", "2.10", "3.10"],
    )
    assert held.remote_id == str(cost["id"])
    created = [e["kind"] for e in world.ledger("procore", effect="created") if "direct" in e["path"] or "line" in e["path"]]
    assert len(created) == 4, f"a header and three lines: {created}"
    for name, (state, sends) in before.items():
        if state == "confirmed":
            assert [w.sends for w in writes(world, one, name)] == [sends], f"{name} was done and is not sent again"
    assert world.one("lentune", "invoices")["posting"]["state"] == "posted"


@pytest.mark.requirement("L-13")
@pytest.mark.parametrize("after", [False, True])
def test_killed_in_a_create_that_is_looked_up_it_waits_out_the_quarantine_and_is_created_once(start, after):
    world = start(commitments=[order()])
    one = arrive(world, order="PO-1")
    with dying(world, "procore", 1, after), pytest.raises(Died):
        engine.run(world.company, [one])
    assert record(world, one).state == "sending"
    lease_over(world, one)
    world.clock.advance(301)
    run_due(world, one)
    held = record(world, one)
    assert (held.state, [p["code"] for p in held.problems]) == ("checking", ["outcome_uncertain"]), (
        "never 'failed', never sent again now"
    )
    assert held.due_at > held.state_since, "after the quarantine"
    assert len(world.transports["procore"].sent("POST", "requisitions")) == int(after)
    assert bring_to_an_end(world, one).state == "synced"
    assert len(world.state("procore", "requisitions")) == 1
    assert len(world.ledger("procore", kind="requisitions", effect="created")) == 1
    assert states(world, one)[:2] == ["sending", "checking"]


def test_killed_while_the_outcome_is_committed_the_answer_counts_as_never_seen(start, monkeypatch):
    from sync import carry

    world = start(commitments=[order()])
    one = arrive(world, order="PO-1")
    real = carry.close

    def dies(db, work, *args):
        real(db, work, *args)
        if work.step is not None and work.step.name == "invoice":
            raise Died

    monkeypatch.setattr(carry, "close", dies)
    with pytest.raises(Died):
        engine.run(world.company, [one])
    monkeypatch.setattr(carry, "close", real)
    assert [w.state for w in writes(world, one, "invoice")] == ["sending"], "half of a transaction is nothing"
    assert len(world.state("procore", "requisitions")) == 1
    assert bring_to_an_end(world, one).state == "synced"
    assert len(world.ledger("procore", kind="requisitions", effect="created")) == 1


def test_killed_before_the_intent_was_committed_nothing_was_sent_and_nothing_is_in_doubt(start, monkeypatch):
    from sync import intent

    world = start(commitments=[order()])
    one = arrive(world, order="PO-1")
    monkeypatch.setattr(intent, "mark_sending", lambda *_: (_ for _ in ()).throw(Died))
    with pytest.raises(Died):
        engine.run(world.company, [one])
    monkeypatch.undo()
    assert writes(world, one) == []
    assert record(world, one).state == "pending"
    lease_over(world, one)
    world.clock.advance(301)
    run_due(world, one)
    assert record(world, one).state == "synced", "at once: there is no doubt"


def test_a_plan_that_was_cut_off_goes_on_with_what_was_held_then_and_the_change_comes_after(start):
    """The invoice changes between the header and the lines: never the header of one version with the lines of another."""
    world = start()
    one = arrive(world)
    with dying(world, "procore", 2, after=False), pytest.raises(Died):
        engine.run(world.company, [one])
    world.clock.advance(301)
    world.act("lentune", "change_invoice", number="INV-1", net="1100.10")
    world.settle()
    lease_over(world, one)
    run_due(world, one)
    assert [(w.version, w.step, w.state) for w in writes(world, one) if w.side == "target"][:3] == [
        (1, "header", "confirmed"),
        (1, "lines-1", "confirmed"),
        (1, "approve", "confirmed"),
    ]
    world.clock.advance(301)
    put(world, "UPDATE sync_record SET due_at = clock_timestamp(), stale_at = clock_timestamp() WHERE id = :id", id=one)
    world.settle()
    assert record(world, one).version == 2
    quarantine_over(world)  # what was lost of the version before it has had its time to arrive
    bring_to_an_end(world, one)
    assert world.one("procore", "direct_costs")["grand_total"] == "1100.10"


def test_a_change_whose_bell_rang_while_its_record_was_unfinished_is_not_forgotten(start):
    """Found by the mill: the bell fell into a dead worker's lease, and the claim that resumed the old plan took it away."""
    world = start()
    world.sync()
    world.act("procore", "change_budget_line", project="1001", code="03-300", type="M", amount="111.00")
    with dying(world, "lentune", 1, after=False), pytest.raises(Died):
        world.settle()
    one = world.record("budget_code", "03-300").id
    assert record(world, one).state == "sending"
    world.act("procore", "change_budget_line", project="1001", code="03-300", type="M", amount="222.00")
    world.scan("procore")  # the bell rings, and somebody else seems to have the record
    assert record(world, one).due_at < record(world, one).lease_until
    lease_over(world, one)
    world.settle()
    held = record(world, one)
    there = [row["budget_amount"] for row in world.state("lentune", "cost_codes") if row["id"] == held.remote_id]
    assert (held.state, there) == ("synced", ["222.00"])


def test_a_project_whose_put_was_cut_off_is_put_again_after_the_lease(start):
    world = start(projects=[])
    world.act("procore", "create_project", number="1009", name="New", stage="Course of Construction", region="Auckland")
    with dying(world, "lentune", 1, after=True), pytest.raises(Died):
        world.settle()
    one = world.records("project")[0].id
    lease_over(world, one)
    run_due(world, one)
    assert record(world, one).state == "synced"
    assert len(world.ledger("lentune", kind="project", effect="created")) == 1


@pytest.mark.parametrize("before", ["lines-1", "approve"])
def test_what_was_deleted_there_half_written_is_said_to_be_gone_and_made_anew_when_asked(start, before):
    """Refused as unknown, its later steps would be refused for ever: the first one stands as done."""
    world = start()
    one = arrive(world)
    with dying(world, "procore", ON_PROCORE.index(before) + 1, False), pytest.raises(Died):
        engine.run(world.company, [one])
    assert world.one("procore", "direct_costs")["status"] == "draft"
    world.act("procore", "delete_direct_cost", number="INV-1")
    held = bring_to_an_end(world, one)
    assert (held.state, [p["code"] for p in held.problems]) == ("needs_attention", ["vanished_at_target"])
    assert world.state("procore", "direct_costs", deleted_at=None) == [], "not made again unasked"
    world.run(records.retry(world.company, [one], "somebody"))
    held = bring_to_an_end(world, one)
    assert (held.state, world.one("procore", "direct_costs", deleted_at=None)["status"]) == ("synced", "approved")
