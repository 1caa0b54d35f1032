"""The last message that went through each queue, end to end: a worker can answer pings and consume nothing."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import text

from models import unscoped
from settings.celery import task_queues
from settings.environment import environment

QUEUES = tuple(task_queues)
#: Periods without a message getting through after which a queue is taken for dead. With the standard 60 s: 3 minutes.
MISSED = 3


@dataclass(frozen=True, slots=True)
class Heartbeat:
    """One queue. `sent_at`: when beat last sent through it; `ran_at`: when a worker last ran what was sent; `at`: now."""

    queue: str
    sent_at: datetime | None
    ran_at: datetime | None
    at: datetime

    @property
    def age(self) -> timedelta | None:
        """How long ago it last got through; None: never."""
        return self.at - self.ran_at if self.ran_at else None

    @property
    def beat_age(self) -> timedelta | None:
        """How long ago beat last sent one; None: never."""
        return self.at - self.sent_at if self.sent_at else None

    @property
    def dead(self) -> bool:
        """Nothing got through for three periods, or ever."""
        return self.age is None or self.age > limit()

    @property
    def unsent(self) -> bool:
        """Nothing was even sent: the schedule stands still, and the queue itself may be well."""
        return self.beat_age is None or self.beat_age > limit()


def limit() -> timedelta:
    """The age from which on a heartbeat counts as missing."""
    return timedelta(seconds=MISSED * environment().heartbeat_seconds)


def sent(queue: str) -> None:
    """Beat sends one through this queue now."""
    _note(queue, "sent_at")


def ran(queue: str) -> None:
    """A worker ran one that came through this queue."""
    _note(queue, "ran_at")


def heartbeats() -> list[Heartbeat]:
    """One for each queue there is, also for those that nothing ever went through."""
    with unscoped() as db:
        at = db.scalar(text("SELECT clock_timestamp()"))
        rows = {row.queue: row for row in db.execute(text("SELECT queue, sent_at, ran_at FROM heartbeat"))}
    assert at is not None
    return [
        Heartbeat(queue, rows[queue].sent_at, rows[queue].ran_at, at) if queue in rows else Heartbeat(queue, None, None, at)
        for queue in QUEUES
    ]


def _note(queue: str, column: str) -> None:
    if queue not in QUEUES:
        raise ValueError(f"there is no queue {queue}")
    with unscoped() as db:
        db.execute(
            text(f"""
            INSERT INTO heartbeat AS h (queue, {column}) VALUES (:q, clock_timestamp())
            ON CONFLICT (queue) DO UPDATE SET {column} = excluded.{column}
        """),
            {"q": queue},
        )
