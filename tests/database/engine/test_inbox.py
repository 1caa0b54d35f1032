"""The inbox: a bell may ring twice, late, or make no sense; each event ends somewhere, and many bells are one reading."""

import json

import pytest
from sqlalchemy import text

from connectors.registry import connector
from models import session, unscoped
from sync import inbox
from tests.database.engine.stand import put, record, rows, together
from tests.database.requirements.company import order, project


@pytest.fixture
def world(start):
    return start(commitments=[order()])


def post(world, *bodies, system="procore"):
    """Stored as the endpoint stores them; gives the new rows' ids."""
    link = rows(world, "SELECT id FROM connection WHERE system = :s", s=system)[0].id
    with unscoped() as db:
        return [
            r.id
            for b in bodies
            for r in db.execute(
                text("SELECT id FROM sitebooks_ingest(ARRAY[:p], ARRAY[:c], ARRAY[:s], ARRAY[:e], ARRAY[CAST(:b AS jsonb)])"),
                {"p": world.company, "c": link, "s": system, "e": connector(system).event_id(b), "b": json.dumps(b)},
            )
        ]


@pytest.fixture
def sample(world):
    """An event as the simulator really sends it, to be changed by the tests."""
    world.act("procore", "rename_project", project="1001", name="Once")
    world.settle()
    return rows(world, "SELECT body FROM event WHERE kind = 'project' ORDER BY id DESC LIMIT 1")[0].body


def another(sample, n, **changes):
    """The same event under another id."""
    made = {
        k: (f"{n:08x}" + v[8:] if k in ("id", "ulid") and isinstance(v, str) else n if k == "id" else v)
        for k, v in sample.items()
    }
    return made | changes


def states(world, ids):
    return [r.state for r in rows(world, "SELECT state FROM event WHERE id = ANY(:i) ORDER BY id", i=ids)]


def reads(world):
    return len([r for r in world.transports["procore"].requests if r.method == "GET"])


def test_the_same_event_is_stored_once_however_often_it_is_delivered(world, sample):
    assert post(world, sample, sample, sample) == []
    assert len(rows(world, "SELECT id FROM event WHERE body = CAST(:b AS jsonb)", b=json.dumps(sample))) == 1


def test_ten_events_of_one_object_are_one_reading_and_no_write(world, sample):
    ids = post(world, *[another(sample, n) for n in range(100, 110)])
    assert len(ids) == 10
    before, changes = reads(world), len(world.ledger("lentune"))
    rung, lists = inbox.process(world.company, ids)
    assert {k: len(v) for k, v in rung.items()} == {"project": 1} and not lists
    world.run(rung)
    assert reads(world) - before == 1
    assert len(world.ledger("lentune")) == changes
    assert set(states(world, ids)) == {"done"}


def test_an_event_settled_twice_at_once_is_settled_once(world, sample):
    ids, rung = post(world, another(sample, 200)), []
    together(lambda _: rung.append(inbox.process(world.company, ids)[0]), 4)
    assert sum(len(ids) for each in rung for ids in each.values()) == 1
    assert rows(world, "SELECT tries FROM event WHERE id = :i", i=ids[0])[0].tries == 1
    assert inbox.process(world.company, ids)[0] == {}, "and never again"


def test_what_is_none_of_our_business_is_ignored_with_the_reason(world, sample):
    key = next(k for k in ("resource_type", "resource_name") if k in sample)
    ids = post(world, another(sample, 300, **{key: "Daily Logs / Photos"}))
    assert inbox.process(world.company, ids)[0] == {}
    found = rows(world, "SELECT * FROM event WHERE id = :i", i=ids[0])[0]
    assert found.state == "ignored" and found.note and found.settled_at is not None


@pytest.mark.parametrize("value", [None, {"a": ["list"]}, "", True])
def test_what_cannot_be_understood_is_parked_with_the_reason_and_holds_nothing_up(world, sample, value):
    broken = another(sample, 400, resource_id=value)
    ids = post(world, broken, another(sample, 401))
    rung, _ = inbox.process(world.company, ids)
    parked = rows(world, "SELECT * FROM event WHERE id = :i", i=ids[0])[0]
    assert parked.state == "parked" and "resource_id" in parked.note
    assert states(world, ids)[1] == "done" and len(rung["project"]) == 1


def test_a_bell_for_an_object_that_is_not_ours_costs_a_reading_and_writes_nothing(world, sample):
    """Forged, or of a company whose hook had our address: the body is never believed, only its id is looked up."""
    before = len(world.ledger("lentune")), len(world.ledger("procore"))
    rung, _ = inbox.process(world.company, post(world, another(sample, 500, resource_id=987654)))
    world.run(rung)
    world.settle()
    assert (len(world.ledger("lentune")), len(world.ledger("procore"))) == before
    assert [r for r in world.records("project") if r.state == "synced" and r.source_id == "987654"] == []


def test_a_replayed_event_rings_again_and_changes_nothing(world, sample):
    ids = [r.id for r in rows(world, "SELECT id FROM event ORDER BY id")]
    before = len(world.ledger("lentune")), len(world.ledger("procore"))
    assert sorted(inbox.replay(world.company, ids)) == ids
    rung, _ = inbox.process(world.company, ids)
    assert rung["project"]
    world.run(rung)
    world.settle()
    assert (len(world.ledger("lentune")), len(world.ledger("procore"))) == before
    assert inbox.replay(world.company, [999_999_999]) == []


def test_events_that_were_never_published_are_found_and_marked_rung(world, sample):
    ids = post(world, another(sample, 600))
    assert not [i for p, some in inbox.due(2000, 60) if p == world.company for i in some], "rung when it was stored"
    put(world, "UPDATE event SET rung_at = clock_timestamp() - interval '61 s' WHERE id = :i", i=ids[0])
    assert [i for p, some in inbox.due(2000, 60) if p == world.company for i in some] == ids
    assert not [i for p, some in inbox.due(2000, 60) if p == world.company for i in some], "not again at once"


def test_an_update_that_overtakes_its_create_makes_the_record(start):
    """The first bell that arrives is of a project nobody has heard of; what it is, reading tells."""
    world = start(projects=[])
    world.act("procore", "create_project", number="1009", name="New", stage="Course of Construction", region="Auckland")
    world.act("procore", "rename_project", project="1009", name="Newer")
    for deliveries in (world.procore.tick()[::-1],):
        for delivery in deliveries:
            world._receive("procore", delivery)
            world.procore.delivered(delivery, 202)
    world.settle()
    assert world.one("lentune", "projects")["description"] == "Newer"
    assert len(world.ledger("lentune", kind="project", effect="created")) == 1


def test_an_event_about_what_is_already_gone_says_so_and_deletes_nothing(world):
    one = world.record("commitment", "PO-1").id
    world.act("procore", "edit_commitment", number="PO-1", title="Changed")
    world.act("procore", "delete_commitment", number="PO-1")
    world.settle()
    assert record(world, one).state == "source_deleted"
    assert len(world.state("lentune", "purchase_orders")) == 1


def test_a_bell_whose_object_cannot_be_read_now_is_tried_again_and_then_left_to_the_scans(start):
    world = start(projects=[project()])
    world.fault("procore", on="delivery", action="drop")
    world.act("procore", "add_budget_line", project="1001", code="03-300", type="S", amount="5.00")
    world.procore.faults.clear()
    sent = rows(world, "SELECT body FROM event WHERE kind = 'budget_code' ORDER BY id LIMIT 1")
    if not sent:
        world.act("procore", "change_budget_line", project="1001", code="03-300", type="M", amount="5.00")
        world.settle()
        sent = rows(world, "SELECT body FROM event WHERE kind = 'budget_code' ORDER BY id LIMIT 1")
    ids = post(world, another(sent[0].body, 700))
    world.fault("procore", on="request", action="status", status=500, match={"method": "GET"})
    for tries in range(1, inbox.MOST_TRIES):
        assert inbox.process(world.company, ids)[0] == {}
        found = rows(world, "SELECT * FROM event WHERE id = :i", i=ids[0])[0]
        assert (found.state, found.tries) == ("received", tries)
    inbox.process(world.company, ids)
    parked = rows(world, "SELECT * FROM event WHERE id = :i", i=ids[0])[0]
    assert parked.state == "parked" and "500" in parked.note
    world.procore.faults.clear()
    world.scan("procore")
    world.settle()
    assert "5.00" in {c["budget_amount"] for c in world.state("lentune", "cost_codes")}


def test_our_own_write_comes_back_as_a_bell_and_ends_there(world):
    """What we do there makes events of its own: they cost a reading at most, never another write."""
    before = len(world.ledger("procore")), len(world.ledger("lentune"))
    for _ in range(3):
        world.settle()
        world.scan()
    assert (len(world.ledger("procore")), len(world.ledger("lentune"))) == before


def test_the_last_event_of_a_connection_is_noted(world, sample):
    with session(world.company) as db:
        stamps = {r.system: r.last_event_at for r in db.execute(text("SELECT system, last_event_at FROM connection"))}
    assert stamps["procore"] is not None
