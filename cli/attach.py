"""Finds what a command talks to: the stack that `up` started from this checkout, or the servers in the environment."""

import fcntl
import json
import os
from pathlib import Path
from typing import Any

from workers.local.places import Secrets, data_folder


class NothingRuns(RuntimeError):
    """Neither addresses in the environment nor a running stack; the message says how to get one."""


def attach(data_dir: Path | None = None) -> dict[str, Any]:
    """Set DATABASE_URL and BROKER_URL, and where it is ours SECRET_KEY, for the code imported after this.

    Call it first in a command. Returns ready.json, or {} when the environment names the servers.
    Raises NothingRuns.
    """
    if os.environ.get("DATABASE_URL") and os.environ.get("BROKER_URL"):
        return {}
    folder = data_dir or data_folder()
    ready = _ready(folder)
    os.environ.update(
        DATABASE_URL=ready["database_url"],
        BROKER_URL=ready["broker_url"],
        DATA_DIR=str(folder),
        SECRET_KEY=os.environ.get("SECRET_KEY") or Secrets.of(folder).secret_key,
        PUBLIC_URL=os.environ.get("PUBLIC_URL") or ready["web"],
        FLOWER_URL=os.environ.get("FLOWER_URL") or ready["flower"],
    )
    return ready


def _ready(folder: Path) -> dict[str, Any]:
    """What the running stack wrote. A file that a killed one left behind does not count."""
    path = folder / "ready.json"
    if not path.exists() or not _held(folder / "up.lock"):
        raise NothingRuns(
            f"Nothing runs on {folder}. Start it in another terminal with ./sitebooks up, "
            "or set DATABASE_URL and BROKER_URL."
        )
    ready: dict[str, Any] = json.loads(path.read_text())
    return ready


def _held(lock: Path) -> bool:
    with lock.open() as file:
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False
