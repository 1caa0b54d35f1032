"""Bad input: each a clear problem with code, sentence and fix; nothing half stored, nothing lost, nothing else held up."""

import json
import unicodedata

import pytest
from sqlalchemy import text

from models import session
from tests.database.requirements.company import PACIFIC, invoice, line, order, project

GOOD = order("PO-GOOD")


def told(world, kind, number, code):
    """The one problem of a record, as people are shown it: every sentence filled in, and a fix."""
    assert world.problems(kind, number) == [code]
    shown = world.shown(kind, number).problems[0]
    sentences = (shown.title, shown.cause, *shown.fix, shown.next)
    assert all(sentences) and shown.fix and not any("…" in s or "{" in s for s in sentences), sentences
    return shown


def spoilt(world, number="PO-BAD", **fields):
    """The commitment in Procore with fields as no screen would leave them."""
    row = next(r for r in world.procore.data.companies[4100].tables["contracts"].values() if r["number"] == number)
    row.update(fields)
    return row


def others_went(world):
    assert world.one("lentune", "purchase_orders", number="PO-GOOD")
    assert "PO-BAD" not in [o["number"] for o in world.state("lentune", "purchase_orders")]


def events(world):
    with session(world.company) as db:
        return list(db.execute(text("SELECT * FROM event ORDER BY id")))


# doorbells


@pytest.mark.parametrize(
    ("change", "state", "note"),
    [
        ({"resource_name": "Flux Capacitors"}, "ignored", "flux capacitors"),
        ({"event_type": "transmogrify"}, "parked", "transmogrify"),
        ({"resource_id": None}, "parked", "resource_id"),
    ],
)
def test_a_webhook_we_do_not_know_is_kept_with_its_reason_and_holds_nothing_up(start, change, state, note):
    world = start(projects=[project(), project("1002")])
    world.fault("procore", on="delivery", action="mutate", times=1, change=change)
    world.act("procore", "rename_project", project="1001", name="First")
    world.act("procore", "rename_project", project="1002", name="Second")
    world.settle()
    odd = [e for e in events(world) if e.state not in ("done",) and note in (e.note or "").lower()]
    assert [e.state for e in odd] == [state]
    assert world.one("lentune", "projects", code="1002")["description"] == "Second"
    world.scan("procore")  # a doorbell that could not be read is made good by the next scan
    world.settle()
    assert world.one("lentune", "projects", code="1001")["description"] == "First"


# words and numbers nobody announced


def test_a_status_we_do_not_know_is_never_guessed(start):
    world = start(sync=False, commitments=[GOOD, order("PO-BAD")])
    row = spoilt(world, status="Half Approved")
    world.sync()
    others_went(world)
    [bad] = [r for r in world.records("commitment") if r.state != "synced"]
    assert (bad.state, [p["code"] for p in bad.problems]) == ("needs_attention", ["not_understood"])
    assert "Half Approved" in bad.problems[0]["values"]["reason"] and "status" in bad.problems[0]["values"]["path"]
    row["status"] = "Approved"
    world.act("procore", "edit_commitment", number="PO-BAD", title="Readable again")
    world.settle()
    assert world.one("lentune", "purchase_orders", number="PO-BAD")


def test_a_fraction_of_a_cent_is_never_rounded_silently(start):
    world = start(sync=False, commitments=[GOOD, order("PO-BAD")])
    lines = world.procore.data.companies[4100].tables["line_items"]
    lines[spoilt(world)["_lines"][0]]["amount"] = "10.005"
    world.sync()
    others_went(world)
    [bad] = [r for r in world.records("commitment") if r.state != "synced"]
    assert [p["code"] for p in bad.problems] == ["not_understood"]
    assert "fraction of a cent" in bad.problems[0]["values"]["reason"]
    lines[spoilt(world)["_lines"][0]]["amount"] = "10.01"
    world.act("procore", "edit_commitment", number="PO-BAD", title="Whole cents")
    world.settle()
    assert world.one("lentune", "purchase_orders", number="PO-BAD")["total"] == "10.01"


#: Field of an invoice -> what no contract allows there.
UNSAFE = {"gross": None, "net": "10.005", "supplier_id": None, "status": "blessed"}


def test_an_invoice_that_cannot_be_read_safely_is_not_posted(start):
    world = start()
    for n, (field, value) in enumerate(UNSAFE.items(), 1):
        path = f"/invoices/inv-00000{n}$"
        world.fault("lentune", on="request", action="mutate", match={"method": "GET", "path": path}, change={field: value})
        world.act("lentune", "create_invoice", **invoice(f"INV-{field}"))
    world.act("lentune", "create_invoice", **invoice("INV-GOOD"))
    world.settle()
    assert [c["invoice_number"] for c in world.state("procore", "direct_costs")] == ["INV-GOOD"]
    bad = [r for r in world.records("invoice") if r.state != "synced"]
    assert [(r.state, [p["code"] for p in r.problems]) for r in bad] == [("needs_attention", ["not_understood"])] * len(UNSAFE)
    assert sorted(r.problems[0]["values"]["path"] for r in bad) == sorted(f"invoice.{field}" for field in UNSAFE)
    world.simulators["lentune"].faults.clear()
    for field in UNSAFE:
        world.act("lentune", "change_invoice", number=f"INV-{field}", description="Readable again")
    world.scan("lentune")
    world.settle()
    assert len(world.state("procore", "direct_costs")) == len(UNSAFE) + 1


@pytest.mark.requirement("L-13")
def test_an_invoice_that_does_not_add_up_is_held_and_a_rounding_difference_is_not(start):
    world = start(
        invoices=[
            invoice("INV-BAD", "1990.00", gross="2300.00"),
            invoice("INV-CENT", "100.00", gross="100.02"),
            invoice("INV-OVER", "100.00", gross="100.03"),
        ]
    )
    shown = told(world, "invoice", "INV-BAD", "amount_mismatch")
    assert "2300.00" in shown.cause and "1990.00" in shown.cause
    told(world, "invoice", "INV-OVER", "amount_mismatch")
    cost = world.one("procore", "direct_costs")
    assert (cost["invoice_number"], cost["grand_total"]) == ("INV-CENT", "100.02")
    assert [w.code for w in world.shown("invoice", "INV-CENT").warnings] == ["rounding_applied"]
    world.act("lentune", "change_invoice", number="INV-BAD", gross="1990.00")
    world.settle()
    assert {c["invoice_number"]: c["grand_total"] for c in world.state("procore", "direct_costs")}["INV-BAD"] == "1990.00"


# another company's data


def test_an_order_of_another_company_in_an_answer_is_not_used(start):
    world = start(commitments=[GOOD])
    world.act(
        "procore",
        "create_commitment",
        project="1001",
        type="po",
        number="PO-BAD",
        title="Mine",
        vendor=PACIFIC,
        lines=[line("5.00")],
    )
    world.fault(
        "lentune",
        on="request",
        action="mutate",
        match={"method": "PUT", "path": "/purchase-orders/"},
        change={"external.procore_company_id": "9999"},
    )
    world.settle()
    bad = world.record("commitment", "PO-BAD")
    assert bad.state == "checking", "it may have arrived: doubt, not success"
    assert "9999" in told(world, "commitment", "PO-BAD", "outcome_uncertain").cause
    assert bad.remote_id is None
    world.mend()
    assert world.record("commitment", "PO-BAD").state == "synced"
    assert len(world.state("lentune", "purchase_orders", number="PO-BAD")) == 1


def test_an_invoice_of_another_company_in_an_answer_is_not_used(start):
    world = start()
    world.fault(
        "lentune",
        on="request",
        action="mutate",
        match={"method": "GET", "path": "/invoices/inv-"},
        change={"external.procore_company_id": "9999"},
    )
    world.act("lentune", "create_invoice", **invoice())
    world.settle()
    assert world.state("procore", "direct_costs") == []
    [bad] = world.records("invoice")
    assert [p["code"] for p in bad.problems] == ["wrong_company"]
    assert bad.number == "", "nothing of the answer was used"
    shown = world.shown("invoice", "").problems[0]
    assert "9999" in shown.cause and shown.owner == "it" and shown.fix


def test_a_project_of_another_company_in_a_list_is_not_used(start):
    world = start(sync=False, projects=[project(), project("1002")])
    world.fault(
        "procore",
        on="request",
        action="mutate",
        match={"method": "GET", "path": "/rest/v1.1/projects$"},
        change={"company.id": 9999},
    )
    world.sync()
    assert world.state("lentune", "projects") == []
    world.mend()
    world.sync()
    assert {p["code"] for p in world.state("lentune", "projects")} == {"1001", "1002"}


# names and numbers


def test_a_number_that_is_too_long_is_never_shortened(start):
    long = "PO-" + "9" * 58
    world = start(commitments=[GOOD, order(long), order("PO-" + "9" * 57)])
    shown = told(world, "commitment", long, "commitment_number_too_long")
    assert "60" in shown.cause
    assert sorted(o["number"] for o in world.state("lentune", "purchase_orders")) == ["PO-" + "9" * 57, "PO-GOOD"]


def test_an_amount_too_large_for_lentune_is_said(start):
    world = start(commitments=[GOOD, order("PO-BAD", line("10000000000000.00"))])
    told(world, "commitment", "PO-BAD", "line_value_too_large")
    others_went(world)


@pytest.mark.requirement("L-02")
def test_a_project_number_used_twice_makes_no_look_alike(start):
    world = start(projects=[project(), {**project("1001"), "name": "The same number"}])
    assert len(world.state("lentune", "projects")) <= 1
    stopped = [r for r in world.records("project") if r.state == "needs_attention"]
    assert stopped and {p["code"] for r in stopped for p in r.problems} == {"project_number_taken"}


#: Beside one another in one company, so that none may hold another up.
TEXTS = (
    "Béton 🏗️ 基礎 ﷽ \u202eRTL",
    unicodedata.normalize("NFD", "Béton armé"),
    "Nul\x00byte",
    "Half \ud83d pair",
    "'; DROP TABLE company; --",
    "<script>alert(1)</script>",
    "x" * 5000,
)


def test_any_text_arrives_whole(start):
    numbers = {str(1001 + n): name for n, name in enumerate(TEXTS)}
    world = start(
        projects=[project(number, name=name) for number, name in numbers.items()],
        commitments=[order(f"PO-{n}", line(description=name), title=name, project=n) for n, name in numbers.items()],
    )
    for number, name in numbers.items():
        arrived = world.one("lentune", "projects", code=number)["description"]
        assert arrived == unicodedata.normalize("NFC", name).replace("\x00", "").replace("\ud83d", "\ufffd")
        there = world.one("lentune", "purchase_orders", number=f"PO-{number}")
        assert there["description"] == there["lines"][0]["description"] == arrived


# answers


@pytest.mark.parametrize(
    ("status", "body"), [(400, "<html>Bad Request</html>"), (422, {"code": "brand_new_rule", "detail": "Rule 17 says no."})]
)
def test_a_refusal_we_have_no_name_for_is_shown_in_its_own_words(start, status, body):
    world = start(sync=False, commitments=[GOOD, order("PO-BAD")])
    path = f"/purchase-orders/by-procore/4100/{spoilt(world)['id']}$"
    world.fault("lentune", on="request", action="status", status=status, body=body, match={"method": "PUT", "path": path})
    world.sync()
    shown = told(world, "commitment", "PO-BAD", "lentune_rejected")
    assert ("Rule 17 says no." if status == 422 else "Bad Request") in shown.cause
    assert world.record("commitment", "PO-BAD").state == "needs_attention"
    others_went(world)


def test_an_answer_cut_short_is_doubt_and_settles_once(start):
    world = start(sync=False, commitments=[GOOD, order("PO-BAD")])
    path = f"/purchase-orders/by-procore/4100/{spoilt(world)['id']}$"
    world.fault("lentune", on="request", action="truncate", times=1, match={"method": "PUT", "path": path})
    world.sync()
    world.mend()
    assert world.record("commitment", "PO-BAD").state == "synced"
    assert len(world.ledger("lentune", kind="purchase_order", effect="created")) == 2


def test_secrets_stand_in_no_problem_and_no_story(start):
    world = start(commitments=[order(title="")], invoices=[invoice()])
    with session(world.company) as db:
        written = json.dumps(
            [
                [str(v) for v in row]
                for table in ("history", "write", "attempt", "event", "sync_record")
                for row in db.execute(text(f"SELECT * FROM {table}"))
            ]
        )
    for core in world.simulators.values():
        assert core.credentials["client_secret"] not in written
        assert "Bearer" not in written
