"""Procore's documents of ours read back, looked for again by their key, and never made anew by an update."""

from decimal import Decimal

import pytest

from connectors.calls import Request
from connectors.plan import Step
from connectors.procore.writing import PLANS
from connectors.registry import connector
from objects.outcome import Outcome
from simulators.procore import contracts
from tests.unit.connectors.procore_site import Site, site
from tests.unit.connectors.test_procore_writing import KEY, creations, direct_cost, invoice, order, run

SIGHTINGS = connector("procore").sightings
TABLES = {"direct_cost": "direct_costs", "purchase_order": "purchase_order_contracts", "commitment_invoice": "requisitions"}


@pytest.fixture
def demo() -> Site:
    return site("demo")


def held_of(where: Site, name: str):
    if name == "commitment_invoice":
        return invoice(where, "PO-1001-01", ["100.00", "0.00"])
    return direct_cost(where) if name == "direct_cost" else order(where)


def last_step(where: Site, held, remote_id: str | None = None) -> Step:
    """The one that reads back, the steps before it carried out."""
    plan = PLANS[held["as"]](held, remote_id, KEY)
    step = next(plan)
    while step.verify is None:
        answer = where.client.send(step.batch.merge([step]) if step.batch else step.request)
        step = plan.send(step.read(step.batch.split(answer, [step])[0] if step.batch else answer))
    return step


def delete(where: Site, name: str) -> None:
    if name == "direct_cost":
        where.act("delete_direct_cost", number="INV-5003")
    elif name == "commitment_invoice":
        where.act("delete_requisition", commitment="PO-1001-01", invoice_number="INV-5001")
    else:
        company = where.simulator.company
        row = next(r for r in company.rows("contracts") if r["number"] == "LPO-7")
        row["status"] = "Draft"
        contracts.delete(where.simulator, company, row)


@pytest.mark.parametrize("name", list(TABLES))
def test_a_document_is_read_back_by_its_id_with_what_it_must_hold(demo, name):
    held = held_of(demo, name)
    done = run(demo, held).done
    step = last_step(demo, held, done.remote_id) if name != "commitment_invoice" else next(PLANS[name](held, None, KEY))
    before = len(demo.transport.requests)
    there = step.verify(demo.client, type(done)(done.remote_id.rpartition(":")[2]))
    assert len(demo.transport.requests) == before + 1
    assert (there.amount, there.lines, there.key) == (Decimal(step.amount), step.lines, KEY)


def test_an_invoice_that_is_corrected_is_read_back_after_its_items(demo):
    first = run(demo, invoice(demo, "PO-1001-01", ["100.00", "50.00"])).done
    step = last_step(demo, invoice(demo, "PO-1001-01", ["0.00", "20.00"]), first.remote_id)
    assert (step.name, step.amount, step.lines) == ("items", "20.00", 1)
    assert demo.client.send(step.request).outcome is Outcome.confirmed
    there = step.verify(demo.client, first)
    assert (there.amount, there.lines) == (Decimal("20.00"), 1)


def test_an_edit_there_is_seen_and_a_line_that_others_added_is_not_counted_as_ours(demo):
    held = direct_cost(demo)
    done = run(demo, held).done
    step = last_step(demo, held, done.remote_id)
    demo.act("change_direct_cost", number="INV-5003", amount="1.00", line=1)
    assert step.verify(demo.client, done).amount == Decimal("0.94")
    path = f"/rest/v1.0/projects/{held['project_id']}/direct_costs/{done.remote_id}/line_items"
    theirs = {"wbs_code_id": int(held["lines"][0]["wbs_code_id"]), "extended_type": "manual", "amount": 5}
    assert demo.client.send(Request("POST", path, body={"line_item": theirs})).outcome is Outcome.confirmed
    there = step.verify(demo.client, done)
    assert (there.amount, there.lines) == (Decimal("0.94"), 2)


@pytest.mark.parametrize("name", list(TABLES))
def test_an_update_of_a_document_that_vanished_makes_no_new_one(demo, name):
    held = held_of(demo, name)
    done = run(demo, held).done
    made = creations(demo, TABLES[name])
    delete(demo, name)
    plan = PLANS[name](held, done.remote_id, KEY)
    step = next(plan)
    answer = demo.client.send(step.batch.merge([step]) if step.batch else step.request)
    [answer] = step.batch.split(answer, [step]) if step.batch else [answer]
    assert answer.outcome is Outcome.refused
    problem = step.explain(answer)
    assert problem.code == "vanished_at_target"
    assert (problem.values["system"], problem.values["number"]) == ("Procore", held["number"])
    assert creations(demo, TABLES[name]) == made
    assert SIGHTINGS[name](demo.client, held, KEY) == []


@pytest.mark.parametrize("name", list(TABLES))
def test_what_stands_under_a_key_is_sighted(demo, name):
    held = held_of(demo, name)
    assert SIGHTINGS[name](demo.client, held, KEY) == []
    done = run(demo, held).done
    [there] = SIGHTINGS[name](demo.client, held, KEY)
    assert (there.remote_id, there.key) == (done.remote_id, KEY)


def test_an_invoice_that_somebody_entered_by_hand_a_second_time_is_sighted(demo):
    held = invoice(demo, "PO-1001-01", ["100.00"])
    done = run(demo, held).done
    row = demo.simulator.company.tables["requisitions"][int(done.remote_id)]
    twin = {**row, "id": row["id"] + 500, "origin_id": None}
    demo.simulator.company.add("requisitions", twin, row["project_id"])
    assert [s.remote_id for s in SIGHTINGS["commitment_invoice"](demo.client, held, KEY)] == [done.remote_id, str(twin["id"])]
    twin["origin_id"] = "another integration's"
    assert len(SIGHTINGS["commitment_invoice"](demo.client, held, KEY)) == 1
