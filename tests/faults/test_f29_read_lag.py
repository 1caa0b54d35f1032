"""F29: lists do not show yet what was created. Absent once is not absent: a second look finds it."""

import pytest

from tests.faults.desk import Traffic, lent_shortly
from tests.faults.stand import Stand

pytestmark = pytest.mark.fault("F29")

CREATE = {"method": "POST", "path": "/rest/v1.1/requisitions$"}
LIST = {"method": "GET", "path": "/rest/v1.1/requisitions$"}


def test_a_bill_that_the_first_look_does_not_see_is_found_by_the_second(site: Stand) -> None:
    order = site.new_commitment()
    site.wait_state("commitment", order)
    with lent_shortly(site):
        traffic = Traffic(site, "procore")
        site.fault("procore", "drop_after", CREATE, times=1)
        invoice = site.new_invoice(order, net="250.00")
        site.wait(lambda: site.codes("invoice", invoice) == ["outcome_uncertain"], 20, "not in doubt")
        hidden = site.fault("procore", "read_lag", LIST, seconds=3600, times=2)  # one look: by our key, by the commitment
        record = site.wait_state("invoice", invoice, seconds=40)
        assert site.fired("procore", hidden) == 2, "the first look saw nothing"
    assert len(traffic.of("POST", CREATE["path"])) == 1
    assert [e["remote_id"] for e in site.created("procore", "requisitions")] == [record["remote_id"]]


@pytest.mark.slow
def test_one_that_stays_hidden_from_both_looks_still_stands_there_once(site: Stand) -> None:
    """Sent once more, and refused because the first stands there; when lists show it, the next look finds it."""
    order = site.new_commitment()
    site.wait_state("commitment", order)
    with lent_shortly(site):
        site.fault("procore", "drop_after", CREATE, times=1)
        site.fault("procore", "read_lag", LIST, seconds=3600)
        invoice = site.new_invoice(order, net="250.00")

        def refused() -> bool:
            sent = [w for w in site.writes("invoice", invoice) if w["step"] == "invoice"]
            return bool(sent and sent[0]["sends"] == 2 and sent[0]["state"] == "rejected")

        site.wait(refused, 40, "it was not sent once more and refused")
        assert len(site.created("procore", "requisitions")) == 1
        site.mend()
        record = site.wait_state("invoice", invoice, seconds=40)
    assert [e["remote_id"] for e in site.created("procore", "requisitions")] == [record["remote_id"]]
