"""Celery beat's entries, from settings/schedule.py. One beat process; a second one changes nothing."""

from settings.schedule import ENTRIES
from workers.app import app

app.conf.beat_schedule = {
    name: {
        "task": entry.task,
        "schedule": entry.tick,
        "args": () if entry.task.endswith(".sweep") else (name,),
        # a backlog thins itself: an unread tick is worth nothing once the next one is there
        "options": {"expires": max(entry.tick * 0.9, 1)},
    }
    for name, entry in ENTRIES.items()
}
