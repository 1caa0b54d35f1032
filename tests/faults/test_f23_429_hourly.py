"""F23: 429 in the hourly window without Retry-After, only the reset header, and clocks that are apart."""

import math
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest

from tests.faults.hooks import asked, last_asked
from tests.faults.neighbour import Neighbour, neighbour
from tests.faults.stand import Stand

pytestmark = pytest.mark.fault("F23")
#: Seconds until the window of these tests starts anew.
WINDOW = 4
ON_ITS_WAY = timedelta(seconds=0.5)
#: A contract is read by this path.
READ = {"method": "GET", "path": "/work_order_contracts/"}


@pytest.fixture
def far(site: Stand) -> Iterator[Neighbour]:
    """A company whose Procore has a clock of its own; its limit is learned before anything happens."""
    with neighbour(site) as made:
        yield made


def limited(far: Neighbour, seconds: float, **headers: str) -> dict[str, Any]:
    """An answer of the exhausted hourly window that starts anew after `seconds` by Procore's clock."""
    reset = math.ceil(far.cores["procore"].clock.now().timestamp() + seconds)
    told = {"X-Rate-Limit-Limit": "3600", "X-Rate-Limit-Remaining": "0", "X-Rate-Limit-Reset": str(reset), **headers}
    return {"status": 429, "headers": told, "match": READ, "body": {"error": {"message": "too many"}}}


def after_refusal(far: Neighbour, after: int) -> tuple[int, datetime]:
    """How many 429 came, and when the first request after them was made, by their clock; what another process had on
    its way when the refusal came does not count."""
    log = [e for e in asked(far, "procore", after) if "/oauth/" not in e["path"]]
    first = next(n for n, entry in enumerate(log) if entry["status"] == 429)
    known = datetime.fromisoformat(log[first]["at"]) + ON_ITS_WAY
    following = next(at for entry in log[first:] if (at := datetime.fromisoformat(entry["at"])) > known)
    return sum(entry["status"] == 429 for entry in log), following


@pytest.mark.parametrize("minutes", [0, 10, -10])
def test_the_reset_is_judged_against_their_clock(far: Neighbour, minutes: int) -> None:
    far.cores["procore"].clock.advance(minutes * 60)
    before, told = last_asked(far, "procore"), limited(far, WINDOW)
    far.fault("procore", "status", times=1, **told)
    numbers = [far.new_commitment() for _ in range(5)]
    for number in numbers:
        far.wait_state("commitment", number, seconds=WINDOW + 20)
    refused, following = after_refusal(far, before)
    assert refused == 1, "the window was known to be exhausted, and it was tried again"
    late = following.timestamp() - float(told["headers"]["X-Rate-Limit-Reset"])
    assert 0 <= late <= 8, f"{late} s after the window started anew"


def test_a_reset_that_is_past_is_no_word_to_hammer(far: Neighbour) -> None:
    """By ten minutes, in an answer without a date."""
    before = last_asked(far, "procore")
    far.fault("procore", "status", times=4, **limited(far, -600, Date=""))
    number = far.new_commitment()
    far.wait_state("commitment", number, seconds=60)
    times = [datetime.fromisoformat(e["at"]) for e in asked(far, "procore", before, lambda e: e["status"] == 429)]
    gaps = [(b - a).total_seconds() for a, b in pairwise(times)]
    assert len(times) == 4 and min(gaps) >= 0.7, f"asked again after {gaps} s"


def test_no_wait_is_longer_than_65_minutes(far: Neighbour) -> None:
    """A reset that is three hours ahead."""
    before = last_asked(far, "procore")
    far.fault("procore", "status", times=1, **limited(far, 3 * 3600))
    number = far.new_commitment()
    far.wait(lambda: far.budget()["shut_until"], 15, "the refusal was not taken in")
    due = "SELECT due_at FROM sync_record WHERE company_id = %s AND state = 'pending' AND lease_until IS NULL"
    far.wait(lambda: far.rows(due, far.company), 15, "the record was not put by")
    latest = max([far.budget()["shut_until"], *(row["due_at"] for row in far.rows(due, far.company))])
    assert timedelta(minutes=55) < latest - datetime.now(UTC) <= timedelta(minutes=65)
    assert far.budget()["hour_reset"] is None or far.budget()["hour_reset"] - datetime.now(UTC) <= timedelta(minutes=65)
    assert sum(entry["status"] == 429 for entry in asked(far, "procore", before)) == 1

    def through() -> bool:
        """As if the time had passed; what a process has heard and not yet told the others is forgotten with it."""
        far.change(
            "UPDATE budget SET shut_until = NULL, hour_reset = NULL, hour_limit = NULL, hour_left = NULL WHERE company_id = %s",
            far.company,
        )
        far.change(
            """UPDATE sync_record SET due_at = clock_timestamp(), rung_at = NULL
            WHERE company_id = %s AND due_at > clock_timestamp() + interval '1 minute'""",
            far.company,
        )
        return far.record("commitment", number).get("state") == "synced"

    far.wait(through, 40, "it did not go on")
