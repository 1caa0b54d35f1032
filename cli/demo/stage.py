"""The stack the demo plays on: `sitebooks up` as a process of its own, in a folder that is thrown away afterwards."""

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from types import TracebackType
from typing import Any

from cli.exits import UNEXPECTED, Failure
from cli.waiting import Waiting
from workers.local import launch
from workers.local.places import ROOT, Secrets

#: Seconds. What protects and what waits is shorter than in production, in the same order of size.
TIMES = {
    "REQUEST_SECONDS": "5",
    "SOFT_LIMIT_SECONDS": "20",
    "HARD_LIMIT_SECONDS": "25",
    "LEASE_SECONDS": "30",
    "VISIBILITY_SECONDS": "60",
    "QUARANTINE_SECONDS": "15",
    "SWEEP_SECONDS": "1",
    "RERING_SECONDS": "4",
    "RECHECK_SECONDS": "120",
    "SCAN_SECONDS": "60",
}
#: Addresses and secrets of whatever else may run here are none of the demo's business.
FOREIGN = ("DATABASE_URL", "BROKER_URL", "SECRET_KEY", "PUBLIC_URL", "FLOWER_URL", "DATA_DIR", "EXTRA_TASKS")
READY_SECONDS, STOP_SECONDS = 120.0, 60.0
LAST_LINES = 12


class Stage:
    """`with Stage(seed, connection) as stage: ready = stage.open(waiting)`; everything is stopped and removed at the end."""

    def __init__(self, seed: int, connection: str | None = None) -> None:
        self.seed, self.connection = seed, connection
        place = Path("/var/tmp")  # where Postgres's own user may walk, which a private /tmp does not promise
        self.folder = Path(tempfile.mkdtemp(prefix="sitebooks-demo-", dir=place if place.is_dir() else None))
        self.folder.chmod(0o711)  # walked through, not read: Postgres may run as a user of its own
        self.said = self.folder / "up.out"
        self.process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> "Stage":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        try:
            self.stop()
        finally:
            shutil.rmtree(self.folder, ignore_errors=True)

    def open(self, waiting: Waiting) -> dict[str, Any]:
        """Starts the stack and waits until it is ready; this process then talks to it. Raises Failure."""
        ready_file = self.folder / "ready.json"
        data = self.folder / "data"
        command = [sys.executable, "-P", "-m", "cli", "up", "--data-dir", str(data), "--free-ports", "--seed", str(self.seed)]
        command += ["--connection", self.connection] if self.connection else []
        # ends with us, however we end
        launched = [sys.executable, "-I", "-S", launch.__file__, str(os.getpid()), str(int(signal.SIGTERM)), "-", "-", *command]
        keep = {name: value for name, value in os.environ.items() if name not in FOREIGN}
        with self.said.open("wb") as output:
            self.process = subprocess.Popen(
                [*launched, "--ready-file", str(ready_file)],
                env=keep | {"PYTHONPATH": str(ROOT)} | TIMES,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        end = time.monotonic() + READY_SECONDS
        while not ready_file.exists():
            if self.process.poll() is not None or time.monotonic() > end:
                raise Failure(
                    "did_not_start", f"The demo's stack did not start:\n{self._last()}", "Read what it said.", UNEXPECTED
                )
            waiting.tick(self._last(1))
            time.sleep(0.1)
        ready: dict[str, Any] = json.loads(ready_file.read_text())
        os.environ.update(
            TIMES,
            DATABASE_URL=ready["database_url"],
            BROKER_URL=ready["broker_url"],
            DATA_DIR=str(data),
            SECRET_KEY=Secrets.of(data).secret_key,
            PUBLIC_URL=ready["web"],
        )
        return ready

    def stop(self) -> None:
        """In order, as Ctrl-C does; at once when that takes too long."""
        if self.process is None or self.process.poll() is not None:
            return
        self.process.send_signal(signal.SIGINT)
        try:
            self.process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def _last(self, lines: int = LAST_LINES) -> str:
        return "\n".join(self.said.read_text(errors="replace").strip().splitlines()[-lines:])
