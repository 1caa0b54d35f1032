"""What the two embedded servers share: started in the foreground as our children, watched, stopped in order."""

import os
import signal
import subprocess
import sys
import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from pathlib import Path

LAUNCHER = Path(__file__).with_name("launch.py")


class DidNotStart(RuntimeError):
    """A program of the local stack did not come up; the message ends with what it said itself."""


def launched(number: int, command: list[str], user: str = "-", lock: Path | None = None) -> list[str]:
    """The command, started so that it ends with this process. Call from the main thread only."""
    held = str(lock) if lock else "-"
    return [sys.executable, "-I", "-S", str(LAUNCHER), str(os.getpid()), str(number), user, held, *command]


def tail(log: Path, lines: int = 15) -> str:
    """The last lines of a log file, to be shown with an error."""
    return "\n".join(log.read_text(errors="replace").splitlines()[-lines:]) if log.exists() else ""


class Server(ABC):
    """One embedded server. `stop_signal` is also what the kernel sends it when we die."""

    name = "server"
    stop_signal = signal.SIGTERM
    stop_seconds = 20.0

    def __init__(self, log: Path) -> None:
        self.log = log
        self.process: subprocess.Popen[bytes] | None = None

    @abstractmethod
    def start(self) -> "Server":
        """Start and wait until it answers. Raises DidNotStart."""

    @property
    def pid(self) -> int:
        return self.process.pid if self.process else 0

    def alive(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def spawn(self, command: list[str], stdin: bytes = b"", cwd: str = "/", env: dict[str, str] | None = None) -> None:
        with self.log.open("ab") as out:
            self.process = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=out, stderr=out, cwd=cwd, env=env, start_new_session=True
            )
        if self.process.stdin:
            self.process.stdin.write(stdin)
            self.process.stdin.close()

    def wait_until(self, ready: Callable[[], bool], seconds: float) -> None:
        """Ask until it answers. Raises DidNotStart when it ended or the time is over."""
        end = time.monotonic() + seconds
        while not ready():
            if not self.alive():
                code = self.process.returncode if self.process else None
                raise DidNotStart(f"{self.name} ended at once (code {code}):\n{tail(self.log)}")
            if time.monotonic() > end:
                self.stop()
                raise DidNotStart(f"{self.name} did not answer within {seconds:.0f} s:\n{tail(self.log)}")
            time.sleep(0.02)

    def stop(self) -> None:
        """Ask it to end, and kill it if it does not; its files survive both."""
        if self.process is None or self.process.poll() is not None:
            return
        self.process.send_signal(self.stop_signal)
        try:
            self.process.wait(self.stop_seconds)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
