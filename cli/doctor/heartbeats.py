"""Whether messages get through each queue, and whether beat sends any: more than that a worker answers."""

from datetime import timedelta

from cli.doctor import Finding, Findings, Mark
from settings.environment import environment
from sync.heartbeat import Heartbeat, heartbeats, limit

GROUP = "processes"
BEAT_FIX = "Start beat, one process: the beat line of the Procfile. Webhooks still work; nothing is swept, scanned or compared."
QUEUE_FIX = (
    "Restart the worker of the queue {queue}: one that answers may still consume nothing. "
    "If the queue is long, start more workers for it."
)


def check() -> Findings:
    """Reads Postgres only, so it also says what was the case before the broker went away."""
    found = heartbeats()
    yield _beat(found)
    for one in found:
        yield _queue(one)


def _beat(found: list[Heartbeat]) -> Finding:
    ages = [one.beat_age for one in found if one.beat_age is not None]
    if not ages:
        said = f"has sent no heartbeat yet; it sends one every {environment().heartbeat_seconds} s"
        return Finding(GROUP, "beat", "warn", said, BEAT_FIX)
    age = min(ages)
    if age > limit():
        return Finding(GROUP, "beat", "fail", f"sent nothing for {_span(age)}", BEAT_FIX)
    return Finding(GROUP, "beat", "ok", f"sent a heartbeat {_span(age)} ago")


def _queue(one: Heartbeat) -> Finding:
    name = f"heartbeat {one.queue}"
    if not one.dead and one.age is not None:
        return Finding(GROUP, name, "ok", f"got through {_span(one.age)} ago")
    said = f"nothing got through for {_span(one.age)}" if one.age is not None else "nothing ever got through"
    mark: Mark = "warn" if one.unsent else "fail"  # beat is the cause then, and is told above
    return Finding(GROUP, name, mark, said, BEAT_FIX if one.unsent else QUEUE_FIX.format(queue=one.queue))


def _span(age: timedelta) -> str:
    return f"{age.total_seconds():.0f} s"
