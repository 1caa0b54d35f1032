"""Links rebuilt from what the outside systems hold, and a database that was put back or copied."""

import pytest

from settings.environment import environment
from sync import rebuild, restored, stops
from tests.database.engine.stand import put, rows, together
from tests.database.requirements.company import invoice, order

LINKS = "SELECT id, kind, remote_id FROM sync_record WHERE state = 'synced' AND kind <> 'vendor' ORDER BY id"


@pytest.fixture
def linked(start):
    """A company with something of every kind in both systems, both ways."""
    world = start(commitments=[order(), order("PO-2")])
    world.act("lentune", "create_invoice", **invoice("INV-1", "1000.00", order="PO-1"))
    world.act("lentune", "create_invoice", **invoice("INV-2", "12.34"))
    world.scan("lentune")
    world.settle()
    return world, {r.id: (r.kind, r.remote_id) for r in rows(world, LINKS)}


def forget(world):
    put(world, "UPDATE sync_record SET remote_id = NULL, remote_number = NULL, remote_version = NULL, sent_hash = NULL,"
               " state = 'pending' WHERE kind <> 'vendor' AND state = 'synced'")  # fmt: skip


def test_every_link_comes_back_from_the_keys_alone_shown_first_then_written(linked):
    world, links = linked
    assert {kind for kind, _ in links.values()} >= {"project", "cost_type", "budget_code", "commitment", "invoice"}
    assert rebuild.run(world.company).differences == []
    forget(world)
    shown = rebuild.run(world.company)
    assert all(not r.remote_id for r in rows(world, "SELECT remote_id FROM sync_record WHERE kind <> 'vendor'")), "only shown"
    assert {d.record_id: d.there for d in shown.differences} == {i: remote for i, (_, remote) in links.items()}
    written = rebuild.run(world.company, apply=True, actor="somebody")
    assert written.applied == len(links)
    assert rebuild.run(world.company).differences == []
    created = [e for e in world.ledger("lentune") + world.ledger("procore") if e["effect"] == "created"]
    world.due_now()
    again = [e for e in world.ledger("lentune") + world.ledger("procore") if e["effect"] == "created"]
    assert again == created, "nothing is made a second time"
    assert {r.id: (r.kind, r.remote_id) for r in rows(world, LINKS)} == links


@pytest.fixture
def witness(tmp_path, monkeypatch):
    monkeypatch.setenv("DATA_DIR", str(tmp_path))
    environment.cache_clear()
    yield tmp_path / "witness"
    monkeypatch.undo()
    environment.cache_clear()


def stopped(world):
    return {r.system: r.blocked_code for r in rows(world, "SELECT system, blocked_code FROM connection")}


@pytest.mark.parametrize("how", ["a copy has other ids", "a folder that was put back has a shorter log"])
def test_nothing_is_written_from_a_restored_database_until_the_links_are_rebuilt(linked, witness, how):
    from models import text, unscoped

    world, _ = linked
    assert restored.check() == ""
    if how.startswith("a copy"):
        with unscoped() as db:
            db.execute(text("UPDATE mark SET place = 'another'"))
    else:
        place, _, position = witness.read_text().strip().rpartition(" ")
        witness.write_text(f"{place} {int(position) + 10_000_000_000}\n")
    assert restored.check()
    assert set(stopped(world).values()) == {"restored"}
    before = len(world.ledger("lentune"))
    world.act("procore", "create_project", number="1009", name="Wharf", stage="Course of Construction", region="Auckland")
    world.settle()
    assert len(world.ledger("lentune")) == before
    assert world.problems("project", "1009") == ["writing_stopped"]
    with pytest.raises(stops.NotStopped):
        stops.go_on(world.company, "lentune", "somebody")
    rebuild.run(world.company, apply=True, actor="somebody")
    assert set(stopped(world).values()) == {None}
    assert restored.check() == ""
    world.due_now()
    assert world.record("project", "1009").state == "synced"


def test_many_who_look_at_once_neither_fail_nor_take_each_other_for_the_past(linked, witness):
    """Every worker looks when it starts, and with every sweep, while the others write."""
    world, _ = linked

    def looks(number):
        for turn in range(15):
            put(world, "UPDATE company SET name = :n", n=f"Turn {number}.{turn}")
            assert restored.check() == ""

    together(looks, 6)
    assert set(stopped(world).values()) == {None}
    assert [path.name for path in witness.parent.iterdir() if path.name.startswith("witness")] == ["witness"]


def copied(world):
    """The database is a copy, and that was noticed."""
    from models import text, unscoped

    assert restored.check() == ""
    with unscoped() as db:
        db.execute(text("UPDATE mark SET place = 'another'"))
    assert restored.check()


def test_a_connection_without_links_of_its_own_lets_no_other_go_on(linked, witness):
    world, _ = linked
    copied(world)
    forget(world)
    found = rebuild.run(world.company, "procore", apply=True, actor="somebody")
    assert (found.compared, found.stopped) == (0, ["procore", "lentune"])
    assert restored.check(), "it is still another database"
    assert stopped(world) == {"procore": "restored", "lentune": "restored"}
    world.due_now()
    assert world.record("invoice", "INV-1").remote_id is None, "nothing is written"
    assert rebuild.run(world.company, "lentune", apply=True, actor="somebody").stopped == []
    assert stopped(world) == {"procore": None, "lentune": None}, "Procore goes on with the last of the others"
    assert restored.check() == ""


@pytest.mark.parametrize("code", [None, "reconnect_needed", "duplicate_found"])
def test_what_was_not_compared_stays_stopped_whatever_stopped_it_before(linked, witness, code):
    """A second accounting connection, which is not looked at; a later look undoes neither."""
    world, _ = linked
    put(
        world,
        "INSERT INTO connection (company_id, system, settings, hook_address, hook_secrets, blocked_code)"
        " SELECT company_id, 'sage_paperless', settings, gen_random_uuid(), hook_secrets, :code FROM connection"
        " WHERE system = 'lentune'",
        code=code,
    )
    copied(world)
    assert rebuild.run(world.company, "lentune", apply=True, actor="somebody").stopped == ["procore", "sage_paperless"]
    for _ in range(2):
        assert stopped(world) == {"procore": "restored", "lentune": None, "sage_paperless": "restored"}
        assert restored.check() == ""


def test_links_rebuilt_in_a_database_that_is_the_same_stop_nothing(linked, witness):
    world, _ = linked
    assert restored.check() == ""
    forget(world)
    assert rebuild.run(world.company, "procore", apply=True, actor="somebody").stopped == []
    assert set(stopped(world).values()) == {None}
