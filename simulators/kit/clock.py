"""The clock a simulator lives by: real time plus an offset, or a fixed time that only tests move."""

from datetime import UTC, datetime, timedelta


class Clock:
    """Aware UTC time; fixed if `start` was given, else the machine's time plus what was advanced."""

    def __init__(self, start: datetime | None = None) -> None:
        if start is not None and start.tzinfo is None:
            raise ValueError("the start of a clock must be aware UTC")
        self._fixed = start
        self._offset = timedelta()

    def now(self) -> datetime:
        return (self._fixed if self._fixed is not None else datetime.now(UTC)) + self._offset

    def advance(self, seconds: float) -> None:
        self._offset += timedelta(seconds=seconds)
