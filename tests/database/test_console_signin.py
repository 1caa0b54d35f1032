"""Coming in and out of the console, what each role may do, and what no page may ever do."""

from datetime import timedelta

import pytest
from sqlalchemy import text
from starlette.testclient import TestClient

from models import session
from settings.environment import environment
from sync.tokens import NoSuchUser, ensure_user, identify, new_token
from tests.database.web_clients import MINUTES, form_token, post, visitor


@pytest.fixture
def stranger(database: str) -> TestClient:
    from web.app import app

    return TestClient(app, follow_redirects=False)


def link(company: int, ttl: timedelta = MINUTES) -> str:
    ensure_user(company, "accountant", "approver")
    return f"/sign-in/{new_token(company, 'accountant', 'sign_in', [], ttl)}"


def test_a_link_works_once(company: int, stranger: TestClient) -> None:
    address = link(company)
    first = stranger.get(address)
    assert (first.status_code, first.headers["location"]) == (303, "/")
    cookie = first.headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=lax" in cookie
    assert stranger.get("/").status_code == 200
    stranger.cookies.clear()
    again = stranger.get(address)
    assert again.status_code == 401
    assert "used already" in again.text


def test_a_link_that_is_too_old(company: int, stranger: TestClient) -> None:
    assert stranger.get(link(company, timedelta(seconds=-1))).status_code == 401


def test_a_browser_guessing_ahead_does_not_use_the_link_up(company: int, stranger: TestClient) -> None:
    address = link(company)
    assert stranger.get(address, headers={"sec-purpose": "prefetch;prerender"}).status_code == 425
    assert stranger.get(address).status_code == 303


def test_only_hashes_are_kept_and_each_token_is_good_for_one_purpose(company: int) -> None:
    ensure_user(company, "accountant", "approver")
    token = new_token(company, "accountant", "sign_in", [], MINUTES)
    with session(company) as db:
        stored = db.execute(text("SELECT CAST(api_token.* AS text) FROM api_token")).scalars().all()
    assert not any(token in row for row in stored)
    assert identify(token, "session") is None
    assert identify(token, "api") is None
    assert identify(token, "sign_in") is not None


def test_a_token_needs_a_user_and_known_scopes(company: int) -> None:
    with pytest.raises(NoSuchUser):
        new_token(company, "nobody", "api", ["read"], MINUTES)
    with pytest.raises(ValueError, match="everything"):
        new_token(company, "nobody", "api", ["everything"], MINUTES)


@pytest.mark.parametrize("path", ["/", "/objects", "/objects/1", "/approvals", "/problems", "/events", "/systems", "/activity"])
def test_strangers_are_led_to_the_sign_in_page(stranger: TestClient, path: str) -> None:
    answer = stranger.get(path)
    assert (answer.status_code, answer.headers["location"]) == (303, "/sign-in")
    assert stranger.get("/sign-in").status_code == 200


def test_signing_out_ends_the_session_at_once(company: int) -> None:
    client = visitor(company)
    kept = dict(client.cookies)
    assert post(client, "/sign-out").headers["location"] == "/sign-in"
    client.cookies.update(kept)
    assert client.get("/").status_code == 303


def test_a_form_without_its_token_is_refused(company: int) -> None:
    client = visitor(company)
    assert client.post("/appearance", data={"theme": "dark"}).status_code == 403
    assert client.post("/appearance", data={"theme": "dark", "csrf": "0" * 64}).status_code == 403
    other = form_token(visitor(company))
    assert client.post("/appearance", data={"theme": "dark", "csrf": other}).status_code == 403


def test_appearance_is_remembered_and_leads_back_inside_only(company: int) -> None:
    client = visitor(company)
    answer = post(client, "/appearance", theme="dark", back="/objects?kind=invoice")
    assert answer.headers["location"] == "/objects?kind=invoice"
    assert 'data-theme="dark"' in client.get("/").text
    for elsewhere in ("https://example.org/", "//example.org", "/\\example.org"):
        assert post(client, "/appearance", theme="light", back=elsewhere).headers["location"] == "/"


@pytest.mark.parametrize("path", ["/", "/sign-in", "/nowhere", "/api/v1/status", "/static/sitebooks.css", "/livez"])
def test_every_answer_forbids_scripts_and_frames(company: int, path: str) -> None:
    answer = visitor(company).get(path)
    policy = answer.headers["content-security-policy"]
    assert policy == (
        "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; "
        "frame-ancestors 'none'"
    )
    assert answer.headers["x-content-type-options"] == "nosniff"
    if answer.headers["content-type"].startswith("text/html"):
        assert "<script" not in answer.text
        assert "style=" not in answer.text


def test_what_a_viewer_may_not_do(company: int) -> None:
    client = visitor(company, "viewer")
    for path in ("/objects/1/approve", "/objects/1/reject", "/objects/1/retry", "/events/1/replay", "/systems/sync"):
        assert post(client, path).status_code == 403
    assert post(client, "/systems/lentune").status_code == 403
    assert post(visitor(company, "approver"), "/systems/lentune").status_code == 403


def test_alive_ready_and_figures(stranger: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    assert stranger.get("/livez").text == "ok"
    ready = stranger.get("/readyz")
    assert (ready.status_code, ready.json()["migrations"]) == (200, "at head")
    assert stranger.get("/metrics").status_code == 401


def test_figures_with_a_token(company: int, stranger: TestClient) -> None:
    ensure_user(company, "prometheus", "viewer")
    token = new_token(company, "prometheus", "api", ["read"], MINUTES)
    answer = stranger.get("/metrics", headers={"Authorization": f"Bearer {token}"})
    assert answer.status_code == 200
    assert 'sitebooks_up{part="database"} 1.0' in answer.text
    assert "sitebooks_oldest_due_seconds " in answer.text


def test_figures_are_open_to_this_machine_when_it_is_said_so(database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    from web.app import app

    monkeypatch.setenv("METRICS_OPEN", "1")
    environment.cache_clear()
    try:
        here, elsewhere = (TestClient(app, client=(host, 5000)) for host in ("127.0.0.1", "192.0.2.7"))
        assert here.get("/metrics").status_code == 200
        assert here.get("/metrics", headers={"X-Forwarded-For": "192.0.2.7"}).status_code == 401
        assert elsewhere.get("/metrics").status_code == 401
    finally:
        monkeypatch.undo()
        environment.cache_clear()
