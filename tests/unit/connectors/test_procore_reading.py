"""What our readers make of the demo company in the simulated Procore."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from connectors.calls import NotUnderstood, WrongCompany
from connectors.procore import shapes
from connectors.procore.reading import READERS, Projects, PurchaseOrders, page
from objects.plain import from_plain, to_plain
from tests.unit.connectors.procore_site import Site, site


@pytest.fixture(scope="module")
def demo() -> Site:
    return site("demo")


def read(where: Site, kind: str, project: str = "", since=None):
    """All objects of a kind, complete, by number (commitments, codes) or name."""
    project_id = where.ids("project")[project] if project else None
    reader, found = READERS[kind], []
    for part in reader.pages(where.client, project_id, since):
        assert not part.odd
        found += [reader.complete(where.client, obj) for obj in part.objects]
    return found


def by(objects, name="number"):
    return {getattr(obj, name): obj for obj in objects}


@pytest.mark.requirement("L-01", "L-36")
def test_projects_come_with_stage_and_region(demo):
    projects = by(read(demo, "project"))
    assert sorted(projects) == ["1001", "1002", "1003", "1004"]
    tui = projects["1003"]
    assert (tui.name, tui.stage, tui.region, tui.active) == ("Tui Warehouse", "Pre-Construction", "Waikato", True)
    assert READERS["project"].one(demo.client, tui.source_id, "") == replace(tui)


def test_only_the_projects_that_the_settings_name_are_read():
    assert [p.number for p in read(site("demo", {"only_projects": ("1002",)}), "project")] == ["1002"]


@pytest.mark.requirement("L-15")
def test_company_lists(demo):
    assert {t.number: t.name for t in read(demo, "cost_type")} == {
        "L": "Labour", "M": "Materials", "E": "Equipment", "S": "Subcontract"}
    codes = by(read(demo, "cost_code"))
    assert len(codes) == 18
    assert (codes["03-300"].name, codes["03-300"].parent_id) == ("Cast in Place", codes["03"].source_id)
    vendors = by(read(demo, "vendor"), "name")
    assert len(vendors) == 7 and vendors["Aroha Painters"].active
    for kind, obj in (("cost_type", read(demo, "cost_type")[0]), ("cost_code", codes["03-300"]),
                      ("vendor", vendors["Aroha Painters"])):
        assert READERS[kind].one(demo.client, obj.source_id, "") == obj
        assert READERS[kind].one(demo.client, "999999999", "") is None


@pytest.mark.requirement("L-03", "L-04", "L-14")
def test_budget_codes_say_what_they_are_made_of(demo):
    codes = read(demo, "budget_code", "1001")
    assert len(codes) == len({code.source_id for code in codes}) == 10
    plain = next(c for c in codes if c.number == "03-300" and c.sub_job is None)
    below = next(c for c in codes if c.number == "03-300" and c.sub_job is not None)
    assert (plain.name, plain.cost_type, plain.amount) == ("Cast in Place", "M", Decimal("240000.00"))
    assert (below.sub_job.number, below.sub_job.name, below.amount) == ("B", "Building B", Decimal("95000.00"))
    assert plain.cost_type_id == by(read(demo, "cost_type"))["M"].source_id
    [job] = read(demo, "sub_job", "1001")
    assert (below.sub_job.source_id, below.sub_job.name) == (job.source_id, job.name)
    reader = READERS["budget_code"]
    for ref in (below.source_id, f"line:{below.line_id}"):
        assert reader.one(demo.client, ref, below.project_id) == below
    assert reader.one(demo.client, "line:999999999", below.project_id) is None
    assert sum(c.amount for c in codes) == Decimal("1914500.50")


def test_commitments_come_with_lines_and_are_the_same_however_they_are_read(demo):
    commitments = by(read(demo, "commitment", "1001") + read(demo, "commitment", "1002"))
    assert len(commitments) == 16
    order, steel = commitments["PO-1001-01"], commitments["SC-1001-01"]
    assert (order.form, order.status, order.vendor_name) == ("purchase_order", "approved", "Pacific Concrete Ltd")
    assert [line.amount for line in order.lines] == [Decimal("60000.00"), Decimal("24000.00")]
    assert (steel.form, steel.source_id.partition(":")[0], steel.amount) == (
        "subcontract", "work_order_contract", Decimal("600000.00"))
    codes = {c.source_id: c for c in read(demo, "budget_code", "1001")}
    assert [codes[line.budget_code_id].sub_job is None for line in steel.lines] == [True, False]
    for found in (order, steel):
        assert READERS["commitment"].one(demo.client, found.source_id, found.project_id) == found


@pytest.mark.requirement("L-29", "L-30", "L-32", "L-33")
def test_what_a_commitment_lacks_stays_missing(demo):
    commitments = by(read(demo, "commitment", "1001") + read(demo, "commitment", "1002"))
    assert commitments["SC-1001-04"].name == ""
    assert commitments["PO-1002-03"].lines == ()
    assert commitments["PO-1002-04"].lines[0].description == ""
    assert commitments["PO-1002-05"].lines[0].amount is None
    assert (commitments["SC-1001-02"].status, commitments["SC-1001-02"].source_status) == ("draft", "Out For Signature")


@pytest.mark.requirement("L-23")
def test_variations_know_their_commitment(demo):
    commitments = by(read(demo, "commitment", "1001"))
    bracing, canopy = read(demo, "variation", "1001")
    steel = commitments["SC-1001-01"]
    assert (bracing.commitment_id, bracing.commitment_number) == (steel.source_id, "SC-1001-01")
    assert (bracing.amount, canopy.amount, canopy.lines[0].amount) == (
        Decimal("8750.00"), Decimal("-2100.50"), Decimal("-2100.50"))
    assert (bracing.name, bracing.status) == ("Extra bracing", "approved")
    assert READERS["variation"].one(demo.client, bracing.source_id, bracing.project_id) == bracing
    path = f"/rest/v1.0/projects/{bracing.project_id}/commitment_change_orders/{bracing.source_id.partition(':')[2]}"
    package = demo.client.get(path)["legacy_package_id"]
    assert READERS["variation"].one(demo.client, f"package:{package}", bracing.project_id) == bracing
    assert READERS["variation"].one(demo.client, "package:999999999", bracing.project_id) is None


@pytest.mark.requirement("L-24")
def test_billing_periods(demo):
    [november], [october] = read(demo, "billing_period", "1001"), read(demo, "billing_period", "1002")
    assert (november.status, october.status) == ("open", "closed")
    assert f"{november.start} {november.end}" == "2026-11-01 2026-11-30"


def test_a_scan_for_changes_reads_only_them_and_hears_of_deletions():
    where = site("demo")
    project = where.ids("project")["1002"]
    all_of_them = read(where, "commitment", "1002")
    since = max(c.updated_at for c in all_of_them) + timedelta(seconds=30)
    where.simulator.clock.advance(60)
    where.act("edit_commitment", number="PO-1002-01", title="Slab and footings", project="1002")
    where.act("delete_commitment", number="PO-1002-03", project="1002")
    pages = list(READERS["commitment"].pages(where.client, project, since))
    assert [o.name for part in pages for o in part.objects] == ["Slab and footings"]
    assert [g for part in pages for g in part.gone] == [by(all_of_them)["PO-1002-03"].source_id]
    gone = by(all_of_them)["PO-1002-03"].source_id
    assert READERS["commitment"].one(where.client, gone, project) is None


def test_lists_are_read_in_pages():
    where = site("demo", {"page_size": 10})
    assert len(read(where, "cost_code")) == 18
    assert len(where.transport.sent("GET", "/standard_cost_codes?")) == 2


def test_every_object_survives_storing(demo):
    project_id = demo.ids("project")["1001"]
    for kind, reader in READERS.items():
        for part in reader.pages(demo.client, project_id, None):
            for obj in part.objects:
                whole = reader.complete(demo.client, obj)
                assert from_plain(kind, to_plain(kind, whole)) == whole


def test_another_companys_record_refuses_the_whole_page(demo):
    records = [{"id": 1, "company": {"id": demo.client.company}}, {"id": 2, "company": {"id": 4101}}]
    reader = Projects()
    with pytest.raises(WrongCompany):
        page(records, reader.source_id, lambda record: reader.read(demo.client, record, ""))


def test_an_odd_record_is_set_aside_and_the_rest_of_its_page_goes_on(demo):
    good = {"id": 1, "status": "Draft"}
    records = [good, {"id": 2, "status": "Sideways"}, {"id": 3, "status": "Draft", "deleted_at": "2026-11-01T00:00:00Z"}]
    reader = PurchaseOrders()
    read = page(records, reader.source_id, lambda record: reader.read(demo.client, record, "7"))
    assert [obj.source_id for obj in read.objects] == ["purchase_order_contract:1"]
    assert read.gone == ["purchase_order_contract:3"]
    [(source_id, why)] = read.odd
    assert source_id == "purchase_order_contract:2" and "Sideways" in why.reason


@pytest.mark.parametrize(
    ("form", "change"),
    [
        (shapes.PURCHASE_ORDER, {"status": "Approved-ish"}), (shapes.PURCHASE_ORDER, {"status": None}),
        (shapes.SUBCONTRACT, {"status": "Closed"}), (shapes.SUBCONTRACT, {"id": None}),
        (shapes.SUBCONTRACT, {"id": True}), (shapes.SUBCONTRACT, {"project": {"id": 8}}),
        (shapes.SUBCONTRACT, {"revised_contract": "12.345"}), (shapes.SUBCONTRACT, {"updated_at": "yesterday"}),
        (shapes.SUBCONTRACT, {"currency_configuration": {"currency_iso_code": "dollars"}}),
    ],
)  # fmt: skip
def test_an_odd_commitment_is_not_guessed(form, change):
    record = {"id": 1, "number": "1", "title": "T", "status": "Approved", "project": {"id": 7}, **change}
    with pytest.raises(NotUnderstood):
        shapes.commitment(form, record, "7", "NZD", ())


@pytest.mark.parametrize("amount", ["1.001", "NaN", "abc", 1.5, "1e30", True])
def test_an_odd_amount_is_not_guessed(amount):
    with pytest.raises(NotUnderstood):
        shapes.line({"id": 1, "amount": amount}, "x")


def test_a_calculated_line_is_quantity_times_unit_cost():
    record = {"id": 1, "extended_type": "calculated", "quantity": "3.0", "unit_cost": "0.335", "amount": None}
    assert shapes.line(record, "x").amount == Decimal("1.01")
    assert shapes.line({**record, "extended_type": "manual"}, "x").amount is None


def test_every_status_of_the_contract_has_a_word_of_ours():
    words = {"draft", "approved", "closed", "terminated", "void"}
    assert {word for statuses in shapes.STATUSES.values() for word in statuses.values()} == words
