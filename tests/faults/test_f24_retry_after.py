"""F24: 503 with Retry-After, in seconds and as a date."""

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from tests.faults.hooks import asked, last_asked
from tests.faults.stand import Stand

pytestmark = pytest.mark.fault("F24")
WAIT = 4


def told(form: str) -> str:
    """Retry-After in this form; a date has whole seconds, so it is one later."""
    return str(WAIT) if form == "seconds" else format_datetime(datetime.now(UTC) + timedelta(seconds=WAIT + 1), usegmt=True)


def times(site: Stand, system: str, after: int, method: str, path: str) -> list[tuple[datetime, int]]:
    log = asked(site, system, after, lambda e: e["method"] == method and path in e["path"])
    return [(datetime.fromisoformat(entry["at"]), entry["status"]) for entry in log]


@pytest.mark.parametrize("form", ["seconds", "date"])
@pytest.mark.parametrize(
    ("system", "method", "path"), [("procore", "GET", "/work_order_contracts/"), ("lentune", "PUT", "/subcontracts/")]
)
def test_it_waits_as_long_as_it_was_told(site: Stand, system: str, method: str, path: str, form: str) -> None:
    site.wait_quiet()
    after = last_asked(site, system)
    headers = {"Retry-After": told(form)}
    fault = site.fault(system, "status", {"method": method, "path": path}, status=503, headers=headers, times=1)
    first = site.new_commitment()
    site.wait(lambda: site.fired(system, fault), 15, "it was never asked")
    others = [site.new_commitment() for _ in range(3)]
    for number in (first, *others):
        site.wait_state("commitment", number)
    log = times(site, system, after, method, path)
    place = next(n for n, (_, status) in enumerate(log) if status == 503)
    refused, following = log[place][0], log[place + 1][0]
    assert WAIT - 0.1 <= (following - refused).total_seconds() <= WAIT + 6, "the next request of anybody's"
    assert len(site.created("lentune", "subcontract")) == 4
