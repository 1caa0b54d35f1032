"""F07: the hard time limit falls into a call: the process is killed by its own worker while the answer is on its way."""

import pytest

from tests.faults.stand import Stand
from tests.worker.running import alive

pytestmark = pytest.mark.fault("F07")


def test_the_outcome_is_uncertain_and_not_failed(site: Stand) -> None:
    commitment, invoice = site.new_commitment(), site.number("INV-")
    site.wait_state("commitment", commitment)
    # a process that stands still notices no soft limit: its worker kills it at the hard one
    site.arm("after_remote_write", "stop", f"invoice {invoice} invoice")
    site.new_invoice(commitment, number=invoice)
    stuck = site.taken("after_remote_write")
    site.wait(lambda: not alive({stuck}), 15, "the hard limit did not end it")
    assert site.record("invoice", invoice)["state"] == "sending", "killed is neither failed nor done"
    site.wait_state("invoice", invoice)
    assert "checking" in site.story("invoice", invoice)
    assert not {"needs_attention", "held"} & set(site.story("invoice", invoice)[2:])
    assert len(site.created("procore", "requisitions")) == 1
    assert "TimeLimitExceeded" in site.log("worker-interactive")


def test_the_soft_limit_leaves_the_doubt_to_a_look_too(site: Stand) -> None:
    commitment, invoice = site.new_commitment(), site.number("INV-")
    site.wait_state("commitment", commitment)
    site.arm("after_remote_write", "sleep 20", f"invoice {invoice} invoice")
    site.new_invoice(commitment, number=invoice)
    site.taken("after_remote_write")
    site.wait_state("invoice", invoice)
    assert "checking" in site.story("invoice", invoice)
    assert len(site.created("procore", "requisitions")) == 1
