"""What people see while something takes long: a moving line on a terminal, a plain line now and then elsewhere."""

import sys
import time
from types import TracebackType
from typing import Any

from cli.output import Output

#: Seconds of silence at the start, and between two lines where nothing moves.
SILENT_SECONDS, LINE_SECONDS = 2.0, 10.0


class Waiting:
    """`with Waiting(out, "Reading") as waiting: waiting.tick("12 to go")`; costs nothing while it is quick."""

    def __init__(self, out: Output, title: str) -> None:
        self.out, self.title = out, title
        self.began = self.said = time.monotonic()
        self._status: Any = None

    def __enter__(self) -> "Waiting":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if self._status is not None:
            self._status.stop()

    @property
    def seconds(self) -> float:
        """Since it began."""
        return time.monotonic() - self.began

    def tick(self, state: str) -> None:
        """Call it often; it shows what it was told only when somebody has waited long enough to wonder."""
        if self.seconds < SILENT_SECONDS:
            return
        line = f"{self.title}: {state} ({self.seconds:.0f} s)"
        if self.out.live:
            if self._status is None:
                self._status = self.out.console.status(line)
                self._status.start()
            self._status.update(line)
        elif time.monotonic() - self.said >= LINE_SECONDS:
            self.said = time.monotonic()
            print(line, file=sys.stderr, flush=True)
