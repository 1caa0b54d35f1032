"""The queues and how long they are."""

from typing import cast

import redis
from amqp.exceptions import NotFound
from celery import Celery
from kombu.exceptions import OperationalError

from settings import celery as celery_settings

QUEUES = tuple(celery_settings.task_queues)


class BrokerAway(ConnectionError):
    """The broker did not answer; what is due stays due in Postgres and is rung again when it is back."""


def lengths(app: Celery) -> dict[str, int]:
    """Messages waiting per queue, those already handed to a worker not counted. Raises BrokerAway."""
    try:
        with app.connection_for_read(connect_timeout=2) as connection:
            connection.ensure_connection(max_retries=1, interval_start=0, interval_step=0)
            with connection.channel() as channel:
                return {name: _length(channel, name) for name in QUEUES}
    except (OperationalError, OSError, redis.RedisError) as error:
        raise BrokerAway("the broker does not answer") from error


def _length(channel: object, queue: str) -> int:
    """A passive declaration counts on both brokers; a queue that no worker has opened yet is not there, so empty."""
    try:
        declared = channel.queue_declare(queue=queue, passive=True)  # type: ignore[attr-defined]
    except NotFound:
        return 0
    return cast(int, declared.message_count)
