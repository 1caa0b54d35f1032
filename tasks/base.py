"""What the tasks share: the record task's retry of passing troubles, and log context."""

from collections.abc import Sequence
from typing import Any

from celery import Task
from sqlalchemy.exc import InterfaceError, OperationalError

from settings.environment import environment
from sync import engine
from sync.engine import Result
from tasks import publish

#: The database is away or gave up a transaction: nothing was stored by it, the whole task may run again.
DATABASE_TROUBLE = (OperationalError, InterfaceError)
#: Longest countdown: anything longer is a due time in Postgres (Redis hands long-held messages out twice).
LONGEST_COUNTDOWN = 60
#: Seconds until the message of a lost pool child comes again; Celery's own default is 180, above any countdown of ours.
LOST_WORKER_DELAY = 10


class RecordTask(Task):
    """Runs the engine for records of one kind, publishes what it released, tries passing troubles again by its policy."""

    abstract = True

    def bring_forward(self, company_id: int, record_ids: Sequence[int]) -> None:
        """One run; its passing troubles come back after a countdown, until this task's retries are spent: then by the sweep."""
        result = engine.run(company_id, record_ids)
        self.pass_on(company_id, result)
        if result.again and self.request.retries < (self.max_retries or 0) and result.seconds <= LONGEST_COUNTDOWN:
            raise self.retry(args=(company_id, result.again), countdown=max(result.seconds, 0.05))

    def pass_on(self, company_id: int, result: Result) -> None:
        """Rings what was released and what this run had no time for, on the queue it came by."""
        queue = (self.request.delivery_info or {}).get("routing_key")
        for kind, ids in result.released.items():
            publish.ring(company_id, kind, ids, queue=queue)
        for system, project_id in result.opened:
            publish.read_project(company_id, system, project_id)
        for wanted in result.unread:
            publish.send("sitebooks.scan.one", [company_id, *wanted], queue="interactive")
        if result.unclaimed:
            publish.ring(company_id, self.name.split(".")[1], result.unclaimed, queue=queue)


def policy(kind: str, **overrides: Any) -> dict[str, Any]:
    """A kind's task options; a module names what differs and reads as its policy."""
    env = environment()
    return {
        "name": f"sitebooks.{kind}.sync",
        "base": RecordTask,
        "bind": True,
        "autoretry_for": DATABASE_TROUBLE,
        "retry_backoff": 2,
        "retry_backoff_max": 60,
        "retry_jitter": True,
        "default_retry_delay": LOST_WORKER_DELAY,
        "max_retries": 6,
        "soft_time_limit": env.soft_limit_seconds,
        "time_limit": env.hard_limit_seconds,
        **overrides,
    }
