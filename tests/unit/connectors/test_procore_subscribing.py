"""Hooks and triggers are set up once, and what Procore then delivers is believed and understood."""

import json
from datetime import UTC, datetime

import pytest

from connectors.flow import Doorbell, Ignored
from connectors.procore.reading import READERS
from connectors.procore.subscribing import subscribe
from connectors.procore.webhooks import RINGS, doorbell, event_id, verify
from tests.unit.connectors.procore_site import Site, site

URL = "https://sitebooks.example/webhooks/procore/u7f3"
SECRET = "0123456789abcdef"
NOW = datetime(2026, 11, 20, tzinfo=UTC)


def rung(where: Site) -> list[Doorbell | Ignored]:
    """What the deliveries that are due ring for; each must be believed and known by an id of its own."""
    deliveries = where.simulator.tick()
    for delivery in deliveries:
        assert verify(delivery.body, delivery.headers, [SECRET], NOW) is None
        assert verify(delivery.body, delivery.headers, ["another"], NOW)
        where.simulator.delivered(delivery, 202)
    events = [json.loads(delivery.body) for delivery in deliveries]
    assert len({event_id(event) for event in events}) == len(events)
    return [doorbell(event) for event in events]


@pytest.fixture
def demo() -> Site:
    where = site("demo")
    subscribe(where.client, URL, SECRET)
    return where


def everything_due(where: Site) -> list[Doorbell | Ignored]:
    found: list[Doorbell | Ignored] = []
    while more := rung(where):
        found += more
    return found


def test_everything_that_rings_is_covered():
    where = site("demo")
    assert {name.casefold() for name in subscribe(where.client, URL, SECRET)} == set(RINGS)


def test_a_second_start_changes_nothing(demo):
    before, asked = len(demo.simulator.ledger.entries), len(demo.transport.requests)
    assert len(subscribe(demo.client, URL, SECRET)) == len(RINGS)
    assert len(demo.simulator.ledger.entries) == before
    assert {request.method for request in demo.transport.requests[asked:]} == {"GET"}


def test_a_new_secret_and_a_lost_trigger_are_put_right(demo):
    [hook] = demo.client.all("/rest/v1.0/webhooks/hooks", {"company_id": demo.client.company})
    path = f"/rest/v1.0/webhooks/hooks/{hook['id']}/triggers"
    trigger = demo.client.all(path, {"company_id": demo.client.company})[0]
    from connectors.calls import Request

    demo.client.send(Request("DELETE", f"{path}/{trigger['id']}", {"company_id": demo.client.company}))
    assert len(subscribe(demo.client, URL, "a-new-secret")) == len(RINGS)
    [changed] = demo.client.all("/rest/v1.0/webhooks/hooks", {"company_id": demo.client.company})
    assert changed["id"] == hook["id"] and changed["destination_headers"] == {"Authorization": "Bearer a-new-secret"}


def test_another_address_gets_a_hook_of_its_own(demo):
    subscribe(demo.client, URL + "9", SECRET)
    assert len(demo.client.all("/rest/v1.0/webhooks/hooks", {"company_id": demo.client.company})) == 2


@pytest.mark.requirement("L-02")
def test_a_stage_change_rings_its_project(demo):
    demo.act("set_stage", project="1003", stage="Course of Construction")
    [bell] = everything_due(demo)
    tui = demo.ids("project")["1003"]
    assert bell == Doorbell("project", tui, tui, company="4100")
    assert READERS["project"].one(demo.client, bell.ref, "").stage == "Course of Construction"


@pytest.mark.requirement("L-14")
def test_a_new_budget_line_rings_and_leads_to_its_code(demo):
    demo.act("add_budget_line", project="1001", code="09-900", type="M", amount="14000.00")
    [bell] = [b for b in everything_due(demo) if isinstance(b, Doorbell)]
    code = READERS["budget_code"].one(demo.client, bell.ref, bell.project_id)
    assert (bell.kind, bell.direct, code.number, code.cost_type) == ("budget_code", False, "09-900", "M")


@pytest.mark.parametrize("version", ["v2.0", "v3.0", "v4.0"])
def test_a_variation_rings_as_its_package_in_every_payload_version(version):
    where = site("demo", {"payload_version": version})
    subscribe(where.client, URL, SECRET)
    where.act("set_variation_status", commitment="SC-1001-01", number="001", status="void")
    bells = [b for b in everything_due(where) if isinstance(b, Doorbell) and b.kind == "variation"]
    found = READERS["variation"].one(where.client, bells[0].ref, bells[0].project_id)
    assert (found.number, found.status) == ("001", "void")


def test_a_changed_line_rings_its_contract(demo):
    demo.act("set_commitment_status", number="PO-1001-02", status="Draft")
    everything_due(demo)
    demo.act("change_line", number="PO-1001-02", position=1, amount="18500.00")
    bells = [b for b in everything_due(demo) if isinstance(b, Doorbell)]
    assert {b.kind for b in bells} == {"commitment"} and len({b.ref for b in bells}) == 1
