"""Writes that the server keeps single (upserts by our key): sent again after a doubt, never doubled."""

import pytest

from connectors.calls import Answer
from connectors.registry import connector
from objects.outcome import Outcome
from sync import engine
from tests.database.engine.stand import arrive, bring_to_an_end, put, quarantine_over, record, run_due, states, writes
from tests.database.requirements.company import line, order

FAULTS = {
    "the connection dies before": {"action": "drop_before"},
    "the connection dies after": {"action": "drop_after"},
    "the connection is reset": {"action": "reset_connection"},
    "no answer in time": {"action": "delay", "seconds": 60},
    "an error of the server": {"action": "status", "status": 500},
    "an overloaded server": {"action": "status", "status": 503},
    "half an answer": {"action": "truncate"},
    "an answer without what was asked for": {"action": "status", "status": 200, "body": {}},
    "sent twice on the way": {"action": "duplicate"},
}
CLEAR = {"sent twice on the way"}


def shut_no_more(world):
    put(world, "UPDATE budget SET shut_until = NULL")
    world.due_now()


@pytest.mark.parametrize("what", FAULTS)
def test_a_project_that_was_put_in_doubt_is_put_again(start, what):
    world = start(projects=[])
    world.fault("lentune", on="request", times=2, match={"method": "PUT", "path": "/projects/by-procore/"}, **FAULTS[what])
    world.act("procore", "create_project", number="1009", name="New", stage="Course of Construction", region="Auckland")
    world.settle()
    one = world.record("project", "1009").id
    for _ in range(2):
        if what not in CLEAR:
            assert record(world, one).state == "checking"
            assert [p["code"] for p in record(world, one).problems] == ["outcome_uncertain"]
            assert run_due(world, one).again in ([one], []), "tried again soon, by the task's own policy"
    assert record(world, one).state == "synced"
    assert record(world, one).problems == []
    assert len(world.ledger("lentune", kind="project", effect="created")) == 1
    assert len(world.state("lentune", "projects")) == 1
    assert ("checking" in states(world, one)) == (what not in CLEAR)


def test_a_try_that_was_not_sent_takes_back_no_doubt(start):
    """It had arrived the first time. Were the doubt forgotten, the void order would stand there, linked to nothing."""
    world = start(commitments=[order("PO-9", status="Draft")])
    upsert = {"method": "PUT", "path": "/purchase-orders/by-procore/"}
    world.fault("lentune", on="request", times=1, match=upsert, action="drop_after")
    world.fault("lentune", on="request", times=1, match=upsert, action="status", status=429, headers={"Retry-After": "1"})
    world.act("procore", "set_commitment_status", number="PO-9", status="Approved")
    world.settle()
    one = world.record("commitment", "PO-9").id
    run_due(world, one)
    assert record(world, one).state in ("sending", "checking"), "the second try was not sent, the first one is in doubt"
    assert writes(world, one)[-1].state == "uncertain"
    world.act("procore", "set_commitment_status", number="PO-9", status="Closed")
    shut_no_more(world)
    world.settle()
    assert record(world, one).state == "synced"
    assert world.one("lentune", "purchase_orders", number="PO-9")["status"] == "closed"


def test_a_refused_try_takes_back_no_doubt(start):
    """As above: it had arrived the first time, and the second was refused."""
    world = start()
    upsert = {"method": "PUT", "path": "/subcontracts/by-procore/"}
    world.fault("lentune", on="request", times=1, match=upsert, action="drop_after")
    refusal = {"type": "about:blank", "title": "Stage", "status": 422, "code": "project_stage_not_allowed", "detail": "stage"}
    world.fault("lentune", on="request", match=upsert, action="status", status=422, body=refusal)
    steel = {"number": "SC-9", "title": "Steel", "vendor": "Southern Steel Ltd", "lines": [line("10.00")]}
    world.act("procore", "create_commitment", project="1001", type="sc", **steel)
    world.settle()
    one = world.record("commitment", "SC-9").id
    run_due(world, one)
    assert record(world, one).remote_id is None
    world.act("procore", "set_commitment_status", number="SC-9", status="Void")
    world.lentune.faults.clear()
    world.settle()
    quarantine_over(world)
    world.due_now()
    print(record(world, one), writes(world, one))
    assert world.one("lentune", "subcontracts", number="SC-9")["status"] == "void"
    assert record(world, one).state == "synced"
    assert {w.state for w in writes(world, one)} <= {"confirmed", "abandoned"}, "no doubt is left"


@pytest.mark.parametrize("heard", [False, True])
def test_a_correction_read_while_it_was_in_doubt_is_judged_at_the_end(start, heard):
    """A scan that stores it rings no bell: the old version was refused, and nobody looked at the new one."""
    world = start()
    one = arrive(world)
    match = {"method": "PATCH", "path": "/direct_costs/sync"}
    world.fault("procore", on="request", times=1, match=match, action="drop_before")
    run_due(world, one)
    assert record(world, one).state == "checking"
    if not heard:
        world.fault("lentune", on="delivery", action="drop")
    world.act("lentune", "change_invoice", number="INV-1", net="1100.10")
    world.scan("lentune")
    world.settle()
    world.fault("procore", on="request", times=1, match=match, action="status", status=422, body={"errors": "bad field"})
    quarantine_over(world)
    world.clock.advance(301)
    run_due(world, one)
    quarantine_over(world)
    world.clock.advance(301)
    world.settle()
    assert record(world, one).state == "synced"
    assert world.one("procore", "direct_costs")["grand_total"] == "1100.10"


def test_a_plan_that_went_on_and_ended_with_a_problem_is_not_tried_for_ever(start):
    """The mill found it: judged once more after each end, it was sent again each time."""
    world = start()
    one = arrive(world)
    world.fault("procore", on="request", times=1, match={"method": "PATCH", "path": "/line_items/sync"}, action="drop_after")
    run_due(world, one)
    assert record(world, one).state == "checking"
    wrong = {"line_items.*.amount": "7.00"}
    world.fault("procore", on="request", match={"method": "GET", "path": "/direct_costs/"}, action="mutate", change=wrong)
    sends = []
    for _ in range(6):
        world.clock.advance(301)
        quarantine_over(world)
        put(world, "UPDATE sync_record SET due_at = least(due_at, clock_timestamp()), rung_at = NULL WHERE due_at IS NOT NULL")
        world.settle()
        sends += [w.sends for w in writes(world, one, "approve")]
    left = record(world, one)
    assert (left.state, [p["code"] for p in left.problems], left.due_at) == ("needs_attention", ["not_as_sent"], None)
    assert sends[-1] == sends[-4], "Lentune was told, which rings once more; then it rests"


def test_a_plan_longer_than_its_task_goes_on_in_the_next_one(start, monkeypatch):
    """No request is begun that the task's soft limit could cut off: nothing is in doubt, nothing waits out a quarantine."""
    world = start()
    one = arrive(world)

    def patches():
        return len(world.transports["procore"].sent("PATCH"))

    def one_request_a_task():
        before = patches()
        return lambda: patches() > before

    monkeypatch.setattr(engine, "_stopwatch", one_request_a_task)
    run_due(world, one)
    assert record(world, one).state == "sending"
    assert [w.sends for w in writes(world, one) if w.state == "planned"] == [0]
    runs = 1
    while record(world, one).state == "sending":
        world.clock.advance(301)
        run_due(world, one)
        runs += 1
    assert record(world, one).state == "synced" and runs > 2
    assert "checking" not in states(world, one)
    assert world.one("procore", "direct_costs")["status"] == "approved"


@pytest.mark.requirement("L-13")
@pytest.mark.parametrize("path", ["/direct_costs/sync", "/line_items/sync"])
@pytest.mark.parametrize("what", FAULTS)
def test_a_direct_cost_whose_header_or_lines_were_in_doubt_is_there_once_to_the_cent(start, what, path):
    world = start()
    one = arrive(world, lines=[{"code": "03-300", "type": "M", "net": f"{n}.01", "description": f"Line {n}"} for n in (1, 2, 3)])
    world.fault("procore", on="request", times=1, match={"method": "PATCH", "path": path}, **FAULTS[what])
    run_due(world, one)
    assert record(world, one).state == ("synced" if what in CLEAR else "checking")
    world.clock.advance(301)
    quarantine_over(world)
    run_due(world, one)
    assert record(world, one).state == "synced"
    cost = world.one("procore", "direct_costs")
    assert (cost["grand_total"], cost["status"], [ln["amount"] for ln in cost["lines"]]) == (
        "6.03",
        "approved",
        ["1.01", "2.01", "3.01"],
    )
    steps = {w.step: (w.state, w.sends) for w in writes(world, one) if w.side == "target"}
    doubted = "header" if "direct_costs" in path else "lines-1"
    assert steps == {
        name: ("confirmed", 1 + (name == doubted and what not in CLEAR)) for name in ("header", "lines-1", "approve")
    }, "only the step in doubt was sent again"


@pytest.mark.requirement("L-13")
def test_a_lost_header_that_lands_after_all_does_not_make_an_approved_cost_a_draft_again(start):
    """The mill found it: sent again at once, the header was confirmed, and the first one landed behind the approval."""
    world = start()
    one = arrive(world)
    late = {"match": {"method": "PATCH", "path": "/direct_costs/sync"}, "action": "apply_later", "seconds": 1000}
    world.fault("procore", on="request", times=1, **late)
    for _ in range(3):
        run_due(world, one)
        assert record(world, one).state == "checking"
        world.clock.advance(301)
    assert [w.sends for w in writes(world, one, "header")] == [1], "what was sent may still arrive, and undo what follows"
    world.clock.advance(1001)
    assert bring_to_an_end(world, one).state == "synced"
    world.clock.advance(1001)
    assert world.one("procore", "direct_costs")["status"] == "approved"


def test_a_newer_version_waits_for_what_was_lost_of_the_one_before_it(start):
    world = start(projects=[])
    put_it = {"method": "PUT", "path": "/projects/by-procore/"}
    world.fault("lentune", on="request", times=1, match=put_it, action="apply_later", seconds=400)
    world.act("procore", "create_project", number="1009", name="First", stage="Course of Construction", region="Auckland")
    world.settle()
    one = world.record("project", "1009").id
    run_due(world, one)
    assert record(world, one).state == "synced", "the same again may be sent at once"
    world.act("procore", "rename_project", project="1009", name="Second")
    world.settle()
    waiting = record(world, one)
    assert (waiting.state, [p["code"] for p in waiting.problems]) == ("pending", ["earlier_version_on_its_way"])
    assert world.one("lentune", "projects")["description"] == "First"
    world.clock.advance(401)
    assert bring_to_an_end(world, one).state == "synced"
    world.clock.advance(401)
    assert world.one("lentune", "projects")["description"] == "Second"


def test_rows_that_travel_together_have_a_verdict_each():
    """One request of a sync action: a row confirmed, a row refused, and one that the answer does not name."""
    plans, steps = connector("procore").plans, []
    for key in ("AAAAAAAAAAAAAAA", "BBBBBBBBBBBBBBB", "CCCCCCCCCCCCCCC"):
        held = {
            "as": "direct_cost",
            "project_id": "7",
            "vendor_id": "1",
            "number": key[:1],
            "date": "2026-11-01",
            "description": "",
            "lines": [{"amount": "1.00", "wbs_code_id": "3", "description": "x"}],
        }
        steps.append(next(plans["direct_cost"](held, None, key)))
    batch = steps[0].batch
    assert {s.batch.endpoint for s in steps} == {batch.endpoint} and batch.size >= 3
    merged = batch.merge(steps)
    assert [row["origin_id"][0] for row in merged.body["updates"]] == ["A", "B", "C"]
    body = {
        "entities": [{"id": 1, "origin_id": "AAAAAAAAAAAAAAA"}],
        "errors": [{"origin_id": "BBBBBBBBBBBBBBB", "errors": {"base": ["closed"]}}],
    }
    answers = batch.split(Answer(Outcome.confirmed, 200, body), steps)
    assert [a.outcome for a in answers] == [Outcome.confirmed, Outcome.refused, Outcome.uncertain]
    assert "closed" in answers[1].reason


@pytest.fixture
def batched(monkeypatch):
    """Invoices as a flow whose records travel together, which the flow's own declaration leaves to each alone."""
    from dataclasses import replace

    from sync import engine

    real = engine.flow_of
    monkeypatch.setattr(engine, "flow_of", lambda *names: replace(real(*names), batch=50))


def test_one_bad_row_holds_back_neither_its_page_nor_its_request(start, batched):
    world = start()
    first = arrive(world, "INV-0", "5.00")
    ids = [first] + [
        arrive(world, f"INV-{n}", f"{n}0.00", lines=[{"code": "03-300", "type": "M", "net": f"{n}0.00"}]) for n in (1, 2, 3)
    ]
    world.fault(
        "procore",
        on="request",
        times=1,
        match={"method": "PATCH", "path": "/direct_costs/sync"},
        action="status",
        status=200,
        body={"entities": [], "errors": []},
    )  # the first record travels alone: its batch size is not known yet
    from sync import engine

    engine.run(world.company, ids)
    assert record(world, ids[0]).state == "checking", "named neither as done nor as refused"
    assert {record(world, i).state for i in ids[1:]} == {"synced"}
    headers = [r for r in world.transports["procore"].sent("PATCH", "/direct_costs/sync") if b'"draft"' in r.read()]
    assert len(headers) == 2, "three invoices in one request"
    assert sorted(c["grand_total"] for c in world.state("procore", "direct_costs")) == ["10.00", "20.00", "30.00"]


def test_a_row_refused_in_a_batch_is_refused_alone(start, batched):
    world = start()
    ids = [arrive(world, f"INV-{n}", f"{n}0.00") for n in (1, 2, 3)]
    one = record(world, ids[1]).key
    transport = world.transports["procore"]
    real = transport.handle_request

    def refusing(request):
        """Procore as if it had refused one row of the request, and done the others."""
        import json

        import httpx

        body = json.loads(request.read() or b"{}")
        rows = body.get("updates", []) if request.url.path.endswith("direct_costs/sync") else []
        if not any(r.get("origin_id") == one for r in rows):
            return real(request)
        body["updates"] = [r for r in rows if r["origin_id"] != one]
        kept = httpx.Request(request.method, request.url, headers=request.headers, content=json.dumps(body).encode())
        kept.extensions = request.extensions
        answer = json.loads(real(kept).read()) if body["updates"] else {"entities": [], "errors": []}
        answer["errors"].append({"origin_id": one, "errors": {"base": ["This one is refused"]}})
        return httpx.Response(200, json=answer)

    transport.handle_request = refusing
    from sync import engine

    engine.run(world.company, ids)
    assert [record(world, i).state for i in ids] == ["synced", "needs_attention", "synced"]
    assert "This one is refused" in str(record(world, ids[1]).problems)


def test_an_object_that_breaks_a_rule_in_an_unforeseen_way_is_set_aside_alone(start, batched, monkeypatch):
    """A rule that raises: a defect of ours, which must not hold up what travels with it."""
    world = start()
    ids = [arrive(world, f"INV-{n}", f"{n}0.00") for n in (1, 2, 3)]
    from sync import engine, judge

    real = judge.evaluate
    flow = engine.flow_of("lentune", "invoice", "to_procore")
    from dataclasses import replace

    def broken(obj, known):
        if obj.number == "INV-2":
            raise ZeroDivisionError("a defect")
        return None

    check = replace(flow.checks[0], name="broken", run=broken)
    monkeypatch.setattr(engine, "flow_of", lambda *names: replace(flow, checks=(check, *flow.checks)))
    engine.run(world.company, ids)
    assert [record(world, i).state for i in ids] == ["synced", "needs_attention", "synced"]
    assert [p["code"] for p in record(world, ids[1]).problems] == ["unexpected_failure"]
    assert "ZeroDivisionError" in record(world, ids[1]).problems[0]["values"]["reason"]
    assert real is judge.evaluate


def test_many_lines_go_in_parts_and_a_part_in_doubt_is_repeated_alone(start):
    lines = [{"code": "03-300", "type": "M", "net": "1.01", "description": f"Line {n}"} for n in range(230)]
    world = start()
    one = arrive(world, lines=lines)
    world.fault("procore", on="request", times=1, match={"method": "PATCH", "path": "/line_items/sync"}, action="drop_after")
    run_due(world, one)
    world.clock.advance(301)
    run_due(world, one)
    cost = world.one("procore", "direct_costs")
    assert (len(cost["lines"]), cost["grand_total"]) == (230, "232.30")
    assert [(w.step, w.sends) for w in writes(world, one, "lines-%")] == [("lines-1", 2), ("lines-2", 1), ("lines-3", 1)]
