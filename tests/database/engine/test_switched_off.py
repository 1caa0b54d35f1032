"""A connection that a person has switched off: nothing is sent to it or asked of it, and everything goes on when it is on."""

import pytest

from models import session
from sync import clients, inbox, preview, reconcile, scan, second_look, settings, switching
from sync.connections import scheduled, subscribe
from sync.views import frame
from tests.database.engine.stand import arrive, bring_to_an_end, put, quarantine_over, record, rows, run_due, states, writes
from tests.database.requirements.company import invoice, order


def off(world, system="lentune"):
    assert switching.switch(world.company, system, False, "Ada", "a doubtful database") == {}


def on(world, system="lentune"):
    rung = switching.switch(world.company, system, True, "Ada")
    assert rung is not None
    world.run(rung)
    world.settle()


def asked(world):
    return {name: len(transport.requests) for name, transport in world.transports.items()}


@pytest.mark.parametrize("system", ["lentune", "procore"])
def test_what_was_begun_waits_where_it_stands_and_goes_on(start, system):
    world = start()
    one = arrive(world)
    world.fault("procore", on="request", times=1, match={"method": "PATCH", "path": "/direct_costs/sync"}, action="drop_before")
    run_due(world, one)
    assert record(world, one).state == "checking"
    off(world, system)
    world.clock.advance(301)
    quarantine_over(world)
    before, sent = asked(world), [(w.step, w.sends) for w in writes(world, one)]
    for _ in range(3):
        run_due(world, one)
    found = record(world, one)
    assert (found.state, [p["code"] for p in found.problems]) == ("checking", ["switched_off"])
    assert (asked(world), [(w.step, w.sends) for w in writes(world, one)]) == (before, sent)
    assert not world.state("procore", "direct_costs")
    on(world, system)
    assert bring_to_an_end(world, one).state == "synced"
    assert len(world.state("procore", "direct_costs")) == 1


def test_a_plan_ends_before_its_next_request_when_it_is_switched_off_meanwhile(start):
    world = start()
    one = arrive(world)
    transport = world.transports["procore"]
    real, done = transport.handle_request, []

    def handle(request):
        answer = real(request)
        if request.method != "GET" and "direct_costs" in request.url.path and not done:
            done.append(request.url.path)
            off(world)
        return answer

    transport.handle_request = handle
    try:
        run_due(world, one)
        changes = len(world.ledger("procore")) + len(world.ledger("lentune"))
        for _ in range(2):
            run_due(world, one)
    finally:
        transport.handle_request = real
    assert done
    assert record(world, one).state == "checking"
    assert len(world.ledger("procore")) + len(world.ledger("lentune")) == changes
    on(world)
    assert bring_to_an_end(world, one).state == "synced"
    assert len(world.state("procore", "direct_costs")) == 1


def test_what_is_new_or_changed_meanwhile_waits_held_and_is_sent_then(start):
    world = start(commitments=[order()])
    pending = arrive(world)
    off(world)
    run_due(world, pending)
    found = record(world, pending)
    assert (found.state, [p["code"] for p in found.problems]) == ("held", ["switched_off"])
    before = asked(world)["lentune"]
    world.act("procore", "create_project", number="1009", name="Wharf", stage="Course of Construction", region="Auckland")
    world.act("procore", "edit_commitment", number="PO-1", title="Changed")
    world.act("lentune", "create_invoice", **invoice("INV-2", "5.00"))
    world.scan()
    world.settle()
    assert asked(world)["lentune"] == before
    assert (record(world, pending).state, world.states("project")["1009"], world.states("commitment")["PO-1"]) == ("held",) * 3
    assert "INV-2" not in world.states("invoice"), "Lentune is not read"
    on(world)
    assert bring_to_an_end(world, pending).state == "synced"
    assert (world.states("project")["1009"], world.states("commitment")["PO-1"]) == ("synced", "synced")
    assert world.one("lentune", "purchase_orders", number="PO-1")["description"] == "Changed"
    assert bring_to_an_end(world, world.record("invoice", "INV-2").id).state == "synced", "its webhook was kept"


@pytest.mark.parametrize("state", ["needs_attention", "conflict", "source_deleted", "awaiting_approval", "rejected", "ignored"])
def test_what_a_person_decides_stands_as_it_is(start, state):
    world = start(commitments=[order()])
    one = world.record("commitment", "PO-1").id
    kept = '[{"code": "vanished_at_target", "values": {}, "waits_for": []}]' if state == "needs_attention" else "[]"
    put(world, "UPDATE sync_record SET state = :s, problems = CAST(:p AS jsonb) WHERE id = :id", s=state, p=kept, id=one)
    off(world)
    run_due(world, one)
    found = record(world, one)
    assert (found.state, list(found.waits_for)) == (state, ["settings"])
    assert [p["code"] for p in found.problems] == (["vanished_at_target"] if state == "needs_attention" else ["switched_off"])
    assert states(world, one)[-1] == "synced", "no move"
    switching.switch(world.company, "lentune", True, "Ada")
    assert record(world, one).due_at is not None, "it is looked at again"
    if state == "needs_attention":
        world.settle()
        assert world.problems("commitment", "PO-1") == ["vanished_at_target"]


def test_webhooks_are_kept_and_taken_up_when_it_is_on(start):
    world = start()
    off(world)
    world.act("lentune", "create_invoice", **invoice("INV-1", "10.00"))
    assert world.deliver()
    waiting = rows(world, "SELECT id, state FROM event WHERE state = 'received'")
    assert waiting
    put(world, "UPDATE event SET rung_at = NULL")
    assert world.company not in dict(inbox.due(1000, 1)), "it is not rung for, and stands in nobody's way"
    on(world)
    assert dict(inbox.due(1000, 1))[world.company] == [event.id for event in waiting]
    world.run(inbox.process(world.company, [])[0])
    assert rows(world, "SELECT id FROM event WHERE state = 'received'") == []
    assert "INV-1" in world.states("invoice")


@pytest.mark.parametrize("system", ["lentune", "procore"])
def test_nothing_is_asked_of_it(start, system):
    world = start(commitments=[order()], invoices=[invoice()])
    written = [world.record("commitment", "PO-1").id, world.record("invoice", "INV-1").id]
    put(world, "UPDATE write SET ended_at = ended_at - interval '1 hour', looked_at = NULL")
    off(world, system)
    stopped = {"lentune", system} if system == "lentune" else {"lentune", "procore"}
    before = asked(world)
    assert {c.system for c in scheduled() if c.company_id == world.company} == {"lentune", "procore"} - stopped
    assert world.company not in dict(second_look.due())
    second_look.run(world.company, written)
    for name in stopped:
        assert "switched off" in scan.scan(world.company, name, "project" if name == "procore" else "invoice").stopped
        for call in (lambda name=name: subscribe(world.company, name), lambda name=name: clients.client(company(world), name)):
            with pytest.raises(clients.SwitchedOff):
                call()
    with pytest.raises(clients.SwitchedOff):
        reconcile.run(world.company, "lentune")
    with pytest.raises(clients.SwitchedOff):
        settings.fetch(world.company, "lentune", "test")
    assert rows(world, "SELECT id FROM reconcile_run") == []
    assert {f.outcome for f in preview.foresee(world.company, kind="commitment")} == {"held"}
    assert asked(world) == before
    on(world, system)
    assert reconcile.run(world.company, "lentune").unexplained == 0


def company(world):
    from sync.company import load

    with session(world.company) as db:
        return load(db, world.company)


def test_who_did_it_and_why_stands_in_the_history_and_on_every_page(start):
    world = start(sync=False)
    off(world)
    assert switching.switch(world.company, "lentune", False, "Ada", "again") is None
    (stop,) = frame(world.company).stops
    assert (stop.code, stop.systems, stop.reason) == ("switched_off", ("lentune",), "By Ada: a doubtful database")
    assert not stop.going_on
    assert frame(world.company).writing, "Procore's is on"
    off(world, "procore")
    assert not frame(world.company).writing
    switching.switch(world.company, "lentune", True, "Bob")
    told = rows(world, "SELECT actor, what, before, after, reason FROM history WHERE what LIKE 'switched%' ORDER BY id")
    assert [tuple(line) for line in told] == [
        ("Ada", "switched_off.lentune", {"enabled": True}, {"enabled": False}, "a doubtful database"),
        ("Ada", "switched_off.procore", {"enabled": True}, {"enabled": False}, "a doubtful database"),
        ("Bob", "switched_on.lentune", {"enabled": False}, {"enabled": True}, None),
    ]
    with pytest.raises(LookupError):
        switching.switch(world.company, "acumatica", False, "Ada", "x")
