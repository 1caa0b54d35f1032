"""Two companies with the same ids, numbers and amounts on both sides, worked on in turn: nothing ever mixes."""

import pytest
from sqlalchemy import text

from models import session
from sync import inbox, records, scan
from sync.connections import new_company
from tests.database.requirements.company import dataset, invoice, order
from tests.world import World

PARTS = {"commitments": [order()], "invoices": [invoice(), invoice("INV-2", "500.00", order="PO-1")]}


@pytest.fixture
def pair(company):
    """Identical twins: the same data set, so that every id on either side is the same in both."""
    worlds = [World(company, dataset(**PARTS)), World(new_company("Twin", "4100"), dataset(**PARTS))]
    yield worlds
    for world in worlds:
        world.here()
        assert world.duplicates() == []
        world.close()


def in_turns(worlds, *acts):
    for act in acts:
        for world in worlds:
            world.here()
            act(world)


def whole(world):
    world.scan("lentune")
    world.settle()


def sides(world):
    return {
        "orders": [(o["number"], o["total"]) for o in world.state("lentune", "purchase_orders")],
        "costs": [(c["invoice_number"], c["grand_total"]) for c in world.state("procore", "direct_costs")],
        "billed": [(r["invoice_number"], r["total_claimed_amount"]) for r in world.state("procore", "requisitions")],
    }


@pytest.mark.requirement("L-13")
def test_twins_worked_on_in_turns_stay_apart(pair):
    in_turns(pair, lambda w: w.scan("procore"), World.settle, whole, whole)
    one, two = pair
    assert (
        sides(one)
        == sides(two)
        == {"orders": [("PO-1", "60000.00")], "costs": [("INV-1", "1000.00")], "billed": [("INV-2", "500.00")]}
    )
    ids = [{(r.kind, r.source_id, r.remote_id) for r in w.records()} for w in pair]
    assert ids[0] == ids[1], "they really have the same ids on both sides"
    keys = [{r.key for r in w.records()} for w in pair]
    assert not keys[0] & keys[1], "and no key in common: what one wrote can never be taken for the other's"

    one.here()
    one.act("lentune", "change_invoice", number="INV-1", net="1100.10")
    two.here()
    in_turns(pair, World.settle)
    assert one.one("procore", "direct_costs")["grand_total"] == "1100.10"
    assert two.one("procore", "direct_costs")["grand_total"] == "1000.00"


def test_every_request_goes_to_its_own_company_with_its_own_sign_in(pair):
    in_turns(pair, lambda w: w.scan("procore"), World.settle, whole)
    tokens = []
    for world in pair:
        used = {r.headers["authorization"] for t in world.transports.values() for r in t.requests if "authorization" in r.headers}
        tokens.append(used)
        assert {r.headers.get("procore-company-id") for r in world.transports["procore"].requests} <= {"4100", None}
    assert all(tokens)


def test_ids_of_another_company_in_a_message_do_nothing(pair):
    one, two = pair
    in_turns(pair, lambda w: w.scan("procore"), World.settle, whole)
    theirs = [r.id for r in two.records()]
    before = [(r.id, r.attempt, r.due_at) for r in two.records()]
    one.here()
    from sync import engine

    requests = [len(t.requests) for w in pair for t in w.transports.values()]
    assert engine.run(one.company, theirs).released == {}
    assert records.retry(one.company, theirs, "somebody") == {}
    assert inbox.process(one.company, [1, 2, 3, *range(10_000, 10_050)])[0] == {}
    with session(two.company) as db:
        events = list(db.scalars(text("SELECT id FROM event")))
    assert inbox.replay(one.company, events) == []
    assert [(r.id, r.attempt, r.due_at) for r in two.records()] == before
    assert [len(t.requests) for w in pair for t in w.transports.values()] == requests


def test_what_one_waits_for_is_not_released_by_the_other(pair):
    """The same tokens, because the same ids: only the own company's arrival counts."""
    one, two = pair
    for world in pair:
        world.here()
        for kind in ("project", "cost_type", "vendor", "commitment"):
            reader_scope = scan.connector("procore").readers[kind].scope
            for where in scan.projects(world.company, "procore") if reader_scope == "project" else [None]:
                from sync import engine

                rung = scan.scan(world.company, "procore", kind, where).rung
                for ids in rung.values():
                    engine.run(world.company, ids)  # what it releases and opens is left lying
    assert [w.record("commitment", "PO-1").state for w in pair] == ["held", "held"]
    due = one.record("commitment", "PO-1").due_at
    two.here()
    two.sync()
    assert two.record("commitment", "PO-1").state == "synced"
    assert (one.record("commitment", "PO-1").state, one.record("commitment", "PO-1").due_at) == ("held", due)
    one.here()
    one.sync()
    assert one.record("commitment", "PO-1").state == "synced"


def test_a_blocked_or_switched_off_company_stops_nobody_else(pair):
    one, two = pair
    with session(one.company) as db:
        db.execute(text("UPDATE connection SET blocked_code = 'reconnect_needed'"))
    in_turns(pair, lambda w: w.scan("procore"), World.settle)
    assert one.state("lentune", "projects") == []
    assert len(two.state("lentune", "projects")) == 1
