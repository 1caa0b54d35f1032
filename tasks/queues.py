"""The queues and how long they are."""

from dataclasses import dataclass
from typing import cast

import redis
from amqp.exceptions import NotFound
from celery import Celery
from kombu import Connection
from kombu.exceptions import OperationalError

from settings import celery as celery_settings

QUEUES = tuple(celery_settings.task_queues)


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
    try:
        with app.connection_for_read(connect_timeout=2) as connection:
            connection.ensure_connection(max_retries=1, interval_start=0, interval_step=0)
            return Backlog({name: _length(connection, name) for name in QUEUES}, _unacknowledged(connection))
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
