"""Five ways in which money or a message could go astray without anybody being told; each happened once in a review."""

import pytest
from sqlalchemy import text

from models import session
from sync import engine, inbox, reconcile, records, scan
from tests.database.engine.stand import Died, arrive, quarantine_over, record, run_due
from tests.database.requirements.company import order
from tests.database.requirements.test_p_settings import LENTUNE_ON
from tests.database.requirements.test_p_truth_table import OWN

CREATE = {"method": "POST", "path": "/rest/v1.1/requisitions"}


def test_going_back_to_what_was_confirmed_is_written_when_a_later_version_was_begun(start):
    world = start()
    one = arrive(world, net="1000.00")
    run_due(world, one)
    world.clock.advance(301)
    refusal = {"path": ".*line_items/sync.*"}
    world.fault("procore", on="request", times=5, match=refusal, action="status", status=422)
    world.act("lentune", "change_invoice", number="INV-1", net="1100.10")
    scan.scan(world.company, "lentune", "invoice")
    run_due(world, one)
    assert world.one("procore", "direct_costs")["status"] == "draft"
    assert reconcile.run(world.company, "lentune").unexplained == 0, "the record itself explains it while it needs somebody"
    world.mend()
    world.clock.advance(301)
    world.act("lentune", "change_invoice", number="INV-1", net="1000.00")
    scan.scan(world.company, "lentune", "invoice")
    run_due(world, one)
    cost = world.one("procore", "direct_costs")
    assert (record(world, one).state, cost["status"], cost["grand_total"]) == ("synced", "approved", "1000.00")


@pytest.mark.requirement("P-07")
def test_an_order_whose_process_died_before_lentune_was_told_is_linked_after_the_lease(start, monkeypatch):
    world = start(settings=LENTUNE_ON)
    real = engine.tell

    def dies(company, works, clients, *rest):
        if any(work.telling is not None for work in works):
            raise Died
        real(company, works, clients, *rest)

    monkeypatch.setattr(engine, "tell", dies)
    world.act("lentune", "create_purchase_order", **OWN)
    with pytest.raises(Died):
        world.settle()
    monkeypatch.setattr(engine, "tell", real)
    [one] = world.records("commitment")
    assert (one.state, one.told_hash) == ("synced", None) and one.due_at is not None
    run_due(world, one.id)
    assert record(world, one.id).told_hash is not None
    assert world.one("lentune", "purchase_orders")["external"]["procore_id"]


def test_what_a_person_asked_before_a_doubt_is_no_word_on_it(start):
    world = start(commitments=[order()])
    one = arrive(world, order="PO-1")
    records.retry(world.company, [one], "somebody")
    world.fault("procore", on="request", times=99, match=CREATE, action="drop_before")
    run_due(world, one)
    for _ in range(9):
        world.clock.advance(301)
        quarantine_over(world)
        run_due(world, one)
    assert record(world, one).problems[0]["code"] == "outcome_needs_person"
    assert len(world.transports["procore"].sent("POST", "/rest/v1.1/requisitions")) == 2


def test_an_event_of_another_company_is_parked_and_makes_no_record(start):
    world = start()
    before = len(world.records())
    with session(world.company) as db:
        hook = db.execute(text("SELECT id FROM connection WHERE system = 'procore'")).scalar_one()
        event = db.execute(
            text("""
            INSERT INTO event (company_id, connection_id, system, event_id, body)
            VALUES (:p, :c, 'procore', 'else', CAST(:b AS jsonb))
            RETURNING id"""),
            {
                "p": world.company,
                "c": hook,
                "b": '{"ulid": "else", "company_id": 9999, "project_id": 1, "resource_id": 1, '
                '"resource_name": "Projects", "event_type": "update", "metadata": {}}',
            },
        ).scalar_one()
    assert inbox.process(world.company, [event]) == ({}, set())
    with session(world.company) as db:
        seen = db.execute(text("SELECT state, note FROM event WHERE id = :e"), {"e": event}).one()
    assert seen.state == "parked" and "9999" in seen.note
    assert len(world.records()) == before


def test_a_doorbell_for_what_never_was_needs_nobody(start):
    world = start()
    with session(world.company) as db:
        from sync.company import load

        rung = records.doorbell(db, load(db, world.company), "procore", "project", {"987654": "987654"})
    world.run(rung)
    [one] = [r for r in world.records("project") if r.source_id == "987654"]
    assert (one.state, one.problems[0]["code"]) == ("ignored", "gone_unsent")
