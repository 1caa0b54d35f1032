"""Accounting routes: all through Procore, or overhead straight from Lentune; either way once (L-11, L-12, L-13)."""

import pytest

from tests.database.requirements.company import invoice

OVERHEAD = invoice("OVERHEAD", "86.90", kind="overhead")
BOTH = [invoice("PROJECT", "1234.56"), OVERHEAD]


def routes(world):
    """Where each invoice reaches accounting from: Procore's ledger and Lentune's own target are the judges."""
    through_procore = [c["invoice_number"] for c in world.state("procore", "direct_costs")]
    direct = [i["number"] for i in world.state("lentune", "invoices") if i["posting"]["target"] == "accounting"]
    return sorted(through_procore), sorted(direct)


@pytest.mark.requirement("L-11", "L-13")
def test_route_1_all_invoices_go_through_procore(start):
    world = start(settings={"accounting_route": "all_via_procore"}, invoices=BOTH)
    assert routes(world) == (["OVERHEAD", "PROJECT"], [])


@pytest.mark.requirement("L-12", "L-13")
def test_route_2_overhead_goes_straight_from_lentune(start):
    world = start(
        invoices=[
            *BOTH,
            invoice("PAPER", "12.00", kind="overhead", project=None, lines=[{"net": "12.00", "description": "Paper"}]),
        ]
    )
    assert routes(world) == (["PROJECT"], ["OVERHEAD", "PAPER"])
    out = world.shown("invoice", "OVERHEAD")
    assert out.record["state"] == "ignored"
    assert [p.code for p in out.problems] == ["accounting_direct"]
    assert [e for e in world.ledger("lentune", kind="posting_result") if "PAPER" in e["key"]] == []


@pytest.mark.requirement("L-11", "L-12", "L-13")
def test_the_route_is_a_setting_and_changing_it_posts_nothing_twice(start):
    world = start(invoices=BOTH)
    world.save(accounting_route="all_via_procore")
    assert routes(world) == (["OVERHEAD", "PROJECT"], [])
    world.save(accounting_route="project_via_procore_overhead_direct")
    assert [c["invoice_number"] for c in world.state("procore", "direct_costs")] == ["PROJECT", "OVERHEAD"]
    posting = world.one("lentune", "invoices", number="OVERHEAD")["posting"]
    assert (posting["state"], posting["target"]) == ("posted", "direct_cost"), (
        "what reached accounting one way does not go the other way too"
    )
