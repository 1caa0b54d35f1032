"""Sign-in, scopes, limits, repeated requests and paging of the Lentune simulator."""

import base64

import pytest

from simulators.kit.http import Request
from tests.unit.simulators.lentune_calls import TOKEN, Caller, by_procore, external, project_body

pytestmark = pytest.mark.unit


def test_a_token_lives_an_hour() -> None:
    caller = Caller()
    assert caller.sign_in().json()["expires_in"] == 3600
    assert caller.get("/branches")["data"][0]["description"] == "Auckland"
    caller.clock.advance(3600)
    assert caller.refused("GET", "/branches") == (401, "unauthorized")


def test_basic_sign_in_and_wrong_secret() -> None:
    caller = Caller()
    known = caller.core.credentials
    basic = base64.b64encode(f"{known['client_id']}:{known['client_secret']}".encode()).decode()
    request = Request("POST", TOKEN, [], {"authorization": f"Basic {basic}"}, b"grant_type=client_credentials")
    assert caller.core.handle(request).status == 200
    wrong = caller.sign_in(client_secret="wrong")
    assert (wrong.status, wrong.json()["error"]) == (401, "invalid_client")
    assert caller.sign_in(grant_type="password").status == 400
    assert caller.sign_in(scope="lentune.admin").json()["error"] == "invalid_scope"


def test_a_reading_token_cannot_write() -> None:
    caller = Caller(scope="lentune.read")
    assert caller.get("/projects")["data"] == []
    assert caller.refused("PUT", by_procore("projects", "11"), project_body()) == (403, "forbidden")


def test_a_person_can_end_every_sign_in() -> None:
    caller = Caller()
    caller.act("expire_tokens")
    assert caller.refused("GET", "/projects") == (401, "unauthorized")


def test_burst_then_429_with_retry_after() -> None:
    caller = Caller(rate_per_minute=600, burst=25)
    left = [caller.send("GET", "/branches").headers["X-RateLimit-Remaining"] for _ in range(25)]
    assert (left[0], left[-1]) == ("24", "0")
    answer = caller.send("GET", "/branches")
    assert (answer.status, answer.headers["Retry-After"], answer.json()["code"]) == (429, "1", "rate_limited")
    caller.clock.advance(0.1)
    assert caller.send("GET", "/branches").status == 200


def test_the_same_key_repeats_the_first_answer() -> None:
    caller = Caller()
    first = caller.send("PUT", by_procore("projects", "11"), project_body(), key="key-same-1")
    again = caller.send("PUT", by_procore("projects", "11"), project_body(), key="key-same-1")
    assert (again.status, again.body) == (201, first.body)
    assert again.headers["Idempotency-Replayed"] == "true"
    assert len(caller.core.ledger.entries) == 1
    other = project_body(description="Another")
    refusal = caller.refused("PUT", by_procore("projects", "11"), other, key="key-same-1")
    assert refusal == (409, "idempotency_key_reused")


def test_a_key_is_kept_seven_days() -> None:
    caller = Caller(token_seconds=30 * 86400)
    caller.send("PUT", by_procore("projects", "11"), project_body(), key="key-same-1")
    caller.clock.advance(7 * 86400 - 1)
    assert "Idempotency-Replayed" in caller.send("PUT", by_procore("projects", "11"), project_body(), key="key-same-1").headers
    caller.clock.advance(1)
    after = caller.send("PUT", by_procore("projects", "11"), project_body(), key="key-same-1")
    assert (after.status, after.headers.get("Content-Unchanged")) == (200, "true")


def test_a_refused_write_may_be_tried_again_under_its_key() -> None:
    caller = Caller()
    body = project_body(stage="Bidding")
    refusal = caller.refused("PUT", by_procore("projects", "11"), body, key="key-same-1")
    assert refusal == (422, "project_stage_not_allowed")
    caller.act("set_settings", settings={"project_stages": ["Bidding"]})
    assert caller.send("PUT", by_procore("projects", "11"), body, key="key-same-1").status == 201


@pytest.mark.parametrize("key", ["", "short", "x" * 129])
def test_every_write_needs_a_proper_key(key: str) -> None:
    assert Caller().refused("PUT", by_procore("projects", "11"), project_body(), key=key) == (400, "validation_failed")


def test_paging_and_tombstones() -> None:
    caller = Caller()
    for number in range(1, 8):
        caller.project(str(1000 + number), str(number))
    assert [row["code"] for row in caller.everything("/projects", limit="3")] == [str(1000 + n) for n in range(1, 8)]
    assert caller.get("/projects", code="1004")["data"][0]["external"]["procore_id"] == "4"
    caller.clock.advance(60)
    since = caller.clock.now().isoformat()
    caller.act("delete_project", project="1003")
    assert "1003" not in {row["code"] for row in caller.everything("/projects")}
    changed = caller.everything("/projects", updated_since=since)
    assert [(row["code"], bool(row["deleted_at"])) for row in changed] == [("1003", True)]
    assert caller.refused("GET", by_procore("projects", "3")) == (404, "not_found")


@pytest.mark.parametrize("query", [{"limit": "201"}, {"limit": "0"}, {"cursor": "nonsense"}, {"updated_since": "yesterday"}])
def test_bad_list_questions(query: dict[str, str]) -> None:
    assert Caller().refused("GET", "/projects", **query) == (400, "validation_failed")


def test_malformed_bodies() -> None:
    caller = Caller()
    path = by_procore("suppliers", "5")
    body = {"description": "Kea Ltd", "external": external("vendor", "5")}
    assert caller.refused("PUT", path, ["a list"]) == (400, "validation_failed")
    assert caller.refused("PUT", path, body | {"colour": "red"}) == (400, "validation_failed")
    assert caller.refused("PUT", by_procore("suppliers", "6"), body) == (400, "validation_failed")
    assert caller.refused("PUT", by_procore("suppliers", "5", "9999"), body) == (404, "not_found")
    assert caller.send("PUT", path, body).status == 201


def test_health_is_open_and_unknown_paths_are_problems() -> None:
    caller = Caller()
    caller.token = "none"
    assert caller.get("/health") == {"status": "ok", "webhook_backlog": 0, "oldest_backlog_seconds": 0}
    answer = caller.core.handle(Request("GET", "/adapter/lentune/v1/nothing"))
    assert (answer.status, answer.json()["code"]) == (404, "not_found")
