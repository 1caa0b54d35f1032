"""Updates of linked records in Lentune: for the version last seen only, compared after a 412, and never a new record."""

from typing import Any

import pytest

from connectors.lentune.owning import owned, untouched
from connectors.lentune.standing import row_of
from connectors.plan import Done, Stale, Step
from connectors.registry import connector
from objects.outcome import Outcome
from settings.environment import environment
from tests.unit.connectors.lentune_objects import PO, SC, code, cost_type, line, order, project, variation
from tests.unit.connectors.lentune_world import KEY, LentuneWorld, flow
from tests.unit.connectors.test_lentune_intake import settled

LENTUNE = connector("lentune")


class Linked:
    """An order that stands in Lentune, as it was held then, and what its next version should be."""

    def __init__(self, form: str = "purchase_order", **settings: Any) -> None:
        self.world = LentuneWorld()
        self.known = settled(self.world, **settings)
        self.form, self.number = form, {"purchase_order": "PO-1", "subcontract": "SC-1"}[form]
        self.first = self.held()
        self.done = self.world.write(self.first)

    def held(self, **changes: Any) -> dict[str, Any]:
        return flow("commitment").hold(order(form=self.form, number=self.number, **changes), self.known, KEY)

    def step(self, held: dict[str, Any]) -> Step:
        return next(LENTUNE.plans[held["as"]](held, self.done.remote_id, KEY, self.done.version))

    def stale(self, held: dict[str, Any], last: dict[str, Any] | None) -> Stale:
        """Sends an update that must meet 412, and compares."""
        step = self.step(held)
        answer = self.world.client.send(step.request)
        assert (answer.outcome, answer.status) == (Outcome.refused, 412) and step.on_stale is not None
        return step.on_stale(self.world.client, last)

    def take(self, step: Step) -> Done:
        return self.world.take(step)

    def row(self) -> dict[str, Any]:
        return self.world.row({"purchase_order": "purchase_orders", "subcontract": "subcontracts"}[self.form], number=self.number)


@pytest.fixture(params=["purchase_order", "subcontract"])
def linked(request: pytest.FixtureRequest) -> Linked:
    return Linked(request.param)


def test_a_first_write_names_no_version_and_an_update_names_the_last_one(linked):
    first = next(LENTUNE.plans[linked.form](linked.first, None, KEY, None))
    assert "If-Match" not in first.request.headers and first.on_stale is None
    changed = linked.held(name="Changed at the source")
    assert linked.step(changed).request.headers["If-Match"] == '"1"'
    assert linked.take(linked.step(changed)).version == "2"


def test_somebody_elses_change_of_a_field_of_ours_is_shown_and_not_overwritten(linked):
    linked.world.act("change_order", number=linked.number, amount="1.00")
    found = linked.stale(linked.held(name="Changed at the source"), linked.first)
    assert found.ours is None
    named = {name: (sent, there, ours) for name, sent, there, ours in found.differing}
    assert named["line 1 amount"] == ("60000.00", "1.00", "60000.00") and named["total"][1] == "1.00"
    assert linked.row()["total"] == "1.00"


def test_a_field_that_is_not_ours_never_counts_and_is_kept(linked):
    linked = Linked(linked.form)
    unknown = linked.held(vendor_name="Nobody We Know")
    linked.done = linked.take(linked.step(unknown))
    linked.world.act("set_order_supplier", number=linked.number, supplier="Pacific Concrete Ltd")
    wanted = linked.held(vendor_name="Nobody We Know", name="Changed at the source")
    found = linked.stale(wanted, unknown)
    assert found.differing == () and found.ours is None
    linked.take(found.again)
    assert linked.row()["description"] == "Changed at the source" and linked.row()["supplier_id"]


def test_a_supplier_that_was_matched_and_then_changed_by_a_person_is_shown(linked):
    linked.world.act("create_supplier", name="Another Ltd")
    linked.world.act("set_order_supplier", number=linked.number, supplier="Another Ltd")
    [(name, sent, there, ours)] = linked.stale(linked.held(name="Changed"), linked.first).differing
    assert name == "supplier" and sent == ours == linked.first["matched"]["supplier_id"] and there == linked.row()["supplier_id"]


def test_our_own_write_whose_answer_was_lost_is_recognised(linked):
    changed = linked.held(name="Changed at the source")
    linked.take(linked.step(changed))  # and nobody heard of it
    answer = linked.world.client.send(linked.step(changed).request)
    assert answer.outcome is Outcome.confirmed and answer.headers["content-unchanged"] == "true"
    found = linked.step(changed).on_stale(linked.world.client, linked.first)
    assert found.ours is not None and (found.ours.remote_id, found.ours.version) == (linked.done.remote_id, "2")


def test_an_older_write_of_ours_that_nobody_confirmed_is_no_edit_of_a_person(linked):
    linked.take(linked.step(linked.held(name="Second", lines=(line("1", "501", amount="5.00"),))))  # unheard
    found = linked.stale(linked.held(name="Third"), linked.first)
    assert found.ours is None and found.differing == ()
    assert linked.take(found.again).version == "3" and linked.row()["description"] == "Third"


def test_with_nothing_known_of_what_was_sent_every_difference_is_shown(linked):
    linked.world.act("change_order", number=linked.number, description="Theirs")
    [(name, sent, there, ours)] = linked.stale(linked.held(name="Ours"), None).differing
    assert (name, sent, there, ours) == ("description", "", "Theirs", "Ours")


def test_what_a_person_changed_to_what_we_want_is_no_difference(linked):
    linked.world.act("change_order", number=linked.number, description="Agreed")
    found = linked.stale(linked.held(name="Agreed"), linked.first)
    assert found.differing == () and found.ours is None


def test_a_deleted_record_is_not_made_anew_by_its_update(linked):
    linked.world.act("delete_order", number=linked.number)
    step = linked.step(linked.held(name="Changed at the source"))
    answer = linked.world.client.send(step.request)
    assert answer.outcome is Outcome.refused and answer.status == 410
    problem = step.explain(answer)
    assert problem.code == "vanished_at_target"
    assert problem.values["system"] == "Lentune" and problem.values["number"] == linked.number and problem.values["kind"]
    assert linked.row()["deleted_at"]
    entries = [e for e in linked.world.core.ledger.entries if e["actor"] == "client" and e["remote_id"] == linked.row()["id"]]
    assert [e["effect"] for e in entries] == ["created"]


def test_one_that_is_deleted_while_it_is_compared_is_named_by_the_next_answer(linked):
    step = linked.step(linked.held(name="Changed at the source"))
    linked.world.act("delete_order", number=linked.number)
    again = step.on_stale(linked.world.client, linked.first).again
    assert again.explain(linked.world.client.send(again.request)).code == "vanished_at_target"


def test_an_unlinked_one_may_be_created_again(linked):
    linked.world.act("delete_order", number=linked.number)
    assert linked.world.write(linked.first).remote_id == linked.done.remote_id and linked.row()["deleted_at"] is None


def test_a_project_and_a_code_are_for_the_version_last_seen_too():
    linked = Linked()
    held = flow("project").hold(project(name="Ours"), linked.known, KEY)
    before = flow("project").hold(project(), linked.known, KEY)
    row = linked.world.row("projects", code="1001")
    linked.world.act("rename_project", project="1001", description="Theirs")
    step = next(LENTUNE.plans["project"](held, row["id"], KEY, "1"))
    assert linked.world.client.send(step.request).status == 412
    [(name, *_, there, ours)] = step.on_stale(linked.world.client, before).differing
    assert (name, there, ours) == ("description", "Theirs", "Ours")


def test_what_is_sent_and_what_stands_there_compare_in_one_form():
    linked = Linked()
    known, world = linked.known, linked.world
    known.linked("commitment", f"{PO}:21", linked.done.remote_id)
    objects = [
        ("project", project()), ("cost_type", cost_type()), ("budget_code", code()), ("commitment", order()),
        ("commitment", order(f"{SC}:22", number="SC-1")), ("variation", variation(f"{PO}:21")),
    ]  # fmt: skip
    for kind, obj in objects:
        held = flow(kind).hold(obj, known, KEY)
        remote_id = world.write(held).remote_id
        row = row_of(world.client, held, remote_id)
        assert owned(row, held["as"]) == owned(held, held["as"]), held["as"]
        assert untouched(row, held["as"]), held["as"]


# read back, and looked for again


def test_a_document_is_read_back_with_its_total_and_lines(linked):
    step = linked.step(linked.first)
    requests = len(linked.world.transport.requests)
    seen = step.verify(linked.world.client, linked.done)
    assert (seen.remote_id, str(seen.amount), seen.lines) == (linked.done.remote_id, step.amount, step.lines)
    assert len(linked.world.transport.requests) == requests + 1
    linked.world.act("change_order", number=linked.number, amount="1.00")
    assert str(step.verify(linked.world.client, linked.done).amount) == "1.00"
    linked.world.act("delete_order", number=linked.number)
    assert step.verify(linked.world.client, linked.done) is None


def test_every_live_record_under_an_anchor_is_sighted(linked):
    look, clock = LENTUNE.sightings[linked.form], linked.world.clock
    assert [s.remote_id for s in look(linked.world.client, linked.first, KEY)] == [linked.done.remote_id]
    store = linked.world.core.data
    table = {"purchase_order": "purchase_orders", "subcontract": "subcontracts"}[linked.form]
    twin = {k: v for k, v in linked.row().items() if k not in ("id", "version", "created_at", "updated_at")}
    store.insert(table, clock.now(), twin | {"number": "TWIN"})
    clock.advance(environment().second_look_seconds)
    assert len(look(linked.world.client, linked.first, KEY)) == 2
    store.delete(table, linked.world.row(table, number="TWIN"), clock.now())
    clock.advance(environment().second_look_seconds)
    assert len(look(linked.world.client, linked.first, KEY)) == 1


def test_many_second_looks_read_a_list_once_and_never_one_older_than_the_write():
    linked = Linked("subcontract")
    look, world = LENTUNE.sightings["subcontract"], linked.world
    other = flow("commitment").hold(order(f"{SC}:22", number="SC-2"), linked.known, KEY)
    before = len(world.transport.sent("GET", "/subcontracts"))
    assert len(look(world.client, linked.first, KEY)) == 1 and look(world.client, other, KEY) == []
    assert len(world.transport.sent("GET", "/subcontracts")) == before + 1
    world.write(other)
    world.clock.advance(environment().second_look_seconds)
    assert len(look(world.client, other, KEY)) == 1
