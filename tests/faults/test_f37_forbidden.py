"""F37: a permission is withdrawn, or the app disconnected."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.faults.hooks import asked, last_asked
from tests.faults.stand import Stand

pytestmark = pytest.mark.fault("F37")


def connection(site: Stand, system: str = "procore") -> dict[str, Any]:
    return site.rows("SELECT * FROM connection WHERE company_id = %s AND system = %s", site.company, system)[0]


@pytest.fixture
def disconnected(site: Stand) -> Iterator[Callable[[], None]]:
    """A person uninstalls the app, once called; it is installed again in any case."""
    yield lambda: site.act("procore", "disconnect_app")
    site.act("procore", "connect_app")


def test_a_disconnected_app_is_paused_once_and_goes_on_by_itself(site: Stand, disconnected: Callable[[], None]) -> None:
    site.wait_quiet()
    told = site.rows("SELECT count(*) AS n FROM history WHERE what = 'paused.procore'")[0]["n"]
    after = last_asked(site, "procore")
    disconnected()
    numbers = [site.new_commitment() for _ in range(12)]
    site.wait(lambda: connection(site)["blocked_code"], 20, "the connection was not paused")
    site.wait_quiet()
    site.scan("procore")
    numbers += [site.new_commitment() for _ in range(3)]
    site.wait_quiet()
    log = asked(site, "procore", after)
    refused = [entry for entry in log if entry["status"] == 403]
    assert len(refused) - 1 <= 3 + 1, "three in flight or asking why, and the scan's one question"
    assert connection(site)["blocked_code"] == "permission_missing" and connection(site, "lentune")["blocked_code"] is None
    assert site.rows("SELECT count(*) AS n FROM history WHERE what = 'paused.procore'")[0]["n"] == told + 1, "one alert"
    waiting = site.rows(
        "SELECT state, problems FROM sync_record WHERE company_id = %s AND problems @> %s", site.company,
        '[{"code": "permission_missing"}]',
    )  # fmt: skip
    assert len(waiting) == len(numbers) and {row["state"] for row in waiting} == {"held"}
    site.act("procore", "connect_app")
    site.scan("procore")
    for number in numbers:
        site.wait_state("commitment", number)
    assert connection(site)["blocked_code"] is None


def test_one_object_that_is_forbidden_stops_no_other(site: Stand) -> None:
    number = site.new_commitment()
    site.wait_state("commitment", number)
    source = site.record("commitment", number)["source_id"].split(":")[1]
    site.fault("procore", "status", {"path": f"/work_order_contracts/{source}"}, status=403, body={"errors": "no permission"})
    after = last_asked(site, "procore")
    site.act("procore", "edit_commitment", number=number, title="Not for you")
    site.wait_state("commitment", number, "held")
    others = [site.new_commitment() for _ in range(3)]
    for other in others:
        site.wait_state("commitment", other)
    assert connection(site)["blocked_code"] is None and site.codes("commitment", number) == ["permission_missing"]
    refused = asked(site, "procore", after, lambda e: e["status"] == 403)
    assert len(refused) <= 4, "one read, and one more for each time it was looked at again"
    site.mend()
    site.wait_state("commitment", number)
