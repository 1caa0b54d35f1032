"""Approved subcontractor invoices arrive in Sage Paperless, with their files as one document (S-03, S-04, S-19 to S-21)."""

import pytest


@pytest.mark.requirement("S-03", "S-19", "S-21")
def test_an_approved_invoice_with_its_pdf_arrives_in_the_queue(paperless):
    world = paperless("SI-103")
    there = world.one("sage_paperless", "invoices")
    assert (there["invoice_number"], there["gross"]) == ("SI-103", "42000.00")
    assert (there["placement"], there["queue_id"]) == ("queue", "q-ap")
    assert there["vendor"] == "Pacific Concrete Ltd" and there["commitment_number"] == "PO-1001-01"
    assert there["validation"] == {"passed": True, "findings": []}
    assert world.record("invoice", "SI-103").state == "synced"
    entered = [(entry["effect"], entry["key"]) for entry in world.ledger("sage_paperless", kind="invoices")]
    assert entered == [("created", there["procore_invoice_id"])]
