"""F27: it was done and the answer was lost. It is found by its key and confirmed; nothing is sent a second time."""

from typing import Any

import pytest

from tests.faults.desk import Traffic, lent_shortly
from tests.faults.stand import Stand

pytestmark = pytest.mark.fault("F27")

#: Longer than a request may take; and a connection that dies.
FAULTS: dict[str, dict[str, Any]] = {
    "no answer in time": {"action": "delay", "seconds": 2.5},
    "the connection dies": {"action": "drop_after"},
}
REQUISITIONS = "/rest/v1.1/requisitions$"


def test_a_bill_is_found_and_not_sent_again(site: Stand) -> None:
    orders = [site.new_commitment() for _ in FAULTS]
    for order in orders:
        site.wait_state("commitment", order)
    with lent_shortly(site):
        traffic = Traffic(site, "procore")
        for fault in FAULTS.values():
            site.fault("procore", match={"method": "POST", "path": REQUISITIONS}, times=1, **fault)
        invoices = [site.new_invoice(order, net="250.00") for order in orders]
        records = [site.wait_state("invoice", invoice, seconds=40) for invoice in invoices]
        site.wait_quiet()
    assert len(traffic.of("POST", REQUISITIONS)) == 2, "each once"
    assert {e["remote_id"] for e in site.created("procore", "requisitions")} == {r["remote_id"] for r in records}
    assert len(site.created("procore", "requisitions")) == 2
    for invoice, record in zip(invoices, records, strict=True):
        assert "checking" in site.story("invoice", invoice)
        assert [w["state"] for w in site.writes("invoice", invoice) if w["step"] == "invoice"] == ["confirmed"]
        [told] = site.state("lentune", "invoices", number=invoice)
        assert (told["posting"]["state"], told["posting"]["procore_id"]) == ("posted", record["remote_id"])


def test_what_carries_a_server_key_becomes_one_record(site: Stand) -> None:
    put, sync = "/subcontracts/by-procore/", "/direct_costs(/line_items)?/sync$"
    for fault in FAULTS.values():
        site.fault("lentune", match={"method": "PUT", "path": put}, times=1, **fault)
        site.fault("procore", match={"method": "PATCH", "path": sync}, times=2, **fault)
    orders = [site.new_commitment(amount="77.77") for _ in FAULTS]
    with lent_shortly(site):
        invoices = [site.new_invoice(net="12.30") for _ in FAULTS]
        for order in orders:
            site.wait_state("commitment", order)
        for invoice in invoices:
            site.wait_state("invoice", invoice, seconds=40)
            [cost] = site.state("procore", "direct_costs", invoice_number=invoice)
            assert (cost["grand_total"], cost["status"]) == ("12.30", "approved")
    effects = [e["effect"] for e in site.ledger("lentune", kind="subcontract")]
    assert effects == ["created"] * 2, "the same again changes nothing"
    assert len(site.created("procore", "direct_costs")) == 2
    assert len(site.created("procore", "direct_cost_line_items")) == 2
