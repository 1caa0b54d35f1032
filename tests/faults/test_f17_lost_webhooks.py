"""F17: a day without a single webhook: their senders give up, and reading what changed repairs it."""

import pytest

from tests.faults.hooks import asked, last_asked
from tests.faults.neighbour import neighbour
from tests.faults.stand import Stand

pytestmark = pytest.mark.fault("F17")
#: Hours of Procore's clock between two things that people do; Procore gives up after 12 hours of failures.
HOURS = 6


def test_a_day_of_lost_webhooks_is_found_by_the_next_pass(site: Stand) -> None:
    with neighbour(site) as far:
        before = last_asked(far, "procore")
        for system in far.url:
            far.fault(system, "status", on="delivery", status=500)
        first = far.new_commitment()
        made = [first]
        for _ in range(4):
            far.cores["procore"].clock.advance(HOURS * 3600)
            project = far.new_project("05-100")
            made.append(far.new_commitment(project))
            far.act("procore", "edit_commitment", number=first, title=f"Later {project}")
        variation = far.new_variation(first)
        invoices = [far.new_invoice(net="7.00"), far.new_invoice("PO-1001-01", net="8.00", supplier="Pacific Concrete Ltd")]
        assert not asked(far, "procore", before, lambda e: e["method"] == "GET"), "somebody was told: the test is about nothing"
        core = far.cores["procore"]
        far.wait(lambda: any(d["outcome"] == "discarded" for d in core.company.deliveries), 20, "Procore has not given up")
        far.mend()
        far.scan()
        for number in made:
            far.wait_state("commitment", number, seconds=60)
        far.wait_state("variation", variation)
        for invoice in invoices:
            far.wait_state("invoice", invoice)
        assert far.state("lentune", "subcontracts", number=first, description=f"Later {project}")
