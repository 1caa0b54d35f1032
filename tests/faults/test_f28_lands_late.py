"""F28: no answer came, and it is carried out later: between the looks, or even after it was sent once more."""

from collections.abc import Callable

import pytest

from tests.faults.desk import Traffic, lent_shortly, person
from tests.faults.stand import Stand

pytestmark = pytest.mark.fault("F28")

REQUISITIONS = "/rest/v1.1/requisitions$"
LATE = 600  # seconds of Procore's clock, which the test moves when the time has come


def lands_when(site: Stand, ready: Callable[[dict[str, object]], bool]) -> tuple[str, Traffic]:
    """An invoice whose create lands when its intent is as `ready` says; gives its number and the traffic."""
    order = site.new_commitment()
    site.wait_state("commitment", order)
    traffic = Traffic(site, "procore")
    site.fault("procore", "apply_later", {"method": "POST", "path": REQUISITIONS}, seconds=LATE, times=1)
    invoice = site.new_invoice(order, net="250.00")

    def there() -> bool:
        return any(ready(w) for w in site.writes("invoice", invoice) if w["step"] == "invoice")

    site.wait(there, 40, "its intent never came to that")
    site.advance("procore", LATE + 1)
    return invoice, traffic


def only_one(site: Stand, invoice: str) -> None:
    [bill] = site.state("procore", "requisitions", invoice_number=invoice)
    assert bill["total_claimed_amount"] == "250.00"
    assert len(site.created("procore", "requisitions")) == 1


@pytest.mark.slow
def test_landing_within_the_quarantine_it_is_found(site: Stand) -> None:
    with lent_shortly(site):
        invoice, traffic = lands_when(site, lambda intent: intent["state"] == "uncertain")
        site.wait_state("invoice", invoice, seconds=40)
    assert len(traffic.of("POST", REQUISITIONS)) == 1
    only_one(site, invoice)


@pytest.mark.slow
def test_landing_after_the_first_look_it_is_found_by_the_second(site: Stand) -> None:
    with lent_shortly(site):
        site.fault("procore", "delay", {"method": "GET", "path": REQUISITIONS}, seconds=0.2)  # no race with the second look
        invoice, traffic = lands_when(site, lambda intent: intent["absent_looks"] == 1)
        site.wait_state("invoice", invoice, seconds=40)
    assert len(traffic.of("POST", REQUISITIONS)) == 1
    only_one(site, invoice)


def test_landing_after_it_was_sent_once_more_the_servers_key_refuses_it(site: Stand) -> None:
    with lent_shortly(site):
        invoice, traffic = lands_when(site, lambda intent: intent["state"] == "confirmed")
        site.wait_state("invoice", invoice, seconds=40)
    assert len(traffic.of("POST", REQUISITIONS)) == 2
    only_one(site, invoice)


@pytest.mark.slow
def test_landing_while_it_is_sent_once_more_it_is_refused_and_then_found(site: Stand) -> None:
    """The second is refused because the first stands there by now. It is ours all the same, and stands there once."""
    order = site.new_commitment()
    site.wait_state("commitment", order)
    with lent_shortly(site):
        site.fault("procore", "apply_later", {"method": "POST", "path": REQUISITIONS}, seconds=LATE, times=1)
        invoice = site.new_invoice(order, net="250.00")
        site.wait(lambda: site.codes("invoice", invoice) == ["outcome_uncertain"], 20, "not in doubt")
        site.arm("before_remote_write", "sleep 1.5", "invoice")
        site.taken("before_remote_write", seconds=40)  # looked for twice, and about to be sent once more
        site.advance("procore", LATE + 1)
        record = site.wait_state("invoice", invoice, "synced", "needs_attention", seconds=40)
        if record["state"] == "needs_attention":  # a person who asks again is told that it is there
            person(site, "retry", record["id"])
            site.wait_state("invoice", invoice, seconds=40)
    only_one(site, invoice)
