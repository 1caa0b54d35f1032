"""Messages nobody can carry out: counted in Postgres, told once in the log with what to do, shown by doctor.

Nothing is lost by dropping one: what it was to ring is still due, and the sweep rings it again.
"""

import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Any

import celery
import psycopg
from celery import signals
from celery.worker.consumer import Consumer
from psycopg.rows import class_row

from settings.environment import environment

log = logging.getLogger("sitebooks.messages")

#: Why one was dropped, and what to do about it.
FIXES = {
    "message_unreadable": "Something else writes to this broker, or it is shared: give Sitebooks a database of its own there.",
    "task_unknown": "A newer release sent it: bring the workers to that release before what sends (deploy/runbook.md).",
    "task_refused": "A newer release sent it with other arguments: bring the workers to that release before what sends.",
}
#: Different names that are kept at most; whoever can write to the broker chooses them.
MOST_NAMES = 100
LONGEST_NAME = 80
CELERY = Path(celery.__file__).parent

_told: set[tuple[str, str]] = set()


@dataclass(frozen=True, slots=True)
class Odd:
    """One kind of message that was dropped: its code, the task it named, how often, and when last."""

    code: str
    name: str
    count: int
    last_at: datetime


def note(code: str, name: str, why: object) -> None:
    """One more. Never raises: the message is gone either way, and the worker goes on."""
    name = "".join(c for c in name if c.isprintable())[:LONGEST_NAME]
    if (code, name) not in _told and len(_told) < MOST_NAMES:
        _told.add((code, name))
        log.error("%s: a message%s is dropped: %s. Nothing is lost: what is due is rung again. %s",
                  code, f" for {name}" if name else "", why, FIXES[code])  # fmt: skip
    try:
        # a connection for this alone: the pool's children are forked from this process
        with psycopg.connect(environment().database(), connect_timeout=2) as db:
            db.execute(
                "INSERT INTO odd_message AS o (code, name) SELECT %(code)s, %(name)s"
                " WHERE (SELECT count(*) FROM odd_message) < %(most)s"
                " OR EXISTS (SELECT 1 FROM odd_message WHERE code = %(code)s AND name = %(name)s)"
                " ON CONFLICT (code, name) DO UPDATE SET count = o.count + 1, last_at = clock_timestamp()",
                {"code": code, "name": name, "most": MOST_NAMES},
            )
    except psycopg.Error as error:
        log.warning("a dropped message is not counted: %s", error)


def lately() -> Iterator[Odd]:
    """Those of the last day, the newest first. Raises psycopg.Error."""
    query = """
        SELECT code, name, count, last_at FROM odd_message
        WHERE last_at > clock_timestamp() - interval '1 day' ORDER BY last_at DESC
    """
    with psycopg.connect(environment().database(), connect_timeout=5, row_factory=class_row(Odd)) as db:
        yield from db.execute(query)


class ReadingConsumer(Consumer):
    """Celery's own, which also counts what it cannot decode, and goes on after a message that its own code stumbles over.

    Otherwise that message would end the worker, come back after the visibility timeout, and end the next one.
    """

    def create_task_handler(self, *arguments: Any, **options: Any) -> Callable[[Any], Any]:
        receive = super().create_task_handler(*arguments, **options)

        def received(message: Any) -> Any:
            try:
                return receive(message)
            except (TypeError, ValueError, LookupError, AttributeError) as error:
                note("message_unreadable", _task_of(message), f"{type(error).__name__}: {str(error)[:200]}")
                message.reject_log_error(log, self.connection_errors)
                return None

        return received

    def on_decode_error(self, message: Any, exc: Exception) -> None:
        note("message_unreadable", _task_of(message), f"{type(exc).__name__}: {str(exc)[:200]}")
        super().on_decode_error(message, exc)


def _task_of(message: Any) -> str:
    headers = getattr(message, "headers", None)
    return str(headers.get("task") or "") if isinstance(headers, dict) else ""


@signals.task_unknown.connect
def _unknown(name: str = "", **_: object) -> None:
    note("task_unknown", str(name), "no task of this name is known here")


@signals.task_rejected.connect
def _rejected(message: Any = None, exc: Exception | None = None, **_: object) -> None:
    note("message_unreadable", _task_of(message), exc or "it is no task message")


@signals.task_failure.connect
def _failed(sender: Any = None, exception: BaseException | None = None, traceback: Any = None, **_: object) -> None:
    """Only where the call itself failed: the last frame is Celery's, the task's own code was never reached."""
    if not isinstance(exception, TypeError) or not isinstance(traceback, TracebackType):
        return
    while traceback.tb_next is not None:
        traceback = traceback.tb_next
    if Path(traceback.tb_frame.f_code.co_filename).is_relative_to(CELERY):
        note("task_refused", str(getattr(sender, "name", "")), exception)
