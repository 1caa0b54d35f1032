"""Events of the Lentune simulator: subscriptions, signature, order, retries, replay."""

import hashlib
import hmac
import json
from typing import Any

import pytest

from tests.unit.simulators.lentune_calls import COMPANY, Caller, Json
from tests.unit.simulators.lentune_document import check_event

pytestmark = pytest.mark.unit
SECRET = "a secret of more than 24 characters"
EVENTS = ["settings.changed", "invoice.ready_to_post", "invoice.changed_after_post", "purchase_order.approved",
          "purchase_order.updated", "purchase_order.cancelled", "payment_claim.approved"]  # fmt: skip


def subscribed(events: list[str] | None = None, dataset: str = "small") -> Caller:
    caller = Caller(dataset)
    body = {"url": "http://127.0.0.1:9/hook", "events": events or EVENTS, "secret": SECRET}
    assert caller.send("POST", "/webhook-subscriptions", body).status == 201
    return caller


def toggle(caller: Caller, value: bool) -> None:
    caller.act("set_settings", settings={"auto_push_invoices": value})


def sent(caller: Caller, status: int | None = 202, seconds: float = 0) -> list[Json]:
    """Lets deliveries go until none is due, each with this outcome; answers their envelopes."""
    found = []
    deliveries = caller.pass_time(seconds)
    while deliveries:
        for delivery in deliveries:
            found.append(json.loads(delivery.body))
            caller.core.delivered(delivery, status)
        deliveries = caller.pass_time()
    return found


def test_the_secret_is_never_shown() -> None:
    caller = subscribed()
    row = caller.get("/webhook-subscriptions")["data"][0]
    assert row["secret_set"] is True
    assert SECRET not in json.dumps(caller.core.state())
    assert caller.send("DELETE", f"/webhook-subscriptions/{row['id']}").status == 204
    assert caller.refused("DELETE", f"/webhook-subscriptions/{row['id']}") == (404, "not_found")
    toggle(caller, False)
    assert sent(caller) == []


@pytest.mark.parametrize(
    ("changes", "refusal"),
    [
        ({"secret": "short"}, (400, "validation_failed")),
        ({"events": []}, (400, "validation_failed")),
        ({"events": ["everything"]}, (400, "validation_failed")),
        ({"url": "ftp://somewhere/"}, (422, "validation_failed")),
    ],
)
def test_bad_subscriptions(changes: Json, refusal: tuple[int, str]) -> None:
    body = {"url": "http://127.0.0.1:9/hook", "events": EVENTS, "secret": SECRET} | changes
    assert Caller().refused("POST", "/webhook-subscriptions", body) == refusal


def test_signature_over_seconds_full_stop_body() -> None:
    caller = subscribed()
    toggle(caller, False)
    delivery = caller.pass_time(7)[0]
    moment = str(int(caller.clock.now().timestamp()))
    digest = hmac.new(SECRET.encode(), f"{moment}.".encode() + delivery.body, hashlib.sha256).hexdigest()
    assert delivery.headers["X-Signature"] == f"t={moment},v1={digest}"


def test_the_sequence_rises_by_one_per_record() -> None:
    caller = subscribed()
    for value in (False, True, False):
        toggle(caller, value)
    events = sent(caller)
    assert [event["sequence"] for event in events] == [1, 2, 3]
    assert {(event["type"], event["resource_id"]) for event in events} == {("settings.changed", COMPANY)}
    assert len({event["event_id"] for event in events}) == 3


def test_pauses_grow_until_the_event_is_dead_and_a_replay_revives_it() -> None:
    caller = subscribed()
    toggle(caller, False)
    tries = []
    signatures = set()
    for _ in range(6):
        delivery = caller.pass_time()[0]
        signatures.add(delivery.headers["X-Signature"])
        tries.append(caller.clock.now())
        caller.core.delivered(delivery, None)
        waiting = caller.get("/webhook-deliveries", state="failing")["data"][0]
        assert waiting["tries"] == len(tries)
        caller.clock.advance({1: 5, 2: 15, 3: 60, 4: 300, 5: 900}.get(len(tries), 3600))
    assert len(signatures) == 6
    caller.token = caller.sign_in().json()["access_token"]
    assert caller.get("/health")["webhook_backlog"] == 1
    for _ in range(80):
        sent(caller, None, 3600)
    caller.token = caller.sign_in().json()["access_token"]
    dead = caller.get("/webhook-deliveries", state="dead")["data"][0]
    assert caller.send("POST", f"/webhook-deliveries/{dead['event_id']}/replay").status == 202
    assert [event["event_id"] for event in sent(caller)] == [dead["event_id"]]
    assert caller.get("/webhook-deliveries")["data"][0]["state"] == "delivered"
    assert caller.refused("POST", "/webhook-deliveries/01NONE/replay") == (404, "not_found")


def test_one_stuck_record_stops_no_other() -> None:
    caller = subscribed()
    toggle(caller, False)
    assert len(sent(caller, 500)) == 1
    invoice(caller)
    assert [event["type"] for event in sent(caller)] == ["invoice.ready_to_post"]


def invoice(caller: Caller) -> Any:
    project = caller.project()
    caller.cost_type("M", "1")
    caller.cost_code(project, "03-300", "41", cost_type_code="M")
    return caller.act("create_invoice", number="INV-1", supplier="Pacific Concrete Ltd", date="2026-11-10",
                      project="1001", lines=[{"code": "03-300", "type": "M", "net": "4.00"}])  # fmt: skip


def test_a_posted_invoice_that_changes_says_so() -> None:
    caller = subscribed()
    row = invoice(caller)
    body = {"result": "posted", "target": "direct_cost", "procore_id": "7", "run_id": "r"}
    caller.send("PUT", f"/invoices/{row['id']}/posting-result", body)
    caller.act("change_invoice", number="INV-1", net="5.00")
    events = sent(caller)
    assert [(event["type"], event["sequence"]) for event in events] == [
        ("invoice.ready_to_post", 1), ("invoice.changed_after_post", 2),
    ]  # fmt: skip
    assert events[1]["data"]["posting"]["state"] == "posted"


def test_every_event_is_as_the_document_says() -> None:
    caller = subscribed()
    invoice(caller)
    project, code = caller.get("/projects")["data"][0], {"code": "03-300", "amount": "9", "description": "Nails"}
    subcontract = {"number": "SC-1", "description": "Steel", "project_id": project["id"], "status": "approved",
                   "lines": [{"external_line_id": "1", "cost_code_id": "pcc-000001", "description": "x",
                              "amount": "1.00"}],
                   "external": {"procore_company_id": COMPANY, "procore_id": "31",
                                "procore_type": "work_order_contract"}}  # fmt: skip
    caller.put(f"/subcontracts/by-procore/{COMPANY}/31", subcontract)
    caller.act("create_payment_claim", subcontract="SC-1", reference="C1", claimed="1")
    caller.act("set_settings", settings={"procore_purchase_order": False, "lentune_purchase_order": True})
    caller.act("create_purchase_order", project="1001", description="Nails", supplier="Nobody", lines=[code], number="P1")
    caller.act("change_purchase_order", number="P1", amount="8")
    caller.act("cancel_purchase_order", number="P1")
    body = {"result": "posted", "target": "direct_cost", "procore_id": "7", "run_id": "r"}
    caller.send("PUT", f"/invoices/{caller.get('/invoices')['data'][0]['id']}/posting-result", body)
    caller.act("change_invoice", number="INV-1", net="5.00")
    events = sent(caller)
    assert {event["type"] for event in events} == set(EVENTS)
    for event in events:
        check_event(event)
