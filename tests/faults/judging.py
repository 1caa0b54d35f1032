"""The default assertions after every row: the oracles over the running stack, with time to converge."""

import time
from collections.abc import Sequence

import pytest

from tests import oracles
from tests.faults.stand import Stand

#: Whether the test itself failed: then what it left behind is no further failure.
FAILED = pytest.StashKey[bool]()


def judge(stand: Stand, besides: Sequence[str] = (), seconds: float = 15) -> list[str]:
    """What is broken and stays so; what was broken before the row is not held against it."""
    end = time.monotonic() + seconds
    while True:
        broken = [each for each in oracles.broken(stand.sight) if each not in besides]
        if not broken or time.monotonic() >= end:
            return broken
        time.sleep(0.2)
