"""What Procore's events ring for, in all three payload versions, and whom we believe."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from connectors.calls import NotUnderstood
from connectors.flow import Doorbell, Ignored
from connectors.procore.webhooks import RINGS, SILENT, authorization, doorbell, event_id, verify

NOW = datetime(2026, 11, 20, tzinfo=UTC)
COMPANY = "4100"


def old(resource, ref=4711, event="update", version="v3.0", **more):
    """An event of payload version v2 or v3."""
    return {
        "id": 1, "ulid": "01JCXYZ0000000000000000000", "timestamp": "2026-11-20T00:00:00Z", "event_type": event,
        "resource_name": resource, "resource_id": ref, "company_id": 4100, "project_id": 77, "user_id": 5,
        "api_version": version, **more,
    }  # fmt: skip


def new(resource, ref="4711", reason="update", **more):
    """An event of payload version v4."""
    return {
        "id": "01JCXYZ0000000000000000009", "timestamp": "2026-11-20T00:00:00Z", "reason": reason,
        "company_id": "4100", "project_id": "77", "user_id": "5", "resource_type": resource, "resource_id": ref, **more,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("resource", "expected"),
    [
        ("Projects", Doorbell("project", "4711", "4711")),
        ("Company Vendors", Doorbell("vendor", "4711", "77")),
        ("Line Item Types", Doorbell("cost_type", "4711", "77")),
        ("Standard Cost Codes", Doorbell("cost_code", "4711", "77")),
        ("Sub Jobs", Doorbell("sub_job", "4711", "77")),
        ("Budget Line Items", Doorbell("budget_code", "line:4711", "77", direct=False)),
        ("Purchase Order Contracts", Doorbell("commitment", "purchase_order_contract:4711", "77")),
        ("Work Order Contracts", Doorbell("commitment", "work_order_contract:4711", "77")),
        ("Change Order Packages", Doorbell("variation", "package:4711", "77", direct=False)),
    ],
)
@pytest.mark.requirement("L-02", "L-14")
def test_each_version_rings_alike(resource, expected):
    rung = [doorbell(old(resource, version="v2.0")), doorbell(old(resource)), doorbell(new(resource))]
    assert rung == [replace(expected, company=COMPANY)] * 3


def test_a_deletion_says_so():
    assert doorbell(old("Work Order Contracts", event="delete")).deleted
    assert doorbell(new("Work Order Contracts", reason="deleted")).deleted
    assert not doorbell(new("Work Order Contracts", reason="status_changed")).deleted


def test_a_contract_line_rings_its_contract():
    name = "Purchase Order Contract Line Items"
    rung = Doorbell("commitment", "purchase_order_contract:12", "77", company=COMPANY)
    assert doorbell(old(name, related_resources=[{"id": 12, "name": "Purchase Order Contracts"}])) == rung
    assert doorbell(new(name, data={"contract_id": "12"})) == rung
    assert isinstance(doorbell(old(name, version="v2.0")), Ignored)
    # a line's deletion is a change of its contract, not the contract's end
    gone = old(name, event="delete", related_resources=[{"id": 12, "name": "Purchase Order Contracts"}])
    assert doorbell(gone) == rung


@pytest.mark.parametrize("resource", ["Potential Change Orders", "Direct Costs", "RFIs"])
def test_what_we_do_not_move_is_ignored_with_a_reason(resource):
    assert doorbell(old(resource)).reason


def test_no_resource_both_rings_and_is_silent():
    assert not set(RINGS) & set(SILENT)


@pytest.mark.parametrize(
    "event",
    [
        {}, old("Projects", ref=None), old("Projects", ref="x"), old("Projects", event="explode"), old(""),
        old("Projects", project_id="seven"), new("Projects", reason=""), new("Projects", ref=["1"]),
        old("Projects", ref=True),
    ],
)  # fmt: skip
def test_a_malformed_event_is_not_understood(event):
    with pytest.raises(NotUnderstood):
        doorbell(event)


def test_events_are_known_again_by_their_ulid():
    assert event_id(old("Projects")) == "01JCXYZ0000000000000000000"
    assert event_id(new("Projects")) == "01JCXYZ0000000000000000009"
    with pytest.raises(NotUnderstood):
        event_id({**old("Projects"), "ulid": None})


def test_only_a_header_that_we_set_is_believed():
    secrets = ["new-secret", "old-secret"]
    for secret in secrets:
        assert verify(b"{}", {"Authorization": authorization(secret)}, secrets, NOW) is None
        assert verify(b"{}", {"authorization": authorization(secret)}, secrets, NOW) is None
    assert verify(b"{}", {"authorization": authorization("guess")}, secrets, NOW)
    assert verify(b"{}", {"authorization": ""}, secrets, NOW)
    assert verify(b"{}", {}, secrets, NOW)
    assert verify(b"{}", {"authorization": authorization("")}, [], NOW)
