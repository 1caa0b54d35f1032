"""The queues on a real broker: where tasks go, how long a queue is, what a misspelt name does."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from celery import Celery
from celery.exceptions import QueueNotFound

from tasks.queues import QUEUES, BrokerAway, lengths
from workers.local.places import Secrets
from workers.local.valkey import Valkey

pytestmark = pytest.mark.worker


@pytest.fixture
def valkey(tmp_path: Path) -> Iterator[Valkey]:
    folder = tmp_path / "broker"
    folder.mkdir()
    server = Valkey(folder, "only-for-this-test", tmp_path / "valkey.log", durable=False).start()
    yield server
    server.stop()


@pytest.fixture
def app(valkey: Valkey) -> Iterator[Celery]:
    made = Celery("queues", set_as_current=False)
    made.config_from_object("settings.celery")
    made.conf.broker_url = valkey.url
    yield made
    made.close()


def test_tasks_go_to_the_queue_of_what_they_wait_for(app: Celery) -> None:
    for name in ("sitebooks.scan.page", "sitebooks.maintenance.sweep", "sitebooks.commitment.sync"):
        app.send_task(name, args=[1])
    app.send_task("sitebooks.commitment.sync", args=[1], queue="bulk")
    assert lengths(app) == {"interactive": 1, "bulk": 2, "maintenance": 1}


def test_an_unopened_queue_is_empty(app: Celery) -> None:
    assert lengths(app) == dict.fromkeys(QUEUES, 0)


def test_a_misspelt_queue_is_an_error_at_publish(app: Celery) -> None:
    with pytest.raises(QueueNotFound):
        app.send_task("sitebooks.commitment.sync", args=[1], queue="interactiv")


def test_a_broker_that_is_away_is_said_so(app: Celery, valkey: Valkey) -> None:
    valkey.stop()
    with pytest.raises(BrokerAway):
        lengths(app)


def test_secrets_are_made_once_and_private(tmp_path: Path) -> None:
    assert Secrets.of(tmp_path) == Secrets.of(tmp_path)
    assert (tmp_path / "secrets.json").stat().st_mode & 0o077 == 0
