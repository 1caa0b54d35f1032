"""F22: Procore refuses more than so many requests in ten seconds."""

from collections import Counter
from datetime import datetime
from typing import Any

import pytest

from tests.faults.hooks import asked
from tests.faults.neighbour import neighbour
from tests.faults.stand import Stand

pytestmark = pytest.mark.fault("F22")
SPIKE, WINDOW = 25, 10.0


def refused_by_window(log: list[dict[str, Any]]) -> Counter[int]:
    """How many 429 each window got: one begins with the first request after the last one's ten seconds."""
    found, ends, window = Counter[int](), 0.0, 0
    for entry in log:
        at = datetime.fromisoformat(entry["at"]).timestamp()
        if "/oauth/" in entry["path"]:
            continue
        if at >= ends:
            ends, window = at + WINDOW, window + 1
        found[window] += entry["status"] == 429
    return found


def test_a_backlog_waits_for_the_window_and_others_go_on(site: Stand) -> None:
    """Many changes, each at least one read, with 25 requests in ten seconds; the neighbour's limit is nobody else's."""
    with neighbour(site, {"procore": {"spike": SPIKE}}, loaded=False) as busy:
        busy.wait_state("commitment", "SC-1001-01", seconds=90)
        numbers = [busy.new_commitment() for _ in range(25)]
        mine = site.new_commitment()
        site.wait_state("commitment", mine, seconds=15)
        for number in numbers:
            busy.wait_state("commitment", number, seconds=90)
        log = asked(busy, "procore")
        refused = refused_by_window(log)
        assert max(refused.values()) <= 1, f"429 by window: {dict(refused)}"
        assert len(refused) >= 2, "the limit was never felt: the test is about nothing"
        assert len(busy.created("lentune", "subcontract")) == len(numbers) + 1
        busy.http("procore", "/_sim/options", {"spike": 0})  # what is still read needs no test
