"""`sitebooks up` as a process of its own, for tests that start, break and stop it."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from workers.local.places import ROOT
from workers.local.server import launched


def wait_for(what: Callable[[], Any], seconds: float, why: str) -> Any:
    """The first true answer. Fails with `why` when the time is over."""
    end = time.monotonic() + seconds
    while not (answer := what()):
        assert time.monotonic() < end, f"{why} (waited {seconds:.0f} s)"
        time.sleep(0.05)
    return answer


class Up:
    """One `up`, started; `ready` is what it wrote when everything answered."""

    def __init__(self, folder: Path, *options: str, **env: str) -> None:
        self.env = env
        self.folder, self.ready_file, self.said = folder, folder.with_suffix(".ready"), folder.with_suffix(".out")
        command = [sys.executable, "-P", "-m", "cli", "up", "--data-dir", str(folder), "--free-ports"]
        keep = {k: v for k, v in os.environ.items() if k not in ("DATABASE_URL", "BROKER_URL", "SECRET_KEY")}
        # should this process be killed by its own time limit, the stack stops, too
        self.process = subprocess.Popen(
            launched(signal.SIGINT, [*command, "--ready-file", str(self.ready_file), *options]),
            env=keep | {"PYTHONPATH": str(ROOT)} | env,
            stdout=self.said.open("w"), stderr=subprocess.STDOUT, start_new_session=True,
        )  # fmt: skip

    def wait_ready(self, seconds: float = 60) -> dict[str, Any]:
        def there() -> bool:
            assert self.process.poll() is None, f"up ended with {self.process.returncode}:\n{self.said.read_text()}"
            return self.ready_file.exists()

        wait_for(there, seconds, "up was not ready")
        self.ready: dict[str, Any] = json.loads(self.ready_file.read_text())
        return self.ready

    def interrupt(self, seconds: float = 60) -> int:
        self.process.send_signal(signal.SIGINT)
        return self.process.wait(seconds)


@contextmanager
def up(folder: Path, *options: str, **env: str) -> Iterator[Up]:
    """Started and ready; stopped at the end if the test has not done so."""
    run = Up(folder, *options, **env)
    try:
        run.wait_ready()
        yield run
    finally:
        if run.process.poll() is None:
            run.interrupt()


def family(pid: int) -> set[int]:
    """This process and all below it, from /proc."""
    parents: dict[int, int] = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rsplit(")", 1)[1].split()
        except (FileNotFoundError, ProcessLookupError):
            continue
        parents[int(stat.parent.name)] = int(fields[1])
    found = {pid}
    while more := {child for child, parent in parents.items() if parent in found and child not in found}:
        found |= more
    return found


def alive(pids: set[int]) -> set[int]:
    """Those that still run; a zombie that nobody has collected does not."""
    running = set()
    for pid in pids:
        try:
            state = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
        except (FileNotFoundError, ProcessLookupError):
            continue
        if state not in "ZX":
            running.add(pid)
    return running
