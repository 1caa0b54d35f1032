"""What the processes print: every line into a file of its own, the few that matter on the terminal too."""

import re
from pathlib import Path
from typing import BinaryIO

LARGEST_BYTES = 10_000_000  # then the file is put aside as .1, and the one before it forgotten
_MATTERS = re.compile(r"\b(error|critical|fatal|traceback)\b", re.IGNORECASE)
_LEVEL = re.compile(r"\[(debug|info|warning)\s*\]|\"level\": \"(debug|info|warning)\"", re.IGNORECASE)


def matters(line: str) -> bool:
    """Whether a person at the terminal should see it: errors do, warnings and notes stay in the file."""
    return bool(_MATTERS.search(line)) and not _LEVEL.search(line)


class LogFile:
    """One process's log file, line by line."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.lost = 0  # lines that could not be written: the disk is full, and what logs goes on all the same
        self._rest = b""
        self._file: BinaryIO | None = None

    def feed(self, chunk: bytes) -> list[str]:
        """Store what was read; returns the lines that are complete now."""
        *lines, self._rest = (self._rest + chunk).split(b"\n")
        if lines:
            self._write(lines)
        return [line.decode(errors="replace") for line in lines]

    def close(self) -> None:
        if self._rest:
            self.feed(b"\n")
        if self._file:
            self._file.close()
            self._file = None

    def _write(self, lines: list[bytes]) -> None:
        told = [f"... {self.lost} lines could not be written".encode()] if self.lost else []
        try:
            self._open().write(b"".join(line + b"\n" for line in (*told, *lines)))
        except OSError:
            self.lost += len(lines)
        else:
            self.lost = 0

    def _open(self) -> BinaryIO:
        if self._file and self._file.tell() > LARGEST_BYTES:
            self._file.close()
            self._file = None
            self.path.replace(self.path.with_suffix(".log.1"))
        if self._file is None:
            self._file = self.path.open("ab", buffering=0)
        return self._file
