"""F43: fractions of a cent, negative, nothing, huge, thirds, tax, retainage, another currency: equal to the cent, or refused."""

from decimal import Decimal
from random import Random
from typing import Any

import pytest

from tests.faults.desk import lent_shortly
from tests.faults.people import SUPPLIER, line
from tests.faults.stand import Stand

pytestmark = pytest.mark.fault("F43")

CENT = Decimal("0.01")


def split(total: Decimal, parts: int) -> list[Decimal]:
    """As people split an amount: equal parts rounded to the cent, the rest on the last."""
    each = (total / parts).quantize(CENT)
    return [each] * (parts - 1) + [total - each * (parts - 1)]


def generated(seed: int) -> list[Decimal]:
    """Amounts that make sums drift where they are ever held as binary fractions."""
    random = Random(seed)
    odd = [Decimal(random.randint(-10**9, 10**9)) / 100 for _ in range(15)]
    return [*split(Decimal("1000.00"), 3), *split(Decimal("0.10"), 7), *odd, Decimal("0.00"), Decimal("-0.01")]


def lines(amounts: list[Decimal]) -> list[dict[str, Any]]:
    return [line(str(amount), description=f"Part {n}") for n, amount in enumerate(amounts, 1)]


def test_a_schedule_of_values_arrives_line_by_line_to_the_cent(site: Stand) -> None:
    schedules = {
        site.number("PO-"): generated(1),
        site.number("PO-"): [Decimal("-250.00")],
        site.number("PO-"): [Decimal("0.00")],
        site.number("PO-"): [Decimal("9999999999999.99"), Decimal("-9999999999999.98")],
    }
    for number, amounts in schedules.items():
        site.new_commitment(number=number, type="po", lines=lines(amounts))
    for number, amounts in schedules.items():
        record = site.wait_state("commitment", number)
        [there] = site.state("lentune", "purchase_orders", number=number)
        assert [Decimal(each["amount"]) for each in there["lines"]] == amounts
        assert Decimal(there["total"]) == sum(amounts) == record["amount"]


def test_a_value_that_the_other_side_cannot_hold_is_refused(site: Stand) -> None:
    order = site.new_commitment(type="po", amount="10000000000000.00")
    site.wait_state("commitment", order, "needs_attention")
    assert site.codes("commitment", order) == ["line_value_too_large"]
    assert site.created("lentune") == []


@pytest.mark.parametrize("amount", ["10.005", 0.1 + 0.2, "ten"])
def test_a_fraction_of_a_cent_or_no_number_is_never_rounded_or_guessed(site: Stand, amount: object) -> None:
    """As no screen leaves it, but an interface might answer it."""
    order = site.new_commitment(type="po", status="Draft")
    site.wait_state("commitment", order)
    [before] = site.state("lentune", "purchase_orders", number=order)
    bad = {"line_items": [{"id": 1, "position": 1, "amount": amount, "description": "Steel", "wbs_code": {"id": 80000003}}]}
    site.fault("procore", "mutate", {"method": "GET", "path": "/purchase_order_contracts/[0-9]+$"}, change=bad)
    site.act("procore", "edit_commitment", number=order, title="Touched")
    site.wait_state("commitment", order, "needs_attention")
    assert site.codes("commitment", order) == ["not_understood"]
    assert site.state("lentune", "purchase_orders", number=order) == [before]
    site.mend()
    site.act("procore", "edit_commitment", number=order, title="Readable again")
    site.wait_state("commitment", order)


def test_an_invoice_with_tax_and_thirds_is_booked_net_to_the_cent(site: Stand) -> None:
    nets = [*split(Decimal("100.00"), 3), Decimal("-0.01"), Decimal("0.35")]
    taxes = [(net * Decimal("0.15")).quantize(CENT) for net in nets]
    entries = [
        {"code": "05-100", "type": "S", "net": str(net), "tax": str(tax), "description": f"Part {n}"}
        for n, (net, tax) in enumerate(zip(nets, taxes, strict=True), 1)
    ]
    whole = sum(nets) + sum(taxes)
    with lent_shortly(site):
        exact = site.new_invoice(supplier=SUPPLIER, lines=entries, gross=str(whole))
        rounded = site.new_invoice(supplier=SUPPLIER, lines=entries, gross=str(whole + Decimal("0.02")))
        wrong = site.new_invoice(supplier=SUPPLIER, lines=entries, gross=str(whole + Decimal("0.03")))
        site.wait_state("invoice", exact)
        site.wait_state("invoice", rounded)
        site.wait_state("invoice", wrong, "needs_attention", "held")
    booked = {number: site.state("procore", "direct_costs", invoice_number=number) for number in (exact, rounded, wrong)}
    assert [Decimal(cost["grand_total"]) for cost in booked[exact]] == [sum(nets)]
    assert [Decimal(cost["grand_total"]) for cost in booked[rounded]] == [sum(nets) + Decimal("0.02")], "put on the largest"
    assert booked[wrong] == [] and site.codes("invoice", wrong) == ["amount_mismatch"]
    assert [w["code"] for w in site.record("invoice", rounded)["warnings"]] == ["rounding_applied"]


def test_retainage_is_carried_as_it_was_typed(site: Stand) -> None:
    order = site.new_commitment(retainage="7.5")
    site.wait_state("commitment", order)
    [there] = site.state("lentune", "subcontracts", number=order)
    assert Decimal(there["retention_percent"]) == Decimal("7.5")


def test_another_currency_is_carried_where_there_is_a_field_for_it_and_refused_where_not(site: Stand) -> None:
    other = {"currency_configuration.currency_iso_code": "AUD"}
    site.fault("procore", "mutate", {"method": "GET", "path": "/(purchase|work)_order_contracts(/[0-9]+)?$"}, change=other)
    order, contract = site.new_commitment(type="po", amount="10.00"), site.new_commitment(type="sc", amount="20.00")
    site.wait_state("commitment", order)
    site.wait_state("commitment", contract, "needs_attention")
    [there] = site.state("lentune", "purchase_orders", number=order)
    assert (there["currency"], there["total"]) == ("AUD", "10.00")
    assert site.codes("commitment", contract) == ["currency_not_carried"]
    assert site.state("lentune", "subcontracts", number=contract) == []
    site.mend()
    for number in (order, contract):
        site.act("procore", "edit_commitment", number=number, title="In our own again")
        site.wait_state("commitment", number)
    site.wait(lambda: site.state("lentune", "purchase_orders", number=order)[0]["currency"] == "NZD", 20, "not corrected")
