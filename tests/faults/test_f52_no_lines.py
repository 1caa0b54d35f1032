"""F52: a schedule of values without lines, an invoice without lines: said in plain words, and no empty document is made."""

import pytest

from tests.faults.people import line
from tests.faults.stand import Stand

pytestmark = pytest.mark.fault("F52")


@pytest.mark.parametrize("form", ["po", "sc"])
def test_an_empty_commitment_is_set_aside_until_it_has_a_line(site: Stand, form: str) -> None:
    order = site.new_commitment(type=form, lines=[])
    site.wait_state("commitment", order, "needs_attention", "held")
    assert site.codes("commitment", order) == ["schedule_of_values_empty"]
    assert site.created("lentune") == []
    site.act("procore", "add_line", number=order, **line("10.00"))
    site.wait_state("commitment", order)
    assert len(site.created("lentune")) == 1


def test_a_commitment_that_loses_its_last_line_keeps_its_copy_as_it_was(site: Stand) -> None:
    order = site.new_commitment(type="po", amount="10.00")
    site.wait_state("commitment", order)
    [before] = site.state("lentune", "purchase_orders", number=order)
    site.act("procore", "remove_line", number=order, position=1)
    site.wait(lambda: site.codes("commitment", order) == ["schedule_of_values_empty"], 20, "nobody noticed")
    assert site.state("lentune", "purchase_orders", number=order) == [before]
    site.act("procore", "add_line", number=order, **line("12.00"))
    site.wait_state("commitment", order)
    assert site.state("lentune", "purchase_orders", number=order)[0]["total"] == "12.00"


def test_an_invoice_without_lines_makes_no_empty_bill(site: Stand) -> None:
    order = site.new_commitment()
    site.wait_state("commitment", order)
    invoice = site.new_invoice(order, lines=[])
    other = site.new_invoice(net="5.00")
    site.wait_state("invoice", other)
    site.scan("lentune", kinds=["invoice"])
    site.wait_quiet()
    assert site.state("procore", "requisitions", invoice_number=invoice) == []
    assert [e["kind"] for e in site.created("procore") if e["kind"] != "direct_cost_line_items"] == ["direct_costs"]
