"""The comparison: to the cent, by what both systems really hold, and by nothing that we believe."""

import json
from decimal import Decimal

import pytest
from celery.exceptions import Retry

from connectors.calls import CallFailed
from simulators.kit.http import Request
from sync import reconcile
from tasks import maintenance
from tests.database.engine.stand import arrive, put, rows
from tests.database.requirements.company import order


@pytest.fixture
def world(start):
    world = start(commitments=[order()])
    arrive(world, "INV-1", "1000.00")
    arrive(world, "INV-2", "500.00", order="PO-1")
    world.settle()
    return world


def lines(report, kind):
    return [line for line in report.lines if line.kind == kind]


def test_what_agrees_is_nought_on_every_line(world):
    report = reconcile.run(world.company, "lentune")
    assert report.unexplained == 0 and report.duplicates == [] and report.only_there == []
    assert {line.kind for line in report.lines} >= {"commitment", "invoice", "budget_code"}
    invoices = lines(report, "invoice")[0]
    assert (invoices.here, invoices.there, invoices.here_count, invoices.there_count) == (
        Decimal("1500.00"),
        Decimal("1500.00"),
        2,
        2,
    )
    kept = rows(world, "SELECT * FROM reconcile_run ORDER BY id DESC LIMIT 1")[0]
    assert (kept.unexplained, kept.ended_at is not None) == (Decimal("0.00"), True)
    assert kept.result["lines"][0]["difference"] == "0.00"


def in_procore(world, method, path, body):
    """A request of somebody else's program, with the same rights."""
    headers = {
        "authorization": world.transports["procore"].requests[-1].headers["authorization"],
        "procore-company-id": "4100",
        "content-type": "application/json",
    }
    answer = world.procore.handle(Request(method, path, [], headers, json.dumps(body).encode()))
    assert answer.status in (200, 201), answer.body
    return answer.json()


def test_one_cent_changed_in_the_target_is_one_cent_unexplained(world):
    """A person corrects the booked amount in Procore by one cent, where nobody tells us."""
    world.fault("procore", on="delivery", action="drop")
    line = world.one("procore", "direct_costs")["lines"][0]
    project = world.record("project", "1001").source_id
    change = {"updates": [{"id": line["id"], "amount": "1000.01"}]}
    in_procore(world, "PATCH", f"/rest/v1.0/projects/{project}/direct_costs/line_items/sync", change)
    assert world.one("procore", "direct_costs")["grand_total"] == "1000.01"
    report = reconcile.run(world.company, "lentune")
    assert report.unexplained == Decimal("0.01")
    wrong = [line for line in report.lines if line.unexplained]
    assert [(w.kind, w.difference, w.unexplained) for w in wrong] == [("invoice", Decimal("-0.01"), Decimal("-0.01"))]
    assert world.record("invoice", "INV-1").state == "synced", "our own table sees nothing: that is why it is not asked"


def test_what_our_table_says_does_not_matter(world):
    """Everything of ours claims agreement; the invoice is not there."""
    put(world, "UPDATE sync_record SET remote_id = '1', state = 'synced' WHERE kind = 'invoice'")
    assert reconcile.run(world.company, "lentune").unexplained == 0
    arrive(world, "INV-3", "77.70")
    put(world, "UPDATE sync_record SET state = 'synced', remote_id = '2' WHERE number = 'INV-3'")
    assert reconcile.run(world.company, "lentune").unexplained == Decimal("77.70")


def test_an_invoice_that_somebody_books_a_second_time_is_reported(world):
    """Entered again by hand in Procore, without our reference."""
    project = world.record("project", "1001").source_id
    first, held = world.one("procore", "direct_costs"), world.record("invoice", "INV-1").held
    again = {
        "direct_cost": {
            "invoice_number": first["invoice_number"],
            "direct_cost_type": "invoice",
            "direct_cost_date": "2026-11-10",
            "status": "approved",
            "vendor_id": int(held["vendor_id"]),
            "line_items": [{"wbs_code_id": int(held["lines"][0]["wbs_code_id"]), "description": "by hand", "amount": "1000.00"}],
        }
    }
    in_procore(world, "POST", f"/rest/v1.1/projects/{project}/direct_costs", again)
    assert len(world.state("procore", "direct_costs")) == 2
    report = reconcile.run(world.company, "lentune")
    assert report.duplicates == ["invoice INV-1"]


def test_what_waits_is_explained_by_its_state(world):
    arrive(world, "INV-3", "77.70")
    report = reconcile.run(world.company, "lentune")
    invoices = lines(report, "invoice")[0]
    assert report.unexplained == 0
    assert (invoices.difference, invoices.explained, invoices.reasons) == (Decimal("77.70"), Decimal("77.70"), {"pending": 1})


def test_a_system_that_cannot_be_read_is_no_agreement(world):
    world.fault("procore", on="request", action="status", status=500)
    with pytest.raises(CallFailed):
        reconcile.run(world.company, "lentune")
    assert rows(world, "SELECT ended_at FROM reconcile_run ORDER BY id DESC LIMIT 1")[0].ended_at is None


def test_a_comparison_that_is_told_to_come_back_does(world, monkeypatch):
    """Left as it was, a night in which the hour's window was shut would be a night without a comparison."""
    tried = []

    def again(args, countdown):
        tried.append((args, countdown))
        return Retry()

    monkeypatch.setattr(maintenance.compare, "retry", again)
    world.fault("procore", on="request", times=1, action="status", status=429, headers={"Retry-After": "9"})
    with pytest.raises(Retry):
        maintenance.compare(world.company, "lentune")
    [(again_with, countdown)] = tried
    assert 0 < countdown <= 9
    put(world, "UPDATE budget SET shut_until = NULL")  # the nine seconds have passed
    before = len(world.transports["lentune"].requests)
    maintenance.compare(*again_with)
    assert len(world.transports["lentune"].requests) == before, "what was compared is not read again"
    kept = rows(world, "SELECT * FROM reconcile_run ORDER BY id")
    assert [(one.ended_at is not None, one.unexplained) for one in kept] == [(True, 0)], "one line, whole"
    assert {line["kind"] for line in kept[0].result["lines"]} >= {"commitment", "invoice", "budget_code"}
    maintenance.compare(*again_with[:2], run_id=again_with[2] + 100)  # it gave way to a later one: nothing happens
    assert len(rows(world, "SELECT * FROM reconcile_run")) == 1


def test_a_comparison_changes_nothing_anywhere(world):
    before = len(world.ledger("procore")), len(world.ledger("lentune")), len(rows(world, "SELECT id FROM history"))
    reconcile.run(world.company, "lentune")
    assert (len(world.ledger("procore")), len(world.ledger("lentune")), len(rows(world, "SELECT id FROM history"))) == before
