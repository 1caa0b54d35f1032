"""Everything is mended, a night passes, people do what their problems tell them to: then it must become quiet."""

import time

import psycopg
import redis
from kombu import Connection
from kombu.exceptions import KombuError

from tests.mill.processes_breaks import Breaks
from tests.mill.processes_stack import Refused, Stack
from tests.worker.running import wait_for

#: Seconds without any change after which it is quiet: longer than the gap between two looks.
CALM_SECONDS = 2.0
#: Seconds in which it must become quiet, each time: a lease, a quarantine, two looks, and what waits for them.
QUIET_SECONDS = 90.0
#: What passes for the outside systems in each pause of ours: webhooks that did not arrive are tried again after minutes.
PASSING_SECONDS, PAUSE_SECONDS = 300, 5.0
#: Problems whose fix is "send it again", and nothing else.
SEND_AGAIN = ("worker_lost", "unexpected_failure")


def heal(stack: Stack, breaks: Breaks) -> None:
    """Raises AssertionError when it does not become quiet."""
    breaks.wake(everybody=True)
    stack.disarm()
    for system in stack.urls:
        stack.sim(system, "faults", method="DELETE")
    wait_for(lambda: _answers(stack), 60, "web, workers and Postgres did not all come back")
    settle(stack)
    for _ in range(2):  # what the first reading finds may ask for another
        stack.read_everything()
        wait_for(lambda: not _reading(stack), QUIET_SECONDS, "the readings did not end")
        settle(stack)
        stack.half_an_hour()
        settle(stack)
        if not _send_again(stack):
            break
        settle(stack)


def settle(stack: Stack, seconds: float = QUIET_SECONDS) -> None:
    """Until nothing is on its way and no ledger grows. Raises AssertionError."""
    end, pause = time.monotonic() + seconds, time.monotonic() + PAUSE_SECONDS
    calm, read = time.monotonic(), dict.fromkeys(stack.urls, 0)
    while time.monotonic() - calm < CALM_SECONDS:
        assert time.monotonic() < end, f"not quiet after {seconds:.0f} s: {_moving(stack)}"
        new = {system: len(stack.sim(system, f"ledger?after={seq}")) for system, seq in read.items()}
        if stack.busy() or _reading(stack) or any(new.values()):
            calm, read = time.monotonic(), {system: seq + new[system] for system, seq in read.items()}
        if time.monotonic() > pause:
            for system in stack.urls:
                stack.sim(system, "clock", {"advance_seconds": PASSING_SECONDS})
            pause = time.monotonic() + PAUSE_SECONDS
        time.sleep(0.2)


def _answers(stack: Stack) -> bool:
    """Both worker nodes answer, and so do the web process and the database behind it."""
    try:
        stack.api("GET", "/status")
        stack.pids()
        with stack.app.connection_for_write() as connection:  # a new one: the broker may have been started again
            return len(stack.app.control.ping(timeout=0.5, connection=connection) or []) >= 2
    except (OSError, Refused, psycopg.Error, redis.RedisError, KombuError):
        return False


def _reading(stack: Stack) -> bool:
    """Whether a list is being read or waits to be."""
    with stack.app.connection_for_write() as connection:
        inspected = stack.app.control.inspect(timeout=0.3, connection=connection)
        found = [task for tasks in (inspected.active() or {}).values() for task in tasks]
        return any(task["name"].startswith("sitebooks.scan.") for task in found) or _waiting(stack, connection) > 0


def _waiting(stack: Stack, connection: Connection) -> int:
    """Messages that no worker has taken yet."""
    with connection.channel() as channel:
        if stack.on_valkey:
            return sum(channel.client.llen(name) for name in ("interactive", "bulk"))
        return sum(channel.queue_declare(queue=name, passive=True).message_count for name in ("interactive", "bulk"))


def _send_again(stack: Stack) -> int:
    """A person presses the button that the problem names."""
    stuck = stack.rows(
        "SELECT id, problems->0->>'code' AS code FROM sync_record WHERE state = 'needs_attention'"
        " AND problems->0->>'code' = ANY(%s)", list(SEND_AGAIN))
    for row in stuck:
        word = "not-there" if row["code"] == "outcome_needs_person" else "retry"
        stack.api("POST", f"/records/{row['id']}/{word}", {})
    return len(stuck)


def _moving(stack: Stack) -> str:
    rows = stack.rows("""
        SELECT kind, number, state, attempt, due_at, lease_until, problems->0->>'code' AS code FROM sync_record
        WHERE state IN ('pending', 'sending', 'checking') OR lease_until > clock_timestamp()
            OR due_at <= clock_timestamp() ORDER BY id LIMIT 5""")
    events = stack.rows("SELECT id, body::text FROM event WHERE state = 'received' LIMIT 3")
    return f"records {rows}, events {events}"
