"""F31: Procore's sync actions answer 200 whatever became of the rows."""

import pytest

from tests.faults.stand import Stand

pytestmark = pytest.mark.fault("F31")
HEADER = {"method": "PATCH", "path": "/direct_costs/sync$"}
LINES = {"method": "PATCH", "path": "/direct_costs/line_items/sync$"}


@pytest.mark.parametrize("match", [HEADER, LINES], ids=["header", "lines"])
def test_a_row_in_neither_list_is_in_doubt_and_ends_once(site: Stand, match: dict[str, str]) -> None:
    fault = site.fault("procore", "mutate", match, times=1, change={"entities": [], "errors": []})
    invoice = site.new_invoice(net="43.21")
    site.wait_state("invoice", invoice)
    assert site.fired("procore", fault) == 1 and "checking" in site.story("invoice", invoice)
    (cost,) = site.state("procore", "direct_costs", invoice_number=invoice)
    assert (cost["grand_total"], cost["status"], len(cost["lines"])) == ("43.21", "approved", 1)
    assert len(site.created("procore", "direct_costs")) == 1


def test_a_refused_row_in_a_200_is_refused_with_its_reason(site: Stand) -> None:
    held_up = site.fault("procore", "status", HEADER, status=429, headers={"Retry-After": "1"}, times=1)
    invoice = site.new_invoice(net="55.00")
    record = site.wait(
        lambda: site.rows("SELECT * FROM sync_record WHERE kind = 'invoice' AND number = %s AND state = 'sending'", invoice)
        and site.fired("procore", held_up) and site.record("invoice", invoice),
        20, "it was never sent",
    )  # fmt: skip
    errors = [{"origin_id": record["key"], "errors": {"vendor_id": ["is not active"]}}]
    site.fault("procore", "status", HEADER, status=200, body={"entities": [], "errors": errors}, times=1)
    found = site.wait_state("invoice", invoice, "held", "needs_attention")
    assert [(p["code"], "is not active" in str(p)) for p in found["problems"]] == [("procore_rejected", True)]
    assert not site.state("procore", "direct_costs", invoice_number=invoice)
    other = site.new_invoice(net="56.00")
    site.wait_state("invoice", other)
    site.act("lentune", "change_invoice", number=invoice, net="57.00")
    site.wait_state("invoice", invoice)
    (cost,) = site.state("procore", "direct_costs", invoice_number=invoice)
    assert cost["grand_total"] == "57.00"
