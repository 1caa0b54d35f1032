"""F60: the outside system is put back to yesterday. What is missing there is held in bulk; nothing is made again by itself."""

from collections.abc import Iterator

import pytest

from tests.faults.desk import person
from tests.faults.judging import judge
from tests.faults.stand import Stand, ask, opened

pytestmark = [pytest.mark.fault("F60"), pytest.mark.slow]

LOST = 6


@pytest.fixture
def rolled_back() -> Iterator[tuple[Stand, list[str]]]:
    """A stack of its own whose Lentune has forgotten the last commitments; their records say that they stand there."""
    with opened() as site:
        site.begin()
        site.http("lentune", "/_sim/snapshot", {})
        orders = [site.new_commitment(type="po") for _ in range(LOST)]
        for order in orders:
            site.wait_state("commitment", order)
        site.wait_quiet()
        site.http("lentune", "/_sim/rollback", {})
        assert [o for o in site.state("lentune", "purchase_orders") if o["number"] in orders] == []
        site.begin()
        yield site, orders
        assert judge(site) == []


def stopped(site: Stand) -> bool:
    return bool(site.rows("SELECT FROM connection WHERE system = 'lentune' AND blocked_code = 'rolled_back'"))


def test_nothing_is_made_again_until_a_person_has_looked(rolled_back: tuple[Stand, list[str]]) -> None:
    site, orders = rolled_back
    for order in orders[: LOST // 2]:
        site.act("procore", "edit_commitment", number=order, title="Changed since")
    for order in orders[: LOST // 2]:
        site.wait(lambda order=order: "vanished_at_target" in site.codes("commitment", order), 20, f"{order} is not missed")
    site.send("sitebooks.maintenance.compare", site.company, "lentune", queue="maintenance")
    for order in orders:
        site.wait(lambda order=order: "vanished_at_target" in site.codes("commitment", order), 20, f"{order} is not missed")
    site.wait(lambda: stopped(site), 20, "writing was not stopped")
    new = site.new_commitment(type="po")
    site.scan(full=True)
    site.wait(lambda: site.codes("commitment", new) == ["writing_stopped"], 20, "the stop is not told")
    site.wait_quiet()
    assert site.created("lentune") == [], "0 automatic creates"
    headers = {"Authorization": f"Bearer {site.ready['api_token']}"}
    ask(f"{site.web}/api/v1/connections/lentune/go-on", {}, "POST", headers)
    site.wait_state("commitment", new)
    assert [e["effect"] for e in site.created("lentune")] == ["created"], "what vanished waits for its own decision"
    for order in orders:
        person(site, "retry", site.record("commitment", order)["id"])
    for order in orders:
        site.wait_state("commitment", order)
    assert len(site.created("lentune", "purchase_order")) == 1 + LOST
