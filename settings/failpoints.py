"""Named places where a test may kill, stop or fail this process. Nothing happens there unless FAILPOINTS names a folder.

A test arms one by a file of its name in that folder: the first line says what happens (`kill`, `stop`, `raise`,
`exit`, `sleep SECONDS`), the second, if any, is a part of what it must be about (`commitment SC-1`). The file is taken
by exactly one process, once, and leaves NAME.taken with that process's id.
"""

import os
import signal
import time
from collections.abc import Callable
from pathlib import Path

#: Called at each place with its name and what it is about; None, as in production, costs one comparison.
handler: Callable[[str, str], None] | None = None


class Failed(RuntimeError):
    """A failpoint was armed with `raise`."""


def reach(name: str, about: object = "") -> None:
    """This place was reached. `about` is only turned into text when a test listens."""
    if handler is not None:
        handler(name, str(about))


def arm(folder: str) -> None:
    """Listens to this folder from now on; an empty name changes nothing."""
    global handler
    if folder:
        handler = _from(Path(folder))


def _from(folder: Path) -> Callable[[str, str], None]:
    def reached(name: str, about: str) -> None:
        armed, taken = folder / name, folder / f"{name}.{os.getpid()}.{time.monotonic_ns()}"
        try:
            what, _, wanted = armed.read_text().partition("\n")
            if wanted.strip() not in about:
                return
            armed.rename(taken)
        except FileNotFoundError:
            return
        (folder / f"{name}.new").write_text(f"{os.getpid()}")
        (folder / f"{name}.new").rename(folder / f"{name}.taken")
        taken.unlink()
        _act(what.strip(), name)

    return reached


def _act(what: str, name: str) -> None:
    verb, _, argument = what.partition(" ")
    match verb:
        case "kill":
            os.kill(os.getpid(), signal.SIGKILL)
        case "stop":
            os.kill(os.getpid(), signal.SIGSTOP)
        case "exit":
            os._exit(1)
        case "sleep":
            time.sleep(float(argument))
        case "raise":
            raise Failed(name)
        case _:
            raise ValueError(f"failpoint {name}: nothing is called {what!r}")
