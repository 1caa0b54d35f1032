"""What is no part of the sync any more while it stands half-written in the other system: never sent on, never left unsaid."""

import pytest

from sync import settling
from tests.database.engine.stand import (
    arrive,
    lease_over,
    lose_workers,
    put,
    quarantine_over,
    record,
    run_due,
    writes,
)
from tests.database.requirements.company import order


def later(world, one):
    quarantine_over(world)
    lease_over(world, one)
    world.clock.advance(301)
    run_due(world, one)
    world.settle()
    return record(world, one)


@pytest.mark.parametrize("at", [1, 2])
def test_it_is_looked_for_and_not_sent(start, at):
    """An overhead invoice whose worker was lost again and again; then the books take such invoices straight."""
    world = start(settings={"accounting_route": "all_via_procore"})
    one = arrive(world, kind="overhead")
    lose_workers(world, one, first=at)
    assert [p["code"] for p in record(world, one).problems] == ["worker_lost"]
    world.clock.advance(301)
    world.save(accounting_route="project_via_procore_overhead_direct")
    put(world, "UPDATE sync_record SET stale_at = clock_timestamp() WHERE id = :id", id=one)
    for _ in range(4):
        later(world, one)
    left = record(world, one)
    there = world.state("procore", "direct_costs")
    if at == 1:
        assert (left.state, there) == ("ignored", []), "the header never arrived, and nobody sends it now"
        return
    assert [(cost["status"], cost["lines"]) for cost in there] == [("draft", [])], "no line of it was sent"
    assert (left.state, [p["code"] for p in left.problems]) == ("needs_attention", ["left_unfinished"])
    assert left.remote_id == str(there[0]["id"])
    settling.unlink(world.company, one, "somebody", "deleted by hand")
    assert record(world, one).state == "unlinked"


def refused_lines(world):
    lines = {"method": "PATCH", "path": "/line_items/sync"}
    world.fault("procore", on="request", times=1, match=lines, action="status", status=422, body={"errors": "x"})


def test_half_a_direct_cost_of_a_withdrawn_invoice_is_told(start):
    world = start()
    refused_lines(world)
    one = arrive(world)
    run_due(world, one)
    assert [(w.step, w.state) for w in writes(world, one) if w.side == "target"] == [
        ("header", "confirmed"),
        ("lines-1", "rejected"),
    ]
    world.clock.advance(301)
    world.act("lentune", "reject_invoice", number="INV-1")
    world.settle()
    world.due_now()
    left = record(world, one)
    assert (left.state, [p["code"] for p in left.problems]) == ("needs_attention", ["left_unfinished"])
    assert left.remote_id in left.problems[0]["values"]["there"]


def test_half_a_direct_cost_is_finished_as_what_it_was_begun_when_the_route_changes(start):
    world = start(commitments=[order()])
    world.save(procore_purchase_order=False)
    refused_lines(world)
    one = arrive(world, order="PO-1")
    run_due(world, one)
    world.clock.advance(301)
    world.save(procore_purchase_order=True)
    put(world, "UPDATE sync_record SET stale_at = clock_timestamp() WHERE id = :id", id=one)
    for _ in range(3):
        later(world, one)
    assert record(world, one).state == "synced"
    assert world.state("procore", "requisitions") == []
    assert world.one("procore", "direct_costs")["status"] == "approved"
