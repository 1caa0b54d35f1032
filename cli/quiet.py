"""When everything that was set going has come to rest: in Postgres, in the queues, and in the workers' hands."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import text

from cli.exits import UNREACHABLE, Failure
from cli.waiting import Waiting
from models import session
from tasks.queues import lengths
from workers.app import app

POLL_SECONDS = 0.25
#: Scheduled work that is always there and sets nothing going by itself.
ALWAYS = "sitebooks.maintenance."


@dataclass(frozen=True)
class Movement:
    """What still moves: records due, records in a worker's hands, events not settled, messages and running tasks."""

    due: int
    leased: int
    events: int
    tasks: int = 0

    @property
    def quiet(self) -> bool:
        """Nothing does."""
        return not (self.due or self.leased or self.events or self.tasks)

    def __str__(self) -> str:
        parts = [(self.due + self.leased, "records under way"), (self.events, "events to read"), (self.tasks, "lists to read")]
        return ", ".join(f"{n} {what}" for n, what in parts if n) or "settling"


class Workers:
    """The workers that answer. Raises Failure when none does: nothing would ever come to rest."""

    def __init__(self) -> None:
        self.names = sorted(app.control.inspect(timeout=1.0).active_queues() or {})
        if not self.names:
            raise Failure(
                "no_worker",
                "No worker answers, so nothing that is asked for would be done.",
                "Start the stack (./sitebooks up) or the worker lines of the Procfile; sitebooks doctor says more.",
                UNREACHABLE,
            )

    def tasks(self) -> int:
        """Messages waiting, and tasks held by a worker: running, next in line, or put off for some seconds."""
        waiting = sum(count for queue, count in lengths(app).items() if queue != "maintenance")
        return waiting + sum(not name.startswith(ALWAYS) for name in self._held())

    def holding(self, name: str) -> bool:
        """Whether such a task runs, is next in line, or may still be in its queue."""
        return lengths(app)["maintenance"] > 0 or name in self._held()

    def _held(self) -> list[str]:
        asked = app.control.inspect(destination=self.names, timeout=2.0, limit=len(self.names))
        answers = [asked.active(), asked.reserved(), asked.scheduled()]
        return [_name(task) for answer in answers for tasks in (answer or {}).values() for task in tasks]


def _name(task: dict[str, Any]) -> str:
    return str(task.get("request", task).get("name", ""))


def movement(company_id: int, soon_seconds: float, workers: Workers) -> Movement:
    """The workers are asked only once Postgres is quiet: asking costs a round of answers."""
    with session(company_id) as db:
        row = db.execute(
            text("""
            SELECT (SELECT count(*) FROM sync_record
                    WHERE due_at <= clock_timestamp() + make_interval(secs => :soon) AND state <> 'unlinked') AS due,
                (SELECT count(*) FROM sync_record WHERE lease_until > clock_timestamp()) AS leased,
                (SELECT count(*) FROM event WHERE state = 'received') AS events
        """),
            {"soon": soon_seconds},
        ).one()
    seen = Movement(row.due, row.leased, row.events)
    return Movement(0, 0, 0, workers.tasks()) if seen.quiet else seen


def wait_until_quiet(
    company_id: int,
    waiting: Waiting,
    *,
    seconds: float,
    soon_seconds: float = 1.0,
    calm_seconds: float = 0.5,
    also: Callable[[], str] = str,
) -> bool:
    """True when nothing moved for `calm_seconds`; False when the time is over. `also` adds to the line people watch."""
    workers, end = Workers(), time.monotonic() + seconds
    calm_since: float | None = None
    while True:
        seen, now = movement(company_id, soon_seconds, workers), time.monotonic()
        calm_since = (calm_since or now) if seen.quiet else None
        if calm_since is not None and now - calm_since >= calm_seconds:
            return True
        if now > end:
            return False
        waiting.tick(", ".join(part for part in (str(seen), also()) if part))
        time.sleep(POLL_SECONDS)
