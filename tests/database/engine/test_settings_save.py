"""Settings: taken as a whole or refused as a whole, sent to where they are held first, and followed when changed there."""

import pytest

from models import session
from sync import settings
from tests.database.engine.stand import rows
from tests.database.requirements.company import order


@pytest.fixture
def world(start):
    return start(commitments=[order()])


def stored(world, system="lentune"):
    return rows(world, "SELECT * FROM connection WHERE system = :s", s=system)[0]


def there(world):
    return world.one("lentune", "procore_companies")["settings"]


@pytest.mark.requirement("P-17")
@pytest.mark.parametrize(
    ("values", "says"),
    [
        ({"lentune_purchase_order": True, "procore_purchase_order": True, "pull_variations": False}, "only one side"),
        ({"auto_push_cron": "whenever", "pull_variations": False}, "five parts"),
        ({"rounding_tolerance": "-1.00", "pull_variations": False}, ""),
        ({"no_such_setting": 1, "pull_variations": False}, ""),
        ({"base_url": "http://169.254.169.254", "pull_variations": False}, "https"),
        ({"approval": {"invoice": "whatever"}, "pull_variations": False}, ""),
    ],
)
def test_what_cannot_stand_is_refused_as_a_whole_and_nobody_is_asked(world, values, says):
    before, held, asked = stored(world), there(world), len(world.transports["lentune"].requests)
    with pytest.raises(settings.Refused) as told:
        settings.save(world.company, "lentune", values, "Ana")
    assert says in told.value.reason and told.value.code
    assert stored(world) == before and there(world) == held
    assert len(world.transports["lentune"].requests) == asked


def test_an_edit_is_sent_there_first_and_stored_as_answered(world):
    before = stored(world)
    world.save(rounding_tolerance="0.05", pull_variations=False)
    assert (there(world)["rounding_tolerance"], there(world)["pull_variations"]) == ("0.05", False)
    after = stored(world)
    assert (after.settings["rounding_tolerance"], after.settings["pull_variations"]) == ("0.05", False)
    assert after.settings_version > before.settings_version and after.mirror_version != before.mirror_version
    told = rows(world, "SELECT * FROM history WHERE what = 'settings.lentune' ORDER BY id DESC LIMIT 1")[0]
    assert (told.actor, told.before["pull_variations"], told.after["pull_variations"]) == ("test", True, False)
    assert "base_url" not in told.after, "what did not change is not told"


def test_an_edit_over_somebody_elses_is_refused_and_nothing_is_stored(world):
    """If-Match: it was changed there after we last read it."""
    world.fault("lentune", on="delivery", action="drop")
    world.act("lentune", "set_settings", settings={"pull_subcontracts": False})
    before = stored(world)
    with pytest.raises(settings.Refused):
        settings.save(world.company, "lentune", {"pull_variations": False}, "Ana")
    assert stored(world).settings == before.settings
    assert there(world)["pull_variations"] is True and there(world)["pull_subcontracts"] is False
    settings.fetch(world.company, "lentune", "test")
    settings.save(world.company, "lentune", {"pull_variations": False}, "Ana")
    assert (there(world)["pull_variations"], there(world)["pull_subcontracts"]) == (False, False)


@pytest.mark.parametrize(
    "fault", [{"action": "drop_before"}, {"action": "reset_connection"}, {"action": "status", "status": 500}]
)
def test_an_edit_that_never_arrived_is_not_stored_and_can_be_made_again(world, fault):
    before = stored(world)
    world.fault("lentune", on="request", times=1, match={"method": "PUT", "path": "settings"}, **fault)
    with pytest.raises(settings.Refused):
        settings.save(world.company, "lentune", {"pull_variations": False}, "Ana")
    assert stored(world) == before
    settings.fetch(world.company, "lentune", "test")
    settings.save(world.company, "lentune", {"pull_variations": False}, "Ana")
    assert there(world)["pull_variations"] is False and stored(world).settings["pull_variations"] is False


@pytest.mark.parametrize("fault", [{"action": "drop_after"}, {"action": "truncate"}, {"action": "delay", "seconds": 60}])
def test_an_edit_whose_answer_was_lost_is_settled_by_looking(world, fault):
    world.fault("lentune", on="request", times=1, match={"method": "PUT", "path": "settings"}, **fault)
    settings.save(world.company, "lentune", {"pull_variations": False}, "Ana")
    assert there(world)["pull_variations"] is False and stored(world).settings["pull_variations"] is False


def test_a_change_made_there_comes_by_its_event_and_what_it_concerns_is_judged_anew(start):
    world = start(settings={"procore_purchase_order": False}, commitments=[order()])
    assert world.record("commitment", "PO-1").problems[0]["code"] == "po_sync_disabled"
    world.act("lentune", "set_settings", settings={"procore_purchase_order": True})
    world.settle()
    assert stored(world).settings["procore_purchase_order"] is True
    assert world.record("commitment", "PO-1").state == "synced"
    told = rows(world, "SELECT actor FROM history WHERE what = 'settings.lentune' ORDER BY id DESC LIMIT 1")[0]
    assert "lentune" in told.actor, "who changed it: not one of us"


def test_settings_that_are_read_and_do_not_differ_change_nothing(world):
    before = stored(world)
    assert settings.fetch(world.company, "lentune", "test") == {}
    assert stored(world) == before


def test_running_workers_see_a_change_at_their_next_record(world):
    """The settings version is part of what a client is kept under; nothing has to be restarted."""
    from sync import clients
    from sync.company import load

    with session(world.company) as db:
        company = load(db, world.company)
    old = clients.client(company, "lentune")
    world.save(pull_variations=False)
    with session(world.company) as db:
        company = load(db, world.company)
    assert clients.client(company, "lentune") is not old


def test_stored_settings_that_an_older_release_wrote_hold_everything_with_the_reason(world):
    with session(world.company) as db:
        from sqlalchemy import text

        db.execute(text("UPDATE connection SET settings = settings || '{\"gone_setting\": 1}' WHERE system = 'lentune'"))
        db.execute(text("UPDATE sync_record SET due_at = clock_timestamp() WHERE kind = 'project'"))
    world.settle()
    held = world.record("project", "1001")
    assert (held.state, held.problems[0]["code"]) == ("held", "settings_refused") or held.problems[0][
        "code"
    ] == "settings_refused"


def test_two_edits_at_once_of_what_nobody_else_holds_both_count(world):
    """Ours alone, so no If-Match stands between them: neither may be lost."""
    from tests.database.engine.stand import together

    edits = [{"approval": {"invoice": "manual"}}, {"unknown_vendor_on_invoice": "hold"}]
    refused = []

    def save(n):
        try:
            settings.save(world.company, "lentune", edits[n], "Ana")
        except settings.Refused:
            refused.append(n)

    together(save, 2)
    for n in refused:
        settings.fetch(world.company, "lentune", "test")
        settings.save(world.company, "lentune", edits[n], "Ana")
    held = stored(world).settings
    assert (held["approval"], held["unknown_vendor_on_invoice"]) == ({"invoice": "manual"}, "hold")
