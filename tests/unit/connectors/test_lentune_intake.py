"""From Procore to Lentune: what is left out and why, what must be true first, and what Lentune then holds."""

from datetime import UTC, datetime

import pytest

from connectors.calls import Answer, NotUnderstood, WrongCompany
from connectors.lentune.writing import reader
from objects.outcome import Outcome
from objects.problem import on_any, on_link, on_settings, on_snapshot
from sync import problems
from tests.unit.connectors.lentune_objects import (
    PO,
    SC,
    SUB_JOB,
    branch,
    code,
    cost_type,
    line,
    order,
    project,
    variation,
    vendor,
)  # fmt: skip
from tests.unit.connectors.lentune_world import KEY, LentuneWorld, MemoryKnown, Refused, codes, flow


def settled(world: LentuneWorld, **settings) -> MemoryKnown:
    """Project 1001, cost type M and code 03-300 are in Lentune, and what Lentune lists was read."""
    known = MemoryKnown(**settings)
    for kind in ("branch", "vendor"):
        known.saw("lentune", kind, *world.read(kind))
    known.saw("procore", "project", project())
    for kind, obj in (("project", project()), ("cost_type", cost_type()), ("budget_code", code())):
        known.saw("procore", kind, obj)
        known.linked(kind, obj.source_id, world.write(flow(kind).hold(obj, known, KEY)).remote_id)
    return known


def offline(**settings) -> MemoryKnown:
    """As settled, without a Lentune."""
    known = MemoryKnown(**settings)
    known.saw("procore", "project", project())
    known.saw("procore", "budget_code", code())
    known.saw("lentune", "vendor", vendor("sup-1", "Pacific Concrete Ltd", number="S1"))
    known.saw("lentune", "branch", branch("Auckland"))
    for kind, source_id, remote_id in (("project", "11", "prj-1"), ("cost_type", "71", "ct-1"), ("budget_code", "501", "pcc-1")):
        known.linked(kind, source_id, remote_id)
    return known


def problem_of(kind, obj, known, code_wanted, direction="from_procore"):
    """The one problem with this code."""
    [found] = [p for check in flow(kind, direction).checks if (p := check.run(obj, known)) and p.code == code_wanted]
    return found


# projects

@pytest.mark.requirement("L-01")
def test_a_stage_that_is_not_allowed_keeps_a_new_project_out():
    known = MemoryKnown()
    left_out = flow("project").scope(project(stage="Bidding"), known)
    assert left_out.code == "project_stage_not_allowed" and left_out.waits_for == (on_settings(),)
    assert flow("project").scope(project(stage="course of  construction"), known) is None
    assert flow("project").scope(project(stage="Bidding"), MemoryKnown(project_stages=["Bidding"])) is None


@pytest.mark.requirement("L-01")
def test_a_project_that_is_in_stays_when_its_stage_moves_on():
    world = LentuneWorld()
    known = settled(world)
    moved = project(stage="Completed")
    assert flow("project").scope(moved, known) is None
    world.write(flow("project").hold(moved, known, KEY))
    assert world.row("projects", code="1001")["stage"] == "Completed"


@pytest.mark.requirement("L-36")
def test_a_region_fills_in_the_branch_of_equal_name():
    world = LentuneWorld()
    settled(world)
    assert world.row("projects", code="1001")["branch_id"] == world.row("branches", description="Auckland")["id"]


@pytest.mark.requirement("L-37")
def test_a_region_without_a_branch_warns_and_the_project_arrives_until_the_branch_is_there():
    world, known = LentuneWorld(), MemoryKnown()
    far = project(region="Northland")
    assert codes(flow("project"), far, known) == ["branch_unmatched"]
    assert problems.text("branch_unmatched").severity == "warning"
    held = flow("project").hold(far, known, KEY)
    done = world.write(held)
    assert [w.code for w in done.warnings] == ["branch_unmatched"]
    assert world.row("projects", code="1001")["branch_id"] is None
    world.act("add_branch", name="Northland")
    known.saw("lentune", "branch", *world.read("branch"))
    again = flow("project").hold(far, known, KEY)
    assert again != held and codes(flow("project"), far, known) == []
    assert world.write(again).warnings == ()
    assert world.row("projects", code="1001")["branch_id"]


def test_a_project_code_that_lentune_gave_to_another_is_a_clash_and_no_look_alike_is_made():
    world, known = LentuneWorld(), MemoryKnown()
    world.write(flow("project").hold(project("11"), known, KEY))
    with pytest.raises(Refused) as refused:
        world.write(flow("project").hold(project("12"), known, KEY))
    assert refused.value.problem.code == "lentune_key_taken"
    assert len(world.state("projects")) == 1


def test_two_projects_with_one_number_and_ones_without_number_or_name_are_named():
    known = MemoryKnown()
    known.numbers["project", "1001"] = ["11", "12"]
    assert "project_number_taken" in codes(flow("project"), project(), known)
    assert codes(flow("project"), project(number="", name="", region=""), known) == ["number_missing", "name_missing"]


def test_the_same_project_again_writes_nothing_there():
    world = LentuneWorld()
    known = settled(world)
    before = len(world.core.ledger.entries)
    world.write(flow("project").hold(project(updated_at=datetime(2026, 11, 1, tzinfo=UTC)), known, KEY))
    assert len(world.core.ledger.entries) == before


# vendors

@pytest.mark.requirement("L-35")
def test_vendors_are_matched_by_name_alone_and_nothing_is_written():
    world, known = LentuneWorld(), offline()
    match = flow("vendor").hold(vendor("31", "pacific  CONCRETE ltd"), known, KEY)
    before = len(world.transport.requests)
    assert world.write(match).remote_id == "sup-1"
    assert len(world.transport.requests) == before
    missing = flow("vendor").scope(vendor("32", "Pacific Concrete Limited"), known)
    assert missing.code == "supplier_not_matched" and missing.waits_for == (on_any("lentune", "vendor"),)
    known.saw("lentune", "vendor", vendor("sup-2", "Pacific Concrete Ltd"))
    assert flow("vendor").scope(vendor("31", "Pacific Concrete Ltd"), known).code == "supplier_ambiguous"


# codes

@pytest.mark.requirement("L-03", "L-04")
def test_a_sub_jobs_code_is_a_plain_code_of_the_main_project_with_the_name_in_its_description():
    world = LentuneWorld()
    known = settled(world)
    world.write(flow("budget_code").hold(code("502", sub_job=SUB_JOB), known, KEY))
    row = world.row("cost_codes", code="B.03-300")
    assert row["description"] == "Building B - Cast in Place" and row["from_sub_job"]
    assert row["project_id"] == world.row("projects", code="1001")["id"]
    assert row["sub_job"] == {"procore_sub_job_id": "91", "code": "B", "name": "Building B"}
    assert len(world.state("projects")) == 1


@pytest.mark.requirement("L-14")
def test_a_budget_code_arrives_with_its_amount_and_cost_type():
    world = LentuneWorld()
    settled(world)
    row = world.row("cost_codes", code="03-300")
    assert row["on_budget"] and row["budget_amount"] == "240000.00"
    assert row["cost_type_id"] == world.row("cost_types", code="M")["id"]


@pytest.mark.requirement("L-15")
def test_standard_codes_become_master_cost_codes():
    from objects import CostCode

    world, known = LentuneWorld(), MemoryKnown()
    world.write(flow("cost_code").hold(CostCode("801", "03-300", "Cast in Place"), known, KEY))
    assert world.row("master_cost_codes", code="03-300")["description"] == "Cast in Place"
    assert codes(flow("cost_code"), CostCode("802", "", ""), known) == ["number_missing", "name_missing"]


def test_a_code_waits_for_its_project_and_its_cost_type():
    known = MemoryKnown()
    known.saw("procore", "project", project())
    waiting = {p.code: p.waits_for for c in flow("budget_code").checks if (p := c.run(code(), known))}
    assert waiting == {"project_not_synced": (on_link("project", "11"),), "cost_type_not_synced": (on_link("cost_type", "71"),)}


@pytest.mark.requirement("L-10")
def test_a_code_without_cost_type_arrives_with_a_warning():
    known = offline()
    bare = code(cost_type_id="", cost_type="")
    assert codes(flow("budget_code"), bare, known) == ["budget_code_without_cost_type"]
    assert flow("budget_code").hold(bare, known, KEY)["cost_type_code"] is None


def test_what_belongs_to_a_project_that_stays_out_stays_out_until_the_project_goes_in():
    known = MemoryKnown()
    known.saw("procore", "project", project(stage="Bidding"))
    for kind, obj in (("budget_code", code()), ("commitment", order()), ("variation", variation(f"{PO}:21"))):
        left_out = flow(kind).scope(obj, known)
        assert left_out.code == "project_not_in_sync"
        assert on_link("project", "11") in left_out.waits_for


# commitments

@pytest.mark.requirement("L-16", "P-13")
def test_a_purchase_order_arrives_among_the_orders_with_its_lines_and_supplier():
    world = LentuneWorld()
    known = settled(world)
    obj = order()
    assert codes(flow("commitment"), obj, known) == [] and flow("commitment").scope(obj, known) is None
    done = world.write(flow("commitment").hold(obj, known, KEY))
    row = world.row("purchase_orders", number="PO-1")
    assert done.remote_id == f"purchase_order:{row['id']}" and done.remote_number == "PO-1"
    assert (row["total"], row["origin"], row["status"]) == ("60000.00", "procore", "approved")
    assert row["supplier_id"] == world.row("suppliers", description="Pacific Concrete Ltd")["id"]
    assert done.data == {"lines": {row["lines"][0]["id"]: "1"}, "updated_at": row["updated_at"]}


@pytest.mark.requirement("L-22")
def test_a_subcontract_arrives_in_payment_claims_and_not_among_the_orders():
    world = LentuneWorld()
    known = settled(world)
    done = world.write(flow("commitment").hold(order(f"{SC}:41", number="SC-1", retainage_percent="5.00"), known, KEY))
    row = world.row("subcontracts", number="SC-1")
    assert row["module"] == "payment_claims" and row["retention_percent"] == "5.00"
    assert done.remote_id == f"subcontract:{row['id']}"
    assert world.state("purchase_orders") == []


@pytest.mark.requirement("P-08", "P-13", "P-14")
@pytest.mark.parametrize("boxes, reason", [
    ({"procore_purchase_order": True}, None),
    ({"procore_purchase_order": False}, "po_sync_disabled"),
    ({"procore_purchase_order": False, "lentune_purchase_order": True}, "po_master_is_lentune"),
])
def test_the_boxes_decide_whether_purchase_orders_are_pulled_and_not_subcontracts(boxes, reason):
    known = offline(**boxes)
    left_out = flow("commitment").scope(order(), known)
    assert (left_out.code if left_out else None) == reason
    assert left_out is None or left_out.waits_for == (on_settings(),)
    assert flow("commitment").scope(order(f"{SC}:41"), known) is None


@pytest.mark.requirement("P-08", "P-14")
@pytest.mark.parametrize("boxes, refusal", [
    ({"procore_purchase_order": False}, "po_sync_disabled"),
    ({"procore_purchase_order": False, "lentune_purchase_order": True}, "po_master_is_lentune"),
])
def test_a_box_that_was_changed_there_a_moment_ago_is_told_by_the_refusal(boxes, refusal):
    world = LentuneWorld()
    known = settled(world)
    world.act("set_settings", settings=boxes)
    with pytest.raises(Refused) as refused:
        world.write(flow("commitment").hold(order(), known, KEY))
    assert refused.value.problem.code == refusal
    told = flow("commitment").explain(refused.value.problem, order(), known)
    assert told.waits_for == (on_settings(),)


@pytest.mark.requirement("L-17", "P-17")
def test_with_both_boxes_on_nothing_is_sent():
    known = offline()
    known.settings = known.settings.model_copy(update={"lentune_purchase_order": True})
    assert codes(flow("commitment"), order(), known) == ["both_po_masters_refused"]


@pytest.mark.requirement("L-28")
def test_a_number_must_be_there_and_be_unique_across_projects():
    known = offline()
    assert codes(flow("commitment"), order(number=""), known) == ["commitment_number_missing"]
    known.numbers["commitment", "PO-1"] = [f"{PO}:21", f"{PO}:22"]
    assert codes(flow("commitment"), order(), known) == ["po_number_not_unique"]
    known.linked("commitment", f"{PO}:21", "purchase_order:po-1")
    assert codes(flow("commitment"), order(), known) == [], "what is in Lentune keeps its number"
    assert codes(flow("commitment"), order(number="X" * 61), known) == ["commitment_number_too_long"]


@pytest.mark.requirement("L-28")
def test_a_number_that_lentune_gave_to_an_order_of_its_own_is_refused_and_that_order_is_untouched():
    world = LentuneWorld()
    known = settled(world)
    world.act("set_settings", settings={"procore_purchase_order": False})
    world.act("create_purchase_order", project="1001", description="Own", supplier="Pacific Concrete Ltd", number="PO-1",
              lines=[{"code": "03-300", "type": "M", "description": "x", "amount": "5.00"}])
    world.act("set_settings", settings={"procore_purchase_order": True})
    with pytest.raises(Refused) as refused:
        world.write(flow("commitment").hold(order(), known, KEY))
    assert refused.value.problem.code == "po_number_not_unique"
    assert refused.value.problem.values["number"] == "PO-1"
    assert world.row("purchase_orders", number="PO-1")["origin"] == "lentune"


@pytest.mark.requirement("L-29", "L-30", "L-32", "L-33")
@pytest.mark.parametrize("obj, found", [
    (order(name=""), ["description_missing"]),
    (order(lines=()), ["schedule_of_values_empty"]),
    (order(f"{PO}:21", line(), line("2", description="")), ["line_description_missing"]),
    (order(f"{PO}:21", line(amount=None)), ["line_value_missing"]),
    (order(f"{PO}:21", line(budget_code_id="")), ["line_cost_code_missing"]),
    (order(f"{PO}:21", line(amount="10000000000000.00")), ["line_value_too_large"]),
    (order(name="", lines=()), ["description_missing", "schedule_of_values_empty"]),
])
def test_each_gap_of_a_commitment_has_its_own_name(obj, found):
    assert codes(flow("commitment"), obj, offline()) == found
    assert not problems.text(found[0]).heals


@pytest.mark.fault("F43")
def test_only_a_purchase_order_may_be_in_another_currency():
    known = offline()
    assert codes(flow("commitment"), order(currency="AUD"), known) == []
    assert codes(flow("commitment"), order(form="subcontract", currency="AUD"), known) == ["currency_not_carried"]
    known.linked("commitment", f"{PO}:21", "purchase_order:po-1")
    assert codes(flow("variation"), variation(f"{PO}:21", currency="AUD"), known) == ["currency_not_carried"]


@pytest.mark.requirement("L-33")
def test_zero_is_a_value():
    assert codes(flow("commitment"), order(f"{PO}:21", line(amount="0.00")), offline()) == []


@pytest.mark.requirement("L-21", "L-31")
def test_a_code_that_is_only_on_the_commitment_holds_it_until_it_is_on_the_budget_and_then_in_lentune():
    known = offline()
    obj = order(f"{PO}:21", line(), line("2", "599", code="09-900.M"))
    held = problem_of("commitment", obj, known, "cost_code_not_on_budget")
    assert held.values["codes"] == "09-900.M"
    assert set(held.waits_for) == {on_snapshot("procore", "budget_code", "599"), on_any("procore", "budget_code", "11")}
    assert problems.text(held.code).heals
    known.saw("procore", "budget_code", code("599", "09-900"))
    assert codes(flow("commitment"), obj, known) == ["cost_code_not_synced"]
    assert problem_of("commitment", obj, known, "cost_code_not_synced").waits_for == (on_link("budget_code", "599"),)
    known.linked("budget_code", "599", "pcc-9")
    assert codes(flow("commitment"), obj, known) == []


@pytest.mark.requirement("L-20")
def test_a_draft_that_uses_a_code_early_is_advised():
    known = offline()
    lines = (line("2", "599"),)
    draft = codes(flow("commitment"), order(f"{PO}:21", *lines, status="draft"), known)
    assert "codes_off_budget_in_draft" in draft and problems.text("codes_off_budget_in_draft").severity == "warning"
    assert "codes_off_budget_in_draft" not in codes(flow("commitment"), order(f"{PO}:21", *lines), known)


@pytest.mark.requirement("L-34", "L-35")
def test_an_unknown_supplier_is_left_blank_with_a_warning_and_what_a_user_fills_in_stays():
    world = LentuneWorld()
    known = settled(world)
    obj = order(vendor_name="Pacific Concrete Limited")
    assert codes(flow("commitment"), obj, known) == ["supplier_blank"]
    done = world.write(flow("commitment").hold(obj, known, KEY))
    assert [w.code for w in done.warnings] == ["supplier_blank"]
    assert world.row("purchase_orders", number="PO-1")["supplier_id"] is None
    world.act("set_order_supplier", number="PO-1", supplier="Pacific Concrete Ltd")
    known.linked("commitment", obj.source_id, done.remote_id)
    known.saw("lentune", "commitment", *world.read("commitment"))
    assert codes(flow("commitment"), obj, known) == []
    world.write(flow("commitment").hold(obj, known, KEY))
    assert world.row("purchase_orders", number="PO-1")["supplier_id"]


def test_our_own_order_does_not_come_back():
    known = offline()
    known.linked("commitment", "purchase_order:po-7", f"{PO}:21")
    assert flow("commitment").scope(order(), known).code == "raised_in_lentune"


def test_what_ended_before_it_arrived_is_left_out_and_what_is_there_ends_there():
    world = LentuneWorld()
    known = settled(world)
    void = order(f"{SC}:41", number="SC-1", status="void", source_status="Void")
    assert flow("commitment").scope(void, known).code == "commitment_not_live"
    known.linked("commitment", void.source_id, "subcontract:sub-1")
    assert flow("commitment").scope(void, known) is None
    assert flow("commitment").hold(void, known, KEY)["status"] == "void"
    assert flow("commitment").scope(order(f"{SC}:42"), offline(pull_subcontracts=False)).code == "subcontracts_not_pulled"


# variations

@pytest.mark.requirement("L-23")
def test_a_variation_follows_its_commitment_and_lowers_or_raises_it():
    world = LentuneWorld()
    known = settled(world)
    parent = order(f"{SC}:41", number="SC-1")
    known.saw("procore", "commitment", parent)
    obj = variation(parent.source_id)
    waiting = problem_of("variation", obj, known, "commitment_not_synced")
    assert waiting.waits_for == (on_link("commitment", parent.source_id),)
    known.linked("commitment", parent.source_id, world.write(flow("commitment").hold(parent, known, KEY)).remote_id)
    assert codes(flow("variation"), obj, known) == []
    world.write(flow("variation").hold(obj, known, KEY))
    row = world.row("variations", number="001")
    assert (row["total"], row["status"], row["parent"]["kind"]) == ("-2100.50", "approved", "subcontract")
    assert world.row("subcontracts", number="SC-1")["variations_total"] == "-2100.50"


@pytest.mark.requirement("L-23")
def test_variations_stay_out_when_they_are_not_pulled_or_their_commitment_is_not():
    assert flow("variation").scope(variation(f"{SC}:41"), offline(pull_variations=False)).code == "variations_not_pulled"
    known = offline(procore_purchase_order=False)
    known.saw("procore", "commitment", order())
    out = flow("variation").scope(variation(f"{PO}:21"), known)
    assert out.code == "commitment_not_in_sync" and on_settings() in out.waits_for


def test_a_variations_codes_are_named_by_its_commitment_while_that_waits_for_them():
    known = offline()
    obj = variation(f"{SC}:41", line("77", "599"))
    assert codes(flow("variation"), obj, known) == ["commitment_not_synced"]
    known.linked("commitment", f"{SC}:41", "subcontract:sub-1")
    assert codes(flow("variation"), obj, known) == ["cost_code_not_on_budget"]


# answers

def test_an_answer_about_something_else_is_not_believed():
    held = flow("commitment").hold(order(), offline(), KEY)
    right = {"id": "po-1", "external": {"procore_company_id": "4100", "procore_id": "21"}, "total": "60000.00", "number": "PO-1"}

    def read(**changes):
        return reader(held)(Answer(Outcome.confirmed, 200, right | changes))

    assert read().remote_id == "purchase_order:po-1"
    with pytest.raises(WrongCompany):
        read(external={"procore_company_id": "9", "procore_id": "21"})
    for wrong in ({"external": {"procore_company_id": "4100", "procore_id": "22"}}, {"external": None}, {"id": None},
                  {"total": "60000.01"}, {"total": 60000}):
        with pytest.raises(NotUnderstood):
            read(**wrong)
    with pytest.raises(NotUnderstood):
        reader(held)(Answer(Outcome.confirmed, 200, []))


def test_a_warning_without_a_name_of_ours_is_passed_on():
    held = flow("project").hold(project(), offline(), KEY)
    row = {"id": "prj-1", "external": {"procore_company_id": "4100", "procore_id": "11"},
           "warnings": [{"code": "project_code_prefixed", "message": "prefixed"}]}
    [warning] = reader(held)(Answer(Outcome.confirmed, 200, row)).warnings
    assert warning.code == "lentune_warning" and warning.values["reason"] == "prefixed"
