"""Claiming: one attempt at a time, with a lease against others and an attempt number as the fence against a late result."""

import threading
from datetime import timedelta

import pytest
from sqlalchemy import text

from models import session
from models.states import RecordState
from sync import engine, records, sweep
from sync.claim import LOST_LIMIT, claim
from tests.database.engine.stand import (
    Died,
    arrive,
    bring_to_an_end,
    dying,
    lease_over,
    lose_workers,
    put,
    record,
    rows,
    run_due,
    states,
    together,
    writes,
)


def take(world, *ids):
    """Ids of the records that this claim gets."""
    with session(world.company) as db:
        return [row.id for row in claim(db, ids, 0)]


def attempts(world, record_id):
    return rows(world, "SELECT * FROM attempt WHERE record_id = :id ORDER BY id", id=record_id)


def test_a_record_is_claimed_once_and_its_attempt_is_written_before_anything_else(start):
    world = start()
    one = arrive(world)
    assert take(world, one) == [one]
    assert take(world, one) == [], "not due before the lease's end"
    lease = record(world, one).due_at
    put(world, "UPDATE sync_record SET due_at = clock_timestamp() WHERE id = :id", id=one)
    assert take(world, one) == [], "leased, also when a bell has made it due"
    put(world, "UPDATE sync_record SET due_at = :at WHERE id = :id", id=one, at=lease)
    held = record(world, one)
    assert (held.attempt, held.unfinished) == (1, 1)
    assert abs(held.due_at - held.lease_until) < timedelta(seconds=0.1), "the sweep finds it then"
    assert [(a.attempt, a.ended_at, a.outcome) for a in attempts(world, one)] == [(1, None, None)]


def test_many_claimants_at_once_share_the_records_and_none_waits_for_another(start):
    world = start()
    ids = [arrive(world, f"INV-{n}", "10.00") for n in range(6)]
    got: list[list[int]] = []
    together(lambda n: got.append(take(world, *ids)), 6)
    assert sorted(i for some in got for i in some) == ids, "each by exactly one"


def test_a_claim_does_not_wait_for_a_row_that_is_locked(start):
    world = start()
    one, two = arrive(world, "INV-1"), arrive(world, "INV-2")
    with session(world.company) as db:
        db.execute(text("SELECT id FROM sync_record WHERE id = :id FOR UPDATE"), {"id": one})
        assert take(world, one, two) == [two]


@pytest.mark.parametrize(
    ("column", "value"), [("due_at", "clock_timestamp() + interval '1 h'"), ("due_at", "NULL"), ("state", "'unlinked'")]
)
def test_what_is_not_due_or_not_ours_to_touch_is_left_alone(start, column, value):
    world = start()
    one = arrive(world)
    put(world, f"UPDATE sync_record SET {column} = {value} WHERE id = :id", id=one)
    assert take(world, one) == []
    assert attempts(world, one) == []


def test_after_the_leases_end_it_is_anybodys(start):
    world = start()
    one = arrive(world)
    take(world, one)
    assert [ids for p, _, ids in sweep.due() if p == world.company and one in ids] == [], "not rung while leased"
    lease_over(world, one)
    assert [one in ids for p, _, ids in sweep.due() if p == world.company] == [True]
    assert take(world, one) == [one]
    assert [a.attempt for a in attempts(world, one)] == [1, 2]


def test_run_twice_at_once_there_is_one_try_and_one_write(start):
    world = start()
    one = arrive(world)
    together(lambda n: engine.run(world.company, [one, one]), 4)
    assert record(world, one).state == "synced"
    assert len(attempts(world, one)) == 1
    assert len(world.state("procore", "direct_costs")) == 1


def test_a_finished_attempt_says_how_it_ended(start):
    world = start()
    one = arrive(world, lines=[{"net": "5.00", "description": "Nails"}])
    run_due(world, one)
    ended = attempts(world, one)[0]
    assert (ended.outcome, ended.note) == ("needs_attention", "invoice_cost_code_missing") and ended.ended_at is not None
    assert record(world, one).lease_until is None and record(world, one).unfinished == 0


def test_the_result_of_an_overtaken_attempt_is_not_stored(start):
    """The worker sleeps in the middle of its call until its lease is over; by the time it wakes, another has the record."""
    world = start()
    one = arrive(world)
    transport, asleep, wake = world.transports["procore"], threading.Event(), threading.Event()
    real = transport.handle_request

    def sleepy(request):
        answer = real(request)
        if request.method == "PATCH" and not asleep.is_set():
            asleep.set()
            assert wake.wait(20)
        return answer

    transport.handle_request = sleepy
    zombie = threading.Thread(target=engine.run, args=(world.company, [one]))
    zombie.start()
    assert asleep.wait(20)
    lease_over(world, one)
    assert take(world, one) == [one]
    mine = record(world, one)
    wake.set()
    zombie.join(20)
    after = record(world, one)
    assert (after.state, after.attempt, after.lease_until) == ("sending", mine.attempt, mine.lease_until), (
        "the other's lease stands"
    )
    assert [a.ended_at for a in attempts(world, one)] == [None, None]
    assert "synced" not in states(world, one)
    assert next((w.step, w.state) for w in writes(world, one) if w.side == "target") == ("header", "confirmed"), (
        "what is known is kept"
    )


def test_an_overtaken_attempt_does_not_reopen_an_intent_that_another_is_sending(start):
    """Only the attempt that holds an intent may say that nothing was sent, or that it does not know."""
    world = start()
    one = arrive(world)
    with dying(world, "procore", 1, after=False), pytest.raises(Died):
        engine.run(world.company, [one])
    step = writes(world, one, "header")[0]
    put(world, "UPDATE write SET attempt = attempt + 1 WHERE id = :id", id=step.id)
    from connectors.calls import Answer
    from models.states import WriteState
    from objects.outcome import Outcome
    from sync import intent
    from sync.work import Work

    late = object.__new__(Work)
    late.row, late.write_id = record(world, one), step.id
    with session(world.company) as db:
        intent.close(db, late, WriteState.planned, Answer(Outcome.not_applied, reason="the lease is about to end"))
    assert writes(world, one, "header")[0].state == "sending"


def test_a_bell_that_rings_during_the_lease_is_not_forgotten(start):
    world = start()
    one = arrive(world)
    real = engine.carry_out

    def meanwhile(*args):
        with session(world.company) as db:
            company = engine.load(db, world.company)
            records.doorbell(db, company, "lentune", "invoice", {record(world, one).source_id: ""})
        return real(*args)

    engine.carry_out = meanwhile
    try:
        engine.run(world.company, [one])
    finally:
        engine.carry_out = real
    held = record(world, one)
    assert held.state == "synced"
    assert held.due_at is not None and held.lease_until is None, "it is due: what was read may be older than the change"
    assert take(world, one) == [one]


def test_a_record_whose_worker_is_lost_three_times_is_set_aside_and_a_person_may_send_it_again(start):
    world = start()
    bad, good = arrive(world, "INV-1"), arrive(world, "INV-2")
    for _ in range(LOST_LIMIT):
        assert take(world, bad) == [bad]
        lease_over(world, bad)
    engine.run(world.company, [bad, good])
    parked = record(world, bad)
    assert (parked.state, [p["code"] for p in parked.problems]) == ("needs_attention", ["worker_lost"])
    assert parked.due_at is None, "it does not come back by itself"
    assert record(world, good).state == "synced", "nothing else is held up"
    world.run(records.retry(world.company, [bad], "a person"))
    assert record(world, bad).state == "synced"


def test_a_worker_lost_in_the_middle_of_sending_again_and_again_is_set_aside_as_well(start):
    world = start()
    one = arrive(world)
    lose_workers(world, one)
    parked = record(world, one)
    assert (parked.state, [p["code"] for p in parked.problems]) == ("needs_attention", ["worker_lost"])
    world.clock.advance(301)
    world.run(records.retry(world.company, [one], "a person"))
    assert bring_to_an_end(world, one).state == "synced"
    assert len(world.state("procore", "direct_costs")) == 1


def test_an_illegal_move_is_refused_and_changes_nothing(start):
    world = start()
    one = arrive(world)
    run_due(world, one)
    before = record(world, one)
    from models.states import IllegalMove

    with session(world.company) as db, pytest.raises(IllegalMove):
        records.move(db, before, RecordState.rejected, "test")
    assert record(world, one).state == "synced"
