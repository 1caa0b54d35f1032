"""A message that goes through a queue to show that somebody works on it."""

import logging
from typing import Any

from celery import shared_task

from sync import heartbeat
from tasks.base import DATABASE_TROUBLE, BlankingTask

log = logging.getLogger("sitebooks.heartbeat")


class Pulse(BlankingTask):
    """Notes the sending before it is sent: whoever finds no arrival then knows whether beat or the workers stand still."""

    abstract = True

    def apply_async(self, args: Any = None, kwargs: Any = None, **options: Any) -> Any:
        """As every task; a database that is away costs a log line, and beat goes on ticking."""
        for queue in args or ():
            try:
                heartbeat.sent(queue)
            except DATABASE_TROUBLE as error:
                log.warning("the heartbeat through %s is not noted: %s", queue, type(error.orig).__name__)
        return super().apply_async(args, kwargs, **options)


@shared_task(name="sitebooks.heartbeat.pulse", base=Pulse, autoretry_for=DATABASE_TROUBLE, retry_backoff=2, max_retries=1)
def pulse(queue: str) -> None:
    """Ran: this queue is consumed, by a worker that reaches the database."""
    heartbeat.ran(queue)
