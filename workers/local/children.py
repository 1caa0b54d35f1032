"""A running Python process of the local stack, whichever way it was started."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass

from workers.local import forked
from workers.local.server import launched

# -P: the folder somebody stands in must not shadow our packages
PYTHON = [sys.executable, "-P", "-m"]
# Elsewhere forking without executing is not safe, and each process imports for itself.
CAN_FORK = sys.platform == "linux"


@dataclass
class Child:
    """`code` is None while it runs, then the exit code, negative for a signal. `output` is a descriptor to read."""

    pid: int
    output: int
    code: Callable[[], int | None]
    close: Callable[[], None]

    def alive(self) -> bool:
        return self.code() is None

    def terminate(self) -> None:
        self._signal(os.kill, signal.SIGTERM)

    def kill(self) -> None:
        """With all that is left in its session: the pool children of a worker."""
        self._signal(os.killpg, signal.SIGKILL)

    def _signal(self, send: Callable[[int, int], None], number: int) -> None:
        try:
            send(self.pid, number)
        except ProcessLookupError:
            return


def forked_child(module: str, arguments: list[str], env: dict[str, str]) -> Child:
    """One of ours: forked from the process that has imported the product."""
    if not CAN_FORK:
        return executed_child(module, arguments, env)
    process, reading = forked.start(module, arguments, env)
    os.set_blocking(reading.fileno(), False)
    return Child(process.pid or 0, reading.fileno(), lambda: process.exitcode, reading.close)


def executed_child(module: str, arguments: list[str], env: dict[str, str]) -> Child:
    """A fresh interpreter in its own session, so that Ctrl-C at the terminal reaches only us."""
    process = subprocess.Popen(
        launched(signal.SIGKILL, [*PYTHON, module, *arguments]),
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        start_new_session=True, env={**os.environ, "PYTHONUNBUFFERED": "1", **env},
    )  # fmt: skip
    pipe = process.stdout
    assert pipe is not None
    os.set_blocking(pipe.fileno(), False)
    return Child(process.pid, pipe.fileno(), process.poll, pipe.close)
