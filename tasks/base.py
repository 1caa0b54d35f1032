"""What the tasks share: the record task's retry of passing troubles, and log context."""

import traceback
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from celery import Task
from celery.exceptions import Retry, TaskPredicate
from sqlalchemy.exc import InterfaceError, OperationalError

from settings.environment import environment
from settings.secret_values import blank
from sync import engine
from sync.clock import now
from sync.engine import Result
from tasks import publish

#: The database is away or gave up a transaction: nothing was stored by it, the whole task may run again.
DATABASE_TROUBLE = (OperationalError, InterfaceError)
#: Longest countdown: anything longer is a due time in Postgres (Redis hands long-held messages out twice).
LONGEST_COUNTDOWN = 60
#: Seconds until the message of a lost pool child comes again; Celery's own default is 180, above any countdown of ours.
LOST_WORKER_DELAY = 10


def countdown_to(retry_at: datetime | None) -> float:
    """Seconds until a system said to come back, clipped; 5 when it did not say."""
    return 5.0 if retry_at is None else min(max((retry_at - now()).total_seconds(), 0.1), LONGEST_COUNTDOWN)


class Failed(RuntimeError):
    """A task ended with an error that spoke of a secret: its kind and its words, without that."""


class BlankingTask(Task):
    """Every task of ours. What it raises goes through the broker to Flower, from a process that knows no secret to blank."""

    abstract = True

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        try:
            return self.run(*args, **kwargs)  # Celery's own __call__ would put a request without retries before this one
        except Retry as again:
            if blank(str(again.excs)) != str(again.excs):
                again.exc, again.excs, again.args = Failed(blank(str(again.exc))), blank(str(again.excs)), ()
                raise again.with_traceback(None) from None
            raise
        except TaskPredicate:
            raise  # Ignore and Reject are no failures
        except Exception as error:
            whole = "".join(traceback.format_exception(error))
            if blank(whole) == whole:
                raise
            raise Failed(blank(f"{type(error).__name__}: {error}")).with_traceback(error.__traceback__) from None


class RecordTask(BlankingTask):
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
