"""The REST API: what each scope may do, what is answered, and how refusals read."""

from collections.abc import Iterator
from decimal import Decimal

import pytest
from sqlalchemy import text
from starlette.testclient import TestClient

from models import session
from sync import clients
from sync.connections import new_company
from tests.database.web_clients import script
from tests.world import World


@pytest.fixture(scope="module")
def demo(database: str) -> Iterator[World]:
    world = World(new_company("Harbour Build Ltd", "4100"), "demo", {"approval": {"variation": "manual"}})
    world.sync()
    yield world
    world.close()


@pytest.fixture
def api(demo: World) -> TestClient:
    clients.close_all()
    clients.transports.update(demo.transports)
    return script(demo.company, "read", "approve", "admin")


def test_no_token_a_wrong_one_and_one_without_the_scope(demo: World) -> None:
    reader = script(demo.company, "read")
    assert reader.get("/status").status_code == 200
    refused = reader.post("/scans", json={})
    assert (refused.status_code, refused.json()["code"]) == (403, "not_allowed")
    assert refused.headers["content-type"] == "application/problem+json"
    reader.headers["Authorization"] = "Bearer guess"
    assert reader.get("/status").json()["code"] == "token_refused"
    del reader.headers["Authorization"]
    assert reader.get("/status").status_code == 401


def test_scopes_never_exceed_the_role_of_their_user(demo: World) -> None:
    viewer = script(demo.company, "read", "approve", "admin", role="viewer")
    assert viewer.get("/records").status_code == 200
    assert viewer.post("/reconcile").status_code == 403
    approver = script(demo.company, "read", "approve", "admin", role="approver")
    assert approver.put("/connections/lentune/settings", json={}).status_code == 403


def test_status_says_the_sentence_and_the_figures(demo: World, api: TestClient) -> None:
    seen = api.get("/status").json()
    records = demo.records()
    assert seen["records"] == len(records)
    assert seen["agreed"] == sum(r.state == "synced" for r in records)
    assert seen["sentence"].endswith("records agree to the cent.")
    commitments = next(k for k in seen["kinds"] if k["kind"] == "commitment")
    assert commitments["unexplained"] == "0.00"
    assert Decimal(commitments["site"]) - Decimal(commitments["books"]) == Decimal(commitments["difference"])


def test_records_with_filters_and_totals(demo: World, api: TestClient) -> None:
    listed = api.get("/records", params={"kind": "invoice", "state": "held"}).json()
    held = [r for r in demo.records("invoice") if r.state == "held"]
    assert listed["count"] == len(held)
    assert {row["number"] for row in listed["rows"]} == {r.number for r in held}
    assert listed["totals"][0]["books"] == f"{sum((r.amount for r in held), Decimal(0)):.2f}"
    first = api.get("/records", params={"limit": 10}).json()
    second = api.get("/records", params={"limit": 10, "after": first["after"]}).json()
    assert not {row["id"] for row in first["rows"]} & {row["id"] for row in second["rows"]}
    assert api.get("/records", params={"limit": 1000}).status_code == 422
    assert api.get("/records", params={"after": "x"}).json()["code"] == "bad_request"


def test_one_record_and_why(demo: World, api: TestClient) -> None:
    record = demo.record("commitment", "PO-1001-03")
    one = api.get(f"/records/{record.id}").json()
    assert one["record"]["state"] == "held"
    assert one["record"]["here"] == "12400.00"
    assert one["story"]
    why = api.get(f"/records/{record.id}/why").json()
    failed = [check["problem"]["code"] for check in why["checks"] if not check["ok"]]
    assert failed == ["cost_code_not_on_budget"]
    assert why["next"]
    assert api.get("/records/999999999").json()["code"] == "not_found"
    assert api.get("/records/999999999/why").status_code == 404


def test_problems_events_approvals_and_connections(demo: World, api: TestClient) -> None:
    problems = api.get("/problems").json()
    assert problems["needs_you_records"] == sum(r.state == "needs_attention" for r in demo.records())
    assert {group["code"] for group in problems["healing"]} >= {"cost_code_not_on_budget", "no_open_billing_period"}
    assert api.get("/events").json()["counts"].keys() <= {"received", "done", "ignored", "parked"}
    waiting = api.get("/approvals").json()
    assert {row["kind"] for row in waiting["rows"]} == {"variation"}
    connection = api.get("/connections/lentune").json()
    assert connection["settings"]["region_to_branch"] == "equal_name"
    assert "secret" not in str(connection).lower()
    assert api.get("/connections/acumatica").status_code == 404


def test_approving_is_bound_to_version_and_amount(demo: World, api: TestClient) -> None:
    row = api.get("/approvals").json()["rows"][0]
    path = f"/records/{row['id']}"
    stale = api.post(f"{path}/approve", json={"version": row["version"] + 1, "amount": row["here"]})
    assert (stale.status_code, stale.json()["code"], stale.json()["version"]) == (412, "changed", row["version"])
    assert api.post(f"{path}/approve", json={"version": row["version"], "amount": "0.01"}).status_code == 412
    assert api.post(f"{path}/approve", json={"version": row["version"], "amont": row["here"]}).status_code == 422
    done = api.post(f"{path}/approve", json={"version": row["version"], "amount": row["here"]})
    assert done.json()["state"] == "pending"
    again = api.post(f"{path}/approve", json={"version": row["version"], "amount": row["here"]})
    assert (again.status_code, again.json()["code"]) == (409, "not_waiting")
    demo.due_now()
    assert api.get(path).json()["record"]["state"] == "synced"


def test_rejecting_needs_a_reason(demo: World, api: TestClient) -> None:
    row = api.get("/approvals").json()["rows"][0]
    seen = {"version": row["version"], "amount": row["here"]}
    assert api.post(f"/records/{row['id']}/reject", json=seen).status_code == 422
    done = api.post(f"/records/{row['id']}/reject", json={**seen, "reason": "not agreed"})
    assert done.json()["state"] == "rejected"


def test_retry_replay_scan_and_reconcile(demo: World, api: TestClient) -> None:
    record = demo.record("commitment", "SC-1001-04")
    assert api.post(f"/records/{record.id}/retry").json()["state"] == "pending"
    demo.due_now()
    assert demo.record("commitment", "SC-1001-04").state == "needs_attention"
    with session(demo.company) as db:
        event = db.execute(text("SELECT min(id) FROM event")).scalar_one()
    assert api.post(f"/events/{event}/replay").status_code == 202
    assert api.post("/events/999999999/replay").status_code == 404
    assert api.post("/records/999999999/retry").status_code == 404
    assert api.post("/scans", json={}).json() == {"systems": ["procore", "lentune"]}
    assert api.post("/scans", json={"system": "acumatica"}).status_code == 404
    assert api.post("/reconcile").json() == {"systems": ["lentune"]}


@pytest.mark.requirement("P-01", "P-17")
def test_both_boxes_are_refused_and_nothing_is_stored(demo: World, api: TestClient) -> None:
    before = api.get("/connections/lentune").json()
    wanted = {"lentune_purchase_order": True, "procore_purchase_order": True}
    refused = api.put("/connections/lentune/settings", json=wanted)
    assert refused.status_code == 422
    assert "only one side can raise purchase orders" in refused.json()["title"]
    assert api.get("/connections/lentune").json() == before
    saved = api.put("/connections/lentune/settings", json={"rounding_tolerance": "0.02"})
    assert saved.json()["settings"]["rounding_tolerance"] == "0.02"
    assert api.put("/connections/lentune/settings", json={"no_such_setting": 1}).status_code == 422


def test_another_companys_ids_are_not_found(company: int, demo: World) -> None:
    theirs = demo.record("commitment", "PO-1001-03")
    other = script(company, "read", "approve", "admin")
    seen = {"version": 1, "amount": "12400.00"}
    assert other.get(f"/records/{theirs.id}").status_code == 404
    assert other.get(f"/records/{theirs.id}/why").status_code == 404
    assert other.post(f"/records/{theirs.id}/approve", json=seen).status_code == 404
    assert other.post(f"/records/{theirs.id}/retry").status_code == 404
    assert other.get("/records").json()["count"] == 0
    with session(demo.company) as db:
        event = db.execute(text("SELECT min(id) FROM event")).scalar_one()
    assert other.post(f"/events/{event}/replay").status_code == 404


def test_the_description_names_every_address(api: TestClient) -> None:
    assert TestClient(api.app).get("/api/openapi.json").status_code == 401
    described = TestClient(api.app, headers=dict(api.headers)).get("/api/openapi.json").json()
    assert {
        "/api/v1/status", "/api/v1/records", "/api/v1/records/{record_id}", "/api/v1/records/{record_id}/why",
        "/api/v1/problems", "/api/v1/events", "/api/v1/approvals", "/api/v1/records/{record_id}/approve",
        "/api/v1/records/{record_id}/reject", "/api/v1/records/{record_id}/retry", "/api/v1/events/{event_id}/replay",
        "/api/v1/connections/{system}/settings", "/api/v1/scans", "/api/v1/reconcile",
        "/api/v1/connections/{system}/off", "/api/v1/connections/{system}/on",
    } <= set(described["paths"])
    assert described["openapi"].startswith("3.1")
    assert not any(path.startswith("/sign-in") for path in described["paths"])
