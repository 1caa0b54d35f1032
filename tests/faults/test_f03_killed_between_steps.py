"""F03: SIGKILL between the steps of one document: header, lines, approval, and what its source is told."""

from typing import Any

import pytest

from tests.faults.stand import Stand

pytestmark = pytest.mark.fault("F03")

#: Each kill hits a document of its own: (failpoint, what the worker is about then).
PLACES = {
    "claimed": "",
    "before_remote_write": "lines-1",
    "after_remote_write": "approve",
    "outcome_stored": "lines-1",
    "before_commit": "approve",
    "before_telling": "",
}
LINES = [("10.00", "Steel"), ("20.05", "Bolts"), ("0.01", "Washers")]


def bill(site: Stand, failpoint: str, about: str) -> str:
    """An invoice without an order, which becomes a direct cost in several steps; killed once at this place."""
    number = site.number("INV-")
    # just claimed, nobody has read its number yet
    site.arm(failpoint, "kill", f"invoice {number} {about}".strip() if failpoint != "claimed" else "invoice")
    lines = [{"code": "05-100", "type": "S", "net": net, "description": text} for net, text in LINES]
    return site.new_invoice(number=number, lines=lines)


def made(site: Stand, invoice: str) -> dict[str, Any]:
    """The one direct cost that it became."""
    found = site.state("procore", "direct_costs", invoice_number=invoice)
    assert len(found) == 1, f"{len(found)} direct costs for {invoice}"
    return found[0]


def whole(site: Stand, invoice: str) -> None:
    """One header, each line once, approved, and its source was told."""
    cost = made(site, invoice)
    lines = [(row["amount"], row["description"]) for row in cost["lines"]]
    assert (cost["grand_total"], cost["status"], sorted(lines)) == ("30.06", "approved", sorted(LINES))

    def told() -> bool:
        posting = site.state("lentune", "invoices", number=invoice)[0]["posting"]
        return bool((posting["state"], posting["procore_id"]) == ("posted", str(cost["id"])))

    site.wait(told, 20, f"Lentune was not told of {invoice}")


def test_it_goes_on_at_the_first_step_that_is_missing(site: Stand) -> None:
    bills = {failpoint: bill(site, failpoint, about) for failpoint, about in PLACES.items()}
    killed = {failpoint: site.taken(failpoint) for failpoint in PLACES}
    for invoice in bills.values():
        site.wait_state("invoice", invoice)
    site.wait_quiet()
    assert len(set(killed.values())) > 1, "processes died"
    for invoice in bills.values():
        whole(site, invoice)
    assert len(site.created("procore", "direct_costs")) == len(PLACES)


@pytest.mark.slow
@pytest.mark.parametrize("step", ["header", "lines-1", "approve"])
def test_before_and_after_each_step(site: Stand, step: str) -> None:
    places = ("before_remote_write", "after_remote_write")
    bills = [bill(site, failpoint, step) for failpoint in places]
    for failpoint in places:
        site.taken(failpoint)
    for invoice in bills:
        site.wait_state("invoice", invoice)
    site.wait_quiet()
    for invoice in bills:
        whole(site, invoice)
