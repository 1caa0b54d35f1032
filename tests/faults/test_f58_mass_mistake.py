"""F58: far more new documents than usual within an hour. The rest is held before it is sent, until a person has looked."""

from collections.abc import Iterator

import pytest

from tests.faults.desk import person
from tests.faults.stand import Stand, ask

pytestmark = pytest.mark.fault("F58")

USUAL, MISTAKE = 4, 16
#: Records that are looked at in the same moment may each be the last that is still usual.
AT_ONCE = 4


@pytest.fixture
def usual(site: Stand) -> Iterator[Stand]:
    """So many more new commitments than there were are usual; all of them are within this hour."""
    now = site.rows("SELECT count(DISTINCT r.id) AS n FROM sync_record r JOIN write w ON w.record_id = r.id"
                    " WHERE r.company_id = %s AND r.kind = 'commitment' AND w.side = 'target' AND w.sends > 0",
                    site.company)[0]["n"]  # fmt: skip
    mine = "WHERE system = 'lentune' AND company_id = %s"
    before = site.rows(f"SELECT settings FROM connection {mine}", site.company)[0]["settings"]
    most = "jsonb_build_object('most_new_per_hour', %s::int)"
    site.change(f"UPDATE connection SET settings = settings || {most} {mine}", now + USUAL, site.company)
    yield site
    usual = before.get("most_new_per_hour")
    change = "settings - 'most_new_per_hour'" if usual is None else f"settings || '{{\"most_new_per_hour\": {int(usual)}}}'"
    site.change(f"UPDATE connection SET settings = {change} {mine}", site.company)


def held(site: Stand) -> list[dict[str, object]]:
    return site.rows("SELECT * FROM sync_record WHERE state = 'awaiting_approval'"
                     " AND problems @> '[{\"code\": \"unusual_volume\"}]' ORDER BY id")  # fmt: skip


def test_what_is_more_than_usual_waits_for_a_person(usual: Stand) -> None:
    site = usual
    orders = [site.new_commitment(amount="1.00") for _ in range(MISTAKE)]
    site.wait_quiet()
    created = site.created("lentune", "subcontract")
    waiting = held(site)
    assert USUAL <= len(created) < USUAL + AT_ONCE
    assert len(created) + len(waiting) == MISTAKE, "each is written or waits, none is lost"
    site.scan(full=True)
    site.wait_quiet()
    assert len(site.created("lentune", "subcontract")) == len(created), "neither time nor another reading lets them through"
    one = waiting[0]
    person(site, "approve", int(str(one["id"])), version=one["version"], amount=str(one["amount"]))
    site.wait_state("commitment", str(one["number"]))
    headers = {"Authorization": f"Bearer {site.ready['api_token']}"}
    ask(f"{site.web}/api/v1/holds/release", {"system": "lentune", "kind": "commitment"}, "POST", headers)
    for order in orders:
        site.wait_state("commitment", order)
    assert len(site.created("lentune", "subcontract")) == MISTAKE


def test_what_stands_there_already_may_be_changed_all_the_same(usual: Stand) -> None:
    """Changes make no new documents: the circuit concerns creates."""
    site = usual
    orders = [site.new_commitment(amount="1.00") for _ in range(USUAL)]
    for order in orders:
        site.wait_state("commitment", order)
    for turn in range(2):
        for order in orders:
            site.act("procore", "edit_commitment", number=order, title=f"Turn {turn}")
    site.wait_quiet()
    assert held(site) == []
    for order in orders:
        assert site.state("lentune", "subcontracts", number=order)[0]["description"] == "Turn 1"
