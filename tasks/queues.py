"""The queues and how long they are."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import cast

import redis
from amqp.exceptions import NotFound
from celery import Celery
from kombu import Connection
from kombu.exceptions import OperationalError

from settings import celery as celery_settings

QUEUES = tuple(celery_settings.task_queues)
ANSWER_SECONDS = 2.0


class BrokerAway(ConnectionError):
    """The broker did not answer; what is due stays due in Postgres and is rung again when it is back."""


@dataclass(frozen=True, slots=True)
class Backlog:
    """Messages waiting per queue, and how many workers hold unfinished; None: this broker does not tell."""

    lengths: dict[str, int]
    unacknowledged: int | None


def lengths(app: Celery) -> dict[str, int]:
    """Messages waiting per queue, those already handed to a worker not counted. Raises BrokerAway."""
    return backlog(app).lengths


def backlog(app: Celery) -> Backlog:
    """Raises BrokerAway."""
    with _asking(app, ANSWER_SECONDS) as connection:
        return Backlog({name: _length(connection, name) for name in QUEUES}, _unacknowledged(connection))


def answers(app: Celery, seconds: float) -> bool:
    """Whether the broker answers now; takes at most about three times as long."""
    try:
        with _asking(app, seconds):
            return True
    except BrokerAway:
        return False


@contextmanager
def _asking(app: Celery, seconds: float) -> Iterator[Connection]:
    """A connection that gives up soon, also on a broker that takes connections and then hangs. Raises BrokerAway."""
    options: dict[str, object] = {}
    if str(app.conf.broker_url).startswith(("redis", "unix")):
        options = {"socket_timeout": seconds, "socket_connect_timeout": seconds}
    try:
        with app.connection_for_read(connect_timeout=seconds, transport_options=options) as connection:
            connection.ensure_connection(max_retries=1, interval_start=0, interval_step=0)
            yield connection
    except (OperationalError, OSError, redis.RedisError) as error:
        raise BrokerAway("the broker does not answer") from error


def _unacknowledged(connection: Connection) -> int | None:
    if connection.transport.driver_type != "redis":
        return None  # only RabbitMQ's management interface knows
    with connection.channel() as channel:
        return cast(int, channel.client.hlen(channel.unacked_key))


def _length(connection: Connection, queue: str) -> int:
    """A queue that no worker has opened yet is not there, so empty."""
    with connection.channel() as channel:  # one each: RabbitMQ closes it with a refusal
        if connection.transport.driver_type == "redis":
            # kombu's passive declaration asks for the key without the global prefix and never finds it
            return cast(int, channel.client.llen(queue))
        try:
            return cast(int, channel.queue_declare(queue=queue, passive=True).message_count)
        except NotFound:
            return 0
