"""Celery beat's entries, from settings/schedule.py. One beat process; a second one changes nothing."""

from typing import Any

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
