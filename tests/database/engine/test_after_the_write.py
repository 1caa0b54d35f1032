"""After a write: read back, looked up again by its key, found gone, found twice; and what a person decides then."""

import pytest
from sqlalchemy import text

from connectors.plan import Seen
from connectors.registry import connector
from models import session
from simulators.kit.http import Request
from sync import reconcile, second_look, settling, stops
from sync.records import retry
from tests.database.engine.stand import put, record, rows, writes
from tests.database.requirements.company import invoice, order


@pytest.fixture
def written(start):
    """A commitment that stands in both systems, its writes minutes old."""
    world = start(commitments=[order()])
    one = world.record("commitment", "PO-1").id
    assert record(world, one).state == "synced"
    return world, one


def minutes_later(world):
    put(world, "UPDATE write SET ended_at = ended_at - interval '1 hour', looked_at = looked_at - interval '1 hour'")


def look(world, one):
    minutes_later(world)
    second_look.run(world.company, [one])


def control(world, what):
    assert world.lentune.handle(Request("POST", f"/_sim/{what}", [], {"content-type": "application/json"}, b"{}")).status < 300


def stands_twice(monkeypatch, seen):
    """What the target shows under the key, whoever asks."""
    declared = connector("lentune")
    monkeypatch.setitem(declared.sightings, "purchase_order", lambda client, held, key: seen)


def test_what_was_written_was_read_back_and_looked_up_once_more(written):
    world, one = written
    assert all(w.verified_at is not None for w in writes(world, one, "purchase_order"))
    asked = len(world.transports["lentune"].requests)
    look(world, one)
    assert all(w.checked_at is not None for w in writes(world, one))
    assert len(world.transports["lentune"].requests) == asked + 1
    look(world, one)
    assert len(world.transports["lentune"].requests) == asked + 1, "once is enough"
    assert record(world, one).state == "synced"


def test_a_connection_that_is_switched_off_is_not_looked_at(written):
    world, one = written
    minutes_later(world)
    assert one in dict(second_look.due())[world.company]
    put(world, "UPDATE connection SET enabled = false WHERE system = 'lentune'")
    assert world.company not in dict(second_look.due())


def test_a_system_that_is_away_holds_up_no_other_systems_second_looks(start):
    world = start(commitments=[order()], invoices=[invoice()])
    ids = [world.record("commitment", "PO-1").id, world.record("invoice", "INV-1").id]
    assert [record(world, one).state for one in ids] == ["synced"] * 2
    minutes_later(world)
    world.fault("lentune", on="request", action="status", status=503)
    second_look.run(world.company, ids)
    checked = {one: all(w.checked_at is not None for w in writes(world, one) if w.side == "target") for one in ids}
    assert checked == {ids[0]: False, ids[1]: True}


def test_what_stands_there_otherwise_than_sent_is_shown(written, monkeypatch):
    world, one = written
    from decimal import Decimal

    stands_twice(monkeypatch, [Seen(record(world, one).remote_id, Decimal("0.01"))])
    look(world, one)
    found = record(world, one)
    assert (found.state, [p["code"] for p in found.problems]) == ("needs_attention", ["not_as_sent"])


def test_two_under_one_key_stop_all_writing_to_that_system_until_somebody_has_looked(written, monkeypatch):
    world, one = written
    stands_twice(monkeypatch, [Seen("purchase_order:1"), Seen("purchase_order:2")])
    look(world, one)
    found = record(world, one)
    assert (found.state, [p["code"] for p in found.problems]) == ("needs_attention", ["duplicate_found"])
    before = len(world.ledger("lentune"))
    world.act("procore", "create_project", number="1009", name="Wharf", stage="Course of Construction", region="Auckland")
    world.settle()
    assert len(world.ledger("lentune")) == before
    assert [p["code"] for p in world.record("project", "1009").problems] == ["writing_stopped"]
    world.run(stops.go_on(world.company, "lentune", "somebody"))
    world.settle()
    assert world.record("project", "1009").state == "synced"
    with pytest.raises(stops.NotStopped):
        stops.go_on(world.company, "lentune", "somebody")


def test_one_that_is_gone_at_the_second_look_is_not_written_again_by_itself(written, monkeypatch):
    world, one = written
    with monkeypatch.context() as away:
        stands_twice(away, [])
        look(world, one)
        assert record(world, one).state == "synced", "a list may lag behind once"
        look(world, one)
    found = record(world, one)
    assert (found.state, [p["code"] for p in found.problems]) == ("needs_attention", ["vanished_at_target"])
    before = len(world.ledger("lentune"))
    world.due_now()
    world.scan(full=True)
    world.settle()
    assert len(world.ledger("lentune")) == before
    assert record(world, one).state == "needs_attention"


def test_a_person_may_have_it_written_anew(written, monkeypatch):
    world, one = written
    old, version = record(world, one).remote_id, record(world, one).version
    gone = '[{"code": "vanished_at_target", "values": {}}]'
    put(world, "UPDATE sync_record SET state = 'needs_attention', problems = :gone WHERE id = :id", id=one, gone=gone)
    world.run(retry(world.company, [one], "somebody"))
    world.settle()
    found = record(world, one)
    assert (found.state, found.version) == ("synced", version + 1)
    assert found.remote_id == old, "it is there after all, under its anchor"


@pytest.mark.fault("F38")
def test_what_is_deleted_there_again_and_again_is_written_anew_each_time_somebody_asks(start):
    """Lentune names the first direct cost for good: after the second deletion it was taken for one that is not ours."""
    world = start(invoices=[invoice()])
    one = world.record("invoice", "INV-1").id
    ids = set()
    for _ in range(3):
        ids.add(record(world, one).remote_id)
        world.act("procore", "delete_direct_cost", number="INV-1")
        put(world, "UPDATE sync_record SET synced_at = synced_at - interval '1 hour'")
        reconcile.run(world.company, "lentune")
        assert world.problems("invoice", "INV-1") == ["vanished_at_target"]
        world.run(retry(world.company, [one], "somebody"))
        world.settle()
        assert (record(world, one).state, len(world.state("procore", "direct_costs", deleted_at=None))) == ("synced", 1)
    assert len(ids) == 3


def test_the_nightly_comparison_finds_what_is_gone_and_many_stop_the_writing(start):
    numbers = [f"PO-{n}" for n in range(1, 6)]
    world = start(sync=False, commitments=[order(number) for number in numbers])
    control(world, "snapshot")
    world.sync()
    assert set(world.states("commitment").values()) == {"synced"}
    put(world, "UPDATE sync_record SET synced_at = synced_at - interval '1 hour'")
    control(world, "rollback")
    reconcile.run(world.company, "lentune")
    assert {r.state for r in world.records("commitment")} == {"needs_attention"}
    stopped = rows(world, "SELECT system, blocked_code FROM connection WHERE blocked_code IS NOT NULL")
    assert [tuple(r) for r in stopped] == [("lentune", "rolled_back")]


def test_more_new_documents_than_usual_wait_for_a_person_and_are_released_together(start):
    world = start(sync=False, commitments=[order(f"PO-{n}") for n in range(1, 6)])
    with session(world.company) as db:
        db.execute(text("UPDATE connection SET settings = settings || '{\"most_new_per_hour\": 3}' WHERE system = 'lentune'"))
    world.sync()
    states = sorted(world.states("commitment").values())
    assert states == ["awaiting_approval"] * 2 + ["synced"] * 3
    held = [r for r in world.records("commitment") if r.state == "awaiting_approval"]
    assert [p["code"] for p in held[0].problems] == ["unusual_volume"]
    world.run(settling.release_hold(world.company, held[0].connection_id, "commitment", "somebody"))
    world.settle()
    assert set(world.states("commitment").values()) == {"synced"}


def test_a_person_settles_a_doubt_keeps_theirs_or_unlinks(written):
    world, one = written
    put(world, "UPDATE sync_record SET state = 'needs_attention', remote_id = NULL, sent_hash = NULL WHERE id = :id", id=one)
    before = len(world.ledger("lentune"))
    settling.link(world.company, one, "purchase_order:77", "somebody")
    world.due_now()
    found = record(world, one)
    assert (found.state, found.remote_id) == ("synced", "purchase_order:77")
    with pytest.raises(settling.NotToDecide):
        settling.keep_theirs(world.company, one, "somebody")
    settling.unlink(world.company, one, "somebody", "not ours")
    world.scan(full=True)
    world.settle()
    world.act("procore", "edit_commitment", number="PO-1", title="Changed afterwards")
    world.settle()
    assert (record(world, one).state, record(world, one).due_at) == ("unlinked", None), "and nothing rings for it"
    assert len(world.ledger("lentune")) == before
