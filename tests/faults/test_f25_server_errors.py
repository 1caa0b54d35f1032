"""F25: a burst of 500 and 502."""

import pytest

from tests.faults.stand import Stand

pytestmark = pytest.mark.fault("F25")


def test_a_burst_on_every_request_loses_and_doubles_nothing(site: Stand) -> None:
    orders = [site.new_commitment() for _ in range(2)]
    for order in orders:
        site.wait_state("commitment", order)
    faults = [
        site.fault(system, "status", {"path": path}, status=status, probability=0.3, seed=25)
        for system, path in (("procore", "^/rest/"), ("lentune", "^/adapter/lentune/v1/"))
        for status in (500, 502)
    ]
    numbers = [site.new_commitment() for _ in range(4)]
    invoices = [site.new_invoice(orders[0], net="10.00"), site.new_invoice(net="20.00")]
    systems = ["procore", "procore", "lentune", "lentune"]
    site.wait(lambda: sum(site.fired(s, f) for s, f in zip(systems, faults, strict=True)) >= 10, 30, "the burst did nothing")
    site.mend()
    for number in numbers:
        site.wait_state("commitment", number)
    for invoice in invoices:
        site.wait_state("invoice", invoice, seconds=40)
    assert len(site.created("lentune", "subcontract")) == len(orders) + len(numbers)
    assert (len(site.created("procore", "requisitions")), len(site.created("procore", "direct_costs"))) == (1, 1)


def test_a_create_answered_500_is_in_doubt_and_not_failed(site: Stand) -> None:
    order = site.new_commitment()
    site.wait_state("commitment", order)
    site.fault("procore", "status", {"method": "POST", "path": "/requisitions$"}, status=500, times=1)
    invoice = site.new_invoice(order)
    site.wait_state("invoice", invoice, "checking")
    (write,) = [w for w in site.writes("invoice", invoice) if w["side"] == "target"]
    assert (write["state"], write["status"]) == ("uncertain", 500)
    site.wait_state("invoice", invoice, seconds=40)
    (write,) = [w for w in site.writes("invoice", invoice) if w["side"] == "target"]
    assert (write["state"], write["sends"]) == ("confirmed", 2), "sent once more after two looks"
    assert len(site.created("procore", "requisitions")) == 1
