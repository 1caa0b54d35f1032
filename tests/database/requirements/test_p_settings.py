"""The purchase order boxes: a company's own, never both on, mirrored both ways (P-01 to P-06, P-10 to P-12, P-17)."""

import json

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from connectors.lentune.mirror import save_settings
from connectors.registry import connector
from models import session
from models.session import engine
from sync import clients, settings
from sync.company import load
from sync.settings import Refused
from tests.database.requirements.company import PACIFIC, order

PROCORE_ON = {"procore_purchase_order": True, "lentune_purchase_order": False}
LENTUNE_ON = {"procore_purchase_order": False, "lentune_purchase_order": True}
BOTH_OFF = {"procore_purchase_order": False, "lentune_purchase_order": False}
BOTH_ON = {"procore_purchase_order": True, "lentune_purchase_order": True}
CHECK = "ck_connection_one_po_master"


def here(world):
    """The boxes as we hold them."""
    with session(world.company) as db:
        held = db.execute(text("SELECT settings FROM connection WHERE system = 'lentune'")).scalar_one()
    return {name: held[name] for name in BOTH_ON}


def there(world):
    """The boxes as Lentune holds them for this Procore company."""
    held = world.one("lentune", "procore_companies", procore_company_id="4100")["settings"]
    return {name: held[name] for name in BOTH_ON}


@pytest.mark.requirement("P-02")
def test_there_are_two_boxes_with_the_words_of_the_screen():
    labels = connector("lentune").labels
    assert (labels["lentune_purchase_order"], labels["procore_purchase_order"]) == (
        "Lentune purchase order",
        "Procore purchase order",
    )


@pytest.mark.requirement("P-01", "P-02", "P-03", "P-05", "P-10")
@pytest.mark.parametrize(("boxes", "master"), [(LENTUNE_ON, "lentune"), (PROCORE_ON, "procore"), (BOTH_OFF, "neither")])
def test_either_box_or_none_is_saved_here_and_in_lentune(start, boxes, master):
    world = start(projects=[], settings=BOTH_OFF)
    world.save(**boxes)
    assert here(world) == there(world) == boxes
    held = world.one("lentune", "procore_companies", procore_company_id="4100")["settings"]
    assert held["po_master"] == master


@pytest.mark.requirement("P-06", "P-11", "P-17")
@pytest.mark.parametrize(
    ("first", "second"),
    [("lentune_purchase_order", "procore_purchase_order"), ("procore_purchase_order", "lentune_purchase_order")],
)
def test_while_one_box_is_on_the_other_is_refused_by_all_three(start, first, second):
    world = start(projects=[], settings=BOTH_OFF | {first: True})
    before = there(world)
    with pytest.raises(Refused) as refused:
        settings.save(world.company, "lentune", {second: True}, "test")
    assert "only one side can raise purchase orders" in refused.value.reason
    with pytest.raises(IntegrityError, match=CHECK), session(world.company) as db:
        statement = text("UPDATE connection SET settings = settings || CAST(:on AS jsonb) WHERE system = 'lentune'")
        db.execute(statement, {"on": json.dumps({second: True})})
    with session(world.company) as db:
        company = load(db, world.company)
        version = db.execute(text("SELECT mirror_version FROM connection WHERE system = 'lentune'")).scalar_one()
    world.transports["lentune"].check = None  # the contract's document forbids this request, which is the point
    answer = save_settings(
        clients.client(company, "lentune"),
        company.connections["lentune"].settings.mirrored() | BOTH_ON,
        version,
        "settings-both-on",
    )
    assert (answer.status, answer.body["code"]) == (422, "both_po_masters_refused")
    assert here(world) == there(world) == before == BOTH_OFF | {first: True}


@pytest.mark.requirement("P-04")
def test_a_change_has_no_effect_until_it_is_saved(start):
    world = start(settings=BOTH_OFF, commitments=[order()])
    world.fault("lentune", on="request", action="status", status=503, match={"method": "PUT", "path": "/settings$"})
    with pytest.raises(Refused):
        settings.save(world.company, "lentune", PROCORE_ON, "test")
    assert here(world) == there(world) == BOTH_OFF, "not saved there, so not stored here"
    world.sync()
    assert world.state("lentune", "purchase_orders") == []
    world.mend()
    world.save(**PROCORE_ON)
    assert here(world) == there(world) == PROCORE_ON
    assert world.one("lentune", "purchase_orders", number="PO-1")


@pytest.mark.requirement("P-01", "P-04")
def test_a_change_saved_in_lentune_comes_back_by_its_event(start):
    world = start(settings=BOTH_OFF, commitments=[order()])
    assert world.record("commitment", "PO-1").state == "ignored"
    world.act("lentune", "set_settings", settings=PROCORE_ON)
    world.settle()
    assert here(world) == PROCORE_ON
    assert world.one("lentune", "purchase_orders", number="PO-1"), "and what it concerns happens"


@pytest.mark.requirement("P-01", "P-04")
def test_a_change_made_in_lentune_meanwhile_is_not_overwritten(start):
    world = start(projects=[], settings=BOTH_OFF)
    world.act("lentune", "set_settings", settings={"rounding_tolerance": "0.05"})
    with pytest.raises(Refused) as refused:
        settings.save(world.company, "lentune", PROCORE_ON, "test")
    assert refused.value.code == "stale_version"
    assert there(world) == BOTH_OFF
    world.settle()
    world.save(**PROCORE_ON)
    held = world.one("lentune", "procore_companies")["settings"]
    assert (held["procore_purchase_order"], held["rounding_tolerance"]) == (True, "0.05")


@pytest.mark.requirement("P-12")
def test_while_procore_raises_orders_nobody_raises_one_in_lentune(start):
    world = start(settings=BOTH_OFF)
    new = {
        "project": "1001",
        "description": "By accident",
        "supplier": PACIFIC,
        "lines": [{"code": "03-300", "type": "M", "description": "Concrete", "amount": "10.00"}],
    }
    world.save(**PROCORE_ON)
    with pytest.raises(AssertionError, match="Procore purchase order box is on"):
        world.act("lentune", "create_purchase_order", **new)
    assert world.state("lentune", "purchase_orders") == []
    world.save(**BOTH_OFF)
    world.act("lentune", "create_purchase_order", **new)
    assert world.one("lentune", "purchase_orders")["origin"] == "lentune"


@pytest.mark.requirement("P-17")
def test_lentune_answering_with_both_on_changes_nothing_here_and_is_said(start):
    world = start(projects=[], settings=PROCORE_ON)
    world.fault("lentune", on="request", action="mutate", match={"method": "GET", "path": "/settings$"}, change=BOTH_ON)
    with pytest.raises(Refused):
        settings.fetch(world.company, "lentune", "test")
    world.act("lentune", "set_settings", settings={"rounding_tolerance": "0.05"})
    world.settle()
    with session(world.company) as db:
        event = db.execute(text("SELECT state, note FROM event WHERE kind = 'settings'")).one()
    assert event.state == "parked" and "only one side can raise purchase orders" in event.note
    assert here(world) == PROCORE_ON


@pytest.mark.requirement("P-17", "L-17")
def test_a_stored_record_with_both_on_is_a_fault_and_nothing_is_sent(start):
    """The database refuses it; one that got in all the same (a restored backup, say) stops everything of the connection."""
    world = start(settings=PROCORE_ON, commitments=[order()])
    before = len(world.ledger("lentune")), len(world.ledger("procore"))
    with engine().begin() as db:
        db.execute(text(f"ALTER TABLE connection DROP CONSTRAINT {CHECK}"))
    try:
        _store(world, BOTH_ON)
        world.act(
            "procore",
            "create_commitment",
            project="1001",
            type="po",
            number="PO-2",
            title="More",
            vendor=PACIFIC,
            lines=order()["lines"],
        )
        world.act("procore", "rename_project", project="1001", name="Renamed")
        world.settle()
        assert (len(world.ledger("lentune")), len(world.ledger("procore"))) == before
        stopped = [r for r in world.records("commitment") if r.state == "held"]
        assert [p["code"] for r in stopped for p in r.problems] == ["settings_refused"]
        shown = world.shown("project", "1001").problems[0]
        assert "only one side can raise purchase orders" in shown.cause and shown.fix
    finally:
        _store(world, PROCORE_ON)
        with engine().begin() as db:
            db.execute(
                text(f"""
                ALTER TABLE connection ADD CONSTRAINT {CHECK} CHECK (NOT (
                    coalesce((settings->>'lentune_purchase_order')::boolean, false)
                    AND coalesce((settings->>'procore_purchase_order')::boolean, false)))
            """)
            )
    world.due_now()
    assert world.one("lentune", "purchase_orders", number="PO-2")


def _store(world, boxes):
    with session(world.company) as db:
        db.execute(
            text("""
            UPDATE connection SET settings = settings || CAST(:b AS jsonb), settings_version = settings_version + 1
            WHERE system = 'lentune'
        """),
            {"b": json.dumps(boxes)},
        )
