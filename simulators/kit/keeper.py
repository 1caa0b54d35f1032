"""Keeps a simulator's state in a file, so that a stack that is started again finds it as it was."""

import os
import threading
import time
from pathlib import Path

from simulators.kit.simulator import Simulator

SHARE = 20


class Keeper:
    """One file per simulator; `label` says what it was built from, and a file of another label is not taken up."""

    def __init__(self, simulator: Simulator, path: Path, label: str) -> None:
        self.simulator, self.path, self.label = simulator, path, label.encode()
        self._saved = -1
        self._not_before = 0.0

    def load(self) -> bool:
        """True if there was a state to go on from."""
        if not self.path.is_file():
            return False
        label, _, kept = self.path.read_bytes().partition(b"\n")
        if label != self.label:
            return False
        self.simulator.take_up(kept)
        return True

    def save(self, lock: threading.Lock, last: bool = False) -> None:
        """Writes the state if anything changed since the last time; a reader never sees half of it."""
        begun = time.monotonic()
        if begun < self._not_before and not last:
            return
        with lock:
            version = self.simulator.version()
            if version == self._saved:
                return
            kept = self.simulator.keep()
        # A large state costs a share of the time, not most of it.
        self._not_before = time.monotonic() + SHARE * (time.monotonic() - begun)
        written = self.path.with_suffix(".part")
        with os.fdopen(os.open(written, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
            file.write(self.label + b"\n" + kept)
        written.replace(self.path)
        self._saved = version
