"""Payments whose outcome nobody knows, and what accounting and people do meanwhile: never twice, never hidden."""

from decimal import Decimal

import pytest

from models import session, text
from sync import rebuild, records, settling, stops
from tests.database.requirements.test_y_payments import ON, code, issued, pay, poll
from tests.database.web_clients import post, script, visitor
from tests.world import DOUBTS_OVER

CREATE = {"method": "POST", "path": "/rest/v1.0/contract_payments"}


@pytest.fixture
def world(paperless):
    return paperless("SI-102", ours=ON)


def invoice(world):
    return str(world.one("procore", "requisitions", invoice_number="SI-102")["id"])


def lost(world, seconds=600):
    """A payment of 50.00 that lands in Procore only so much later, and of which nobody hears; two looks found nothing."""
    world.fault("procore", on="request", match=CREATE, action="apply_later", times=1, seconds=seconds)
    pay(world, "SI-102", "50.00", "1")
    looked_for(world)
    assert code(world, "1") == ("needs_attention", ["outcome_needs_person"])


def looked_for(world, times=3):
    for _ in range(times):
        with session(world.company) as db:
            db.execute(DOUBTS_OVER)
        world.here()
        world.due_now()


def lands(world):
    world.clock.advance(3600)
    world.procore.tick()
    return str(world.one("procore", "contract_payments", check_number="1")["id"])


def posts(world):
    return len(world.transports["procore"].sent("POST", "/contract_payments"))


@pytest.mark.requirement("Y-09")
def test_a_correction_of_a_payment_in_doubt_holds_nobody_up(world):
    pay(world, "SI-102", "5.00", "0")
    lost(world)
    world.fault("sage_paperless", on="delivery", action="drop")
    world.act("sage_paperless", "edit_payment", payment="1", amount="55.00")
    for check in ("2", "3", "4"):
        more = {"amount": "10.00", "check": check, "date": "2026-11-21"}
        world.act("sage_paperless", "pay_other", **more, procore_invoice_id=invoice(world))
    poll(world)
    assert [one[0] for one in issued(world)] == ["0", "2", "3", "4"]
    assert code(world, "1")[0] == "checking", "the correction took the doubt over"
    lands(world)
    looked_for(world)
    assert code(world, "1") == ("needs_attention", ["not_as_sent"]), "50.00 stands there, and accounting says 55.00"
    assert posts(world) == 5 and ("1", "50.00", "SI-102") in issued(world)


@pytest.mark.parametrize("by", ["the engine", "the API", "the console"])
def test_looking_again_at_a_payment_in_doubt_sends_nothing(world, by):
    world.fault("procore", on="request", match=CREATE, action="apply_later", times=1, seconds=100_000)
    pay(world, "SI-102", "50.00", "1")
    assert code(world, "1")[0] == "checking"
    world.run(records.retry(world.company, [world.record("payment", "1").id], "somebody"))
    looked_for(world)
    assert posts(world) == 1 and code(world, "1") == ("needs_attention", ["outcome_needs_person"])
    one = world.record("payment", "1").id
    if by == "the engine":
        world.run(settling.not_there(world.company, one, "somebody"))
    elif by == "the API":
        told = script(world.company, "approve").post(f"/records/{one}/not-there")
        assert (told.status_code, told.json()["number"]) == (202, "1")
        assert script(world.company, "read").post(f"/records/{one}/not-there").status_code == 403
    else:
        assert post(visitor(world.company), f"/objects/{one}/not-there").status_code == 303
    looked_for(world)
    assert posts(world) == 2 and code(world, "1") == ("synced", []), "their word is good for one"


@pytest.mark.requirement("Y-17")
def test_a_payment_in_doubt_counts_as_paid(world):
    world.fault("procore", on="request", match=CREATE, action="drop_after", times=1)
    pay(world, "SI-102", "100000.00", "B", date="2026-11-20")
    world.act("sage_paperless", "pay_other", amount="100000.00", check="A", date="2026-11-10", procore_invoice_id=invoice(world))
    poll(world)
    assert code(world, "A")[1] == ["payment_over_invoice"]
    looked_for(world)
    assert [one[:2] for one in issued(world)] == [("B", "100000.00")]
    assert (code(world, "B")[0], code(world, "A")[1]) == ("synced", ["payment_over_invoice"])


@pytest.mark.requirement("Y-12")
@pytest.mark.parametrize("how", ["a person links it", "the links are rebuilt"])
def test_what_was_linked_by_hand_must_hold_what_was_paid(world, how):
    lost(world)
    there = lands(world)
    world.fault("sage_paperless", on="delivery", action="drop")
    world.act("sage_paperless", "edit_payment", payment="1", amount="55.00")
    if how == "a person links it":
        world.run(settling.link(world.company, world.record("payment", "1").id, there, "somebody"))
        assert code(world, "1") == ("synced", []) and posts(world) == 1, "what was sent stands there"
        poll(world)
        assert code(world, "1")[1] == ["payment_changed_after_sync"]
    else:
        poll(world)
        assert rebuild.run(world.company, "sage_paperless", apply=True).applied == 1
        looked_for(world)
        assert code(world, "1") == ("needs_attention", ["not_as_sent"])
    assert posts(world) == 1 and world.one("procore", "contract_payments")["amount"] == "50.00"


@pytest.mark.requirement("Y-12")
def test_a_person_who_links_another_amount_is_told(world):
    lost(world, seconds=100_000)
    world.act("procore", "enter_payment", commitment="SC-1001-01", amount="49.00", date="2026-11-10", invoice=1, check="9")
    there = str(world.one("procore", "contract_payments")["id"])
    world.here()
    world.run(settling.link(world.company, world.record("payment", "1").id, there, "somebody"))
    world.settle()
    assert code(world, "1") == ("needs_attention", ["not_as_sent"]) and posts(world) == 1


@pytest.mark.requirement("Y-12")
@pytest.mark.parametrize("landed", [True, False])
def test_voiding_a_payment_in_doubt_does_not_hide_it(world, landed):
    lost(world, seconds=600 if landed else 10_000_000)
    if landed:
        lands(world)
    world.act("sage_paperless", "void_payment", payment="1")
    poll(world)
    looked_for(world)
    if landed:
        assert code(world, "1")[1] == ["payment_voided"], "it stands there, and people correct it"
    else:
        assert code(world, "1") == ("needs_attention", ["outcome_needs_person"])
        world.run(settling.not_there(world.company, world.record("payment", "1").id, "somebody"))
        looked_for(world)
        assert code(world, "1") == ("ignored", ["payment_void_unsent"])
    assert posts(world) == 1


def test_one_payment_there_does_not_stand_for_two_here(world):
    world.act("procore", "enter_payment", commitment="SC-1001-01", amount="50.00", date="2026-11-10", invoice=1, check="1")
    for date in ("2026-11-10", "2026-11-12"):
        world.act("sage_paperless", "pay_other", amount="50.00", check="1", date=date, procore_invoice_id=invoice(world))
    poll(world)
    found = sorted((one.state, *[p["code"] for p in one.problems]) for one in world.records("payment"))
    assert found == [("needs_attention", "found_is_anothers"), ("synced",)] and posts(world) == 0
    second = next(one for one in world.records("payment") if one.state == "needs_attention")
    world.run(records.retry(world.company, [second.id], "somebody"))
    world.settle()
    assert {one.state for one in world.records("payment")} == {"synced"} and posts(world) == 1, "a person said it is another one"
    assert sum(Decimal(one["amount"]) for one in world.state("procore", "contract_payments")) == 100


def test_asking_again_for_what_needs_a_word_looks_and_sends_nothing(world):
    lost(world, seconds=100_000)
    world.run(records.retry(world.company, [world.record("payment", "1").id], "somebody"))
    looked_for(world)
    assert posts(world) == 1 and code(world, "1") == ("needs_attention", ["outcome_needs_person"])


def test_asking_for_a_payment_that_waits_says_nothing_about_its_twin(world):
    world.act("procore", "enter_payment", commitment="SC-1001-01", amount="50.00", date="2026-11-10", invoice=1, check="1")
    world.act("sage_paperless", "pay_other", amount="50.00", check="1", date="2026-11-10", procore_invoice_id=invoice(world))
    poll(world)
    with session(world.company) as db:
        stops.stop(db, world.company, "procore", "duplicate_found", "two stand there")
    world.act("sage_paperless", "pay_other", amount="50.00", check="1", date="2026-11-12", procore_invoice_id=invoice(world))
    poll(world)
    second = world.records("payment")[-1]
    assert [p["code"] for p in second.problems] == ["writing_stopped"]
    world.run(records.retry(world.company, [second.id], "somebody"))
    world.settle()
    world.run(stops.go_on(world.company, "procore", "somebody"))
    world.mend()
    assert posts(world) == 0
    assert [p["code"] for p in world.records("payment")[-1].problems] == ["found_is_anothers"]


@pytest.mark.fault("F29")
def test_two_looks_at_once_are_one_look(world):
    """The second reading came from the same list that the first had just read."""
    world.fault("procore", on="request", match=CREATE, action="drop_before", times=1)
    pay(world, "SI-102", "50.00", "1")
    one = world.record("payment", "1").id
    with session(world.company) as db:
        db.execute(DOUBTS_OVER)
        db.execute(text("UPDATE sync_record SET due_at = clock_timestamp() WHERE id = :i"), {"i": one})
    world.run({"payment": [one]})
    world.run(records.retry(world.company, [one], "somebody"))
    assert code(world, "1")[0] == "checking"
