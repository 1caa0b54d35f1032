"""F57: what we write comes back as a webhook and as a changed row. It is known for our own: no write follows a write."""

import pytest

from tests.faults.desk import Traffic, lent_shortly
from tests.faults.people import SUPPLIER
from tests.faults.stand import Stand

pytestmark = pytest.mark.fault("F57")


def settled(site: Stand) -> tuple[int, int]:
    """How much each ledger holds of ours, once all is quiet."""
    site.wait_quiet()
    return len(site.ledger("procore")), len(site.ledger("lentune"))


def test_after_a_write_and_its_echoes_nothing_more_is_written(site: Stand) -> None:
    with lent_shortly(site):
        project = site.new_project("05-100")
        order = site.new_commitment(project, amount="100.00")
        invoices = [site.new_invoice(project=project, net="12.00")]
        site.wait_state("commitment", order)
        site.act("procore", "rename_project", project=project, name="Renamed")
        for invoice in invoices:
            site.wait_state("invoice", invoice)
        before = settled(site)
    events = site.rows("SELECT system, count(*) AS n FROM event WHERE company_id = %s GROUP BY system", site.company)
    assert {e["system"] for e in events} == {"procore", "lentune"}, "both sides told us of what we wrote"
    traffic = {name: Traffic(site, name) for name in site.url}
    site.scan(full=True)
    site.wait(lambda: traffic["lentune"].of("GET", "/invoices$") and traffic["procore"].of("GET", "/projects$"), 20, "no scan")
    assert settled(site) == before, "a whole reading of both sides writes nothing"
    again = site.rows("SELECT kind, number, version FROM sync_record WHERE version > 3")
    assert again == [], "no object grows version after version"


def test_an_order_that_we_sent_to_procore_does_not_come_back_to_lentune(site: Stand) -> None:
    """Raised in Lentune, sent to Procore, told by Procore's webhook as a commitment: ours, and left alone (P-15)."""
    boxes = {"procore_purchase_order": False, "lentune_purchase_order": True}
    site.act("lentune", "set_settings", settings=boxes)
    try:
        site.wait(lambda: site.rows("SELECT FROM connection WHERE system = 'lentune' AND settings->>'lentune_purchase_order'"
                                    " = 'true'"), 20, "the settings did not come")  # fmt: skip
        number = site.number("LO-")
        site.act("lentune", "create_purchase_order", project="1001", number=number, description="Nails", supplier=SUPPLIER,
                 lines=[{"code": "05-100", "type": "S", "amount": "55.00", "description": "Nails"}])  # fmt: skip
        site.wait(lambda: site.state("procore", "purchase_order_contracts", number=number), 20, "it did not arrive in Procore")

        def echo() -> list[dict[str, object]]:
            return site.rows("SELECT state, problems FROM sync_record WHERE number = %s AND direction = 'from_procore'", number)

        [back] = site.wait(lambda: [r for r in echo() if r["state"] == "ignored"], 20, "its echo was not recognized")
        assert [p["code"] for p in back["problems"]] == ["raised_in_lentune"]
        before = settled(site)
        site.scan("procore", kinds=["commitment"], full=True)
        site.wait_quiet()
        assert settled(site) == before
        assert len(site.state("lentune", "purchase_orders", number=number)) == 1
        assert len(site.created("procore", "purchase_order_contracts")) == 1
    finally:
        site.act("lentune", "set_settings", settings={name: not on for name, on in boxes.items()})
        site.wait(lambda: site.rows("SELECT FROM connection WHERE system = 'lentune' AND settings->>'procore_purchase_order'"
                                    " = 'true'"), 20, "the settings did not go back")  # fmt: skip
