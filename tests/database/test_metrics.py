"""The figures at /metrics and the readiness: what they say of rows, and what of a database or a broker that is away."""

import math
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import pytest
from celery import Task
from kombu.exceptions import OperationalError
from sqlalchemy import Connection, create_engine, text
from starlette.testclient import TestClient

import workers.app  # noqa: F401  before any task is imported
from models import unscoped
from sync import connections, heartbeat
from tasks.heartbeat import pulse
from tests.database.web_clients import script
from tests.promql import Scrape, scraped
from web import metrics, readiness

NOWHERE = "postgresql+psycopg://nobody@127.0.0.1:1/nothing?connect_timeout=1"


@contextmanager
def away() -> Iterator[Connection]:
    """A transaction in a database that nobody serves."""
    with create_engine(NOWHERE).begin() as connection:
        yield connection


@pytest.fixture(autouse=True)
def _nothing_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    """What an earlier test heard of the broker."""
    monkeypatch.setattr(readiness, "_asked", (-math.inf, ""))


def figures() -> Scrape:
    return scraped(metrics.figures().decode())


def value(scrape: Scrape, name: str, **labels: str) -> float:
    return scrape[f"sitebooks_{name}"][frozenset(labels.items())]


@pytest.fixture
def client(company: int) -> TestClient:
    made = script(company, "read")
    made.base_url = "http://testserver"  # type: ignore[assignment]
    return made


def test_what_a_rule_looks_at_is_there_before_anything_happened(database: str) -> None:
    seen = figures()
    assert value(seen, "up", part="database") == value(seen, "up", part="broker") == 1
    assert len(seen["sitebooks_records"]) == 12
    assert len(seen["sitebooks_writes"]) == 6
    assert len(seen["sitebooks_heartbeat_ran_seconds"]) == len(seen["sitebooks_queue_length"]) == 3
    assert value(seen, "unacknowledged") >= 0
    for name in ("duplicates_found", "oldest_due_seconds", "oldest_uncertain_seconds", "heartbeat_sent_seconds"):
        assert frozenset() in seen[f"sitebooks_{name}"]


def test_a_heartbeat_is_counted_from_its_last_arrival(database: str) -> None:
    with unscoped() as db:
        db.execute(text("DELETE FROM heartbeat"))
    assert value(figures(), "heartbeat_ran_seconds", queue="bulk") == math.inf
    assert [one.dead for one in heartbeat.heartbeats()] == [True] * 3
    heartbeat.sent("bulk")
    heartbeat.ran("bulk")
    with unscoped() as db:
        db.execute(text("UPDATE heartbeat SET ran_at = ran_at - interval '100 seconds' WHERE queue = 'bulk'"))
    seen = figures()
    assert 100 <= value(seen, "heartbeat_ran_seconds", queue="bulk") < 160
    assert value(seen, "heartbeat_sent_seconds") < 60
    bulk = next(one for one in heartbeat.heartbeats() if one.queue == "bulk")
    assert bulk.age is not None
    assert bulk.age > timedelta(seconds=99)
    assert not bulk.unsent


def test_the_task_notes_that_it_ran_and_its_sending_that_it_was_sent(database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[object] = []
    monkeypatch.setattr(Task, "apply_async", lambda self, args=None, kwargs=None, **options: sent.append(args))
    with unscoped() as db:
        db.execute(text("DELETE FROM heartbeat"))
    pulse.apply_async(("interactive",), queue="interactive")
    first = heartbeat.heartbeats()[0]
    assert sent == [("interactive",)]
    assert first.sent_at is not None
    assert first.ran_at is None
    pulse("interactive")
    assert heartbeat.heartbeats()[0].ran_at is not None
    with pytest.raises(ValueError, match="no queue"):
        heartbeat.ran("nothing")


def test_a_limit_whose_window_has_turned_is_whole_again(company: int) -> None:
    made = connections.connect(company, "lentune", {"base_url": "http://127.0.0.1:9"}, {"client_id": "a", "client_secret": "b"})
    with unscoped() as db:
        db.execute(
            text("""
            UPDATE budget SET spike_limit = 100, spike_left = 3, spike_reset = clock_timestamp() - interval '1 second',
                hour_limit = 3600, hour_left = 40, hour_reset = clock_timestamp() + interval '30 minutes'
            WHERE connection_id = :c"""),
            {"c": made},
        )
        db.execute(text("UPDATE connection SET blocked_code = 'reconnect_needed' WHERE id = :c"), {"c": made})
    seen, of = figures(), {"connection": str(made), "system": "lentune"}
    assert value(seen, "limit_left", window="spike", **of) == value(seen, "limit", window="spike", **of) == 100
    assert value(seen, "limit_left", window="hour", **of) == 40
    assert value(seen, "connection_blocked", code="reconnect_needed", **of) == 1


def test_no_figure_names_a_company(company: int) -> None:
    with unscoped() as db:
        names = [name for (name,) in db.execute(text("SELECT name FROM company"))]
    said = metrics.figures().decode()
    assert not [name for name in names if name in said]


def test_a_dead_database_is_told_and_no_error(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(metrics, "unscoped", away)
    monkeypatch.setattr(readiness, "unscoped", away)
    answer = client.get("/metrics")
    assert answer.status_code == 200
    assert value(scraped(answer.text), "up", part="database") == 0
    ready = client.get("/readyz")
    assert ready.status_code == 503
    assert ready.json()["database"].startswith("away")


def test_a_dead_broker_is_told_and_the_web_process_stays_ready(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*_: object, **__: object) -> None:
        raise OperationalError("nobody listens")

    monkeypatch.setattr("kombu.Connection.ensure_connection", refused)
    monkeypatch.setattr(readiness, "_asked", (-math.inf, ""))
    answer = client.get("/metrics")
    assert value(scraped(answer.text), "up", part="broker") == 0
    assert "sitebooks_queue_length" not in answer.text
    ready = client.get("/readyz")
    assert ready.status_code == 200
    assert ready.json() == {
        "database": "answers", "migrations": "at head", "role": "may act as sitebooks_app",
        "broker": "away: webhooks are stored, work goes on when it is back",
    }  # fmt: skip
    monkeypatch.setattr(readiness, "_asked", (-math.inf, ""))


def test_a_schema_of_another_release_is_not_ready(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(readiness, "head", lambda: "9999")
    ready = client.get("/readyz")
    assert ready.status_code == 503
    assert "this release needs 9999" in ready.json()["migrations"]
