"""Broker, workers, beat, web and Flower: whether each answers, and whether the broker may forget."""

import urllib.error
import urllib.request
from datetime import UTC, datetime
from typing import Any

import redis
from sqlalchemy import text

from cli.doctor import Finding, Findings, found
from models import unscoped
from settings.environment import environment
from tasks.queues import QUEUES, lengths
from workers.app import app

GROUP = "processes"
ANSWER_SECONDS = 2.0
#: Messages in one queue beyond which workers are too few for what comes in.
MANY = 5000
#: Beat's most frequent entries come every few seconds, its slots every few minutes.
SLOT_SECONDS = 900.0


def check() -> Findings:
    """Raises tasks.queues.BrokerAway."""
    waiting = lengths(app)
    yield found(
        GROUP,
        "queues",
        max(waiting.values()) < MANY,
        ", ".join(f"{name} {n}" for name, n in waiting.items()),
        "Start more workers for the long queue.",
        "warn",
    )
    yield from _redis()
    yield from _workers()
    yield from _beat()
    yield _page(
        "web", f"{environment().public_url.rstrip('/')}/readyz", "Start the web process, or set PUBLIC_URL to where it answers."
    )
    if environment().flower_url:
        yield _page("flower", environment().flower_url, "Start Flower, or unset FLOWER_URL.", "warn", login=True)


def _redis() -> Findings:
    """What Redis or Valkey may do with our messages; RabbitMQ keeps them by itself."""
    url = environment().broker()
    if not url.startswith(("redis", "unix")):
        return
    with redis.Redis.from_url(url, socket_timeout=ANSWER_SECONDS, decode_responses=True) as client:
        said: Any = client.info()
    policy, kept = said.get("maxmemory_policy", "unknown"), bool(int(said.get("aof_enabled", 0)))
    yield found(
        GROUP,
        "broker memory",
        policy == "noeviction",
        f"{policy}, {said.get('used_memory_human', '?')} used",
        "Set maxmemory-policy noeviction: anything else drops messages silently.",
    )
    yield found(
        GROUP,
        "broker file",
        kept,
        "append-only file on" if kept else "append-only file off",
        "Nothing is lost without it (the sweep rings again), but work pauses after a restart: appendonly yes.",
        "warn",
    )


def _workers() -> Findings:
    answers: dict[str, list[dict[str, Any]]] = app.control.inspect(timeout=ANSWER_SECONDS).active_queues() or {}
    yield found(
        GROUP,
        "workers",
        bool(answers),
        f"{len(answers)} answer" if answers else "none answers",
        "Start the stack (./sitebooks up) or the worker lines of the Procfile.",
    )
    served = {queue["name"] for queues in answers.values() for queue in queues}
    without = [name for name in QUEUES if name not in served]
    yield found(
        GROUP,
        "every queue has a worker",
        not without,
        ", ".join(sorted(served)) or "none",
        f"Start a worker for: {', '.join(without)}.",
    )


def _beat() -> Findings:
    with unscoped() as db:
        newest = db.execute(text("SELECT max(claimed_at) FROM schedule_slot")).scalar_one()
    if newest is None:
        yield Finding(
            GROUP, "schedule", "warn", "no slot was ever claimed", "Start beat, one process: the beat line of the Procfile."
        )
        return
    age = (datetime.now(UTC) - newest).total_seconds()
    # a schedule set to longer times is quiet for longer
    limit = max(SLOT_SECONDS, environment().scan_seconds * 2.0)
    yield found(
        GROUP, "schedule", age < limit, f"last slot {age:.0f} s ago", "Start beat, one process: the beat line of the Procfile."
    )


def _page(name: str, url: str, fix: str, otherwise: Any = "fail", login: bool = False) -> Finding:
    try:
        with urllib.request.urlopen(url, timeout=ANSWER_SECONDS) as answer:
            status = answer.status
    except urllib.error.HTTPError as error:
        status = error.code
    except OSError as error:
        return Finding(GROUP, name, otherwise, f"{url} does not answer: {getattr(error, 'reason', error)}", fix)
    return found(GROUP, name, status == 200 or (login and status == 401), f"{url} answers {status}", fix, otherwise)
