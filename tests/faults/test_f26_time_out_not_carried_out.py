"""F26: no answer came and nothing was done. Quarantine, absent twice, sent once more; where a key protects, sent again."""

from itertools import groupby
from typing import Any

import pytest

from tests.faults.desk import Traffic, lent_shortly, person, seconds_between
from tests.faults.stand import TIMES, Stand

pytestmark = pytest.mark.fault("F26")

#: An answer that never comes, because what was sent lands when nobody looks any more; and a connection that dies.
FAULTS: dict[str, dict[str, Any]] = {
    "no answer in time": {"action": "apply_later", "seconds": 10**9},
    "the connection dies": {"action": "drop_before"},
}
REQUISITIONS = "/rest/v1.1/requisitions$"
CREATE = {"method": "POST", "path": REQUISITIONS}


def test_a_bill_is_sent_once_more_after_the_quarantine_and_two_looks(site: Stand) -> None:
    orders = [site.new_commitment() for _ in FAULTS]
    for order in orders:
        site.wait_state("commitment", order)
    with lent_shortly(site):
        traffic = Traffic(site, "procore")
        for fault in FAULTS.values():
            site.fault("procore", match=CREATE, times=1, **fault)
        invoices = [site.new_invoice(order, net="250.00") for order in orders]
        records = [site.wait_state("invoice", invoice, seconds=40) for invoice in invoices]
    posts = traffic.of("POST", REQUISITIONS)
    assert len(posts) == 4, "each twice"
    assert seconds_between(posts[1], posts[2]) >= int(TIMES["QUARANTINE_SECONDS"]), "while the first could still land"
    looks = [e for e in traffic.of("GET", REQUISITIONS) if posts[1]["at"] < e["at"] < posts[2]["at"]]
    assert len({e["at"][:19] for e in looks}) >= 2, "two looks, apart in time, before it was sent once more"
    assert {e["remote_id"] for e in site.created("procore", "requisitions")} == {r["remote_id"] for r in records}
    assert len(site.created("procore", "requisitions")) == 2
    for invoice in invoices:
        states = [state for state, _ in groupby(site.story("invoice", invoice))]
        assert states[-1] == "synced" and "checking" in states
        [intent] = [w for w in site.writes("invoice", invoice) if w["step"] == "invoice"]
        assert (intent["state"], intent["sends"]) == ("confirmed", 2)
        [bill] = site.state("procore", "requisitions", invoice_number=invoice)
        assert bill["total_claimed_amount"] == "250.00"


@pytest.mark.slow
def test_a_second_time_out_is_for_a_person(site: Stand) -> None:
    """One more try by itself, never a third: then the record stands in the inbox with its reason."""
    order = site.new_commitment()
    site.wait_state("commitment", order)
    with lent_shortly(site):
        traffic = Traffic(site, "procore")
        site.fault("procore", "drop_before", CREATE)
        invoice = site.new_invoice(order)
        record = site.wait_state("invoice", invoice, "needs_attention", seconds=60)
        assert site.codes("invoice", invoice) == ["outcome_needs_person"]
        assert len(traffic.of("POST", REQUISITIONS)) == 2
        assert site.created("procore") == []
        site.mend()
        person(site, "not-there", record["id"])
        site.wait_state("invoice", invoice, seconds=40)
    assert len(site.created("procore", "requisitions")) == 1


def test_where_the_server_keeps_it_single_it_is_sent_again_soon(site: Stand) -> None:
    """A commitment into Lentune and a direct cost into Procore: both carry a key that the other side enforces."""
    put, sync = "/subcontracts/by-procore/", "/direct_costs/sync$"
    lentune, procore = Traffic(site, "lentune"), Traffic(site, "procore")
    for fault in FAULTS.values():
        site.fault("lentune", match={"method": "PUT", "path": put}, times=1, **fault)
        site.fault("procore", match={"method": "PATCH", "path": sync}, times=1, **fault)
    orders = [site.new_commitment() for _ in FAULTS]
    with lent_shortly(site):
        invoices = [site.new_invoice(net="12.30") for _ in FAULTS]
        for order in orders:
            site.wait_state("commitment", order)
        for invoice in invoices:
            site.wait_state("invoice", invoice)
            [cost] = site.state("procore", "direct_costs", invoice_number=invoice)
            assert (cost["grand_total"], cost["status"]) == ("12.30", "approved")
    assert len(lentune.of("PUT", put)) == 4
    assert [e["effect"] for e in site.ledger("lentune", kind="subcontract")] == ["created"] * 2
    assert len(procore.of("PATCH", sync)) == 6, "each header twice, and each approval"
    assert len(site.created("procore", "direct_costs")) == 2
