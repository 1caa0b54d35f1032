"""Ringing the bell: one message with the ids, after the commit. A broker that is down costs a log line, never a row."""

import logging
from collections.abc import Iterable, Sequence

from celery import current_app
from kombu.exceptions import KombuError, OperationalError

from connectors.registry import connector
from settings.failpoints import reach
from sync.records import Rung

log = logging.getLogger("sitebooks.publish")

#: Records in one message; a larger page becomes several, so that several workers share it.
MOST_IDS = 50
#: What a publish may raise when the broker is away.
BROKER_TROUBLE = (OperationalError, KombuError, OSError)


def ring(company_id: int, kind: str, record_ids: Sequence[int], queue: str | None = None) -> bool:
    """Rings for these records. False when the broker could not be reached: the sweep finds them, they are due."""
    for start in range(0, len(record_ids), MOST_IDS):
        if not send(f"sitebooks.{kind}.sync", [company_id, list(record_ids[start : start + MOST_IDS])], queue):
            return False
    return True


def ring_all(company_id: int, rung: Rung, queue: str | None = None) -> None:
    """Rings for every kind."""
    for kind, ids in rung.items():
        ring(company_id, kind, ids, queue)


def read_project(company_id: int, system: str, project_id: str) -> None:
    """A project that has just joined the sync: all its lists are read, in dependency order."""
    declared = connector(system)
    for kind in declared.scans:
        if declared.readers[kind].scope == "project":
            send("sitebooks.scan.list", [company_id, system, kind, project_id, False])


def send(name: str, args: Iterable[object], queue: str | None = None, countdown: float | None = None) -> bool:
    """One message. False, with a log line, when the broker could not be reached."""
    reach("before_publish", name)
    try:
        current_app.send_task(name, args=list(args), queue=queue or None, countdown=countdown, ignore_result=True, retry=False)
    except BROKER_TROUBLE as error:
        log.warning("the broker cannot be reached; %s is rung again by the sweep: %s", name, error)
        return False
    return True
