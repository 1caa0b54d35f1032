"""Lentune's webhooks: signatures, what rings for what, our own echo, and a subscription made once."""

import hashlib
import hmac
from datetime import UTC, datetime, timedelta

import pytest

from connectors.calls import NotUnderstood
from connectors.flow import Doorbell, Ignored
from connectors.lentune.webhooks import RINGS, WANTED, doorbell, subscribe
from connectors.signed import event_id, verify
from tests.unit.connectors.lentune_objects import project
from tests.unit.connectors.lentune_world import KEY, LentuneWorld, MemoryKnown, flow

NOW = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)
SECRET, OLD = "a-secret-of-at-least-24-characters", "the-one-before-it-24-characters-too"
URL = "http://127.0.0.1:8700/webhooks/lentune/abc"


def signed(body: bytes, secret: str = SECRET, at: datetime = NOW) -> dict[str, str]:
    moment = str(int(at.timestamp()))
    digest = hmac.new(secret.encode(), f"{moment}.".encode() + body, hashlib.sha256).hexdigest()
    return {"x-signature": f"t={moment},v1={digest}"}


def event(kind: str, resource_id: object = "x-1", **data: object) -> dict[str, object]:
    return {"event_id": "01J0000000000000000000000A", "type": kind, "occurred_at": "2026-11-20T08:59:59Z", "sequence": 1,
            "resource_id": resource_id, "data": data}


def test_a_signature_of_either_secret_is_believed_within_five_minutes():
    body = b'{"type":"settings.changed"}'
    assert verify(body, signed(body), [SECRET, OLD], NOW) is None
    assert verify(body, signed(body, OLD), [SECRET, OLD], NOW) is None
    assert verify(body, {"X-Signature": signed(body)["x-signature"]}, [SECRET], NOW) is None
    for apart in (timedelta(seconds=299), -timedelta(seconds=299)):
        assert verify(body, signed(body), [SECRET], NOW + apart) is None
    for apart in (timedelta(seconds=301), -timedelta(seconds=301)):
        assert "old" in (verify(body, signed(body), [SECRET], NOW + apart) or "")


@pytest.mark.parametrize("headers", [
    {}, {"x-signature": ""}, {"x-signature": "t=,v1=00"}, {"x-signature": "v1=00"}, {"x-signature": "t=99999999999999,v1=00"},
    {"x-signature": "t=1763629200,v1=00"}, {"x-signature": "t=١,v1=00"}, {"x-signature": "t=1763629200,v1=é"},
])
def test_anything_else_is_not(headers):
    assert verify(b"{}", headers, [SECRET], NOW)


def test_a_changed_body_is_not_believed():
    assert verify(b'{"a":2}', signed(b'{"a":1}'), [SECRET], NOW)


@pytest.mark.parametrize("sent, rung", [
    (event("purchase_order.approved", "po-1"), Doorbell("commitment", "purchase_order:po-1")),
    (event("purchase_order.updated", "po-1"), Doorbell("commitment", "purchase_order:po-1")),
    (event("purchase_order.cancelled", "po-1"), Doorbell("commitment", "purchase_order:po-1")),
    (event("invoice.ready_to_post", "inv-1"), Doorbell("invoice", "inv-1")),
    (event("invoice.changed_after_post", "inv-1"), Doorbell("invoice", "inv-1")),
    (event("settings.changed", "4100"), Doorbell("settings", "4100")),
    (event("supplier.upserted", "sup-1"), Doorbell("vendor", "sup-1")),
    (event("project.upserted", "prj-1"), Doorbell("project", "prj-1")),
    (event("cost_code.upserted", "pcc-1", project_id="prj-1"), Doorbell("budget_code", "pcc-1", "prj-1")),
])
def test_what_an_event_rings_for(sent, rung):
    assert doorbell(sent) == rung
    assert event_id(sent) == "01J0000000000000000000000A"


@pytest.mark.parametrize("sent", [
    event("project.upserted", external={"procore_id": "11"}),
    event("cost_code.upserted", project_id="prj-1", external={"procore_id": "501"}),
    event("payment_claim.approved"),
])
def test_our_own_writes_and_payment_claims_ring_for_nothing(sent):
    assert isinstance(doorbell(sent), Ignored)


@pytest.mark.parametrize("sent", [
    event("invoice.deleted"), event("invoice.ready_to_post", 7), event("invoice.ready_to_post", ""), {}, {"type": []},
    {**event("invoice.ready_to_post"), "data": None}, event("cost_code.upserted"),
])
def test_a_malformed_or_unknown_event_is_not_understood(sent):
    with pytest.raises(NotUnderstood):
        doorbell(sent)


@pytest.mark.parametrize("value", [None, "", 7, "x" * 101])
def test_an_event_without_a_usable_id(value):
    with pytest.raises(NotUnderstood):
        event_id({"event_id": value})


def test_subscribing_twice_makes_one_subscription_of_all_that_rings():
    world = LentuneWorld()
    assert subscribe(world.client, URL, SECRET) == subscribe(world.client, URL, SECRET) == WANTED
    [made] = world.state("subscriptions")
    assert (made["url"], sorted(made["events"])) == (URL, WANTED)
    assert set(WANTED) == set(RINGS) - {"payment_claim.approved"}


def test_an_outdated_subscription_to_our_address_is_replaced_and_others_are_left():
    world = LentuneWorld()
    for url, events in ((URL, ["settings.changed"]), ("http://127.0.0.1:9/other", ["settings.changed"])):
        from connectors.calls import Request

        world.client.write(Request("POST", "/webhook-subscriptions", body={"url": url, "events": events, "secret": OLD}))
    subscribe(world.client, URL, SECRET)
    assert sorted((one["url"], len(one["events"])) for one in world.state("subscriptions")) == [
        (URL, len(WANTED)), ("http://127.0.0.1:9/other", 1)]


def test_what_the_simulator_sends_is_believed_and_understood():
    world, known = LentuneWorld(), MemoryKnown()
    subscribe(world.client, URL, SECRET)
    world.write(flow("project").hold(project(), known, KEY))
    world.act("set_settings", settings={"auto_push_invoices": False})
    rung = []
    for delivery in world.core.tick():
        import json

        assert verify(delivery.body, delivery.headers, [SECRET], world.clock.now()) is None
        rung.append(doorbell(json.loads(delivery.body)))
    assert Doorbell("settings", "4100") in rung
    assert any(isinstance(one, Ignored) for one in rung)
