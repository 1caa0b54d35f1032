"""Records that wait: any order of arrival ends the same, released by what they wait for, and nothing is forgotten meanwhile."""

import random
import threading
from datetime import UTC, datetime, timedelta

import pytest

from models import session
from models.states import RecordState
from settings.environment import environment
from sync import engine, records, scan
from sync.company import load
from tests.database.engine.stand import arrive, put, record, run_due
from tests.database.requirements.company import SOUTHERN, budget, dataset, invoice, line, order, project
from tests.world import World

PARTS = {
    "commitments": [order(), order("SC-1", line("180000.00", "05-100", "S", "Steel"), form="sc", vendor=SOUTHERN)],
    "variations": [],
    "invoices": [
        invoice(),
        invoice("INV-2", "500.00", order="PO-1"),
        invoice("INV-3", "700.00", order="SC-1", supplier=SOUTHERN),
    ],
}


def lists(world):
    """Every list of both systems, as (system, kind, project)."""
    for system in world.simulators:
        for kind in scan.connector(system).scans:
            scoped = scan.connector(system).readers[kind].scope == "project"
            yield from ((system, kind, where) for where in (scan.projects(world.company, system) if scoped else [None]))


def both_sides(world):
    kinds = {
        "lentune": ("projects", "cost_codes", "purchase_orders", "subcontracts"),
        "procore": ("direct_costs", "requisitions"),
    }
    return {
        (system, kind): sorted(
            (
                str(r.get("number") or r.get("code") or r.get("invoice_number")),
                str(r.get("total") or r.get("grand_total") or r.get("total_claimed_amount") or r.get("budget_amount")),
            )
            for r in world.state(system, kind)
        )
        for system, names in kinds.items()
        for kind in names
    }


@pytest.mark.parametrize("seed", range(5))
def test_read_in_any_order_everything_ends_the_same(company, seed):
    """Lists are read in a shuffled order, their records run in a shuffled order; only bells and due times put it right."""
    straight = World(company, dataset(**PARTS))
    straight.sync()
    whole = straight.sync() or both_sides(straight)
    straight.close()
    from sync.connections import new_company

    world = World(new_company("Shuffled", "4100"), dataset(**PARTS))
    chance = random.Random(seed)
    for _ in range(4):  # a list of a project is known only after the project is; a clerk codes only what has arrived
        todo = list(lists(world))
        chance.shuffle(todo)
        for system, kind, where in todo:
            rung = scan.scan(world.company, system, kind, where).rung
            ids = [(k, i) for k, some in rung.items() for i in some]
            chance.shuffle(ids)
            for _, one in ids:
                engine.run(world.company, [one])
        put(world, "UPDATE sync_record SET rung_at = NULL")
        world.settle()
    assert both_sides(world) == whole
    assert {r.state for r in world.records()} == {r.state for r in world.records()} & {"synced", "ignored"}
    assert world.duplicates() == []
    world.close()


def test_an_order_waits_for_its_budget_code_and_goes_when_it_arrives(start):
    world = start(projects=[project(budget=[budget()])], commitments=[order("PO-1", line("10.00", "05-100", "S"))])
    held = world.record("commitment", "PO-1")
    assert held.state == "held" and held.waits_for and held.due_at is not None
    world.act("procore", "add_budget_line", project="1001", code="05-100", type="S", amount="500.00")
    world.settle()
    assert world.record("commitment", "PO-1").state == "synced"
    assert world.record("commitment", "PO-1").waits_for == []


def test_what_waits_is_looked_at_again_when_nobody_rang(start):
    world = start(projects=[project(budget=[budget()])], commitments=[order("PO-1", line("10.00", "05-100", "S"))])
    one = world.record("commitment", "PO-1").id
    run_due(world, one)
    held = record(world, one)
    recheck = timedelta(seconds=environment().recheck_seconds)
    assert timedelta(0) < held.due_at - datetime.now(UTC) <= recheck
    before = len(world.transports["procore"].requests), len(world.transports["lentune"].requests)
    run_due(world, one)
    assert (len(world.transports["procore"].requests), len(world.transports["lentune"].requests)) == before, (
        "looking at it again asks neither system"
    )


def test_what_arrives_while_it_is_being_judged_is_not_missed(start, monkeypatch):
    """The budget code is confirmed after the order has looked for it and before it says that it waits: nobody rings it."""
    world = start(projects=[project(budget=[budget()])], commitments=[order("PO-1", line("10.00", "05-100", "S"))])
    one = world.record("commitment", "PO-1").id
    put(world, "UPDATE sync_record SET waits_for = '{}', due_at = clock_timestamp() WHERE id = :id", id=one)
    real, arrived = engine.judge, []

    def judge(db, work, known):
        verdict = real(db, work, known)
        if work.id == one and not arrived:
            arrived.append(verdict.state)
            world.act("procore", "add_budget_line", project="1001", code="05-100", type="S", amount="500.00")
            other = threading.Thread(target=world.settle)
            other.start()
            other.join(20)
        return verdict

    monkeypatch.setattr(engine, "judge", judge)
    engine.run(world.company, [one])
    assert arrived == [RecordState.held]
    held = record(world, one)
    assert held.state == "held", "by what it had seen"
    soon = timedelta(seconds=3)
    assert held.due_at - datetime.now(UTC) <= soon, "so it looks once more, soon, and not in half an hour"
    run_due(world, one)
    assert record(world, one).state == "synced"


def test_a_change_while_an_object_is_being_read_is_read_again(start):
    """The answer is already on its way when the object changes and the bell rings: what was read is older than the bell."""
    world = start()
    one = world.record("project", "1001").id
    transport, rang = world.transports["procore"], []
    real = transport.handle_request

    def handle(request):
        answer = real(request)
        if request.method == "GET" and "/projects/" in request.url.path and not rang:
            rang.append(1)
            world.act("procore", "rename_project", project="1001", name="After the answer")
            with session(world.company) as db:
                records.doorbell(db, load(db, world.company), "procore", "project", {record(world, one).source_id: ""})
        return answer

    transport.handle_request = handle
    put(world, "UPDATE sync_record SET due_at = clock_timestamp(), stale_at = clock_timestamp() WHERE id = :id", id=one)
    engine.run(world.company, [one])
    assert rang
    transport.handle_request = real
    assert record(world, one).due_at is not None
    run_due(world, one)
    assert world.one("lentune", "projects", code="1001")["description"] == "After the answer"


def test_a_warning_goes_when_its_cause_goes(start):
    world = start(suppliers=[SOUTHERN], commitments=[order()])
    assert [w["code"] for w in world.record("commitment", "PO-1").warnings] == ["supplier_blank"]
    assert world.record("commitment", "PO-1").state == "synced", "a warning holds nothing up"
    world.act("lentune", "create_supplier", name="Pacific Concrete Ltd")
    world.sync()
    assert world.record("commitment", "PO-1").warnings == []


def test_what_is_deleted_at_the_source_is_said_and_never_deleted_on_the_other_side(start):
    world = start(commitments=[order()])
    there = world.one("lentune", "purchase_orders")
    world.act("procore", "delete_commitment", number="PO-1")
    world.settle()
    world.scan(full=True)
    world.settle()
    gone = world.record("commitment", "PO-1")
    assert (gone.state, gone.problems[0]["code"]) == ("source_deleted", "source_gone")
    assert world.one("lentune", "purchase_orders")["id"] == there["id"]
    assert [e for e in world.ledger("lentune") if e["effect"] == "deleted"] == []


def test_what_is_released_is_told_to_the_task_and_never_includes_itself(start):
    world = start(projects=[project(budget=[budget()])], commitments=[order("PO-1", line("10.00", "05-100", "S"))])
    world.act("procore", "add_budget_line", project="1001", code="05-100", type="S", amount="500.00")
    rung = scan.scan(world.company, "procore", "budget_code", scan.projects(world.company, "procore")[0]).rung
    one, waiting = rung["budget_code"][0], world.record("commitment", "PO-1").id
    assert waiting in rung["commitment"], "a new code in the project may be the one"
    engine.run(world.company, [waiting])
    assert record(world, waiting).state == "held", "it is known now, and not yet on the other side"
    result = engine.run(world.company, [one])
    assert waiting in result.released["commitment"]
    assert one not in [i for ids in result.released.values() for i in ids]


def test_two_runs_at_once_over_a_chain_that_waits_end_with_everything_there(start):
    world = start(projects=[project(budget=[budget()])])
    for n in range(3):
        arrive(world, f"INV-{n}", "10.00", lines=[{"code": "03-300", "type": "M", "net": "10.00"}])
    ids = [r.id for r in world.records()]
    put(world, "UPDATE sync_record SET due_at = clock_timestamp()")
    threads = [threading.Thread(target=engine.run, args=(world.company, some)) for some in (ids, ids[::-1])]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    world.settle()
    assert {r.state for r in world.records()} == {"synced"}
    assert len(world.state("procore", "direct_costs")) == 3
