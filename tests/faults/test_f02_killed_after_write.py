"""F02: SIGKILL after the outside system has carried a write out and before its answer is stored."""

import pytest

from tests.faults.stand import Stand

pytestmark = pytest.mark.fault("F02")


def test_the_next_try_finds_it_by_its_key_and_creates_nothing(site: Stand) -> None:
    commitment = site.new_commitment()
    site.wait_state("commitment", commitment)
    invoice = site.number("INV-")
    site.arm("after_remote_write", "kill", f"invoice {invoice} invoice")
    site.new_invoice(commitment, number=invoice)
    killed = site.taken("after_remote_write")
    other = site.new_commitment()
    site.wait_state("commitment", other, seconds=15)
    record = site.wait_state("invoice", invoice)
    assert killed not in site.pool(0) | site.pool(1)
    assert [e["remote_id"] for e in site.created("procore", "requisitions")] == [record["remote_id"]]
    assert "checking" in site.story("invoice", invoice), "in doubt, until it was looked up"
