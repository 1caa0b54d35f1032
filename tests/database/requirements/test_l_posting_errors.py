"""The four exact errors: their words, where they are told, their fix, and that each clears by itself (L-24 to L-27)."""

import pytest

from tests.database.requirements.company import invoice, order, project

CLOSED = {"start": "2026-10-01", "end": "2026-10-31", "due": "2026-11-20", "status": "closed"}
YARD = [{"code": "1002", "description": "Yard works", "cost_codes": [{"code": "03-300", "type": "M", "description": "Concrete"}]}]

#: Requirement -> code, exact text, the FAQ's fix.
FAQ = {
    "L-24": (
        "no_open_billing_period",
        "Cannot find open billing period for PO.",
        "Add a billing period in the project's invoicing area.",
    ),
    "L-25": (
        "over_billing",
        "The invoice is over the billing amount.",
        (
            'Two settings: switch off "Prevent Overbilling on this Project" (project Admin) and switch on '
            '"Allow subcontractors to over-bill" (project Invoicing configuration).'
        ),
    ),
    "L-26": ("commitment_not_approved", "Commitment is not at approved status.", "Approve the commitment in Procore."),
    "L-27": (
        "no_procore_company_or_project",
        "No Procore company found with project on invoice",
        "Put a project on the invoice that exists in Procore, or link the project.",
    ),
}


def held_up(world, line, number="INV-1"):
    """People are told the exact text with its fix, Lentune is told the same, and nothing stands in Procore."""
    code, text, fix = FAQ[line]
    assert world.problems("invoice", number) == [code]
    shown = world.shown("invoice", number).problems[0]
    assert (shown.title, shown.fix[0], shown.requirement) == (text, fix, line)
    error = world.one("lentune", "invoices", number=number)["posting"]["error"]
    assert (error["code"], error["message"], error["fix_hint"]) == (code, text, fix)
    assert world.state("procore", "requisitions") == world.state("procore", "direct_costs") == []


def posted_once(world, number="INV-1", kind="requisitions"):
    """It stands once in Procore, Lentune knows, and nothing is said against it any more."""
    there = world.one("procore", kind)
    posting = world.one("lentune", "invoices", number=number)["posting"]
    assert (posting["state"], posting["procore_id"], posting["error"]) == ("posted", str(there["id"]), None)
    record = world.record("invoice", number)
    assert (record.state, record.problems) == ("synced", [])
    assert len([e for e in world.ledger("procore", effect="created") if e["kind"] == kind]) == 1
    return there


@pytest.mark.requirement("L-24")
def test_no_open_billing_period(start):
    world = start(projects=[project(billing_periods=[CLOSED])], commitments=[order()], invoices=[invoice(order="PO-1")])
    held_up(world, "L-24")
    assert world.record("invoice", "INV-1").state == "held", "nobody has to touch the invoice"
    world.act("procore", "add_billing_period", project="1001", start="2026-11-01", end="2026-11-30", due="2026-12-20")
    world.sync()  # no webhook tells of billing periods: the next scan sees it
    assert posted_once(world)["total_claimed_amount"] == "1000.00"


@pytest.mark.requirement("L-25")
def test_over_the_billing_amount_needs_both_settings(start):
    world = start(commitments=[order()], invoices=[invoice(order="PO-1", net="60000.01")])
    held_up(world, "L-25")
    assert world.record("invoice", "INV-1").state == "held"
    assert "PO-1" in world.shown("invoice", "INV-1").problems[0].cause
    world.act("procore", "set_overbilling", project="1001", prevent=False)
    world.settle()
    world.due_now()
    held_up(world, "L-25")  # one of the two is not enough
    world.act("procore", "set_overbilling", project="1001", prevent=True, allow=True)
    world.settle()
    world.due_now()
    held_up(world, "L-25")
    world.act("procore", "set_overbilling", project="1001", prevent=False)
    world.settle()
    world.due_now()
    assert posted_once(world)["total_claimed_amount"] == "60000.01"


@pytest.mark.requirement("L-25")
def test_over_billing_clears_when_the_invoice_is_corrected(start):
    world = start(commitments=[order()], invoices=[invoice(order="PO-1", net="60000.01")])
    world.act("lentune", "change_invoice", number="INV-1", net="60000.00")
    world.settle()
    assert posted_once(world)["total_claimed_amount"] == "60000.00"


@pytest.mark.requirement("L-25")
def test_what_was_billed_before_counts(start):
    """The second invoice alone would fit; with the first it is more than the line holds."""
    period = {"start": "2026-12-01", "end": "2026-12-31", "due": "2027-01-20", "status": "open"}
    world = start(
        projects=[project(billing_periods=[*project()["billing_periods"], period])],
        commitments=[order()],
        invoices=[invoice(order="PO-1", net="40000.00")],
    )
    world.act("lentune", "create_invoice", **invoice("INV-2", "20000.01", order="PO-1", date="2026-12-05"))
    world.settle()
    assert world.problems("invoice", "INV-2") == ["over_billing"]
    world.act("lentune", "change_invoice", number="INV-2", net="20000.00")
    world.settle()
    assert sorted(r["total_claimed_amount"] for r in world.state("procore", "requisitions")) == ["20000.00", "40000.00"]


@pytest.mark.requirement("L-26")
@pytest.mark.parametrize(("form", "status"), [("po", "Draft"), ("sc", "Out For Signature")])
def test_a_commitment_that_is_not_approved(start, form, status):
    world = start(commitments=[order(form=form, status=status)], invoices=[invoice(order="PO-1")])
    held_up(world, "L-26")
    assert status in world.shown("invoice", "INV-1").problems[0].cause
    world.act("procore", "set_commitment_status", number="PO-1", status="Approved")
    world.settle()
    assert posted_once(world)["commitment"] == "PO-1"


@pytest.mark.requirement("L-27")
def test_no_procore_project_until_the_invoice_names_one(start):
    world = start(own_projects=YARD, invoices=[invoice(project="1002")])
    held_up(world, "L-27")
    assert world.record("invoice", "INV-1").state == "needs_attention"
    assert "1002" in world.shown("invoice", "INV-1").problems[0].cause
    world.act("lentune", "set_invoice_project", number="INV-1", project="1001")
    world.settle()
    assert posted_once(world, kind="direct_costs")["project_number"] == "1001"


@pytest.mark.requirement("L-27")
def test_no_procore_project_until_the_project_is_linked(start):
    world = start(
        projects=[project(), project("1002", stage="Pre-Construction")],
        own_projects=YARD,
        invoices=[invoice(project="1002")],
    )
    held_up(world, "L-27")
    site = world.one("procore", "projects", project_number="1002")
    world.act("lentune", "link_project", project="1002", procore_id=str(site["id"]))
    world.act("procore", "set_stage", project="1002", stage="Course of Construction")
    world.settle()
    assert posted_once(world, kind="direct_costs")["project_number"] == "1002"
    assert len(world.state("lentune", "projects", code="1002")) == 1


@pytest.mark.requirement("L-24", "L-26")
def test_all_that_stands_against_an_invoice_is_shown_at_once_and_clears_one_by_one(start):
    world = start(
        projects=[project(billing_periods=[])],
        commitments=[order(status="Draft")],
        invoices=[invoice(order="PO-1")],
    )
    assert set(world.problems("invoice", "INV-1")) == {"commitment_not_approved", "no_open_billing_period"}
    world.act("procore", "set_commitment_status", number="PO-1", status="Approved")
    world.settle()
    held_up(world, "L-24")
    world.act("procore", "add_billing_period", project="1001", start="2026-11-01", end="2026-11-30", due="2026-12-20")
    world.sync()
    posted_once(world)


@pytest.mark.requirement("L-24", "L-25", "L-26", "L-27")
def test_looking_again_and_again_tells_lentune_once(start):
    """The same error is reported once, however often the record is looked at."""
    world = start(projects=[project(billing_periods=[CLOSED])], commitments=[order()], invoices=[invoice(order="PO-1")])
    told = len(world.ledger("lentune", kind="posting_result"))
    for _ in range(3):
        world.due_now()
    assert told == len(world.ledger("lentune", kind="posting_result")) == 1
