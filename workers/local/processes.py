"""The product's own processes on this machine: how each is started, and how it is known to be ready."""

import importlib.util
import json
import os
import socket
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

from workers.local.supervisor import Process

# Celery ends a worker warmly: its grace lies above the hard limit of a task, so nothing is cut in mid-call
WORKER_GRACE_SECONDS = 15 + int(os.environ.get("HARD_LIMIT_SECONDS", "120"))

Ping = Callable[[str], bool]

# name: (queues, pool children). Two nodes, so that a backfill never stands before a webhook.
WORKERS = {"interactive": ("interactive", 2), "bulk": ("bulk,maintenance", 2)}


def worker(name: str, ping: Ping) -> Process:
    queues, children = WORKERS[name]
    node = f"{name}@{socket.gethostname()}"
    arguments = ["worker", "-n", node, "-Q", queues, "-c", str(children), "--without-gossip", "--without-mingle"]
    return Process(
        f"worker-{name}", "workers.start", arguments, lambda: ping(node),
        stop_stage=1, grace_seconds=WORKER_GRACE_SECONDS, env={"SITEBOOKS_ROLE": f"worker {name}"},
    )  # fmt: skip


def beat(folder: Path, ping: Ping) -> Process:
    """An empty pid file name: a stale one after a crash would block the next start."""
    arguments = ["beat", "--pidfile=", "-s", str(folder / "beat.db")]
    node = f"celerybeat@{socket.gethostname()}"
    return Process("beat", "workers.start", arguments, lambda: ping(node), env={"SITEBOOKS_ROLE": "beat"})


def web(port: int) -> Process:
    arguments = ["web.app:app", "--host", "127.0.0.1", "--port", str(port), "--no-access-log"]
    ready = answers_http(f"http://127.0.0.1:{port}/readyz")
    return Process("web", "uvicorn", arguments, ready, env={"SITEBOOKS_ROLE": "web"})


def flower(port: int, folder: Path, authority: str) -> Process:
    """Bound to loopback: its /metrics and /healthcheck ask for no password."""
    arguments = ["-q", "-A", "workers.app", "flower", "--address=127.0.0.1", f"--port={port}", "--persistent=True"]
    arguments += [f"--db={folder / 'flower.db'}", "--state_save_interval=60000"]
    env = {"FLOWER_BASIC_AUTH": authority, "SITEBOOKS_ROLE": "flower"}
    return Process("flower", "celery", arguments, answers_tcp(port), env=env)


def simulator(system: str, port: int, dataset: str, seed: int, folder: Path, found: dict[str, Any]) -> Process:
    """Started by name, never imported. Its first line, JSON with address and credentials, goes into `found`."""

    def line(text: str) -> None:
        if system not in found and text.startswith("{"):
            told = json.loads(text)
            found[system] = {name: value for name, value in told.items() if name != "system"}

    arguments = [system, "--port", str(port), "--dataset", dataset, "--seed", str(seed)]
    arguments += ["--state", str(folder / f"simulator-{system}.state")]  # it remembers between runs what Postgres does
    return Process(
        f"simulator-{system}", "simulators", arguments, lambda: system in found,
        stop_stage=2, on_line=line, foreign=True,
    )  # fmt: skip


def simulated_systems() -> list[str]:
    """The systems that have a simulator: one folder each in simulators/."""
    spec = importlib.util.find_spec("simulators")
    folders = [Path(place) for place in (spec.submodule_search_locations or [])] if spec else []
    found = {inner.parent.name for folder in folders for inner in folder.glob("*/__init__.py")}
    return sorted(found - {"kit", "datasets"})


def migrate(url: str) -> None:
    from models.migrate import upgrade

    upgrade(url)


def ping(node: str) -> bool:
    """By name: with another worker or beat on the same broker, any answer would not be this one's."""
    from workers.app import app

    with app.connection_for_write() as connection:
        try:
            return bool(app.control.ping(destination=[node], timeout=0.5, limit=1, connection=connection))
        except connection.connection_errors + connection.channel_errors:
            return False


def answers_http(url: str) -> Callable[[], bool]:
    def ask() -> bool:
        try:
            with urllib.request.urlopen(url, timeout=2) as answer:
                return bool(answer.status == 200)
        except OSError:  # HTTPError is one: not ready yet
            return False

    return ask


def answers_tcp(port: int) -> Callable[[], bool]:
    def ask() -> bool:
        try:
            socket.create_connection(("127.0.0.1", port), 0.5).close()
        except OSError:
            return False
        return True

    return ask
