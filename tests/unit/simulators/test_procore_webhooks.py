"""Webhooks of the simulated Procore: what is offered, who is told what in which shape, and how it is tried again."""

import pytest

from tests.unit.simulators.procore_calls import Caller, Json

HOOKS = "/rest/v1.0/webhooks/hooks"


@pytest.fixture
def procore() -> Caller:
    return Caller()


def subscribe(procore: Caller, *names: str, version: str = "v2", url: str = "http://127.0.0.1:9/hook") -> int:
    hook = {"api_version": version, "namespace": "sitebooks", "destination_url": url}
    hook["destination_headers"] = {"Authorization": "Bearer secret"}  # type: ignore[assignment]
    number = int(procore.call("POST", HOOKS, {"company_id": 4100, "hook": hook}).json()["id"])
    wanted = [{"resource_name": name, "event_type": event} for name in names for event in ("create", "update", "delete")]
    known = [t for t in wanted if not (t["resource_name"] == "Projects" and t["event_type"] == "delete")]
    body = {"company_id": 4100, "api_version": version, "triggers": known}
    answer = procore.call("POST", f"{HOOKS}/{number}/triggers/bulk", body)
    assert answer.status == 200, answer.body
    return number


def test_invoices_and_billing_periods_are_not_offered(procore: Caller) -> None:
    offered = {row["name"]: row["except"] for row in procore.get("/rest/v1.0/webhooks/resources", per_page=100)}
    assert {"Projects", "Purchase Order Contracts", "Change Order Packages", "Direct Costs"} <= set(offered)
    assert not any("Requisition" in name or "Billing" in name or "Commitment Change" in name for name in offered)
    assert offered["Projects"] == ["delete"]
    number = subscribe(procore, "Projects")
    for name, event in (("Requisitions", "create"), ("Projects", "delete"), ("Projects", "update")):
        body = {"company_id": 4100, "api_version": "v2", "trigger": {"resource_name": name, "event_type": event}}
        assert procore.call("POST", f"{HOOKS}/{number}/triggers", body).status == 422


def test_a_person_and_the_app_are_told_apart(procore: Caller) -> None:
    subscribe(procore, "Projects")
    procore.act("set_stage", project="1001", stage="Completed")
    (by_person,) = procore.deliver()
    assert by_person["metadata"]["source_application_id"] is None and by_person["event_type"] == "update"
    project = procore.project()
    procore.call("PATCH", f"/rest/v1.0/projects/{project}", {"company_id": 4100, "project": {"origin_id": "9"}})
    (by_app,) = procore.deliver()
    assert by_app["metadata"]["source_application_id"] == procore.core.credentials["client_id"]
    assert by_app["resource_id"] == project and by_app["ulid"] != by_person["ulid"] and "name" not in by_app


def test_the_authorization_header_is_sent(procore: Caller) -> None:
    subscribe(procore, "Projects")
    procore.act("rename_project", project="1001", name="x")
    (delivery,) = procore.core.tick()
    assert delivery.headers["Authorization"] == "Bearer secret" and delivery.url == "http://127.0.0.1:9/hook"


@pytest.mark.parametrize("version", ["v2", "v2.0", "v3.0", "v4.0"])
def test_three_payload_shapes(procore: Caller, version: str) -> None:
    subscribe(procore, "Purchase Order Contract Line Items", version=version)
    procore.act("change_line", number="PO-1001-01", position=1, amount="61000.00")
    (event,) = procore.deliver()
    order = procore.contract("PO-1001-01")["id"]
    if version == "v4.0":
        assert event["resource_type"] == "Purchase Order Contract Line Items" and isinstance(event["resource_id"], str)
        assert len(event["id"]) == 26 and "metadata" not in event
    elif version == "v3.0":
        assert event["related_resources"] == [{"id": order, "name": "Purchase Order Contracts"}]
    else:
        assert event["api_version"] == version and "related_resources" not in event


def test_a_change_order_is_announced_as_its_package(procore: Caller) -> None:
    subscribe(procore, "Change Order Packages")
    lines = [{"code": "05-100", "type": "S", "amount": "800.00", "description": "More"}]
    order = procore.act("create_variation", commitment="SC-1001-01", number="001", title="V", lines=lines)
    events = procore.deliver()
    shown: Json = procore.get(f"/rest/v1.0/projects/{procore.project()}/commitment_change_orders/{order}")
    assert {event["resource_id"] for event in events} == {shown["legacy_package_id"]}
    found = procore.get(
        f"/rest/v1.0/projects/{procore.project()}/commitment_change_orders",
        filters__legacy_package_id=events[0]["resource_id"],
    )
    assert [row["id"] for row in found] == [order]


def test_a_changed_line_is_a_changed_contract(procore: Caller) -> None:
    subscribe(procore, "Purchase Order Contracts")
    before = procore.contract("PO-1001-01")["updated_at"]
    procore.act("add_line", number="PO-1001-01", code="01-100", type="L", amount="5.00", description="More")
    assert {event["event_type"] for event in procore.deliver()} == {"update"}
    assert procore.contract("PO-1001-01")["updated_at"] > before


def test_a_failing_hook_pauses_backs_off_and_gives_up_after_twelve_hours(procore: Caller) -> None:
    number = subscribe(procore, "Projects")
    for name in ("a", "b"):
        procore.act("rename_project", project="1001", name=name)
    waits = []
    for _ in range(4):
        (head,) = procore.core.tick()
        procore.core.delivered(head, None)
        waits.append(procore.core.outbox.paused_until[head.queue] - procore.clock.now())
        procore.clock.advance(waits[-1].total_seconds())
    assert [wait.total_seconds() for wait in waits] == [1, 2, 4, 8]
    procore.clock.advance(12 * 3600)
    (head,) = procore.core.tick()
    procore.core.delivered(head, 500)
    assert procore.core.outbox.waiting() == 0
    procore.token = procore.sign_in().json()["access_token"]
    gone = procore.get(f"{HOOKS}/{number}/deliveries", company_id="4100", filters__status="discarded")
    assert len(gone) == 2
    procore.act("rename_project", project="1001", name="c")
    assert len(procore.deliver()) == 1


def test_deliveries_page_by_the_last_id_seen(procore: Caller) -> None:
    number = subscribe(procore, "Projects")
    for name in ("a", "b", "c"):
        procore.act("rename_project", project="1001", name=name)
    procore.deliver()
    path = f"{HOOKS}/{number}/deliveries"
    assert len(procore.get(path, company_id="4100", page_size=2)) == 2
    assert [row["outcome"] for row in procore.get(path, company_id="4100", page_start=2)] == ["ok"]


def test_a_deleted_hook_is_silent(procore: Caller) -> None:
    number = subscribe(procore, "Projects")
    procore.act("rename_project", project="1001", name="a")
    assert procore.call("DELETE", f"{HOOKS}/{number}", company_id="4100").status == 200
    assert procore.deliver() == []
    assert procore.get(HOOKS, company_id="4100") == []


def test_the_second_interface_makes_the_same_hooks(procore: Caller) -> None:
    base = "/rest/v2.0/companies/4100/webhooks"
    body = {"payload_version": "v4.0", "namespace": "sitebooks", "destination_url": "http://127.0.0.1:9/x"}
    hook = procore.call("POST", f"{base}/hooks", body).json()["data"]
    trigger = {"resource_name": "Projects", "event_type": "update"}
    assert procore.call("POST", f"{base}/hooks/{hook['id']}/triggers", trigger).status == 201
    refused = procore.call("POST", f"{base}/hooks/{hook['id']}/triggers", trigger)
    assert refused.status == 422 and refused.json()["error"]["code"] == "UNPROCESSABLE_ENTITY"
    procore.act("rename_project", project="1001", name="a")
    assert [event["reason"] for event in procore.deliver()] == ["update"]
    procore.call("PATCH", f"{base}/hooks/{hook['id']}", {"status": "disabled"})
    procore.act("rename_project", project="1001", name="b")
    assert procore.deliver() == []
