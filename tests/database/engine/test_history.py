"""History: every change of a state leaves one line that says who, when, why, before and after."""

from decimal import Decimal

import pytest

from models import session
from models.states import RecordState
from sync import approval, records, why
from sync.problems import catalogue
from tests.database.engine.stand import arrive, put, record, rows, run_due
from tests.database.requirements.company import budget, line, order, project


def lines(world, record_id):
    return rows(world, "SELECT * FROM history WHERE record_id = :r AND what = 'record.state' ORDER BY id", r=record_id)


@pytest.fixture
def eventful(start):
    """Records that went through most of what can happen."""
    world = start(
        projects=[project(budget=[budget()]), project("1002", stage="Pre-Construction")],
        commitments=[order("PO-1", line("10.00", "05-100", "S")), order("PO-2")],
    )
    world.save(approval={"invoice": "manual"})
    one, two = arrive(world, "INV-1"), arrive(world, "INV-2", "20.00")
    for each in (one, two):
        run_due(world, each)
    approval.reject(world.company, two, 1, Decimal("20.00"), "Ben", "not ours")
    world.fault("procore", on="request", times=1, action="drop_after", match={"method": "PATCH", "path": "line_items/sync"})
    world.run(approval.approve(world.company, one, 1, Decimal("1000.00"), "Ana"))
    world.clock.advance(301)
    world.run(records.retry(world.company, [one], "Ana"))
    world.act("procore", "add_budget_line", project="1001", code="05-100", type="S", amount="500.00")
    world.settle()
    world.act("procore", "delete_commitment", number="PO-2")
    world.settle()
    return world


def test_the_last_line_of_each_record_is_its_state_and_each_line_begins_where_the_one_before_ended(eventful):
    seen = set()
    for each in eventful.records():
        told = lines(eventful, each.id)
        state = "pending"
        for entry in told:
            assert entry.before["state"] == state, f"{each.kind} {each.number}: a change was not written down"
            assert entry.after["state"] != state and entry.actor and entry.at is not None
            state = entry.after["state"]
            seen.add(state)
        assert state == each.state
    assert seen >= {
        "held",
        "sending",
        "synced",
        "checking",
        "awaiting_approval",
        "rejected",
        "pending",
        "ignored",
        "source_deleted",
    }


def test_a_person_who_decides_while_a_worker_has_the_record_leaves_no_gap(start):
    """The worker goes on from the state it was handed; the line it writes begins where the person left the record."""
    world = start(projects=[project(budget=[budget()])])
    world.save(approval={"invoice": "manual"})
    one = arrive(world, "INV-1")
    run_due(world, one)
    claimed = record(world, one)
    records.retry(world.company, [one], "Ana")
    with session(world.company) as db:
        assert records.move(db, claimed, RecordState.needs_attention, "sitebooks", attempt=claimed.attempt)
    told = [(entry.before["state"], entry.after["state"]) for entry in lines(world, one)][-2:]
    assert told == [("awaiting_approval", "pending"), ("pending", "needs_attention")]


def test_no_state_is_changed_but_by_the_one_function_that_writes_the_line():
    """No statement of ours sets the state of a record anywhere else."""
    import re
    from pathlib import Path

    import sync

    root = Path(sync.__file__).parents[1]
    found = []
    for file in [p for room in ("sync", "tasks", "web", "cli", "workers") for p in (root / room).rglob("*.py")]:
        for statement in re.findall(r"UPDATE sync_record.*?(?:WHERE|\"\"\")", file.read_text(), re.S):
            if re.search(r"(?<![\w.])state\s*=", statement):
                found.append(file.name)
    assert found == ["records.py"]


def test_a_problem_is_told_by_its_code(eventful):
    one = eventful.record("commitment", "PO-1").id
    held = next(entry for entry in lines(eventful, one) if entry.after["state"] == "held")
    assert held.reason in catalogue() and held.after["problems"] == [held.reason]


def test_every_problem_a_record_carries_has_its_texts_filled_in(eventful):
    for each in eventful.records():
        told = why.explain(eventful.company, each.id)
        for shown in (*told.problems, *told.warnings):
            assert shown.title and shown.cause and shown.fix and shown.next
            assert "…" not in " ".join((shown.title, shown.cause, *shown.fix, shown.next)), (each.kind, shown)


def test_looking_again_without_a_change_writes_no_line(start):
    world = start()
    one = world.record("project", "1001").id
    before = len(rows(world, "SELECT id FROM history"))
    for _ in range(3):
        run_due(world, one)
    assert len(rows(world, "SELECT id FROM history")) == before


def test_a_note_names_the_person_who_asked(start):
    world = start(commitments=[order()])
    one = arrive(world, order="PO-1")
    world.fault("procore", on="request", times=1, action="drop_after", match={"method": "POST", "path": "requisitions"})
    run_due(world, one)
    records.retry(world.company, [one], "Ana")
    asked = rows(world, "SELECT * FROM history WHERE record_id = :r AND what = 'record.asked'", r=one)[0]
    assert asked.actor == "Ana" and record(world, one).consent is None, "to look again is no word that it is not there"


def test_the_time_of_a_state_counts_from_its_change(start):
    world = start(projects=[project(budget=[budget()])], commitments=[order("PO-1", line("10.00", "05-100", "S"))])
    one = world.record("commitment", "PO-1").id
    since = record(world, one).state_since
    run_due(world, one)
    assert record(world, one).state == "held" and record(world, one).state_since == since, "held since it was first held"


def test_a_move_by_an_attempt_that_lost_the_record_writes_nothing(start):
    world = start()
    one = world.record("project", "1001")
    put(world, "UPDATE sync_record SET attempt = attempt + 1 WHERE id = :id", id=one.id)
    before = len(rows(world, "SELECT id FROM history"))
    with session(world.company) as db:
        assert not records.move(db, one, RecordState.conflict, "sitebooks", attempt=one.attempt, outcome="conflict")
    assert len(rows(world, "SELECT id FROM history")) == before
