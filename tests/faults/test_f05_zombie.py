"""F05: a worker stands still past its lease, as a suspended machine does, and then goes on."""

import signal

import pytest

from tests.faults.desk import Traffic
from tests.faults.stand import Stand
from tests.worker.running import family

pytestmark = pytest.mark.fault("F05")


def freeze(site: Stand, failpoint: str) -> list[int]:
    """Stops the whole worker once one of its processes took the failpoint: alone, that one would be killed by its parent."""
    taker = site.taken(failpoint)
    parent = next(pid for pid in site.pids["worker"] if taker in family(pid))
    frozen = [parent, *sorted(family(parent) - {parent})]
    for pid in frozen:
        site.kill(pid, signal.SIGSTOP)
    return frozen


def thaw(site: Stand, frozen: list[int]) -> None:
    """All go on, the parent last: it kills what ran too long, and the child has its chance before."""
    for pid in reversed(frozen):
        site.go_on(pid)


def test_what_it_would_send_late_is_not_sent(site: Stand) -> None:
    """Claimed, and frozen before anything was read or sent."""
    site.arm("claimed", "stop", "invoice")
    invoice = site.new_invoice()
    frozen = freeze(site, "claimed")
    record = site.wait_state("invoice", invoice)
    assert record["attempt"] > 1, "the other worker did it"
    before = len(site.ledger("procore"))
    thaw(site, frozen)
    site.wait_state("commitment", site.new_commitment())
    site.wait_quiet()
    assert len(site.ledger("procore")) == before, "it wrote although its lease was over"
    assert len(site.state("procore", "direct_costs", invoice_number=invoice)) == 1


def test_what_it_reports_late_is_refused(site: Stand) -> None:
    commitment, invoice = site.new_commitment(), site.number("INV-")
    site.wait_state("commitment", commitment)
    site.arm("after_remote_write", "stop", f"invoice {invoice} invoice")
    site.new_invoice(commitment, number=invoice)
    frozen = freeze(site, "after_remote_write")
    record = site.wait_state("invoice", invoice)
    assert record["attempt"] > 1 and "checking" in site.story("invoice", invoice)
    story = site.story("invoice", invoice)
    thaw(site, frozen)
    site.wait(lambda: not site.busy("sitebooks.invoice.sync"), 20, "the late worker still runs it")
    assert len(site.ledger("procore", kind="requisitions", effect="created", key=record["key"])) == 1
    assert site.story("invoice", invoice) == story, "the fence: only the newest attempt may say what came of it"


def test_what_it_is_just_about_to_send_when_it_freezes_is_not_sent_either(site: Stand) -> None:
    """Its lease is looked at last of all. Procore would refuse a second one by its key; it must not even be asked."""
    commitment, invoice = site.new_commitment(), site.number("INV-")
    site.wait_state("commitment", commitment)
    site.arm("before_remote_write", "stop", f"invoice {invoice} invoice")
    site.new_invoice(commitment, number=invoice)
    frozen = freeze(site, "before_remote_write")
    record = site.wait_state("invoice", invoice, seconds=40)
    traffic = Traffic(site, "procore")
    thaw(site, frozen)
    site.wait_state("commitment", site.new_commitment())
    site.wait_quiet()
    assert len(site.ledger("procore", kind="requisitions", effect="created", key=record["key"])) == 1
    assert not traffic.of("POST", "requisitions"), "it was sent by the one that had stood still"
