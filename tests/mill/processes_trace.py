"""What happened in a run, as JSON lines: written as it happens, so that a run that dies leaves its whole story."""

import json
import time
from pathlib import Path
from typing import Any


class Trace:
    """One line for each act, fault, break and verdict: seconds since the start, what, with what, what came of it."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self.path, self.began, self._file = path, time.monotonic(), path.open("a")

    def note(self, op: str, args: dict[str, Any], said: str = "") -> None:
        line = {"at": round(time.monotonic() - self.began, 3), "op": op, "args": args}
        self._file.write(json.dumps(line | ({"said": said} if said else {}), default=str) + "\n")
        self._file.flush()

    def close(self) -> None:
        self._file.close()
