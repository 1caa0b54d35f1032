"""The figures at /metrics, for Prometheus: what Postgres and the broker say at this moment."""

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from celery import current_app
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from models import unscoped
from models.states import EventState, RecordState, WriteState
from sync.heartbeat import QUEUES
from tasks.queues import Backlog, BrokerAway, backlog
from workers.odd_messages import FIXES

PREFIX = "sitebooks_"


@dataclass(frozen=True, slots=True)
class Metric:
    """One gauge. `zero`: label values that stand there even with nothing to count, so that a rule finds its series."""

    words: str
    labels: tuple[str, ...] = ()
    zero: tuple[tuple[str, ...], ...] = ()
    missing: float = 0


def _each(values: Iterable[str]) -> tuple[tuple[str, ...], ...]:
    return tuple((str(value),) for value in values)


#: What sitebooks_watch() gives -> the gauge made of it.
METRICS: dict[str, Metric] = {
    "records": Metric("Records by state", ("state",), _each(RecordState)),
    "events": Metric("Webhook events by state", ("state",), _each(EventState)),
    "writes": Metric("Intended changes of outside systems by state", ("state",), _each(WriteState)),
    "problems": Metric("Records that a problem stands against, by state and code", ("state", "code"), (
        ("checking", "outcome_uncertain"), ("needs_attention", "outcome_needs_person"),
    )),
    "duplicates_found": Metric("Records that stand in a system more than once", zero=((),)),
    "oldest_due_seconds": Metric("How long the oldest record that is due has waited", zero=((),)),
    "oldest_event_seconds": Metric("How long the oldest unread webhook event has waited", zero=((),)),
    "oldest_uncertain_seconds": Metric("How long the oldest write of unknown outcome has been unknown", zero=((),)),
    "oldest_approval_seconds": Metric("How long the oldest record has waited for an approval", zero=((),)),
    "odd_messages": Metric(
        "Messages dropped because nobody could carry them out, of kinds seen within a day", ("code",), _each(FIXES)
    ),
    "heartbeat_ran_seconds": Metric(
        "Since a message last got through this queue; infinite: never", ("queue",), _each(QUEUES), math.inf
    ),
    "heartbeat_sent_seconds": Metric("Since beat last sent anything; infinite: never", zero=((),), missing=math.inf),
    "connection_blocked": Metric("1 where writing is stopped, with its code", ("connection", "system", "code")),
    "limit": Metric("Requests that a system allows in its window", ("connection", "system", "window")),
    "limit_left": Metric("Requests left in the window", ("connection", "system", "window")),
    "reconcile_age_seconds": Metric("Since both sides were last compared in full", ("connection", "system")),
    "unexplained_amount": Metric("Difference that the last comparison could not explain", ("connection", "system")),
    "webhook_to_synced_seconds": Metric("From a delivery to both systems, last 15 minutes", ("quantile",)),
}


def figures() -> bytes:
    """Everything, as Prometheus reads it. A database or a broker that is away is `up` 0 and never an error."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Now())
    return generate_latest() + generate_latest(registry)


class _Now(Collector):
    def collect(self) -> Iterator[GaugeMetricFamily]:
        rows, broker = _database(), _broker()
        up = GaugeMetricFamily(f"{PREFIX}up", "Whether it answers", labels=["part"])
        up.add_metric(["database"], rows is not None)
        up.add_metric(["broker"], broker is not None)
        yield up
        if rows is not None:
            yield from _from_rows(rows)
        if broker is not None:
            yield from _from_broker(broker)


def _from_rows(rows: list[Any]) -> Iterator[GaugeMetricFamily]:
    for name, metric in METRICS.items():
        found = dict.fromkeys(metric.zero, metric.missing)
        found |= {tuple(row.labels[label] for label in metric.labels): row.n for row in rows if row.what == name}
        yield _gauge(name, metric.words, metric.labels, found)


def _from_broker(waiting: Backlog) -> Iterator[GaugeMetricFamily]:
    lengths = {(queue,): length for queue, length in waiting.lengths.items()}
    yield _gauge("queue_length", "Messages waiting in the queue", ("queue",), lengths)
    if waiting.unacknowledged is not None:
        yield _gauge("unacknowledged", "Messages that workers hold and have not finished", (), {(): waiting.unacknowledged})


def _gauge(name: str, words: str, labels: tuple[str, ...], values: dict[tuple[str, ...], float]) -> GaugeMetricFamily:
    made = GaugeMetricFamily(PREFIX + name, words, labels=labels)
    for given, value in values.items():
        made.add_metric(given, value)
    return made


def _database() -> list[Any] | None:
    try:
        with unscoped() as db:
            return list(db.execute(text("SELECT what, labels, n FROM sitebooks_watch()")))
    except DBAPIError:
        return None


def _broker() -> Backlog | None:
    try:
        return backlog(current_app)
    except BrokerAway:
        return None
