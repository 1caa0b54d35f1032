"""What time it is: one place, so that a test can hold the clock in its hand."""

from collections.abc import Callable
from datetime import UTC, datetime


def _ours() -> datetime:
    return datetime.now(UTC)


#: Where the time comes from; only tests put another one here.
source: Callable[[], datetime] = _ours


def now() -> datetime:
    """Our clock, UTC."""
    return source()
