"""Celery beat's entries, from settings/schedule.py. One beat process; a second one changes nothing."""

import signal
from typing import Any

from celery.beat import Service
from celery.signals import beat_init

from settings.schedule import ENTRIES, Entry
from workers.app import app


def _beat_entry(name: str, entry: Entry) -> dict[str, Any]:
    # a backlog thins itself: an unread tick is worth nothing once the next one is there
    options: dict[str, Any] = {"expires": max(entry.tick * 0.9, 1)}
    if entry.queue:
        return {"task": entry.task, "schedule": entry.tick, "args": (entry.queue,), "options": {**options, "queue": entry.queue}}
    args = () if entry.task.endswith((".sweep", ".second_looks")) else (name,)
    return {"task": entry.task, "schedule": entry.tick, "args": args, "options": options}


app.conf.beat_schedule = {name: _beat_entry(name, entry) for name, entry in ENTRIES.items()}


@beat_init.connect
def _end_between_ticks(sender: Service, **_: object) -> None:
    """Celery's own handler closes the schedule and raises SystemExit wherever beat is; inside a publish that is swallowed,
    and the next tick fails on the closed file (seen in 1 of 10 signals sent while it published)."""
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: sender.stop())
