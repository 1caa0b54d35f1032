"""F19: webhooks arrive in another order than things happened."""

import pytest

from tests.faults.hooks import Hook, of_contract
from tests.faults.stand import Stand

pytestmark = pytest.mark.fault("F19")


def test_update_before_create_and_delete_before_update(site: Stand) -> None:
    """Every webhook is lost; then the events come by hand, the last one first."""
    lost = site.fault("procore", "drop", on="delivery")
    kept, dropped = site.new_commitment(), site.new_commitment(status="Draft")
    contracts = {row["number"]: row for row in site.state("procore", "work_order_contracts")}
    site.act("procore", "edit_commitment", number=kept, title="As it is now")
    site.act("procore", "delete_commitment", number=dropped)
    site.wait(lambda: site.fired("procore", lost) >= 4, 10, "no webhook was lost")
    hook, project = Hook(site, "procore"), site.record("project", "1001")["source_id"]
    for number, whats in ((kept, ("update", "create", "update")), (dropped, ("delete", "update", "create"))):
        for what in whats:
            row = contracts[number]
            assert hook.deliver(of_contract(row["id"], project, what))[0] == 202
    site.wait(lambda: site.state("lentune", "subcontracts", number=kept), 20, "it did not arrive")
    site.wait_quiet()
    (there,) = site.state("lentune", "subcontracts", number=kept)
    assert there["description"] == "As it is now"
    assert not site.state("lentune", "subcontracts", number=dropped)
    source = f"work_order_contract:{contracts[dropped]['id']}"
    found = site.rows("SELECT state FROM sync_record WHERE company_id = %s AND source_id = %s", site.company, source)
    assert found == [{"state": "ignored"}]


def test_many_changes_in_shuffled_order_end_as_they_stand(site: Stand) -> None:
    commitment = site.new_commitment()
    site.fault("procore", "reorder", on="delivery", probability=0.5, seed=19, seconds=0.5)
    site.fault("lentune", "reorder", on="delivery", probability=0.5, seed=19, seconds=0.5)
    others = [site.new_commitment(amount=f"{n}00.00") for n in range(1, 7)]
    invoices = [site.new_invoice(other, net="10.00") for other in others[:3]]
    for n, number in enumerate([commitment, *others]):
        site.act("procore", "edit_commitment", number=number, title=f"First {n}")
        site.act("procore", "edit_commitment", number=number, title=f"Last {n}")

    def there() -> dict[str, str]:
        return {row["number"]: row["description"] for row in site.state("lentune", "subcontracts")}

    wanted = {number: f"Last {n}" for n, number in enumerate([commitment, *others])}
    site.wait(lambda: wanted.items() <= there().items(), 30, "not as it stands in Procore")
    for invoice in invoices:
        site.wait_state("invoice", invoice)
