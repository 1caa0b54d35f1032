"""F41: what a record depends on comes later. In whatever order things are made, the end is the same; meanwhile it waits."""

from collections.abc import Callable
from random import Random
from typing import Any

import pytest

from tests.faults.desk import lent_shortly
from tests.faults.people import SUPPLIER, VENDOR, line
from tests.faults.stand import Stand

pytestmark = pytest.mark.fault("F41")

STAGE = "Course of Construction"
PERIOD = {"start": "2026-11-01", "end": "2026-11-30", "due": "2026-12-20"}
Act = Callable[[], Any]


def acts(site: Stand, project: str, order: str, invoice: str) -> tuple[list[Act], list[Act]]:
    """A job's life, each act possible at any time; and what needs the first of them at its own side."""
    bill = {"order_line": 1, "net": "40.00", "description": "Steel"}
    free: list[Act] = [
        lambda: site.act("procore", "set_stage", project=project, stage=STAGE),
        lambda: site.act("procore", "add_budget_line", project=project, code="05-100", type="S", amount="900.00"),
        lambda: site.act("procore", "add_billing_period", project=project, **PERIOD),
        lambda: site.act("lentune", "create_invoice", number=invoice, supplier=SUPPLIER, date="2026-11-10", order=order,
                         lines=[bill]),
    ]  # fmt: skip
    bound: list[Act] = [
        lambda: site.act("procore", "create_commitment", project=project, type="sc", number=order, title="Frame",
                         vendor=VENDOR, status="Draft", lines=[line("100.00")]),
        lambda: site.act("procore", "create_variation", commitment=order, number="1", title="More", lines=[line("10.00")]),
        lambda: site.act("procore", "set_commitment_status", number=order, status="Approved"),
    ]  # fmt: skip
    return free, bound


def shuffled(random: Random, free: list[Act], bound: list[Act]) -> list[Act]:
    """Any order that a person could take: the bound ones one after another, the others anywhere."""
    kept = iter(bound)
    marks = ["free"] * len(free) + ["bound"] * len(bound)
    random.shuffle(marks)
    random.shuffle(free)
    return [free.pop() if mark == "free" else next(kept) for mark in marks]


def test_every_order_of_making_things_ends_alike(site: Stand) -> None:
    jobs = []
    with lent_shortly(site):
        for seed in range(4):
            project, order, invoice = site.number(), site.number("SC-"), site.number("INV-")
            site.new_project(stage="Pre-Construction", number=project)
            for act in shuffled(Random(seed), *acts(site, project, order, invoice)):
                act()
            jobs.append((project, order, invoice))
        site.wait(lambda: all(site.record("commitment", order).get("state") == "synced" for _, order, _ in jobs), 30,
                  "not every commitment arrived")  # fmt: skip
        site.wait(lambda: all(i["status"] == "approved" for i in _invoices(site, jobs)), 20, "the clerk could not code them")
        site.scan("lentune", kinds=["invoice"])
        site.scan("procore", kinds=["billing_period"])  # nothing rings for a billing period: it is read
        for _, _, invoice in jobs:
            site.wait_state("invoice", invoice)
    wanted = [("approved", "100.00", ["10.00"], ["40.00"])] * len(jobs)
    site.wait(lambda: [_end(site, *job) for job in jobs] == wanted, 20, "they do not end alike")
    site.wait_quiet()
    assert [_end(site, *job) for job in jobs] == wanted


def _invoices(site: Stand, jobs: list[tuple[str, str, str]]) -> list[dict[str, Any]]:
    return [i for i in site.state("lentune", "invoices") if i["number"] in {invoice for _, _, invoice in jobs}]


def _end(site: Stand, _: str, order: str, invoice: str) -> tuple[str, str, list[str], list[str]]:
    """What stands on the other side of a job."""
    [copy] = site.state("lentune", "subcontracts", number=order)
    changes = [v["total"] for v in site.state("lentune", "variations") if v["parent"]["id"] == copy["id"]]
    bills = [r["total_claimed_amount"] for r in site.state("procore", "requisitions", invoice_number=invoice)]
    return copy["status"], copy["total"], changes, bills


def test_an_invoice_waits_for_an_open_billing_period_and_says_so(site: Stand) -> None:
    project = site.new_project("05-100")
    site.act("procore", "add_billing_period", project=project, **PERIOD, status="closed")
    order = site.new_commitment(project)
    site.wait_state("commitment", order)
    site.scan("procore", kinds=["billing_period"])
    invoice = site.new_invoice(order, net="40.00")
    site.wait_state("invoice", invoice, "held")
    site.wait(lambda: site.codes("invoice", invoice) == ["no_open_billing_period"], 10, "another reason")
    assert site.created("procore", "requisitions") == []
    site.act("procore", "add_billing_period", project=project, start="2026-12-01", end="2026-12-31", due="2027-01-20")
    site.scan("procore", kinds=["billing_period"])
    site.wait_state("invoice", invoice)
    assert len(site.created("procore", "requisitions")) == 1
