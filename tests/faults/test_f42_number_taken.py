"""F42: the number is taken at the other side by a record that is not ours. It stays as it is; ours is set aside."""

import pytest

from tests.faults.desk import person
from tests.faults.stand import Stand

pytestmark = pytest.mark.fault("F42")


def test_a_project_of_lentunes_own_is_never_overwritten(site: Stand) -> None:
    number = site.number()
    site.act("lentune", "create_project", code=number, description="Our own yard")
    [before] = site.state("lentune", "projects", code=number)
    site.new_project("05-100", number=number, name="Somebody else's")
    site.wait_state("project", number, "needs_attention", "held")
    assert site.codes("project", number) == ["lentune_key_taken"]
    order = site.new_commitment(number)
    site.wait_state("commitment", order, "held")
    assert "project_not_synced" in site.codes("commitment", order), "what belongs to it waits with it"
    assert site.state("lentune", "projects", code=number) == [before]
    assert site.ledger("lentune", remote_id=before["id"]) == []
    site.act("lentune", "delete_project", project=number)  # the person decides: their own goes
    person(site, "retry", site.record("project", number)["id"])
    site.wait_state("project", number)
    site.wait_state("commitment", order)
    [after] = site.state("lentune", "projects", code=number)
    assert (after["description"], after["id"] != before["id"]) == ("Somebody else's", True)


def test_an_order_number_used_in_two_projects_goes_to_the_first_only(site: Stand) -> None:
    """Lentune's order numbers are unique across projects (L-28), Procore's are not."""
    other, number = site.new_project("05-100"), site.number("PO-")
    site.wait_state("project", other)
    site.new_commitment(number=number, type="po", amount="10.00")
    first = site.wait_state("commitment", number)
    [standing] = site.state("lentune", "purchase_orders", number=number)
    site.new_commitment(other, number=number, type="po", amount="99.00")

    def second() -> list[dict[str, object]]:
        return site.rows("SELECT * FROM sync_record WHERE number = %s AND id <> %s AND state = 'needs_attention'",
                         number, first["id"])  # fmt: skip

    [record] = site.wait(second, 20, "the second was not set aside")
    assert "po_number_not_unique" in [p["code"] for p in record["problems"]]
    assert site.state("lentune", "purchase_orders", number=number) == [standing]
    site.act("procore", "edit_commitment", number=number, project=other, new_number=f"{number}-B")
    site.wait_state("commitment", f"{number}-B")


def test_a_number_that_the_target_gives_itself_is_kept(site: Stand) -> None:
    """Procore numbers a commitment's invoices itself: ours becomes the invoice number, theirs is kept beside it."""
    order = site.new_commitment()
    site.wait_state("commitment", order)
    invoice = site.new_invoice(order, net="40.00")
    record = site.wait_state("invoice", invoice)
    [bill] = site.state("procore", "requisitions", invoice_number=invoice)
    assert record["remote_number"] == str(bill["number"]) == "1"
