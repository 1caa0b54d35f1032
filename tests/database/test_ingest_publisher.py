"""The publisher thread: rings together, not too often, and waits for a broker that is away."""

import itertools
import threading
import time

import pytest
from kombu.exceptions import OperationalError

from web import publisher
from web.publisher import Publisher

pytestmark = pytest.mark.unit
DEADLINE = 10.0


class Broker:
    """Notes what is published; `away` makes it raise as kombu does."""

    def __init__(self) -> None:
        self.messages: list[tuple[float, int, list[int]]] = []
        self.away = False
        self.tried = threading.Event()
        self.came = threading.Condition()

    def publish(self, company_id: int, ids: list[int]) -> None:
        self.tried.set()
        if self.away:
            raise OperationalError("connection refused")
        with self.came:
            self.messages.append((time.monotonic(), company_id, list(ids)))
            self.came.notify_all()

    def wait_for(self, ids: int) -> None:
        with self.came:
            assert self.came.wait_for(lambda: sum(len(m[2]) for m in self.messages) >= ids, DEADLINE)


def test_what_waits_goes_together_per_company_and_not_faster_than_the_pace() -> None:
    broker = Broker()
    ringing = Publisher(broker.publish)
    ringing.start()
    for n in range(200):
        ringing.add([(1, n), (2, 1000 + n)])
    broker.wait_for(400)
    ringing.stop()
    mine = [m for m in broker.messages if m[1] == 1]
    assert [n for m in mine for n in m[2]] == list(range(200))
    gaps = [later[0] - earlier[0] for earlier, later in itertools.pairwise(mine)]
    assert all(gap >= publisher.PACE_SECONDS * 0.9 for gap in gaps)
    assert len(mine) < 200


def test_a_broker_that_is_away_costs_nothing_but_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(publisher, "RETRY_SECONDS", 0.05)
    broker = Broker()
    broker.away = True
    ringing = Publisher(broker.publish)
    ringing.start()
    ringing.add([(1, 1)])
    assert broker.tried.wait(DEADLINE)
    ringing.add([(1, 2)])
    broker.away = False
    broker.wait_for(2)
    ringing.stop()
    assert [n for m in broker.messages for n in m[2]] == [1, 2]


def test_stopping_publishes_what_waits() -> None:
    broker = Broker()
    ringing = Publisher(broker.publish)
    ringing.add([(1, n) for n in range(2500)])
    ringing.start()
    ringing.stop()
    assert [len(m[2]) for m in broker.messages] == [1000, 1000, 500]


def test_stopping_with_the_broker_away_ends_at_once() -> None:
    broker = Broker()
    broker.away = True
    ringing = Publisher(broker.publish)
    ringing.start()
    ringing.add([(1, 1)])
    assert broker.tried.wait(DEADLINE)
    before = time.monotonic()
    ringing.stop()
    assert time.monotonic() - before < publisher.STOP_SECONDS
