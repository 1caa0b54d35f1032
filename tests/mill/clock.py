"""The one clock of a run: simulators, product and Postgres live by it, and nothing waits for real."""

from collections.abc import Callable
from datetime import datetime

from simulators.kit.clock import Clock
from tests.mill.place import START, Place


class Time:
    """Moves only by `pass_`."""

    def __init__(self, place: Place) -> None:
        self.place, self.clock = place, Clock(START)
        #: Called whenever it has become later.
        self.passed: list[Callable[[], None]] = []

    def now(self) -> datetime:
        return self.clock.now()

    def monotonic(self) -> float:
        """In place of time.monotonic: how long a task has run."""
        return (self.clock.now() - START).total_seconds()

    def pass_(self, seconds: float) -> None:
        """So much later, for everybody."""
        self.clock.advance(seconds)
        self.place.set_clock(self.clock.now())
        for work in self.passed:
            work()

    def until(self, when: datetime) -> None:
        """No earlier than then."""
        self.pass_(max((when - self.now()).total_seconds(), 0.0) + 0.001)
