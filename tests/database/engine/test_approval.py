"""Approval: bound to one version and amount, taken by people, withdrawn by every change."""

from decimal import Decimal

import pytest

from models import session
from sync import approval, records
from tests.database.engine.stand import arrive, put, record, rows, run_due, states, together
from tests.database.requirements.company import PACIFIC, SOUTHERN, order


@pytest.fixture
def world(start):
    world = start(commitments=[order()])
    world.save(approval={"invoice": "manual"})
    return world


def waiting(world, number="INV-1", net="1000.00", **other):
    one = arrive(world, number, net, **other)
    run_due(world, one)
    assert record(world, one).state == "awaiting_approval"
    return one


def posted(world):
    return {c["invoice_number"]: c["grand_total"] for c in world.state("procore", "direct_costs")}


def approve(world, one, version=None, amount=None):
    held = record(world, one)
    world.run(approval.approve(world.company, one, version or held.version, amount or held.amount, "Ana"))


def test_nothing_is_written_before_it_is_approved_and_exactly_that_is_written_after(world):
    one = waiting(world)
    assert posted(world) == {} and [e for e in world.ledger("procore") if "webhooks" not in e["path"]] == []
    held = record(world, one)
    assert (held.version, held.amount) == (1, Decimal("1000.00")) and held.held["lines"][0]["amount"] == "1000.00"
    approve(world, one)
    assert posted(world) == {"INV-1": "1000.00"}
    kept = rows(world, "SELECT * FROM approval")[0]
    assert (kept.decision, kept.actor, kept.version, kept.amount, bytes(kept.held_hash)) == (
        "approved",
        "Ana",
        1,
        Decimal("1000.00"),
        bytes(held.held_hash),
    )
    assert states(world, one) == ["awaiting_approval", "pending", "sending", "synced"]
    actors = rows(world, "SELECT actor FROM history WHERE record_id = :r AND what = 'record.state' ORDER BY id", r=one)
    assert [a.actor for a in actors] == ["sitebooks", "Ana", "sitebooks", "sitebooks"]


@pytest.mark.parametrize(("version", "amount"), [(2, "1000.00"), (1, "999.99"), (1, None)])
def test_what_is_approved_must_be_what_is_there(world, version, amount):
    one = waiting(world)
    with pytest.raises(approval.Changed) as told:
        approval.approve(world.company, one, version, amount and Decimal(amount), "Ana")
    assert (told.value.version, told.value.amount) == (1, Decimal("1000.00"))
    assert record(world, one).state == "awaiting_approval" and posted(world) == {}


def test_a_change_after_the_approval_and_before_the_sending_asks_again(world):
    """Approved, and the invoice changes before a worker comes to it: the new amount was seen by nobody."""
    one = waiting(world)
    held = record(world, one)
    approval.approve(world.company, one, 1, held.amount, "Ana")
    world.act("lentune", "change_invoice", number="INV-1", net="9000.00")
    put(world, "UPDATE sync_record SET stale_at = clock_timestamp()")
    run_due(world, one)
    after = record(world, one)
    assert (after.state, after.version, after.amount) == ("awaiting_approval", 2, Decimal("9000.00"))
    assert posted(world) == {}
    approve(world, one)
    assert posted(world) == {"INV-1": "9000.00"}


def test_a_newer_version_of_what_was_synced_needs_a_new_approval(world):
    one = waiting(world)
    approve(world, one)
    world.clock.advance(301)
    world.act("lentune", "change_invoice", number="INV-1", net="1000.01")
    world.settle()
    assert (record(world, one).state, record(world, one).version) == ("awaiting_approval", 2)
    assert posted(world) == {"INV-1": "1000.00"}, "what was approved stands meanwhile"
    approve(world, one)
    assert posted(world) == {"INV-1": "1000.01"}


def test_a_rejection_keeps_its_reason_and_holds_until_there_is_a_new_version(world):
    one = waiting(world)
    approval.reject(world.company, one, 1, Decimal("1000.00"), "Ben", "wrong project")
    assert (record(world, one).state, record(world, one).due_at) == ("rejected", None)
    told = rows(world, "SELECT * FROM history WHERE record_id = :r ORDER BY id DESC LIMIT 1", r=one)[0]
    assert (told.actor, told.reason, told.after["state"]) == ("Ben", "wrong project", "rejected")
    run_due(world, one)
    world.scan("lentune", full=True)
    assert record(world, one).state == "rejected", "the same version stays turned down"
    world.act("lentune", "change_invoice", number="INV-1", net="500.00")
    world.settle()
    assert (record(world, one).state, record(world, one).version) == ("awaiting_approval", 2)
    assert posted(world) == {}


def test_a_person_may_bring_a_rejected_one_back_and_reject_it_for_good(world):
    one = waiting(world)
    approval.reject(world.company, one, 1, Decimal("1000.00"), "Ben", "no")
    world.run(records.retry(world.company, [one], "Ana"))
    assert record(world, one).state == "awaiting_approval", "asked again, never sent past the approver"
    approval.reject(world.company, one, 1, Decimal("1000.00"), "Ben", "still no")
    run_due(world, one)
    assert record(world, one).state == "rejected", "the last word stands"


def test_what_waits_for_nobody_cannot_be_approved(world):
    one = waiting(world)
    approve(world, one)
    with pytest.raises(approval.NotWaiting):
        approval.approve(world.company, one, 1, Decimal("1000.00"), "Ana")
    with pytest.raises(LookupError):
        approval.approve(world.company, 999_999_999, 1, None, "Ana")


def test_two_approvers_at_once_approve_once(world):
    one = waiting(world)
    refused = []

    def press(_):
        try:
            approval.approve(world.company, one, 1, Decimal("1000.00"), "Ana")
        except approval.NotWaiting:
            refused.append(1)

    together(press, 4)
    assert len(refused) == 3 and len(rows(world, "SELECT id FROM approval")) == 1
    run_due(world, one)
    assert len(world.state("procore", "direct_costs")) == 1


def test_a_change_of_the_mode_lets_go_what_waits(world):
    waiting(world)
    world.save(approval={"invoice": "automatic"})
    assert posted(world) == {"INV-1": "1000.00"}


def test_automatic_when_all_checks_pass_stops_only_what_has_a_warning(start):
    world = start(suppliers=[SOUTHERN])
    world.save(approval={"commitment": "automatic_when_checks_pass"})
    for number, vendor in (("PO-1", SOUTHERN), ("PO-2", PACIFIC)):
        world.act("procore", "create_commitment", **order(number, vendor=vendor))
    world.settle()
    assert world.states("commitment") == {"PO-1": "synced", "PO-2": "awaiting_approval"}
    assert [w["code"] for w in world.record("commitment", "PO-2").warnings] == ["supplier_blank"]
    approve(world, world.record("commitment", "PO-2").id)
    assert world.states("commitment") == {"PO-1": "synced", "PO-2": "synced"}


def test_a_mode_for_one_kind_is_not_a_mode_for_another(start):
    world = start(projects=[])
    world.save(approval={"commitment": "manual"})
    world.act("procore", "create_project", number="1009", name="New", stage="Course of Construction", region="Auckland")
    world.settle()
    assert world.record("project", "1009").state == "synced"


def test_a_problem_comes_before_the_approver(world):
    """Nobody is asked to approve what cannot be sent."""
    one = arrive(world, lines=[{"net": "5.00", "description": "Nails"}])
    run_due(world, one)
    assert record(world, one).state == "needs_attention"
    with session(world.company), pytest.raises(approval.NotWaiting):
        approval.approve(world.company, one, 0, Decimal("5.00"), "Ana")
