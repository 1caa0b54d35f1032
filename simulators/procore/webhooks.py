"""Webhooks: which events exist, who gets them, their three payload formats, and Procore's own retry rules."""

import json
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from simulators.kit.delivery import Delivery
from simulators.procore.store import Company, Row

if TYPE_CHECKING:
    from simulators.procore.core import Procore

CUD = ("create", "update", "delete")
# Recorded from a developer sandbox (contract section 9): subcontractor invoices and billing periods are not among them.
COMPANY_RESOURCES: dict[str, tuple[str, ...]] = {
    "Projects": ("create", "update"),
    "Company Vendors": CUD,
    "Departments": CUD,
    "Line Item Types": CUD,
    "Programs": CUD,
    "Project Regions": CUD,
    "Project Stages": CUD,
    "Project Types": CUD,
    "Standard Cost Codes": CUD,
    "Standard Cost Code Lists": ("create",),
    "ERP Requests": CUD,
}
PROJECT_RESOURCES: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(
        (
            "Budget Line Items",
            "Budget Changes",
            "Budget Change Adjustments",
            "Budget Change Adjustment Line Items",
            "Budget Modifications",
            "Cost Codes",
            "Sub Jobs",
            "Purchase Order Contracts",
            "Purchase Order Contract Line Items",
            "Work Order Contracts",
            "Work Order Contract Line Items",
            "Change Order Packages",
            "Change Order Requests",
            "Potential Change Orders",
            "Potential Change Order Line Items",
            "Change Events",
            "Contract Payments",
            "Payment Applications",
            "Draw Requests",
            "Direct Costs",
            "Direct Cost Line Items",
            "Company Direct Cost Line Items",
            "Prime Contracts",
            "Prime Contract Line Items",
        ),
        CUD,
    ),
    "Budget View Snapshots": ("create",),
    "Project Vendors": ("create", "delete"),
}
RESOURCES = {**COMPANY_RESOURCES, **PROJECT_RESOURCES}

EVENTS = {"created": "create", "updated": "update", "deleted": "delete"}
LONGEST_PAUSE = timedelta(hours=1)
GIVEN_UP_AFTER = timedelta(hours=12)
PERSON_USER_ID = 30_001
SERVICE_USER_ID = 39_001
CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


def emit(
    simulator: "Procore", company: Company, resource: str, effect: str, row: Row, related: tuple[tuple[int, str], ...]
) -> None:
    """Queues one event for every hook with a trigger for it; the event never holds the record."""
    hooks = company.tables.get("hooks")
    event = EVENTS[effect]
    if not hooks or event not in RESOURCES[resource]:
        return
    project_id = row.get("_project_id") if resource in PROJECT_RESOURCES else None
    if resource == "Projects":
        project_id = row["id"]
    takers = [hook for hook in hooks.values() if _takes(company, hook, resource, event, project_id)]
    if not takers:
        return
    number = company.new_id("events")
    now = simulator.clock.now()
    app = simulator.context.actor == "client"
    facts = {
        "id": number,
        "ulid": ulid(now, number),
        "timestamp": now.strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
        "metadata": {
            "source_user_id": SERVICE_USER_ID if app else PERSON_USER_ID,
            "source_project_id": project_id,
            "source_operation_id": None,
            "source_company_id": company.id,
            "source_application_id": simulator.credentials["client_id"] if app else None,
        },
        "user_id": SERVICE_USER_ID if app else PERSON_USER_ID,
        "company_id": company.id,
        "project_id": project_id,
        "event_type": event,
        "resource_name": resource,
        "resource_id": row["id"],
    }
    for hook in takers:
        payload = _payload(facts, hook["api_version"], related)
        simulator.outbox.put(
            Delivery(
                id=f"{company.id}-{number}-{hook['id']}",
                url=hook["destination_url"],
                headers={"Content-Type": "application/json", **_headers(hook)},
                body=json.dumps(payload).encode(),
                queue=f"{company.id}/{hook['id']}",
                company=str(company.id),
                subject=f"{resource} {event}",
            )
        )


def _takes(company: Company, hook: Row, resource: str, event: str, project_id: int | None) -> bool:
    if hook["_status"] != "active":
        return False
    owner = hook["owned_by_project_id"]
    if owner is not None and (owner != project_id or resource not in PROJECT_RESOURCES):
        return False
    return (resource, event) in hook["_wanted"]


def _headers(hook: Row) -> dict[str, str]:
    return {name: str(value) for name, value in (hook["destination_headers"] or {}).items() if value is not None}


def _payload(facts: dict[str, Any], version: str, related: tuple[tuple[int, str], ...]) -> dict[str, Any]:
    """v2 and v3 differ by related_resources; v4 is another shape with every id as text."""
    if version.startswith("v4"):
        return {
            "id": facts["ulid"],
            "timestamp": facts["timestamp"],
            "reason": facts["event_type"],
            "company_id": str(facts["company_id"]),
            "project_id": None if facts["project_id"] is None else str(facts["project_id"]),
            "user_id": str(facts["user_id"]),
            "resource_type": facts["resource_name"],
            "resource_id": str(facts["resource_id"]),
        }
    if version.startswith("v3"):
        named = [{"id": number, "name": name} for number, name in related]
        return {**facts, "api_version": "v3.0", "related_resources": named}
    return {**facts, "api_version": version if version in ("v2", "v2.0") else "v2.0"}


def ulid(moment: datetime, number: int) -> str:
    """26 characters: milliseconds, then a number that is unique in the company."""
    value = (int(moment.timestamp() * 1000) << 80) | (number * 0x9E3779B97F4A7C15 % (1 << 80))
    return "".join(CROCKFORD[(value >> shift) & 31] for shift in range(125, -1, -5))


def retry_at(simulator: "Procore", delivery: Delivery, now: datetime) -> datetime | None:
    """The hook's queue pauses: 1 s, 2 s, 4 s ... 1 h; after 12 h of failure all that waits is thrown away."""
    company, hook = _hook(simulator, delivery)
    if company is None or hook is None:
        simulator.outbox.flush(delivery.queue)
        return None
    failing_since = hook["_failing_since"] = hook.get("_failing_since") or now
    if now - failing_since >= GIVEN_UP_AFTER:
        for thrown in simulator.outbox.flush(delivery.queue):
            _log(simulator, company, hook, thrown, None, "discarded")
        hook["_failing_since"] = None
        return None
    return now + min(LONGEST_PAUSE, timedelta(seconds=2 ** min(delivery.attempt - 1, 12)))


def log(simulator: "Procore", delivery: Delivery, status: int | None, ok: bool) -> None:
    """Keeps what the deliveries list shows."""
    company, hook = _hook(simulator, delivery)
    if company is None or hook is None:
        return
    if ok:
        hook["_failing_since"] = None
    _log(simulator, company, hook, delivery, status, "ok" if ok else "retried")


def _hook(simulator: "Procore", delivery: Delivery) -> tuple[Company | None, Row | None]:
    owner, _, number = delivery.queue.partition("/")
    company = simulator.data.companies.get(int(owner))
    return company, company.find("hooks", number) if company else None


def _log(simulator: "Procore", company: Company, hook: Row, delivery: Delivery, status: int | None, outcome: str) -> None:
    event = json.loads(delivery.body)
    company.deliveries.append(
        {
            "_id": len(company.deliveries) + 1,
            "_hook_id": hook["id"],
            "event": event,
            "event_id": int(delivery.id.split("-")[1]),
            "outcome": outcome,
            "response_status": status,
            "response_error": None if status is not None else "no answer",
            "started_at": simulator.now_text(),
            "completed_at": simulator.now_text(),
        }
    )
