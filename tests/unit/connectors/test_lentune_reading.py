"""What is read from Lentune: all pages, changes and tombstones, odd rows set aside, and nothing guessed about money."""

from decimal import Decimal
from typing import Any

import pytest

from connectors.calls import NotUnderstood, WrongCompany
from connectors.lentune import objects_of
from connectors.lentune.reading import READERS, page_of
from objects.plain import from_plain, to_plain
from tests.unit.connectors.lentune_objects import code, cost_type, line, order, project
from tests.unit.connectors.lentune_world import KEY, LentuneWorld, MemoryKnown, flow

INVOICE: dict[str, Any] = {
    "id": "inv-1", "version": "3", "updated_at": "2026-11-10T08:00:00Z", "number": "INV-1", "supplier_id": "sup-1",
    "invoice_date": "2026-11-10", "kind": "project", "status": "approved", "gross": "115.00", "warnings": [],
    "lines": [{"id": "il-1", "description": "Nails", "project_id": "prj-1", "cost_code_id": "pcc-1", "net": "100.00",
               "tax": "15.00", "tax_code": "GST", "purchase_order_line_id": None}],
    "posting": {"state": "ready", "target": "direct_cost", "attempts": 0, "procore_id": None},
}


def filled() -> LentuneWorld:
    """A world with a project, a code, an order and a subcontract from Procore."""
    world, known = LentuneWorld(), MemoryKnown()
    for kind, obj in (("project", project()), ("cost_type", cost_type()), ("budget_code", code())):
        known.linked(kind, obj.source_id, world.write(flow(kind).hold(obj, known, KEY)).remote_id)
    for obj in (order(), order("work_order_contract:41", number="SC-1")):
        world.write(flow("commitment").hold(obj, known, KEY))
    return world


def test_every_kind_is_read_and_can_be_stored():
    world = filled()
    world.act("create_invoice", number="INV-1", supplier="Pacific Concrete Ltd", date="2026-11-10", order="PO-1",
              lines=[{"order_line": 1, "net": "10.00"}])
    [found] = world.read("project")
    kinds = {"project": [found], **{kind: world.read(kind) for kind in ("branch", "vendor", "commitment", "invoice")},
             "budget_code": world.read("budget_code", project_id=found.source_id)}
    for kind, objects in kinds.items():
        assert objects, kind
        for obj in objects:
            assert from_plain(kind, to_plain(kind, obj)) == obj
            assert world.readers[kind].one(world.client, obj.source_id, found.source_id) == obj


def test_orders_are_named_by_their_form_and_carry_procores_lines():
    world = filled()
    bought, let = world.read("commitment")
    assert bought.source_id.startswith("purchase_order:") and let.source_id.startswith("subcontract:")
    assert (bought.origin_id, let.origin_id) == ("21", "41")
    assert bought.lines[0].external_id == "1" and bought.lines[0].amount == Decimal("60000.00")


def test_lists_longer_than_a_page_are_read_to_their_end():
    world = LentuneWorld()
    for n in range(205):
        world.act("create_supplier", name=f"Supplier {n}")
    assert len({v.source_id for v in world.read("vendor")}) == 207
    assert len(world.transport.sent("GET", "/suppliers")) == 2


def test_only_what_changed_since_and_what_is_gone():
    world = filled()
    world.clock.advance(60)
    since = world.clock.now()
    assert world.read("commitment", since) == []
    world.act("set_order_supplier", number="PO-1", supplier="Southern Steel Ltd")
    assert [obj.number for obj in world.read("commitment", since)] == ["PO-1"]
    [found] = world.read("project")
    world.act("delete_project", project="1001")
    [page] = READERS["project"].pages(world.client, None, since)
    assert page.gone == [found.source_id] and not page.objects
    assert READERS["project"].one(world.client, found.source_id, "") is None


@pytest.mark.parametrize("kind, ref", [
    ("invoice", "none"), ("commitment", "purchase_order:none"), ("commitment", "subcontract:none"), ("vendor", "none"),
])
def test_what_is_not_there_is_none(kind, ref):
    world = LentuneWorld()
    assert world.readers[kind].one(world.client, ref, "") is None


def test_an_invoice_in_our_words():
    read = objects_of.invoice(INVOICE, "NZD")
    assert (read.net, read.tax, read.gross) == (Decimal("100.00"), Decimal("15.00"), Decimal("115.00"))
    assert (read.order_id, read.posting_state, read.overhead, read.version) == (None, "", False, "")
    assert read.lines[0].tax_code == "GST" and read.project_id == "prj-1"
    assert objects_of.invoice(INVOICE | {"subcontract_id": "sub-1"}, "NZD").order_id == "subcontract:sub-1"


@pytest.mark.parametrize("changes, path", [
    ({"gross": 115}, "gross"), ({"gross": "115.005"}, "gross"), ({"gross": None}, "gross"), ({"gross": "lots"}, "gross"),
    ({"status": "paid"}, "status"), ({"kind": "other"}, "kind"), ({"lines": None}, "lines"), ({"id": ""}, "id"),
    ({"invoice_date": "10/11/2026"}, "invoice_date"), ({"posting": None}, "posting"), ({"supplier_id": None}, "supplier_id"),
    ({"posting": {"state": "lost"}}, "posting.state"), ({"updated_at": "2026-11-10T08:00:00"}, "updated_at"),
    ({"purchase_order_id": "po-1", "subcontract_id": "sub-1"}, "subcontract_id"),
    ({"lines": []}, "lines"), ({"posting": {"state": "posted", "target": "petty cash"}}, "posting.target"),
    ({"lines": [INVOICE["lines"][0] | {"net": 100}]}, "lines[0].net"),
])
def test_what_money_or_identity_depends_on_is_never_guessed(changes, path):
    with pytest.raises(NotUnderstood) as odd:
        objects_of.invoice(INVOICE | changes, "NZD")
    assert odd.value.path == f"invoice.{path}"


def test_an_orders_total_must_be_that_of_its_lines():
    row = {"id": "po-1", "version": "1", "number": "PO-1", "description": "x", "project_id": "prj-1", "supplier_id": None,
           "status": "approved", "origin": "lentune", "total": "10.01",
           "lines": [{"id": "ln-1", "external_line_id": "1", "cost_code_id": "pcc-1", "description": "x", "amount": "10.00"}]}
    with pytest.raises(NotUnderstood, match="total"):
        objects_of.purchase_order(row, "NZD")
    assert objects_of.purchase_order(row | {"total": "10.00"}, "NZD").version == "1"


def test_one_odd_row_holds_no_other_up_and_another_companys_refuses_the_page():
    world = LentuneWorld()
    page = page_of(world.client, [INVOICE, INVOICE | {"id": "inv-2", "gross": 5}], "invoice", objects_of.invoice)
    assert [obj.source_id for obj in page.objects] == ["inv-1"]
    assert [(ref, error.path) for ref, error in page.odd] == [("inv-2", "invoice.gross")]
    foreign = INVOICE | {"external": {"procore_company_id": "9", "procore_id": "1"}}
    with pytest.raises(WrongCompany):
        page_of(world.client, [foreign], "invoice", objects_of.invoice)


def test_line_amounts_survive_as_cents():
    assert line(amount="88500.50").amount == Decimal("88500.50")
