"""F01: SIGKILL after the intent is committed and before the request is sent."""

import pytest

from tests.faults.stand import Stand

pytestmark = pytest.mark.fault("F01")


def test_it_is_looked_up_found_absent_and_sent_once(site: Stand) -> None:
    commitment, invoice = site.new_commitment(), site.number("INV-")
    site.wait_state("commitment", commitment)
    site.arm("before_remote_write", "kill", f"invoice {invoice} invoice")
    site.new_invoice(commitment, number=invoice)
    killed = site.taken("before_remote_write")
    others = [site.new_commitment(), site.new_commitment()]
    for number in others:
        site.wait_state("commitment", number, seconds=15)
    assert not site.created("procore", "requisitions"), "nothing had been sent"
    record = site.wait_state("invoice", invoice)
    assert killed not in site.pool(0) | site.pool(1)
    assert [e["remote_id"] for e in site.created("procore", "requisitions")] == [record["remote_id"]]
    write = next(w for w in site.writes("invoice", invoice) if w["step"] == "invoice")
    assert (write["state"], write["sends"]) == ("confirmed", 2), "the send that never left counts as one"
    assert "checking" in site.story("invoice", invoice), "in doubt, until it was looked up twice"


def test_what_the_server_itself_keeps_single_is_sent_again_at_the_end_of_the_lease(site: Stand) -> None:
    commitment = site.number("SC-")
    site.arm("before_remote_write", "kill", f"commitment {commitment}")
    site.new_commitment(number=commitment)
    site.taken("before_remote_write")
    site.wait_state("commitment", commitment)
    assert len(site.created("lentune", "subcontract")) == 1
