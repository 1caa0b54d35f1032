"""From Lentune to Procore: which invoices go, where to, what is missing, what Procore should hold, what Lentune is told."""

from decimal import Decimal

import pytest

from connectors.calls import NotUnderstood
from connectors.flow import Verdict
from connectors.lentune import reporting, routing
from connectors.registry import connector
from objects.known import Link
from objects.problem import Problem, on_any, on_link, on_remote, on_settings, on_snapshot
from sync import problems
from tests.unit.connectors.lentune_objects import (
    PO,
    SUB_JOB,
    code,
    cost_type,
    invoice,
    invoice_line,
    line,
    order,
    period,
    project,
    vendor,
)  # fmt: skip
from tests.unit.connectors.lentune_world import KEY, LentuneWorld, MemoryKnown, codes, flow

FLOW = flow("invoice", "to_procore")
ORDERS = flow("commitment", "to_procore")
ORDER = f"{PO}:21"
HERE = "purchase_order:po-1"

#: L-24 to L-27, letter by letter.
EXACT = {
    "no_open_billing_period": "Cannot find open billing period for PO.",
    "over_billing": "The invoice is over the billing amount.",
    "commitment_not_approved": "Commitment is not at approved status.",
    "no_procore_company_or_project": "No Procore company found with project on invoice",
}


def agreed(**settings) -> MemoryKnown:
    """A project, a plain code, a sub job's code, a supplier and an order that both sides have, and an open period."""
    known = MemoryKnown(**settings)
    known.linked("project", "11", "prj-1")
    known.linked("budget_code", "501", "pcc-1")
    known.linked("budget_code", "502", "pcc-2")
    known.linked("vendor", "31", "sup-1")
    known.linked("commitment", ORDER, HERE, lines={"ln-1": "1", "ln-2": "2"})
    known.saw("procore", "project", project())
    known.saw("procore", "budget_code", code(), code("502", sub_job=SUB_JOB))
    known.saw("procore", "billing_period", period())
    known.saw("procore", "commitment", order(ORDER, line(), line("2", "502", "24000.00")))
    known.saw("procore", "vendor", vendor("31", "Pacific Concrete Ltd"))
    known.saw("lentune", "vendor", vendor("sup-1", "Pacific Concrete Ltd"))
    known.saw("lentune", "commitment", order(
        HERE, line("ln-1", "pcc-1", external_id="1"), line("ln-2", "pcc-2", "24000.00", external_id="2"),
        form="purchase_order", project_id="prj-1", vendor_id="sup-1", origin_id="21",
    ))
    return known


def against_order(*amounts: str, **changes):
    held = [invoice_line(net, source_id=f"il-{n}", order_line_id=f"ln-{n}", cost_code_id=f"pcc-{n}")
            for n, net in enumerate(amounts or ("30000.00", "12000.00"), 1)]
    return invoice(*held, order_id=HERE, **changes)


def the(code_wanted, obj, known):
    [found] = [p for check in FLOW.checks if (p := check.run(obj, known)) and p.code == code_wanted]
    return found


# part of the sync or not

@pytest.mark.requirement("L-12", "L-11")
def test_overhead_goes_straight_to_accounting_under_the_second_route_only():
    overhead = invoice(invoice_line(project_id=None, cost_code_id=None), overhead=True)
    assert FLOW.scope(overhead, agreed()).code == "accounting_direct"
    assert FLOW.scope(overhead, agreed()).waits_for == (on_settings(),)
    assert FLOW.scope(overhead, agreed(accounting_route="all_via_procore")) is None
    assert FLOW.scope(invoice(), agreed()) is None


@pytest.mark.parametrize("status", ["received", "checked", "on_hold", "rejected"])
def test_only_approved_invoices_go(status):
    assert FLOW.scope(invoice(status=status), agreed()).code == "invoice_not_approved"


@pytest.mark.requirement("L-13")
def test_what_lentune_has_as_posted_is_posted_by_nobody_else():
    known, posted = agreed(), invoice(posting_state="posted", posted_as="9001")
    assert FLOW.scope(posted, known).code == "already_posted"
    known.linked("invoice", "inv-1", "9001")
    assert FLOW.scope(posted, known) is None, "ours may be brought up to date"


@pytest.mark.requirement("L-06")
def test_the_scheduled_push_is_a_setting():
    assert FLOW.pushed(agreed().settings)
    assert not FLOW.pushed(agreed(auto_push_invoices=False).settings)


# the target

@pytest.mark.requirement("L-07", "L-18", "L-19", "P-16")
@pytest.mark.parametrize("boxes, with_order, without", [
    ({"procore_purchase_order": True}, ("commitment_invoice", 4), ("direct_cost", 5)),
    ({"procore_purchase_order": False, "lentune_purchase_order": True}, ("commitment_invoice", 4), ("direct_cost", 5)),
    ({"procore_purchase_order": False}, ("direct_cost", 3), ("direct_cost", 3)),
])
def test_the_target_follows_the_contracts_order(boxes, with_order, without):
    known = agreed(**boxes)
    assert routing.target(against_order(), known) == with_order
    assert routing.target(invoice(), known) == without
    assert codes(FLOW, against_order(), known) == codes(FLOW, invoice(), known) == []


@pytest.mark.requirement("L-18")
def test_an_invoice_with_an_order_bills_the_commitments_lines():
    held = FLOW.hold(against_order(), agreed(), KEY)
    assert held == {
        "as": "commitment_invoice", "step": 4, "project_id": "11", "commitment_id": ORDER, "period_id": "61",
        "number": "INV-1", "date": "2026-11-10", "total": "42000.00",
        "lines": [{"line_id": "1", "amount": "30000.00"}, {"line_id": "2", "amount": "12000.00"}],
    }


@pytest.mark.requirement("L-18")
def test_two_lines_on_one_order_line_are_billed_together():
    lines = [invoice_line("10.00", source_id=f"il-{n}", order_line_id="ln-1") for n in (1, 2)]
    held = FLOW.hold(invoice(*lines, order_id=HERE), agreed(), KEY)
    assert held["lines"] == [{"line_id": "1", "amount": "20.00"}]


@pytest.mark.requirement("L-05", "L-19", "L-07")
def test_an_invoice_without_an_order_goes_back_to_the_budget_code_its_code_came_from():
    obj = invoice(invoice_line("845.05", cost_code_id="pcc-2"), number="INV-5004")
    held = FLOW.hold(obj, agreed(), KEY)
    assert (held["as"], held["project_id"], held["vendor_id"]) == ("direct_cost", "11", "31")
    assert held["lines"] == [{"ref": "il-1", "wbs_code_id": "502", "amount": "845.05", "description": "Nails"}]


@pytest.mark.requirement("P-16")
def test_with_neither_box_an_invoice_with_an_order_is_a_direct_cost_on_its_lines_codes():
    obj = against_order("30000.00", "12000.00")
    held = FLOW.hold(obj, agreed(procore_purchase_order=False), KEY)
    assert held["as"] == "direct_cost" and [one["wbs_code_id"] for one in held["lines"]] == ["501", "502"]


def test_an_order_line_lends_its_project_and_code():
    known = agreed()
    bare = invoice_line(project_id=None, cost_code_id=None, order_line_id="ln-2")
    assert codes(FLOW, invoice(bare, order_id=HERE), known) == []
    [coded] = routing.coded(invoice(bare, order_id=HERE), known)
    assert (coded.project_id, coded.cost_code_id) == ("prj-1", "pcc-2")


def test_tax_codes_are_mapped_where_the_settings_say():
    known = agreed(tax_mappings=[{"lentune_tax": "GST", "procore_tax": "15"}])
    held = FLOW.hold(invoice(invoice_line(tax_code="GST")), known, KEY)
    assert held["lines"][0]["tax_code"] == "15"


@pytest.mark.requirement("L-13")
@pytest.mark.parametrize("posted, boxes", [
    ("commitment_invoice", {"procore_purchase_order": False}), ("direct_cost", {"procore_purchase_order": True}),
])
def test_what_was_posted_stays_what_it_was_posted_as_when_the_boxes_change(posted, boxes):
    known = agreed(**boxes)
    known.linked("invoice", "inv-1", "9001")
    there = against_order(posting_state="posted", posted_as="9001", posted_to=posted)
    assert routing.target(there, known)[0] == FLOW.hold(there, known, KEY)["as"] == posted
    known.linked("invoice", "inv-1", "9001", **{"as": posted, "step": 3})
    assert routing.target(against_order(), known) == (posted, 3)


def test_a_posted_invoice_whose_order_is_lost_is_left_alone():
    known = agreed()
    known.linked("invoice", "inv-1", "9001", **{"as": "commitment_invoice", "step": 4})
    del known.links["commitment", ORDER]
    with pytest.raises(NotUnderstood):
        FLOW.hold(against_order(), known, KEY)


# what is missing

@pytest.mark.requirement("L-08", "L-09")
def test_a_line_without_project_and_one_without_code():
    known = agreed()
    assert codes(FLOW, invoice(invoice_line(project_id=None, cost_code_id=None)), known) == ["invoice_project_missing"]
    assert codes(FLOW, invoice(invoice_line(cost_code_id=None)), known) == ["invoice_cost_code_missing"]
    mixed = invoice(invoice_line(), invoice_line(source_id="il-2", project_id=None))
    assert the("invoice_project_missing", mixed, known).values["lines"] == "2"


@pytest.mark.requirement("L-10")
def test_a_code_without_cost_type_made_in_lentune_or_come_from_procore():
    known = agreed()
    known.saw("lentune", "budget_code", code("pcc-9", "98-000", cost_type_id=""))
    made_here = invoice(invoice_line(cost_code_id="pcc-9"))
    assert codes(FLOW, made_here, known) == ["cost_code_without_cost_type"]
    assert the("cost_code_without_cost_type", made_here, known).values["codes"] == "98-000"
    known.saw("procore", "budget_code", code(cost_type_id=""))
    assert codes(FLOW, invoice(), known) == ["cost_code_without_cost_type"]


@pytest.mark.requirement("L-05")
def test_a_code_made_in_lentune_leads_nowhere_in_procore():
    known = agreed()
    obj = invoice(invoice_line(cost_code_id="pcc-9"))
    assert codes(FLOW, obj, known) == ["cost_code_not_read"] and problems.text("cost_code_not_read").heals
    known.saw("lentune", "budget_code", code("pcc-9", "99-100"))
    assert codes(FLOW, obj, known) == ["cost_code_not_in_procore"]
    assert on_remote("budget_code", "pcc-9") in the("cost_code_not_in_procore", obj, known).waits_for


@pytest.mark.requirement("L-27", "L-08")
def test_a_project_that_procore_does_not_know():
    known = agreed()
    known.saw("lentune", "project", project("prj-9", number="YARD"))
    known.saw("lentune", "budget_code", code("pcc-9", "99-100"))
    obj = invoice(invoice_line(project_id="prj-9", cost_code_id="pcc-9"))
    assert codes(FLOW, obj, known) == ["no_procore_company_or_project"]
    found = the("no_procore_company_or_project", obj, known)
    assert found.values["project"] == "YARD" and found.waits_for == (on_remote("project", "prj-9"),)
    known.linked("project", "99", "prj-9")
    assert "no_procore_company_or_project" not in codes(FLOW, obj, known)


def test_lines_of_two_projects_cannot_be_one_booking():
    known = agreed()
    known.linked("project", "12", "prj-2")
    obj = invoice(invoice_line(), invoice_line(source_id="il-2", project_id="prj-2"))
    assert codes(FLOW, obj, known) == ["invoice_spans_projects"]


@pytest.mark.requirement("L-18")
def test_the_whole_value_must_lie_on_the_orders_lines():
    loose = invoice_line("500.00", source_id="il-2")
    obj = invoice(invoice_line("9000.00", order_line_id="ln-1"), loose, order_id=HERE)
    assert codes(FLOW, obj, agreed()) == ["allocation_not_complete"]
    assert the("allocation_not_complete", obj, agreed()).values["amount"] == "500.00"
    assert codes(FLOW, obj, agreed(procore_purchase_order=False)) == []


@pytest.mark.requirement("L-24")
def test_without_an_open_period_the_invoice_waits_for_one():
    known = agreed()
    known.seen.pop(("procore", "billing_period", "61"))
    known.saw("procore", "billing_period", period("60", "2026-10-01", "2026-10-31", "closed"))
    found = the("no_open_billing_period", against_order(), known)
    assert found.waits_for == (on_any("procore", "billing_period", "11"),)
    assert codes(FLOW, invoice(), known) == [], "a direct cost needs no period"
    known.saw("procore", "billing_period", period())
    assert codes(FLOW, against_order(), known) == []


@pytest.mark.requirement("L-24")
def test_the_period_is_the_one_of_the_invoices_date_else_the_latest_open_one_and_then_stays():
    known = agreed()
    known.saw("procore", "billing_period", period("62", "2026-12-01", "2026-12-31"), period("63", "2027-01-01", "2027-01-31"))
    assert FLOW.hold(against_order(), known, KEY)["period_id"] == "61"
    known.saw("procore", "billing_period", period(status="closed"))
    assert FLOW.hold(against_order(), known, KEY)["period_id"] == "63"
    known.linked("invoice", "inv-1", "9001")
    assert FLOW.hold(against_order(), known, KEY)["period_id"] == "61", "closed since, and still the one of its date"
    known.linked("invoice", "inv-1", "9001", period_id="61")
    assert FLOW.hold(against_order(), known, KEY)["period_id"] == "61"
    for other in ("62", "63"):
        known.saw("procore", "billing_period", period(other, status="closed"))
    assert codes(FLOW, against_order(), known) == [], "what was billed is not asked again"


@pytest.mark.requirement("L-26")
def test_a_commitment_that_is_not_approved_is_waited_for():
    known = agreed()
    known.saw("procore", "commitment", order(ORDER, status="draft", source_status="Out For Signature"))
    found = the("commitment_not_approved", against_order(), known)
    assert found.waits_for == (on_snapshot("procore", "commitment", ORDER),)
    assert found.values["status"] == "Out For Signature"


@pytest.mark.requirement("L-25")
def test_over_billing_is_procores_refusal_with_names_and_what_would_clear_it():
    refused = Problem("over_billing", {"number": "INV-1", "text": "Over 100 %"}, (on_snapshot("procore", "commitment", ORDER),))
    told = FLOW.explain(refused, against_order(), agreed())
    assert told.values["commitment"] == "PO-1"
    assert told.waits_for == (on_snapshot("procore", "commitment", ORDER), on_snapshot("procore", "project", "11"))
    fix = problems.text("over_billing").fix[0]
    assert 'switch off "Prevent Overbilling on this Project"' in fix
    assert 'switch on "Allow subcontractors to over-bill"' in fix


def test_an_invoice_that_does_not_add_up_goes_nowhere_and_a_cent_goes_on_the_largest_line():
    known = agreed()
    assert codes(FLOW, invoice(invoice_line("1990.00"), gross=Decimal("2300.00")), known) == ["amount_mismatch"]
    assert codes(FLOW, invoice(invoice_line("10.00"), net=Decimal("11.00")), known) == ["amount_mismatch"]
    lines = (invoice_line("10.00"), invoice_line("90.00", source_id="il-2"))
    close = invoice(*lines, gross=Decimal("100.02"))
    assert codes(FLOW, close, known) == ["rounding_applied"]
    assert [one["amount"] for one in FLOW.hold(close, known, KEY)["lines"]] == ["10.00", "90.02"]
    assert codes(FLOW, invoice(*lines, gross=Decimal("100.03")), known) == ["amount_mismatch"]


@pytest.mark.requirement("L-13")
def test_the_same_suppliers_same_number_is_posted_once():
    known = agreed()
    known.numbers["invoice", "INV-1"] = ["inv-1", "inv-2"]
    known.saw("lentune", "invoice", invoice(), invoice(source_id="inv-2"))
    assert codes(FLOW, invoice(), known) == []
    assert codes(FLOW, invoice(source_id="inv-2"), known) == ["invoice_entered_twice"]
    known.saw("lentune", "invoice", invoice(supplier_id="sup-2"))
    assert codes(FLOW, invoice(source_id="inv-2"), known) == [], "another supplier's number is another number"


@pytest.mark.requirement("L-19")
def test_a_vendor_that_procore_lacks_is_created_or_awaited():
    stranger = invoice(supplier_id="sup-9")
    known = agreed()
    assert codes(FLOW, stranger, known) == ["supplier_not_read"]
    known.saw("lentune", "vendor", vendor("sup-9", "Office Stationers"))
    assert codes(FLOW, stranger, known) == []
    held = FLOW.hold(stranger, known, KEY)
    assert (held["vendor_id"], held["vendor_name"], held["vendor"]) == (None, "Office Stationers", "create")
    known.settings = known.settings.model_copy(update={"unknown_vendor_on_invoice": "hold"})
    assert codes(FLOW, stranger, known) == ["vendor_not_in_procore"]
    known.saw("procore", "vendor", vendor("39", "office stationers"))
    assert codes(FLOW, stranger, known) == [] and FLOW.hold(stranger, known, KEY)["vendor_id"] == "39"


def test_an_order_that_was_not_read_or_is_on_its_way_is_waited_for():
    known = agreed(procore_purchase_order=False, lentune_purchase_order=True)
    del known.links["commitment", ORDER]
    assert codes(FLOW, against_order(), known) == ["order_not_in_procore"]
    assert on_link("commitment", HERE) in the("order_not_in_procore", against_order(), known).waits_for
    known.seen.pop(("lentune", "commitment", HERE))
    assert codes(FLOW, against_order(), known) == ["order_not_read"]


def test_order_lines_are_found_by_what_was_left_there_by_the_copys_own_note_or_by_the_key_they_were_sent_under():
    known = agreed()
    assert routing.site_line(against_order(), "ln-2", known) == "2"
    known.linked("commitment", ORDER, HERE)
    assert routing.site_line(against_order(), "ln-2", known) == "2"
    assert routing.site_line(against_order(), "ln-9", known) == ""
    del known.links["commitment", ORDER]
    known.linked("commitment", HERE, ORDER)
    known.saw("lentune", "commitment", order(HERE, line("ln-1", "pcc-1"), line("ln-2", "pcc-2"), form="purchase_order"))
    sent = order(ORDER, line("1", external_id=f"{KEY}-ln-1"), line("2", "502", external_id=f"{KEY}-ln-2"), origin_id=KEY)
    known.saw("procore", "commitment", sent)
    assert routing.site_line(against_order(), "ln-2", known) == "2"
    known.saw("procore", "commitment", order(ORDER))
    assert codes(FLOW, against_order(), known) == ["order_line_not_matched"]


@pytest.mark.requirement("P-17")
def test_with_both_boxes_on_no_invoice_is_posted():
    known = agreed()
    known.settings = known.settings.model_copy(update={"lentune_purchase_order": True})
    assert "both_po_masters_refused" in codes(FLOW, invoice(), known)


# orders raised in Lentune

@pytest.mark.requirement("P-07", "P-09", "P-15")
@pytest.mark.parametrize("boxes, reason", [
    ({"lentune_purchase_order": True}, None),
    ({"procore_purchase_order": True}, "lentune_orders_not_sent"),
    ({}, "po_sync_disabled"),
])
def test_lentunes_orders_are_sent_only_while_lentune_raises_them(boxes, reason):
    known = agreed(**({"procore_purchase_order": False} | boxes))
    own = order(HERE, line("ln-1", "pcc-1"), form="purchase_order", project_id="prj-1", vendor_id="sup-1")
    left_out = ORDERS.scope(own, known)
    assert (left_out.code if left_out else None) == reason
    assert ORDERS.takes(own)
    assert not ORDERS.takes(order(HERE, form="purchase_order", origin_id="21"))
    assert not ORDERS.takes(order("subcontract:sub-1", form="subcontract"))


@pytest.mark.requirement("P-07")
def test_an_order_of_lentunes_as_procore_should_hold_it():
    known = agreed(procore_purchase_order=False, lentune_purchase_order=True)
    own = order(HERE, line("ln-1", "pcc-2", "24000.00"), form="purchase_order", project_id="prj-1", vendor_id="sup-1")
    assert codes(ORDERS, own, known) == []
    held = ORDERS.hold(own, known, KEY)
    assert (held["as"], held["project_id"], held["vendor_id"], held["status"]) == ("purchase_order", "11", "31", "Approved")
    assert held["lines"][0] | {"ref": "ln-1", "wbs_code_id": "502", "amount": "24000.00"} == held["lines"][0]
    draft = order(HERE, line("ln-1", "pcc-1"), form="purchase_order", project_id="prj-1", status="draft")
    assert ORDERS.scope(draft, known).code == "order_not_approved"
    stray = order(HERE, line("ln-1", "pcc-9"), form="purchase_order", project_id="prj-9", vendor_id="")
    assert codes(ORDERS, stray, known) == ["order_project_not_in_procore", "order_vendor_blank"]
    local = order(HERE, line("ln-1", "pcc-9"), form="purchase_order", project_id="prj-1", vendor_id="sup-1")
    assert codes(ORDERS, local, known) == ["cost_code_not_in_procore"]


@pytest.mark.requirement("P-07", "P-12")
def test_an_order_that_was_sent_keeps_its_procore_id_in_lentune():
    boxes = {"procore_purchase_order": False, "lentune_purchase_order": True}
    world = LentuneWorld()
    ready(world, **boxes)
    world.act("create_purchase_order", project="1001", description="Own", supplier="Pacific Concrete Ltd",
              lines=[{"code": "03-300", "type": "M", "description": "x", "amount": "5.00"}])
    [own] = world.read("commitment")
    verdict = Verdict((), f"{PO}:4711", {"company_id": "4100", "project_id": "11"}, "run-1")
    world.take_all(ORDERS.report(own, verdict, KEY))
    world.take_all(ORDERS.report(own, verdict, KEY))
    row = world.row("purchase_orders", number=own.number)
    assert (row["external"]["procore_id"], row["external"]["procore_type"]) == ("4711", PO)
    assert list(ORDERS.report(own, Verdict((Problem("x"),), None, {}, "run-2"), KEY)) == []


# what Lentune is told

def ready(world: LentuneWorld, **settings) -> str:
    """Project, type and code arrive, the boxes are set, and an invoice is coded, approved and ready. Its id."""
    known = MemoryKnown()
    for kind, obj in (("project", project()), ("cost_type", cost_type()), ("budget_code", code())):
        known.linked(kind, obj.source_id, world.write(flow(kind).hold(obj, known, KEY)).remote_id)
    if settings:
        world.act("set_settings", settings=settings)
    world.act("create_invoice", number="INV-1", supplier="Pacific Concrete Ltd", date="2026-11-10", project="1001",
              lines=[{"code": "03-300", "type": "M", "net": "100.00", "description": "Nails"}])
    return str(world.row("invoices", number="INV-1")["id"])


def test_an_invoice_is_claimed_posted_and_then_not_claimed_again():
    world = LentuneWorld()
    source_id = ready(world)
    obj = world.readers["invoice"].one(world.client, source_id, "")
    world.take_all(FLOW.claim(obj, KEY, 1))
    assert world.row("invoices", number="INV-1")["posting"]["state"] == "posting"
    verdict = Verdict((), "9001", {"as": "direct_cost"}, "run-1")
    for _ in range(2):
        world.take_all(FLOW.report(obj, verdict, KEY))
    posting = world.row("invoices", number="INV-1")["posting"]
    assert (posting["state"], posting["procore_id"], posting["target"]) == ("posted", "9001", "direct_cost")
    posted = world.readers["invoice"].one(world.client, source_id, "")
    assert (posted.posting_state, posted.posted_as) == ("posted", "9001")
    assert list(FLOW.claim(posted, KEY, 2)) == []
    assert list(FLOW.report(posted, Verdict((Problem("amount_mismatch"),), "9001", {}, "run-2"), KEY)) == []


def as_dict(obj):
    return {name: getattr(obj, name) for name in obj.__slots__}


def test_our_own_claims_and_reports_do_not_change_the_invoice_we_read():
    world = LentuneWorld()
    source_id = ready(world)
    before = as_dict(world.readers["invoice"].one(world.client, source_id, ""))
    obj = world.readers["invoice"].one(world.client, source_id, "")
    world.take_all(FLOW.claim(obj, KEY, 1))
    world.take_all(FLOW.report(obj, Verdict((Problem("over_billing", {}),), None, {"as": "commitment_invoice"}, "r"), KEY))
    after = as_dict(world.readers["invoice"].one(world.client, source_id, ""))
    assert {k: v for k, v in after.items() if k != "updated_at"} == {k: v for k, v in before.items() if k != "updated_at"}


@pytest.mark.requirement("L-24", "L-25", "L-26", "L-27")
@pytest.mark.parametrize("name", EXACT)
def test_the_four_texts_are_reported_to_the_letter_with_their_fix(name):
    world = LentuneWorld()
    obj = world.readers["invoice"].one(world.client, ready(world), "")
    assert problems.text(name).title == EXACT[name]
    world.take_all(FLOW.report(obj, Verdict((Problem(name, {}),), None, {}, "run-1"), KEY))
    error = world.row("invoices", number="INV-1")["posting"]["error"]
    assert error["message"] == EXACT[name] and error["code"] == name
    assert error["retryable"] is (name != "no_procore_company_or_project")
    assert error["fix_hint"] == problems.text(name).fix[0]


@pytest.mark.parametrize("found, reported, message", [
    (Problem("procore_rejected", {"text": "Vendor is inactive", "number": "INV-1"}), "procore_rejected", "Vendor is inactive"),
    (Problem("amount_mismatch", {"number": "INV-1"}), "procore_rejected", "Invoice INV-1 does not add up"),
    (Problem("system_unavailable", {"system": "procore", "reason": "no connection"}), "procore_unavailable", "no connection"),
    (Problem("invoice_cost_code_missing", {"number": "INV-1"}), "invoice_cost_code_missing", "Invoice INV-1 has no cost code"),
])
def test_every_other_failure_is_reported_under_a_code_of_the_contract(found, reported, message):
    code_, error = reporting.posting_error((found,))
    assert (code_, error["message"]) == (reported, message) and error["fix_hint"]


def test_every_posting_code_of_the_contract_has_a_text_and_a_report():
    for name in reporting.REPORTED:
        assert problems.has(name) or name == "procore_unavailable"


def test_an_invoice_posted_by_somebody_else_is_not_claimed():
    world = LentuneWorld()
    obj = world.readers["invoice"].one(world.client, ready(world), "")
    world.take_all(FLOW.report(obj, Verdict((), "9001", {"as": "direct_cost"}, "run-1"), KEY))
    [step] = FLOW.claim(obj, KEY, 1)
    answer = world.client.send(step.request)
    assert step.explain(answer).code == "already_posted"


@pytest.mark.requirement("L-18", "L-19", "P-07")
def test_what_is_held_is_what_procores_plans_take():
    plans, known = connector("procore").plans, agreed()
    for held in (FLOW.hold(against_order(), known, KEY), FLOW.hold(invoice(), known, KEY)):
        step = next(plans[held["as"]](held, None, KEY))
        assert step.amount == held["total"]
    own = order(HERE, line("ln-1", "pcc-2", "24000.00"), form="purchase_order", project_id="prj-1", vendor_id="sup-1")
    held = ORDERS.hold(own, agreed(procore_purchase_order=False, lentune_purchase_order=True), KEY)
    assert next(plans[held["as"]](held, None, KEY)).amount == "24000.00"


@pytest.mark.fault("F43")
def test_an_invoice_against_an_order_in_another_currency_is_not_posted_as_if_it_were_ours():
    known = agreed()
    bill = invoice(order_id=HERE)
    assert "invoice_currency_unclear" not in codes(FLOW, bill, known)
    known.saw("procore", "commitment", order(ORDER, line(), line("2", "502", "24000.00"), currency="AUD"))
    found = next(p for c in FLOW.checks if (p := c.run(bill, known)) and p.code == "invoice_currency_unclear")
    assert (found.values["currency"], found.values["counted"]) == ("AUD", "NZD")


@pytest.mark.fault("F38")
def test_what_vanished_in_procore_is_posted_anew_only_when_it_was_ours_and_lentune_is_told_nothing_new():
    known, bill = agreed(), invoice(posting_state="posted", posted_as="77", posted_to="direct_cost")
    assert FLOW.scope(bill, known).code == "already_posted"
    known.links["invoice", bill.source_id] = Link("invoice", bill.source_id, None, None, "pending", gone=("76",))
    assert FLOW.scope(bill, known).code == "already_posted", "posted as something that never was ours"
    known.links["invoice", bill.source_id] = Link("invoice", bill.source_id, None, None, "pending", gone=("76", "77"))
    assert FLOW.scope(bill, known) is None
    assert "lentune_names_earlier" in codes(FLOW, bill, known)
    assert list(FLOW.report(bill, Verdict((), "78", {"as": "direct_cost"}, "1-1"), KEY)) == []
    assert len(list(FLOW.report(bill, Verdict((), "77", {"as": "direct_cost"}, "1-1"), KEY))) == 1
