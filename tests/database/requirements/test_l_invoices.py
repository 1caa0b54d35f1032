"""Invoices on their way to Procore: targets, prerequisites, the push, exactly once (L-06 to L-10, L-13, L-18, L-19)."""

import threading
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text

from models import session
from settings.schedule import ENTRIES
from sync import engine, inbox, records
from sync.connections import Scheduled
from tasks import slots
from tests.database.requirements.company import PACIFIC, SOUTHERN, invoice, line, order, project
from tests.world import DOUBTS_OVER

SC = order("SC-1", line("180000.00", "05-100", "S", "Steel frame"), form="sc", vendor=SOUTHERN)


@pytest.mark.requirement("L-18")
def test_an_invoice_with_an_order_becomes_a_commitment_invoice(start):
    two = order("PO-1", line("60000.00"), line("24000.00", "05-100", "S", "Pump"))
    world = start(
        commitments=[two, SC],
        invoices=[
            invoice(
                order="PO-1",
                lines=[{"order_line": 1, "net": "300.00"}, {"order_line": 2, "net": "12.05"}, {"order_line": 1, "net": "0.45"}],
            ),
            invoice("INV-2", "5000.00", order="SC-1", supplier=SOUTHERN),
        ],
    )
    billed = world.one("procore", "requisitions", commitment="PO-1")
    contract = world.one("procore", "purchase_order_contracts", number="PO-1")
    assert (billed["invoice_number"], billed["total_claimed_amount"], billed["status"]) == ("INV-1", "312.50", "approved")
    by_line = {item["line_item_id"]: item["work_completed_this_period"] for item in billed["items"]}
    assert [by_line[ln["id"]] for ln in contract["lines"]] == ["300.45", "12.05"]
    assert world.one("procore", "requisitions", commitment="SC-1")["total_claimed_amount"] == "5000.00"
    assert world.state("procore", "direct_costs") == []
    posted = world.one("lentune", "invoices", number="INV-1")["posting"]
    assert (posted["state"], posted["target"], posted["procore_id"]) == ("posted", "commitment_invoice", str(billed["id"]))


@pytest.mark.requirement("L-07", "L-19")
def test_an_invoice_without_an_order_becomes_a_direct_cost(start):
    world = start(commitments=[order()], invoices=[invoice(net="1234.56")])
    cost = world.one("procore", "direct_costs")
    assert (cost["invoice_number"], cost["grand_total"], cost["status"], cost["direct_cost_type"], cost["vendor"]) == (
        "INV-1",
        "1234.56",
        "approved",
        "invoice",
        PACIFIC,
    )
    assert [(ln["code"], ln["amount"]) for ln in cost["lines"]] == [("03-300.M", "1234.56")]
    assert world.state("procore", "requisitions") == []
    posted = world.one("lentune", "invoices")["posting"]
    assert (posted["state"], posted["target"], posted["procore_id"]) == ("posted", "direct_cost", str(cost["id"]))
    assert world.record("invoice", "INV-1").held["step"] == 5, "the step of the routing rules that decided is kept"


@pytest.mark.requirement("L-06")
def test_without_the_scheduled_push_an_invoice_goes_only_when_asked(start):
    world = start(settings={"auto_push_invoices": False}, invoices=[invoice(), invoice("INV-2", "7.00")])
    waiting = world.record("invoice", "INV-1")
    assert (waiting.state, waiting.problems[0]["code"]) == ("ignored", "waiting_for_push")
    assert world.state("procore", "direct_costs") == []
    world.run(records.retry(world.company, [waiting.id], "test"))
    world.settle()
    assert [c["invoice_number"] for c in world.state("procore", "direct_costs")] == ["INV-1"]
    world.save(auto_push_invoices=True)
    assert sorted(c["invoice_number"] for c in world.state("procore", "direct_costs")) == ["INV-1", "INV-2"]


@pytest.mark.requirement("L-06", "L-07")
def test_the_scheduled_push_needs_neither_a_person_nor_a_webhook(start):
    world = start()
    world.fault("lentune", on="delivery", action="drop")
    world.act("lentune", "create_invoice", **invoice())
    world.settle()
    assert world.state("procore", "direct_costs") == []
    minute = datetime(2026, 11, 20, 1, 5, tzinfo=UTC)
    mine = [c for c in slots.claimed("lentune_invoice_push", minute) if c.company_id == world.company]
    assert [c.system for c in mine] == ["lentune"]
    assert [
        c for c in slots.claimed("lentune_invoice_push", minute + timedelta(seconds=59)) if c.company_id == world.company
    ] == [], "a slot is claimed once"
    from sync import scan

    for kind in ENTRIES["lentune_invoice_push"].kinds:
        world.run(scan.scan(world.company, "lentune", kind).rung)
    assert world.one("procore", "direct_costs")["invoice_number"] == "INV-1"


@pytest.mark.requirement("L-06")
@pytest.mark.parametrize(
    ("on", "cron", "now", "slot"),
    [
        (True, "0 6 * * *", datetime(2026, 11, 20, 17, 30, tzinfo=UTC), datetime(2026, 11, 20, 17, 0, tzinfo=UTC)),  # 06:00 NZDT
        (True, "0 6 * * *", datetime(2026, 7, 20, 18, 30, tzinfo=UTC), datetime(2026, 7, 20, 18, 0, tzinfo=UTC)),  # 06:00 NZST
        (True, "0 6 * * *", datetime(2026, 11, 20, 6, 30, tzinfo=UTC), None),  # 06:00 UTC is not the company's morning
        (True, "*/5 * * * *", datetime(2026, 11, 20, 1, 7, tzinfo=UTC), datetime(2026, 11, 20, 1, 5, tzinfo=UTC)),
        (
            True,
            "0 6 * * 6",
            datetime(2026, 11, 20, 17, 30, tzinfo=UTC),
            datetime(2026, 11, 20, 17, 0, tzinfo=UTC),
        ),  # Saturday there
        (False, "*/5 * * * *", datetime(2026, 11, 20, 1, 7, tzinfo=UTC), None),
        (True, None, datetime(2026, 11, 20, 1, 7, tzinfo=UTC), None),
    ],
)
def test_the_push_follows_the_schedule_in_the_companys_own_time(on, cron, now, slot):
    connection = Scheduled(1, 1, "lentune", "Pacific/Auckland", {"auto_push_invoices": on, "auto_push_cron": cron})
    assert slots.slot_of(ENTRIES["lentune_invoice_push"], connection, now) == slot


YARD = [{"code": "YARD", "description": "Yard works", "cost_codes": [{"code": "99-100", "type": "M", "description": "Sundry"}]}]
#: Number -> the invoice and the problem that holds it.
MISSING = {
    "NO-PROJECT": (
        invoice("NO-PROJECT", lines=[{"net": "60.00", "description": "Screws"}], project=None),
        "invoice_project_missing",
    ),
    "NOT-IN-PROCORE": (
        invoice("NOT-IN-PROCORE", project="YARD", lines=[{"code": "99-100", "type": "M", "net": "310.00"}]),
        "no_procore_company_or_project",
    ),
    "NO-CODE": (invoice("NO-CODE", lines=[{"net": "99.00", "description": "Nails"}]), "invoice_cost_code_missing"),
    "NO-TYPE": (
        invoice("NO-TYPE", lines=[{"code": "98-000", "type": None, "net": "45.00", "description": "Sundry"}]),
        "cost_code_without_cost_type",
    ),
}


@pytest.mark.requirement("L-08", "L-09", "L-10")
def test_an_invoice_posts_only_with_a_procore_project_a_code_and_a_cost_type(start):
    world = start(own_projects=YARD, invoices=[invoice("GOOD"), *(spec for spec, _ in MISSING.values())])
    assert {n: world.problems("invoice", n) for n in MISSING} == {n: [code] for n, (_, code) in MISSING.items()}
    assert [c["invoice_number"] for c in world.state("procore", "direct_costs")] == ["GOOD"], "and nothing else is held up"
    assert len(world.transports["lentune"].sent("POST", "/posting-claims")) == 1, "what cannot be posted is not even taken"
    shown = world.shown("invoice", "NO-CODE").problems[0]
    assert shown.owner == "accountant" and shown.fix == ("Choose a cost code on every line.",)
    assert world.one("lentune", "invoices", number="NO-CODE")["posting"]["error"]["code"] == "invoice_cost_code_missing"
    world.act("lentune", "code_invoice_line", number="NO-PROJECT", line=1, project="1001", code="03-300", type="M")
    world.act("lentune", "set_invoice_project", number="NOT-IN-PROCORE", project="1001")
    world.act("lentune", "code_invoice_line", number="NOT-IN-PROCORE", line=1, code="03-300", type="M")
    world.act("lentune", "code_invoice_line", number="NO-CODE", line=1, project="1001", code="03-300", type="M")
    world.act("lentune", "code_invoice_line", number="NO-TYPE", line=1, code="05-100", type="S")
    world.settle()
    assert {c["invoice_number"]: c["grand_total"] for c in world.state("procore", "direct_costs")} == {
        "GOOD": "1000.00",
        "NO-PROJECT": "60.00",
        "NOT-IN-PROCORE": "310.00",
        "NO-CODE": "99.00",
        "NO-TYPE": "45.00",
    }


@pytest.mark.requirement("L-08")
def test_only_approved_invoices_are_posted(start):
    world = start(invoices=[invoice(status="received")])
    assert world.record("invoice", "INV-1").problems[0]["code"] == "invoice_not_approved"
    assert world.state("procore", "direct_costs") == []
    world.act("lentune", "approve_invoice", number="INV-1")
    world.settle()
    assert world.one("procore", "direct_costs")["grand_total"] == "1000.00"


def posted(world):
    """Every invoice that we made in Procore, with its number."""
    return sorted(
        [c["invoice_number"] for c in (*world.state("procore", "direct_costs"), *world.state("procore", "requisitions"))]
    )


@pytest.mark.requirement("L-13")
def test_run_again_scanned_again_and_told_again_it_is_posted_once(start):
    world = start(commitments=[order()], invoices=[invoice(), invoice("INV-2", "500.00", order="PO-1")])
    assert posted(world) == ["INV-1", "INV-2"]
    changes = len(world.ledger("procore"))
    engine.run(world.company, [r.id for r in world.records("invoice")])
    world.scan("lentune", full=True)
    world.scan("procore", full=True)
    with session(world.company) as db:
        events = list(db.scalars(text("SELECT id FROM event ORDER BY id")))
    assert len(events) >= 2
    rung, _ = inbox.process(world.company, inbox.replay(world.company, events))
    world.run(rung)
    world.run(records.retry(world.company, [r.id for r in world.records("invoice")], "test"))
    world.settle()
    assert posted(world) == ["INV-1", "INV-2"]
    assert [e["kind"] for e in world.ledger("procore")[changes:]] == [], "not even changed"


@pytest.mark.requirement("L-13")
def test_two_workers_at_once_post_it_once(start):
    world = start(sync=False, invoices=[invoice(), invoice("INV-2")])
    world.scan("procore")
    world.deliver()
    for kind in ("vendor", "project", "budget_code"):
        from sync import scan

        for where in scan.projects(world.company, "lentune") if kind == "budget_code" else [None]:
            world.run(scan.scan(world.company, "lentune", kind, where).rung)
    rung = scan.scan(world.company, "lentune", "invoice").rung
    ids, failures = rung["invoice"], []

    def work():
        try:
            engine.run(world.company, ids)
        except Exception as error:
            failures.append(error)

    threads = [threading.Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert failures == []
    world.settle()
    assert posted(world) == ["INV-1", "INV-2"]
    assert set(world.states("invoice").values()) == {"synced"}


@pytest.mark.requirement("L-13")
@pytest.mark.parametrize("with_order", [False, True])
def test_an_answer_that_was_lost_is_looked_up_and_not_sent_again(start, with_order):
    """Applied in Procore, and the answer never came: it must not become two."""
    world = start(commitments=[order()])
    path = "/rest/v1.1/requisitions" if with_order else "direct_costs/sync"
    world.fault(
        "procore", on="request", action="drop_after", times=1, match={"path": path, "method": "POST" if with_order else "PATCH"}
    )
    world.act("lentune", "create_invoice", **invoice(**({"order": "PO-1"} if with_order else {})))
    world.settle()
    assert world.record("invoice", "INV-1").state == "checking"
    with session(world.company) as db:
        db.execute(DOUBTS_OVER)
    world.due_now()
    assert posted(world) == ["INV-1"]
    world.clock.advance(301)  # Lentune lends an invoice for 300 s, to our own earlier try as well
    for _ in range(3):
        world.due_now()
    assert world.record("invoice", "INV-1").state == "synced"
    assert posted(world) == ["INV-1"]
    assert world.one("lentune", "invoices")["posting"]["state"] == "posted"


@pytest.mark.requirement("L-13")
def test_a_posted_invoice_that_changes_changes_the_same_one(start):
    world = start(invoices=[invoice()])
    before = world.one("procore", "direct_costs")
    world.act("lentune", "change_invoice", number="INV-1", net="1100.10")
    world.settle()
    after = world.one("procore", "direct_costs")
    assert (after["id"], after["grand_total"]) == (before["id"], "1100.10")


@pytest.mark.requirement("L-13")
def test_an_invoice_entered_twice_is_not_booked_twice(start):
    world = start(invoices=[invoice(), invoice()])
    assert posted(world) == ["INV-1"]
    assert [p["code"] for r in world.records("invoice") for p in r.problems] == ["invoice_entered_twice"]


@pytest.mark.requirement("L-18")
def test_an_invoice_not_wholly_on_its_order_waits(start):
    split = invoice(
        order="PO-1",
        project="1001",
        lines=[{"order_line": 1, "net": "9000.00"}, {"net": "500.00", "description": "Travel", "code": "03-300", "type": "M"}],
    )
    world = start(projects=[project()], commitments=[order()], invoices=[split])
    assert world.problems("invoice", "INV-1") == ["allocation_not_complete"]
    assert "500.00" in world.shown("invoice", "INV-1").problems[0].cause
    assert posted(world) == []
    world.act("lentune", "code_invoice_line", number="INV-1", line=2, order_line=1)
    world.settle()
    assert world.one("procore", "requisitions")["total_claimed_amount"] == "9500.00"
