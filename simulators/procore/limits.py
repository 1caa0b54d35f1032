"""The two rate limits of one app: an hourly window and a ten-second one, reported as the one nearer its limit."""

from dataclasses import dataclass, field
from datetime import datetime
from math import ceil

from simulators.procore.errors import Refused

HOUR_SECONDS = 3600
SPIKE_SECONDS = 10


@dataclass
class Window:
    """A fixed window that starts with the first request after the last one ended."""

    seconds: float
    ends: float = 0.0
    used: int = 0

    def roll(self, now: float) -> None:
        if now >= self.ends:
            self.ends, self.used = now + self.seconds, 0


@dataclass
class Limits:
    """What one app has used."""

    hourly: Window = field(default_factory=lambda: Window(HOUR_SECONDS))
    spike: Window = field(default_factory=lambda: Window(SPIKE_SECONDS))

    def take(
        self, now: datetime, hourly: int, spike: int, retry_after: bool, hour_seconds: float = HOUR_SECONDS
    ) -> dict[str, str]:
        """Counts a request; answers the headers. A limit of 0 is off. Raises 429."""
        at = now.timestamp()
        self.hourly.seconds = hour_seconds
        windows = [(window, size) for window, size in ((self.hourly, hourly), (self.spike, spike)) if size > 0]
        if not windows:
            return {}
        for window, _ in windows:
            window.roll(at)
        full = [(window, size) for window, size in windows if window.used >= size]
        if full:
            window, size = max(full, key=lambda pair: pair[0].ends)
            headers = _headers(window, size)
            if retry_after:
                headers["Retry-After"] = str(max(1, ceil(window.ends - at)))
            raise Refused(429, "You have surpassed the max number of requests for the time being", headers)
        for window, _ in windows:
            window.used += 1
        return _headers(*min(windows, key=lambda pair: (pair[1] - pair[0].used) / pair[1]))


def _headers(window: Window, size: int) -> dict[str, str]:
    return {
        "X-Rate-Limit-Limit": str(size),
        "X-Rate-Limit-Remaining": str(max(0, size - window.used)),
        "X-Rate-Limit-Reset": str(ceil(window.ends)),
    }
