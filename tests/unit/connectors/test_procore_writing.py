"""Our plans against the simulated Procore: what they leave there, how they repeat, and what a refusal is called."""

from decimal import Decimal

import pytest

from connectors.procore.reading import READERS
from connectors.procore.writing import PLANS
from objects.outcome import Outcome
from tests.unit.connectors.procore_site import Site, carry_out, site

KEY = "SBK000000000001"


@pytest.fixture
def demo() -> Site:
    return site("demo")


def codes(where: Site, project: str = "1001") -> dict[str, str]:
    project_id = where.ids("project")[project]
    [page] = READERS["budget_code"].pages(where.client, project_id, None)
    return {f"{c.sub_job.number + '.' if c.sub_job else ''}{c.number}.{c.cost_type}": c.source_id for c in page.objects}


def commitment(where: Site, number: str, project: str = "1001"):
    reader, project_id = READERS["commitment"], where.ids("project")[project]
    found = [o for page in reader.pages(where.client, project_id, None) for o in page.objects if o.number == number]
    return reader.complete(where.client, found[0])


def direct_cost(where: Site, **more):
    code = codes(where)
    return {
        "as": "direct_cost", "project_id": where.ids("project")["1001"], "vendor_name": "Northern Electrical",
        "vendor_id": where.ids("vendor", "name")["Northern Electrical"], "number": "INV-5003", "date": "2026-11-11",
        "description": "Northern Electrical INV-5003",
        "lines": [
            {"ref": "a", "wbs_code_id": code["01-100.L"], "amount": "1234.56", "description": "Temporary power"},
            {"ref": "b", "wbs_code_id": code["B.03-300.M"], "amount": "-0.06", "description": "Rounding"},
        ],
        **more,
    }  # fmt: skip


def invoice(where: Site, contract: str, amounts: list[str], project: str = "1001", **more):
    found = commitment(where, contract, project)
    [periods] = READERS["billing_period"].pages(where.client, found.project_id, None)
    lines = [{"line_id": line.source_id, "amount": a} for line, a in zip(found.lines, amounts, strict=False)]
    return {
        "as": "commitment_invoice", "project_id": found.project_id, "commitment_id": found.source_id,
        "period_id": periods.objects[0].source_id, "number": "INV-5001", "date": "2026-11-10", "lines": lines, **more,
    }  # fmt: skip


def order(where: Site, **more):
    code = codes(where)
    return {
        "as": "purchase_order", "project_id": where.ids("project")["1001"], "number": "LPO-7", "title": "Pumps",
        "vendor_id": where.ids("vendor", "name")["Harbour Plumbing Co"], "status": "Approved",
        "lines": [
            {"ref": "1", "wbs_code_id": code["22-100.S"], "amount": "100.10", "description": "Pump", "quantity": "2",
             "unit": "ea"},
            {"ref": "2", "wbs_code_id": code["03-300.M"], "amount": "0.90", "description": "Seal"},
        ],
        **more,
    }  # fmt: skip


def run(where: Site, held, remote_id=None, key=KEY):
    return carry_out(where.client, PLANS[held["as"]](held, remote_id, key))


def creations(where: Site, kind: str) -> int:
    return sum(1 for e in where.simulator.ledger.entries if e["kind"] == kind and e["effect"] == "created")


def cost(where: Site, remote_id: str):
    project_id = where.ids("project")["1001"]
    return where.client.get(f"/rest/v1.1/projects/{project_id}/direct_costs/{remote_id}")


@pytest.mark.requirement("L-19", "L-05")
def test_a_direct_cost_stands_with_its_lines_and_is_approved(demo):
    held = direct_cost(demo)
    carried = run(demo, held)
    assert carried.steps == [("header", "confirmed"), ("lines-1", "confirmed"), ("approve", "confirmed")]
    assert carried.done.remote_number == "INV-5003" and not carried.warnings and not carried.done.warnings
    there = cost(demo, carried.done.remote_id)
    assert (there["status"], there["grand_total"], there["origin_id"]) == ("approved", "1234.50", KEY)
    assert [str(line["wbs_code"]["id"]) for line in there["line_items"]] == [sent["wbs_code_id"] for sent in held["lines"]]


def test_a_direct_cost_sent_again_changes_nothing(demo):
    first = run(demo, direct_cost(demo))
    again = run(demo, direct_cost(demo), first.done.remote_id)
    assert again.done.remote_id == first.done.remote_id
    assert creations(demo, "direct_costs") == 1 and creations(demo, "direct_cost_line_items") == 2


def test_a_changed_direct_cost_loses_our_old_lines_and_keeps_those_of_people(demo):
    first = run(demo, direct_cost(demo))
    held = direct_cost(demo)
    path = f"/rest/v1.0/projects/{held['project_id']}/direct_costs/line_items/sync"
    row = {"direct_cost_id": int(first.done.remote_id), "wbs_code_id": int(held["lines"][0]["wbs_code_id"]), "amount": 5}
    from connectors.calls import Request

    demo.client.send(Request("PATCH", path, body={"updates": [row]}))
    held["lines"] = held["lines"][:1]
    again = run(demo, held, first.done.remote_id)
    assert [name.partition("-")[0] for name, _ in again.steps] == ["header", "lines", "delete", "approve"]
    there = cost(demo, first.done.remote_id)
    assert there["grand_total"] == "1239.56" and len(there["line_items"]) == 2
    assert [w.code for w in again.done.warnings] == ["total_differs_in_procore"]


def test_two_hundred_and_fifty_lines_go_in_parts(demo):
    code = codes(demo)["01-100.L"]
    lines = [{"ref": str(n), "wbs_code_id": code, "amount": "0.01", "description": f"Line {n}"} for n in range(250)]
    carried = run(demo, direct_cost(demo, lines=lines))
    assert [name for name, _ in carried.steps] == ["header", "lines-1", "lines-2", "lines-3", "approve"]
    assert cost(demo, carried.done.remote_id)["grand_total"] == "2.50"


def test_an_unknown_supplier_becomes_one_vendor(demo):
    unknown = {"vendor_id": None, "vendor": "create", "vendor_name": "Brand New Ltd", "company_id": demo.client.company}
    first = run(demo, direct_cost(demo, **unknown))
    assert [w.code for w in first.warnings] == ["vendor_created"]
    second = run(demo, direct_cost(demo, number="INV-2", **unknown), key="SBK000000000002")
    assert second.steps[0] == ("vendor", "found") and not second.warnings
    assert "Brand New Ltd" in demo.ids("vendor", "name")
    assert creations(demo, "vendors") == 1


def test_an_unknown_budget_code_is_refused_in_procores_words(demo):
    held = direct_cost(demo)
    held["lines"][1]["wbs_code_id"] = "999999999"
    carried = run(demo, held)
    assert carried.problem.code == "procore_rejected" and "wbs_code_id" in carried.problem.values["text"]


@pytest.mark.requirement("L-18")
def test_a_commitment_invoice_stands_approved_with_its_amounts(demo):
    carried = run(demo, invoice(demo, "PO-1001-01", ["30000.00", "12000.00"]))
    assert carried.steps == [("invoice", "confirmed")] and carried.done.remote_number == "1"
    params = {"project_id": demo.ids("project")["1001"]}
    there = demo.client.get(f"/rest/v1.1/requisitions/{carried.done.remote_id}", params)
    assert (there["status"], there["invoice_number"], there["origin_id"]) == ("approved", "INV-5001", KEY)
    assert [item["work_completed_this_period"] for item in there["items"]] == ["30000.00", "12000.00"]


def test_a_commitment_invoice_is_found_before_it_is_sent_twice(demo):
    first = run(demo, invoice(demo, "PO-1001-01", ["30000.00"]))
    again = run(demo, invoice(demo, "PO-1001-01", ["30000.00"]))
    assert again.steps == [("invoice", "found")] and again.done.remote_id == first.done.remote_id
    assert creations(demo, "requisitions") == 1


def test_an_invoice_that_somebody_typed_in_is_taken_for_the_same_with_a_warning(demo):
    held = invoice(demo, "PO-1001-01", ["30000.00"])
    body = {"project_id": int(held["project_id"]), "commitment_id": int(held["commitment_id"].partition(":")[2]),
            "requisition": {"period_id": int(held["period_id"]), "invoice_number": "inv-5001"}}
    from connectors.calls import Request

    by_hand = demo.client.send(Request("POST", "/rest/v1.1/requisitions", body=body))
    carried = run(demo, held)
    assert carried.done.remote_id == str(by_hand.body["id"])
    assert [w.code for w in carried.warnings] == ["invoice_already_in_procore"]


def test_a_lost_answer_is_settled_by_looking(demo):
    demo.fault(on="request", match={"method": "POST", "path": "/requisitions"}, action="drop_after", times=1)
    held = invoice(demo, "PO-1001-01", ["30000.00"])
    assert run(demo, held).outcome is Outcome.uncertain
    assert run(demo, held).steps == [("invoice", "found")]
    assert creations(demo, "requisitions") == 1


def test_a_lost_answer_to_a_sync_is_settled_by_sending_again(demo):
    demo.fault(on="request", match={"method": "PATCH", "path": "/direct_costs/sync"}, action="drop_after", times=1)
    assert run(demo, direct_cost(demo)).outcome is Outcome.uncertain
    assert run(demo, direct_cost(demo)).done is not None
    assert creations(demo, "direct_costs") == 1


@pytest.mark.parametrize(
    ("code", "project", "number", "amounts"),
    [
        ("no_open_billing_period", "1002", "PO-1002-01", ["11000.00"]),
        ("over_billing", "1001", "PO-1001-02", ["19500.00"]),
        ("commitment_not_approved", "1001", "SC-1001-02", ["5000.00"]),
    ],
)
@pytest.mark.requirement("L-24", "L-25", "L-26")
def test_what_procore_refuses_is_named(demo, code, project, number, amounts):
    carried = run(demo, invoice(demo, number, amounts, project))
    assert (carried.outcome, carried.problem.code) == (Outcome.refused, code)
    assert creations(demo, "requisitions") == 0


def test_a_second_invoice_in_the_same_period_says_so(demo):
    run(demo, invoice(demo, "PO-1001-01", ["30000.00"]))
    second = invoice(demo, "PO-1001-01", ["1.00"], number="INV-5002")
    assert run(demo, second, key="SBK000000000002").problem.code == "period_already_invoiced"


def test_a_changed_invoice_gets_its_new_amounts(demo):
    first = run(demo, invoice(demo, "PO-1001-01", ["30000.00", "12000.00"]))
    again = run(demo, invoice(demo, "PO-1001-01", ["31000.00"]), first.done.remote_id)
    assert again.done.remote_id == first.done.remote_id
    params = {"project_id": demo.ids("project")["1001"]}
    there = demo.client.get(f"/rest/v1.1/requisitions/{first.done.remote_id}", params)
    assert [item["work_completed_this_period"] for item in there["items"]] == ["31000.00", "0.00"]


@pytest.mark.requirement("P-07")
def test_a_purchase_order_stands_approved_with_its_lines(demo):
    carried = run(demo, order(demo))
    assert [name for name, _ in carried.steps] == ["header", "lines-1", "status"]
    project_id = demo.ids("project")["1001"]
    there = READERS["commitment"].one(demo.client, carried.done.remote_id, project_id)
    assert (there.number, there.name, there.status, there.origin_id) == ("LPO-7", "Pumps", "approved", KEY)
    assert there.amount == Decimal("101.00")
    assert carried.done.data["lines"] == {"1": there.lines[0].source_id, "2": there.lines[1].source_id}


def test_a_changed_purchase_order_is_written_whole_although_it_was_approved(demo):
    first = run(demo, order(demo))
    held = order(demo, title="Pumps and seals")
    held["lines"] = held["lines"][1:]
    again = run(demo, held, first.done.remote_id)
    assert [name.partition("-")[0] for name, _ in again.steps] == ["header", "lines", "delete", "status"]
    there = READERS["commitment"].one(demo.client, first.done.remote_id, held["project_id"])
    assert (there.name, there.amount, len(there.lines)) == ("Pumps and seals", Decimal("0.90"), 1)
    assert again.done.remote_id == first.done.remote_id and creations(demo, "purchase_order_contracts") == 1


def test_plans_are_pure(demo):
    for held in (direct_cost(demo), invoice(demo, "PO-1001-01", ["1.00"]), order(demo)):
        first, second = (next(PLANS[held["as"]](held, None, KEY)) for _ in range(2))
        assert (first.request, first.key, first.name) == (second.request, second.key, second.name)
