"""The four rows of the two boxes, by direction and kind of invoice (P-05 to P-16, L-16 to L-19)."""

import pytest

from sync import settings
from sync.settings import Refused
from tests.database.requirements.company import PACIFIC, SOUTHERN, invoice, line, order
from tests.database.requirements.test_p_settings import BOTH_OFF, BOTH_ON, LENTUNE_ON, PROCORE_ON

SC = order("SC-1", line("180000.00", "05-100", "S", "Steel frame"), form="sc", vendor=SOUTHERN)
OWN = {
    "project": "1001",
    "description": "Kerb mix",
    "supplier": PACIFIC,
    "number": "LPO-1",
    "lines": [
        {"code": "03-300", "type": "M", "description": "Kerb", "amount": "5000.00"},
        {"code": "05-100", "type": "S", "description": "Steel", "amount": "250.50"},
    ],
}
PULLED, SENT = "PO-1", "LPO-1"


@pytest.fixture
def table(start):
    """Both sides have an order of their own before the boxes are set; then everything happens."""

    def set_boxes(boxes):
        world = start(settings=BOTH_OFF, commitments=[order(PULLED), SC])
        world.act("lentune", "create_purchase_order", **OWN)
        world.sync()
        assert orders(world) == ([], []), "both off: nothing has moved"
        world.save(**boxes)
        world.sync()
        return world

    return set_boxes


def orders(world):
    """(purchase orders of Procore's that are in Lentune, those of Lentune's that are in Procore)."""
    pulled = [o["number"] for o in world.state("lentune", "purchase_orders", origin="procore")]
    sent = [o["number"] for o in world.state("procore", "purchase_order_contracts") if o["number"] != PULLED]
    return pulled, sent


def targets(world):
    """Where every invoice stands in Procore."""
    direct = {c["invoice_number"]: "direct_cost" for c in world.state("procore", "direct_costs")}
    billed = {r["invoice_number"]: f"commitment {r['commitment']}" for r in world.state("procore", "requisitions")}
    assert not direct.keys() & billed.keys()
    return direct | billed


def pay(world, *named):
    for number in named:
        world.act("lentune", "create_invoice", **invoice(f"INV-{number}", "100.00", order=number))
    world.act("lentune", "create_invoice", **invoice("INV-plain", "100.00"))
    world.settle()
    assert {r.state for r in world.records("invoice")} == {"synced"}
    agreed = {i["number"]: i["posting"]["target"] for i in world.state("lentune", "invoices")}
    assert agreed == {number: to.split()[0].replace("commitment", "commitment_invoice") for number, to in targets(world).items()}


@pytest.mark.requirement("L-16", "L-17", "L-18", "L-19", "P-05", "P-07", "P-08")
def test_lentune_raises_them(table):
    world = table(LENTUNE_ON)
    assert orders(world) == ([], [SENT])
    out = world.record("commitment", PULLED)
    assert (out.state, out.problems[0]["code"]) == ("ignored", "po_master_is_lentune")
    there = world.one("procore", "purchase_order_contracts", number=SENT)
    assert (there["status"], there["vendor"], there["grand_total"]) == ("Approved", PACIFIC, "5250.50")
    assert [(ln["code"], ln["amount"], ln["description"]) for ln in there["lines"]] == [
        ("03-300.M", "5000.00", "Kerb"),
        ("05-100.S", "250.50", "Steel"),
    ]
    assert world.one("lentune", "purchase_orders", number=SENT)["external"]["procore_id"] == str(there["id"])
    assert world.transports["lentune"].sent("PUT", "/purchase-orders/by-procore") == [], "it is not even tried"
    pay(world, SENT, "SC-1")
    assert targets(world) == {"INV-LPO-1": "commitment LPO-1", "INV-SC-1": "commitment SC-1", "INV-plain": "direct_cost"}


@pytest.mark.requirement("P-07", "P-05")
def test_an_order_of_lentunes_is_followed_in_procore(table):
    world = table(LENTUNE_ON)
    before = world.one("procore", "purchase_order_contracts", number=SENT)["id"]
    world.act("lentune", "change_purchase_order", number=SENT, amount="4000.00", description="Kerb mix, less")
    world.settle()
    changed = world.one("procore", "purchase_order_contracts", number=SENT)
    assert (changed["id"], changed["grand_total"], changed["title"]) == (before, "4250.50", "Kerb mix, less")
    world.act("lentune", "cancel_purchase_order", number=SENT)
    world.settle()
    assert world.one("procore", "purchase_order_contracts", number=SENT)["status"] == "Closed"


@pytest.mark.requirement("P-07")
def test_only_approved_orders_are_sent(start):
    world = start(settings=LENTUNE_ON)
    world.act("lentune", "create_purchase_order", **OWN, status="draft")
    world.sync()
    assert orders(world) == ([], [])
    assert world.record("commitment", SENT).problems[0]["code"] == "order_not_approved"
    world.act("lentune", "approve_purchase_order", number=SENT)
    world.settle()
    assert orders(world) == ([], [SENT])


@pytest.mark.requirement("L-16", "L-17", "L-18", "L-19", "P-09", "P-10", "P-13")
def test_procore_raises_them(table):
    world = table(PROCORE_ON)
    assert orders(world) == ([PULLED], [])
    assert world.record("commitment", SENT).problems[0]["code"] == "lentune_orders_not_sent"
    there = world.one("lentune", "purchase_orders", number=PULLED)
    assert (there["total"], there["description"], there["status"]) == ("60000.00", "Concrete", "approved")
    assert [e for e in world.ledger("procore") if "contract" in e["kind"]] == []
    pay(world, PULLED, SENT, "SC-1")
    assert targets(world) == {
        "INV-PO-1": "commitment PO-1",
        "INV-LPO-1": "direct_cost",
        "INV-SC-1": "commitment SC-1",
        "INV-plain": "direct_cost",
    }


@pytest.mark.requirement("P-03", "P-09", "P-14", "P-15", "P-16")
def test_neither_raises_them_for_the_other(table):
    world = table(BOTH_OFF)
    assert orders(world) == ([], [])
    assert world.record("commitment", PULLED).problems[0]["code"] == "po_sync_disabled"
    assert world.transports["lentune"].sent("PUT", "/purchase-orders/by-procore") == [], "it is not even tried"
    assert world.record("commitment", SENT).problems[0]["code"] == "po_sync_disabled"
    assert [e for e in world.ledger("procore") if "contract" in e["kind"]] == []
    pay(world, SENT, "SC-1")
    assert targets(world) == {"INV-LPO-1": "direct_cost", "INV-SC-1": "direct_cost", "INV-plain": "direct_cost"}


@pytest.mark.requirement("P-16", "P-14")
def test_with_both_off_even_an_order_that_is_linked_does_not_count(start):
    world = start(settings=PROCORE_ON, commitments=[order(PULLED)])
    assert orders(world) == ([PULLED], [])
    world.save(**BOTH_OFF)
    pay(world, PULLED)
    assert targets(world) == {"INV-PO-1": "direct_cost", "INV-plain": "direct_cost"}
    world.act("procore", "edit_commitment", number=PULLED, title="Changed while off")
    world.settle()
    assert world.one("lentune", "purchase_orders", number=PULLED)["description"] == "Concrete"


@pytest.mark.requirement("P-17", "L-17")
def test_both_on_cannot_be_and_nothing_moves(table):
    world = table(BOTH_OFF)
    with pytest.raises(Refused):
        settings.save(world.company, "lentune", BOTH_ON, "test")
    world.sync()
    assert orders(world) == ([], [])


@pytest.mark.requirement("P-07", "P-08", "P-13")
def test_what_came_from_the_other_side_does_not_go_back(table):
    """A changed owner of the numbers: what Lentune sent is not pulled back as Procore's, nor sent twice."""
    world = table(LENTUNE_ON)
    world.save(**PROCORE_ON)
    world.sync()
    assert orders(world) == ([PULLED], [SENT])
    assert len(world.state("lentune", "purchase_orders")) == 2
