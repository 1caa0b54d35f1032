"""A create that the server does not keep single (a subcontractor invoice): every fault, and exactly one create."""

from datetime import timedelta
from decimal import Decimal

import pytest

from settings.environment import environment
from sync import clients, records, settling
from sync.views.record import record as seen
from tests.database.engine.stand import arrive, lease_over, put, quarantine_over, record, rows, run_due, states, writes
from tests.database.requirements.company import order

CREATE = {"method": "POST", "path": "/rest/v1.1/requisitions"}
#: What breaks -> whether the invoice stands in Procore all the same.
DOUBTFUL = {
    "the connection dies before": ({"action": "drop_before"}, False),
    "the connection dies after": ({"action": "drop_after"}, True),
    "the connection is reset": ({"action": "reset_connection"}, False),
    "no answer in time": ({"action": "delay", "seconds": 60}, True),
    "an error of the server": ({"action": "status", "status": 500}, False),
    "a gateway that gave up": ({"action": "status", "status": 504}, False),
    "an overloaded server": ({"action": "status", "status": 503}, False),
    "half an answer": ({"action": "truncate"}, True),
    "an answer without an id": ({"action": "mutate", "change": {"id": None}}, True),
    "an answer about another commitment": ({"action": "mutate", "change": {"commitment_id": 1}}, True),
    "a page instead of an answer": ({"action": "status", "status": 200, "body": "<html>"}, False),
}


@pytest.fixture
def world(start):
    return start(commitments=[order()])


def due_invoice(world, number="INV-1"):
    return arrive(world, number, order="PO-1")


def again(world, one):
    """The next run, after Lentune has taken back the invoice it lent to the last one."""
    world.clock.advance(301)
    put(world, "UPDATE write SET looked_at = looked_at - interval '301 s'")
    run_due(world, one)
    return record(world, one)


def looked(world):
    return len(list(world.transports["procore"].sent("GET", "/rest/v1.1/requisitions")))


def sent(world):
    return len(world.transports["procore"].sent("POST", "/rest/v1.1/requisitions"))


@pytest.mark.requirement("L-13")
@pytest.mark.parametrize("what", DOUBTFUL)
def test_an_uncertain_create_waits_out_its_quarantine_is_looked_up_and_never_doubles(world, what):
    fault, stands = DOUBTFUL[what]
    one = due_invoice(world)
    world.fault("procore", on="request", times=1, match=CREATE, **fault)
    lease_began = record(world, one).due_at
    run_due(world, one)
    held, intent = record(world, one), writes(world, one, "invoice")[0]
    assert (held.state, [p["code"] for p in held.problems]) == ("checking", ["outcome_uncertain"])
    assert (intent.state, intent.sends) == ("uncertain", 1)
    env = environment()
    assert intent.uncertain_until >= lease_began + timedelta(seconds=env.lease_seconds + env.quarantine_seconds), (
        "counted from the lease's end: a request may land as long as our own process may still be waiting for it"
    )
    assert held.due_at == intent.uncertain_until

    looks = looked(world)
    assert again(world, one).state == "checking"
    assert (looked(world), sent(world)) == (looks, 1), "rung before its time: neither looked up nor sent"

    quarantine_over(world)
    after = again(world, one)
    if not stands:
        assert (after.state, sent(world)) == ("checking", 1), "absent once is not yet absent"
        assert after.due_at > after.state_since
        after = again(world, one)
    assert after.state == "synced"
    assert sent(world) == (1 if stands else 2)
    created = world.ledger("procore", kind="requisitions", effect="created")
    assert len(created) == 1 and len(world.state("procore", "requisitions")) == 1
    assert after.remote_id == created[0]["remote_id"]
    assert states(world, one) == ["sending", "checking", "synced"] or states(world, one) == [
        "sending",
        "checking",
        "sending",
        "synced",
    ]
    assert world.one("lentune", "invoices")["posting"]["state"] == "posted", "and its source is told"


@pytest.mark.parametrize("body", ["<html>Please wait, client_secret=abc123</html>", {"message": "kept for later"}])
def test_what_came_instead_of_an_answer_is_kept_without_secrets(world, body):
    one = due_invoice(world)
    world.fault("procore", on="request", times=1, match=CREATE, action="status", status=200, body=body)
    run_due(world, one)
    (intent,) = writes(world, one, "invoice")
    kept = "<html>Please wait, client_secret=***" if isinstance(body, str) else '"kept for later"'
    assert intent.state == "uncertain" and kept in intent.answer
    assert "abc123" not in intent.answer
    told = " ".join(entry.detail for entry in seen(world.company, one).story)
    assert "it answered: " in told and kept in told


def test_a_try_that_was_never_sent_does_not_count_as_the_one_that_is_sent_again(world):
    """After a doubt and two absent looks comes one more try; a 429 in its way leaves it still to be made."""
    one = due_invoice(world)
    world.fault("procore", on="request", times=1, match=CREATE, action="drop_before")
    run_due(world, one)
    world.fault("procore", on="request", times=3, match=CREATE, action="status", status=429)
    for _ in range(7):
        quarantine_over(world)
        after = again(world, one)
    assert after.state == "synced", after.problems
    assert [w.sends for w in writes(world, one, "invoice")] == [2], "one was lost and one arrived; the others were refused"
    assert len(world.ledger("procore", kind="requisitions", effect="created")) == 1


def test_a_look_of_an_attempt_that_was_overtaken_counts_for_nothing(world):
    """The mill found it: it stood still in its first look, and what it did not see was sent in the meantime."""
    one = due_invoice(world)
    world.fault("procore", on="request", times=1, match=CREATE, action="apply_later", seconds=2000)
    transport = world.transports["procore"]
    real = transport.handle_request

    def overtaken_in_its_look(request):
        transport.handle_request = real
        answer = real(request)
        lease_over(world, one)
        again(world, one)
        return answer

    transport.handle_request = overtaken_in_its_look
    run_due(world, one)
    intent = writes(world, one, "invoice")[0]
    assert (intent.state, intent.sends, intent.absent_looks) == ("uncertain", 1, 0)
    quarantine_over(world)
    assert again(world, one).state == "checking" and sent(world) == 1, "it takes two looks after the quarantine"


def test_a_write_that_lands_late_is_found_and_not_sent_again(world):
    one = due_invoice(world)
    world.fault("procore", on="request", times=1, match=CREATE, action="apply_later", seconds=400)
    run_due(world, one)
    quarantine_over(world)
    assert again(world, one).state == "checking", "not there yet"
    assert again(world, one).state == "synced"
    assert sent(world) == 1 and len(world.state("procore", "requisitions")) == 1


def test_it_is_sent_again_by_itself_once_and_then_a_person_decides(world):
    one = due_invoice(world)
    world.fault("procore", on="request", match=CREATE, action="drop_before")
    run_due(world, one)
    for _ in range(6):
        quarantine_over(world)
        again(world, one)
    held = record(world, one)
    assert (held.state, [p["code"] for p in held.problems], held.due_at) == ("needs_attention", ["outcome_needs_person"], None)
    assert sent(world) == 2

    world.run(records.retry(world.company, [one], "Ana"))
    for _ in range(6):
        quarantine_over(world)
        again(world, one)
    assert sent(world) == 2, "to ask again is no word that it is not there"

    world.run(settling.not_there(world.company, one, "Ana"))
    for _ in range(6):
        quarantine_over(world)
        again(world, one)
    assert sent(world) == 3, "one request of a person is one more try, not a licence"
    assert record(world, one).state == "needs_attention"

    world.mend()
    world.run(settling.not_there(world.company, one, "Ana"))
    for _ in range(3):
        quarantine_over(world)
        again(world, one)
    assert record(world, one).state == "synced"
    assert len(world.state("procore", "requisitions")) == 1


def test_a_person_who_asks_too_early_does_not_shorten_the_quarantine(world):
    one = due_invoice(world)
    world.fault("procore", on="request", times=1, match=CREATE, action="apply_later", seconds=400)
    run_due(world, one)
    for _ in range(3):
        world.clock.advance(100)
        world.run(records.retry(world.company, [one], "Ana"))
    assert (record(world, one).state, sent(world)) == ("checking", 1)


@pytest.mark.requirement("L-13")
def test_a_version_that_changed_while_the_first_was_in_doubt_is_not_taken_for_it(world):
    """The first version stands in Procore unseen; meanwhile the look failed and the invoice was changed."""
    one = due_invoice(world)
    world.fault("procore", on="request", times=1, match=CREATE, action="drop_after")
    run_due(world, one)
    put(world, "UPDATE sync_record SET state = 'needs_attention', due_at = NULL WHERE id = :id", id=one)
    world.clock.advance(301)
    world.act("lentune", "change_invoice", number="INV-1", net="1100.10")
    world.settle()
    assert (record(world, one).state, sent(world)) == ("checking", 1), "the doubt about version 1 is a doubt about version 2"
    quarantine_over(world)
    for _ in range(3):
        again(world, one)
    assert record(world, one).state == "synced"
    assert sent(world) == 1
    assert world.one("procore", "requisitions")["total_claimed_amount"] == "1100.10"


@pytest.mark.parametrize(
    ("fault", "state", "code"),
    [
        (
            {"action": "status", "status": 422, "body": {"errors": {"base": ["Something of Procore's"]}}},
            "needs_attention",
            "procore_rejected",
        ),
        ({"action": "status", "status": 400, "body": {"error": "Bad"}}, "needs_attention", "procore_rejected"),
    ],
)
def test_a_refusal_is_not_a_doubt(world, fault, state, code):
    one = due_invoice(world)
    world.fault("procore", on="request", times=1, match=CREATE, **fault)
    run_due(world, one)
    held = record(world, one)
    assert (held.state, [p["code"] for p in held.problems]) == (state, [code])
    assert writes(world, one, "invoice")[0].state == "rejected"
    assert world.one("lentune", "invoices")["posting"]["state"] == "failed"
    world.clock.advance(301)
    world.run(records.retry(world.company, [one], "Ana"))
    assert record(world, one).state == "synced" and sent(world) == 2
    assert len(world.state("procore", "requisitions")) == 1


def test_what_was_never_sent_is_tried_again_soon_and_needs_no_quarantine(world):
    one = due_invoice(world)
    world.fault("procore", on="request", times=1, match=CREATE, action="status", status=429, headers={"Retry-After": "7"})
    result = run_due(world, one)
    assert (record(world, one).state, result.again) == ("pending", [one])
    assert 5 < result.seconds <= 7
    assert writes(world, one, "invoice")[0].state == "planned"
    assert sent(world) == 1 and again(world, one).state == "pending" and sent(world) == 1, "nothing is asked of a shut window"
    clients.close_all()  # with the clients goes what their last answer said
    put(world, "UPDATE budget SET shut_until = NULL")
    assert again(world, one).state == "synced"
    assert len(world.ledger("procore", kind="requisitions", effect="created")) == 1


def test_the_intent_is_committed_before_the_call_and_the_outcome_after_it(world):
    one = due_invoice(world)
    transport, seen = world.transports["procore"], []
    real = transport.handle_request

    def spy(request):
        if request.method == "POST" and "requisitions" in str(request.url):
            seen.append((record(world, one).state, [(w.state, w.amount, w.key) for w in writes(world, one, "invoice")]))
            locks = rows(
                world,
                "SELECT count(*) FROM pg_locks l JOIN pg_class c ON c.oid = l.relation WHERE c.relname = 'write' "
                "AND l.mode = 'RowExclusiveLock' AND l.pid <> pg_backend_pid()",
            )
            seen.append(locks[0][0])
        return real(request)

    transport.handle_request = spy
    run_due(world, one)
    key = record(world, one).key
    assert seen[0] == ("sending", [("sending", Decimal("1000.00"), key)])
    assert seen[1] == 0, "no transaction is open during the call"
    assert len(key) == 15 and world.one("procore", "requisitions")["origin_id"] == key
    confirmed = writes(world, one, "invoice")[0]
    assert (confirmed.state, confirmed.done["remote_id"]) == ("confirmed", record(world, one).remote_id)


def test_an_unchanged_record_makes_no_call(world):
    one = due_invoice(world)
    world.settle()
    assert record(world, one).state == "synced"
    before = len(world.transports["procore"].requests), len(world.transports["lentune"].requests)
    run_due(world, one)
    assert (len(world.transports["procore"].requests), len(world.transports["lentune"].requests)) == before


@pytest.mark.requirement("L-13")
def test_a_doubt_outlives_a_change_of_the_route(world):
    """Its create stands there unseen and is refused when it is sent again; then somebody unticks the box of orders."""
    one = due_invoice(world)
    world.fault("procore", on="request", times=1, match=CREATE, action="drop_after")
    world.fault("procore", on="request", match={"method": "GET", "path": "/requisitions"}, action="read_lag", seconds=6000)
    for _ in range(6):
        quarantine_over(world)
        again(world, one)
    assert record(world, one).state != "synced"
    world.save(procore_purchase_order=False)
    put(world, "UPDATE sync_record SET stale_at = clock_timestamp() WHERE id = :id", id=one)
    for _ in range(5):
        quarantine_over(world)
        again(world, one)
    world.clock.advance(6000)
    assert world.state("procore", "direct_costs") == [], "it is in Procore as an invoice of its order already"
    assert again(world, one).state == "synced" and len(world.state("procore", "requisitions")) == 1


def test_what_a_person_links_is_brought_up_to_the_version_that_stands(world):
    """What was in doubt was the version before: it holds the old amount."""
    one = due_invoice(world)
    world.fault("procore", on="request", times=1, match=CREATE, action="drop_after")
    world.fault("procore", on="request", times=1, match=CREATE, action="drop_before")
    world.fault("procore", on="request", match={"method": "GET", "path": "/requisitions"}, action="read_lag", seconds=60000)
    for _ in range(4):
        quarantine_over(world)
        again(world, one)
    world.act("lentune", "change_invoice", number="INV-1", net="1100.00")
    world.settle()
    for _ in range(4):
        quarantine_over(world)
        again(world, one)
    [there] = world.state("procore", "requisitions")
    world.procore.faults.clear()
    world.run(settling.link(world.company, one, str(there["id"]), "somebody"))
    quarantine_over(world)
    assert again(world, one).state == "synced"
    assert world.one("procore", "requisitions")["total_claimed_amount"] == "1100.00"
