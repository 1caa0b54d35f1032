"""What a person decides, in the console and by the API: in doubt, in conflict, unusually many, stopped."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import text
from starlette.testclient import TestClient

from models import session
from sync import approval, clients
from sync.connections import new_company
from sync.stops import stop
from tests.database.test_console_pages import text_of
from tests.database.web_clients import post, script, visitor
from tests.world import World

DIFFERING = [["title", "Concrete", "Concrete, urgent", "Concrete and pumping"]]


@pytest.fixture(scope="module")
def demo(database: str) -> Iterator[World]:
    world = World(new_company("Kauri Build Ltd", "4100"), "demo", {"approval": {"variation": "manual"}})
    world.sync()
    yield world
    world.close()


@pytest.fixture
def client(demo: World) -> TestClient:
    clients.close_all()
    clients.transports.update(demo.transports)
    return visitor(demo.company)


def put(demo: World, kind: str, state: str, code: str, **values: Any) -> Any:
    """A record of this kind as the engine leaves it with this problem."""
    record = next(r for r in demo.records() if r.kind == kind and r.state in ("synced", "awaiting_approval", state))
    problem = {"code": code, "values": {"system": "lentune", "kind": kind, "number": record.number, **values}, "waits_for": []}
    with session(demo.company) as db:
        db.execute(
            text("UPDATE sync_record SET state = :s, problems = CAST(:p AS jsonb), due_at = NULL WHERE id = :id"),
            {"s": state, "p": json.dumps([problem]), "id": record.id},
        )
    return record


def state_of(demo: World, record_id: int) -> Any:
    return next(r for r in demo.records() if r.id == record_id)


@pytest.mark.parametrize("state", ["needs_attention", "checking"])
def test_what_is_in_doubt_has_two_ways_out(demo: World, client: TestClient, state: str) -> None:
    record = put(demo, "commitment", state, "outcome_needs_person", key="SB-1")
    seen = client.get(f"/objects/{record.id}").text
    assert "It is there: link" in seen
    assert f"It is not there: send version {record.version}" in text_of(seen)
    assert f'action="/objects/{record.id}/not-there"' in seen
    answer = post(client, f"/objects/{record.id}/link", remote_id=f" po-{state} ")
    assert answer.headers["location"] == f"/objects/{record.id}?said=linked"
    now = state_of(demo, record.id)
    assert (now.state, now.remote_id) == ("synced", f"{record.held['as']}:po-{state}")
    again = post(client, f"/objects/{record.id}/link", remote_id="po-78")
    assert again.status_code == 409
    assert state_of(demo, record.id).remote_id == now.remote_id


def test_a_link_needs_an_id(demo: World, client: TestClient) -> None:
    record = put(demo, "commitment", "needs_attention", "outcome_needs_person", key="SB-1")
    assert post(client, f"/objects/{record.id}/link", remote_id=" ").status_code == 400
    assert state_of(demo, record.id).state == "needs_attention"


def test_it_is_not_there_asks_for_one_more_send(demo: World, client: TestClient) -> None:
    record = put(demo, "commitment", "needs_attention", "outcome_needs_person", key="SB-1")
    post(client, f"/objects/{record.id}/not-there")
    now = state_of(demo, record.id)
    assert now.state == "pending"
    assert now.consent == "outcome_needs_person"


def test_looking_again_is_no_word_that_it_is_not_there(demo: World, client: TestClient) -> None:
    record = put(demo, "commitment", "checking", "outcome_uncertain", key="SB-1")
    post(client, f"/objects/{record.id}/retry")
    assert state_of(demo, record.id).consent is None
    post(client, f"/objects/{record.id}/not-there")
    assert (state_of(demo, record.id).state, state_of(demo, record.id).consent) == ("checking", "outcome_needs_person")


def test_a_conflict_shows_both_and_keeps_theirs(demo: World, client: TestClient) -> None:
    values = {"fields": "title: ...", "differing": json.dumps(DIFFERING)}
    record = put(demo, "commitment", "conflict", "edited_on_both_sides", **values)
    seen = text_of(client.get(f"/objects/{record.id}").text)
    for shown in ("Concrete, urgent", "Concrete and pumping", "we had sent: Concrete", "Send ours", "Keep theirs"):
        assert shown in seen
    post(client, f"/objects/{record.id}/theirs")
    assert state_of(demo, record.id).state == "unlinked"


def test_a_conflict_sends_ours_by_the_api(demo: World) -> None:
    record = put(demo, "commitment", "conflict", "edited_on_both_sides", fields="", differing=json.dumps(DIFFERING))
    api = script(demo.company, "approve")
    assert api.post(f"/records/{record.id}/send-ours").status_code == 202
    assert state_of(demo, record.id).state == "pending"
    refused = api.post(f"/records/{record.id}/keep-theirs")
    assert (refused.status_code, refused.json()["code"]) == (409, "not_to_decide")


def test_a_link_by_the_api(demo: World) -> None:
    record = put(demo, "commitment", "checking", "outcome_needs_person", key="SB-1")
    api = script(demo.company, "approve")
    assert api.post(f"/records/{record.id}/link", json={"remote_id": ""}).status_code == 422
    linked = api.post(f"/records/{record.id}/link", json={"remote_id": "po-9"})
    assert (linked.status_code, linked.json()["state"]) == (200, "synced")
    unlinked = api.post(f"/records/{record.id}/unlink", json={"reason": "another job"})
    assert unlinked.json()["state"] == "unlinked"


def test_what_is_no_longer_there_can_be_unlinked(demo: World, client: TestClient) -> None:
    record = put(demo, "commitment", "needs_attention", "vanished_at_target")
    assert f"Unlink {record.number}" in text_of(client.get(f"/objects/{record.id}").text)
    assert post(client, f"/objects/{record.id}/unlink", reason="").status_code == 400
    post(client, f"/objects/{record.id}/unlink", reason="deleted on purpose")
    assert state_of(demo, record.id).state == "unlinked"


def test_unusually_many_are_released_together(demo: World, client: TestClient) -> None:
    waiting = [r for r in demo.records() if r.kind == "variation" and r.state == "awaiting_approval"]
    assert waiting
    assert "Release all" not in client.get("/approvals").text
    problem = [{"code": "unusual_volume", "values": {"reason": "more than 50 are unusual"}, "waits_for": []}]
    with session(demo.company) as db:
        db.execute(
            text("UPDATE sync_record SET problems = CAST(:p AS jsonb) WHERE id = ANY(:ids)"),
            {"p": json.dumps(problem), "ids": [r.id for r in waiting]},
        )
    seen = text_of(client.get("/approvals").text)
    assert f"Release all {len(waiting)}" in seen
    assert "More than 50 are unusual." in seen
    answer = post(client, "/approvals/release", system="lentune", kind="variation")
    assert answer.headers["location"] == f"/approvals?said={len(waiting)}"
    assert {state_of(demo, r.id).state for r in waiting} == {"pending"}
    assert post(client, "/approvals/release", system="lentune", kind="variation").status_code == 404
    with session(demo.company) as db:
        assert db.scalar(text("SELECT count(*) FROM approval WHERE decision = 'approved'")) == len(waiting)
    with pytest.raises(approval.NotWaiting):
        approval.approve(demo.company, waiting[0].id, waiting[0].version, waiting[0].amount, "me")


@pytest.mark.parametrize("path", ["/", "/objects", "/approvals", "/systems", "/systems/lentune"])
def test_a_stopped_system_is_told_on_every_page(demo: World, client: TestClient, path: str) -> None:
    assert 'role="alert"' not in client.get(path).text
    with session(demo.company) as db:
        stop(db, demo.company, "lentune", "duplicate_found", "commitment SC-1 stands there 2 times")
    try:
        seen = text_of(client.get(path).text)
        assert "Writing to Lentune is stopped: a document was found there more than once." in seen
        assert "Commitment SC-1 stands there 2 times. Nothing is lost" in seen
        assert "…" not in seen
    finally:
        assert post(client, "/systems/lentune/go-on").headers["location"] == "/systems/lentune?said=going"
    assert 'role="alert"' not in client.get(path).text


def test_after_a_restored_database_no_button_goes_on(demo: World, client: TestClient) -> None:
    with session(demo.company) as db:
        for system in ("procore", "lentune"):
            stop(db, demo.company, system, "restored", "The database's log is shorter than it has been")
    try:
        page = client.get("/systems/lentune").text
        seen = text_of(page)
        assert seen.count("Nothing is written: this database was put back") == 1
        assert "links rebuild --apply" in seen
        assert "Go on writing" not in seen
        assert post(client, "/systems/lentune/go-on").status_code == 409
        refused = script(demo.company, "approve").post("/connections/lentune/go-on")
        assert (refused.status_code, refused.json()["code"]) == (409, "not_stopped")
    finally:
        with session(demo.company) as db:
            db.execute(text("UPDATE connection SET blocked_code = NULL, blocked_reason = NULL, blocked_at = NULL"))


def test_what_protects_each_kind_is_shown(demo: World, client: TestClient) -> None:
    systems = text_of(client.get("/systems").text)
    assert "Commitments Procore to Lentune" in systems
    assert "Protected by" in systems
    record = next(r for r in demo.records() if r.kind == "commitment")
    assert "Protected by: " in text_of(client.get(f"/objects/{record.id}").text)


def test_the_page_of_systems_says_where_nothing_gets_through(demo: World, client: TestClient) -> None:
    from models import unscoped
    from sync import heartbeat

    for queue in heartbeat.QUEUES:
        heartbeat.sent(queue)
        heartbeat.ran(queue)
    assert "Nobody works on it" not in client.get("/systems").text
    assert "Work gets through to all workers" in text_of(client.get("/").text)
    with unscoped() as db:
        db.execute(text("UPDATE heartbeat SET ran_at = ran_at - interval '1 hour' WHERE queue = 'bulk'"))
    seen = text_of(client.get("/systems").text)
    assert seen.count("Nobody works on it") == 1
    assert "Nothing gets through to one part of the workers" in text_of(client.get("/").text)
    assert "./sitebooks doctor" in seen


@pytest.mark.parametrize("path", ["/objects/1/link", "/objects/1/ours", "/objects/1/theirs", "/objects/1/unlink",
                                  "/approvals/release", "/systems/lentune/go-on"])  # fmt: skip
def test_a_viewer_decides_nothing(demo: World, path: str) -> None:
    assert post(visitor(demo.company, "viewer"), path).status_code == 403


def test_an_id_is_taken_as_people_read_it_and_never_for_two_records(demo: World, client: TestClient) -> None:
    others = [r for r in demo.records() if r.kind == "commitment" and r.state == "synced"]
    record = put(demo, "commitment", "needs_attention", "outcome_needs_person", key="SB-1")
    taken = next(r.remote_id for r in others if r.id != record.id and ":" in r.remote_id)
    assert post(client, f"/objects/{record.id}/link", remote_id=taken).status_code == 409
    assert state_of(demo, record.id).state == "needs_attention"
    post(client, f"/objects/{record.id}/link", remote_id="po-424242")
    assert state_of(demo, record.id).remote_id == f"{record.held['as']}:po-424242"
