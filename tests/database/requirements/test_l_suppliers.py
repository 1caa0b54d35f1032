"""Suppliers are matched by name and left blank when there is no equal one (L-34, L-35)."""

import pytest

from tests.database.requirements.company import PACIFIC, line, order


@pytest.mark.requirement("L-35")
def test_a_supplier_of_equal_name_is_filled_in(start):
    world = start(commitments=[order()], suppliers=["  PACIFIC   concrete ltd", "Pacific Concrete Limited"])
    same = world.one("lentune", "suppliers", description="  PACIFIC   concrete ltd")
    assert world.one("lentune", "purchase_orders")["supplier_id"] == same["id"]
    assert world.record("commitment", "PO-1").warnings == []
    assert world.ledger("lentune", kind="supplier") == [], "suppliers are matched, never made"


@pytest.mark.requirement("L-34")
def test_another_name_means_a_blank_supplier_and_a_warning_never_a_failure(start):
    world = start(
        suppliers=["Pacific Concrete Limited"],
        commitments=[order(), order("SC-1", line("1.00", "05-100", "S"), form="sc")],
    )
    for table, number in (("purchase_orders", "PO-1"), ("subcontracts", "SC-1")):
        assert world.one("lentune", table, number=number)["supplier_id"] is None
        record = world.record("commitment", number)
        assert (record.state, record.problems) == ("synced", [])
        shown = world.shown("commitment", number).warnings
        assert [w.code for w in shown] == ["supplier_blank"] and PACIFIC in shown[0].cause


@pytest.mark.requirement("L-34")
def test_what_a_user_completes_in_lentune_stays(start):
    world = start(suppliers=["Pacific Concrete Limited"], commitments=[order()])
    world.act("lentune", "set_order_supplier", number="PO-1", supplier="Pacific Concrete Limited")
    world.act("procore", "edit_commitment", number="PO-1", title="Ready-mix, changed")
    world.sync()
    there = world.one("lentune", "purchase_orders")
    assert there["description"] == "Ready-mix, changed"
    assert there["supplier_id"] == world.one("lentune", "suppliers")["id"]


@pytest.mark.requirement("L-34", "L-35")
def test_it_is_filled_in_once_the_names_are_equal(start):
    world = start(suppliers=["Pacific Concrete Limited"], commitments=[order()])
    world.act("lentune", "rename_supplier", name="Pacific Concrete Limited", to=PACIFIC)
    world.sync()
    assert world.one("lentune", "purchase_orders")["supplier_id"] == world.one("lentune", "suppliers")["id"]
    assert world.record("commitment", "PO-1").warnings == []
