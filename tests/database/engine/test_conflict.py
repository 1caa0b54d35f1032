"""The same document changed on both sides between two syncs: nothing is overwritten, a person decides."""

import pytest

from sync import records, settling
from tests.database.engine.stand import put, rows, run_due
from tests.database.requirements.company import order


@pytest.fixture
def edited(start):
    """PO-1 stands in both systems; its first line was changed on both sides."""
    world = start(commitments=[order()])
    world.act("lentune", "change_purchase_order", number="PO-1", amount="777.00")
    world.act("procore", "change_line", number="PO-1", position=1, amount="1250.00")
    world.settle()
    return world, world.record("commitment", "PO-1")


def total(world):
    return world.one("lentune", "purchase_orders", number="PO-1")["total"]


def test_it_is_shown_with_both_values_and_nothing_is_overwritten(edited):
    world, record = edited
    assert record.state == "conflict"
    (problem,) = record.problems
    assert problem["code"] == "edited_on_both_sides"
    assert "777.00" in problem["values"]["fields"] and "1250.00" in problem["values"]["fields"]
    assert total(world) == "777.00"
    world.scan(full=True)
    world.due_now()
    assert (world.record("commitment", "PO-1").state, total(world)) == ("conflict", "777.00")


def test_a_person_sends_ours(edited):
    world, record = edited
    world.run(settling.send_ours(world.company, record.id, "somebody"))
    world.settle()
    assert (world.record("commitment", "PO-1").state, total(world)) == ("synced", "1250.00")


def test_a_person_keeps_theirs_and_may_come_back(edited):
    world, record = edited
    settling.keep_theirs(world.company, record.id, "somebody")
    world.act("procore", "change_line", number="PO-1", position=1, amount="1300.00")
    world.settle()
    assert (world.record("commitment", "PO-1").state, total(world)) == ("unlinked", "777.00")
    world.run(settling.send_ours(world.company, record.id, "somebody"))
    world.settle()
    assert (world.record("commitment", "PO-1").state, total(world)) == ("synced", "1300.00")


def test_nobody_decides_while_a_worker_has_it(edited):
    """The worker's result would be stored over the decision: a record unlinked by a person would be linked again."""
    world, record = edited
    put(world, f"UPDATE sync_record SET lease_until = clock_timestamp() + interval '1 minute' WHERE id = {record.id}")
    for decide in (
        lambda: settling.keep_theirs(world.company, record.id, "somebody"),
        lambda: settling.unlink(world.company, record.id, "somebody", "ours no more"),
    ):
        with pytest.raises(settling.NotToDecide, match="being worked on"):
            decide()
    put(world, f"UPDATE sync_record SET state = 'checking' WHERE id = {record.id}")
    with pytest.raises(settling.NotToDecide, match="being worked on"):
        settling.link(world.company, record.id, "4711", "somebody")


def test_what_was_put_back_as_we_left_it_is_no_conflict(edited):
    world, _ = edited
    world.act("lentune", "change_purchase_order", number="PO-1", amount="60000.00")
    world.due_now()
    world.scan("procore", full=True)
    world.act("procore", "change_line", number="PO-1", position=1, amount="1260.00")
    world.settle()
    after = world.record("commitment", "PO-1")
    assert (after.state, total(world)) == ("synced", "1260.00"), after.problems


def test_fields_that_are_not_ours_never_make_a_conflict(start):
    world = start(commitments=[order(vendor="Somebody New Ltd")])
    before = rows(world, "SELECT remote_version FROM sync_record WHERE kind = 'commitment'")[0].remote_version
    world.act("lentune", "set_order_supplier", number="PO-1", supplier="Pacific Concrete Ltd")
    world.act("procore", "change_line", number="PO-1", position=1, amount="1250.00")
    world.settle()
    after = world.record("commitment", "PO-1")
    assert (after.state, total(world)) == ("synced", "1250.00")
    assert after.remote_version != before
    assert world.one("lentune", "purchase_orders", number="PO-1")["supplier_id"], "what a person filled in stays"


def in_doubt_and_edited(start, **orders):
    """Our write arrived, its answer was lost, and before anybody looked a person changed the copy."""
    world = start(**orders)
    world.fault("lentune", on="request", match={"method": "PUT", "path": "/purchase-orders/by-procore/"}, action="drop_after")
    return world


def test_an_edit_of_what_is_in_doubt_is_a_conflict_and_not_doubted_for_ever(start):
    world = in_doubt_and_edited(start, commitments=[order()])
    world.act("procore", "change_line", number="PO-1", position=1, amount="1250.00")
    world.settle()
    record = world.record("commitment", "PO-1")
    assert (record.state, total(world)) == ("checking", "1250.00")
    world.act("lentune", "change_purchase_order", number="PO-1", amount="777.00")
    world.mend()
    run_due(world, record.id)
    after = world.record("commitment", "PO-1")
    assert (after.state, [p["code"] for p in after.problems]) == ("conflict", ["edited_on_both_sides"])
    assert total(world) == "777.00"
    world.run(settling.send_ours(world.company, record.id, "somebody"))
    world.settle()
    assert (world.record("commitment", "PO-1").state, total(world)) == ("synced", "1250.00")
    world.act("procore", "change_line", number="PO-1", position=1, amount="1260.00")
    world.settle()
    assert (world.record("commitment", "PO-1").state, total(world)) == ("synced", "1260.00"), "and no conflict with itself"


def test_an_edit_of_a_new_copy_in_doubt_is_shown_and_linked(start):
    world = in_doubt_and_edited(start, commitments=[])
    world.act("procore", "create_commitment", **order())
    world.settle()
    record = world.record("commitment", "PO-1")
    assert (record.state, record.remote_id) == ("checking", None)
    world.act("lentune", "change_purchase_order", number="PO-1", amount="777.00")
    world.mend()
    run_due(world, record.id)
    after = world.record("commitment", "PO-1")
    assert (after.state, [p["code"] for p in after.problems]) == ("needs_attention", ["not_as_sent"])
    assert after.remote_id and total(world) == "777.00"
    world.run(records.retry(world.company, [record.id], "somebody"))
    world.settle()
    assert len(world.state("lentune", "purchase_orders")) == 1


@pytest.mark.fault("F39")
def test_an_old_send_again_is_no_leave_to_write_over_a_later_edit(start):
    world = start(commitments=[order()])
    world.act("procore", "change_line", number="PO-1", position=1, description="")
    world.settle()
    one = world.record("commitment", "PO-1")
    assert one.state == "needs_attention"
    world.run(records.retry(world.company, [one.id], "an accountant"))
    world.settle()
    world.act("lentune", "change_purchase_order", number="PO-1", amount="777.00")
    world.settle()
    world.act("procore", "change_line", number="PO-1", position=1, description="Ready-mix", amount="1250.00")
    world.settle()
    assert world.record("commitment", "PO-1").state == "conflict"
    world.run(records.retry(world.company, [one.id], "an accountant"))
    world.settle()
    assert world.record("commitment", "PO-1").state == "conflict", "to ask again is not to say: send ours"
    assert world.one("lentune", "purchase_orders", number="PO-1")["total"] == "777.00"
