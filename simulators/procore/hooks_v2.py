"""Webhook hooks and triggers, the second interface: company scope, flat bodies, ids as text."""

from typing import TYPE_CHECKING

from simulators.kit.http import Request, Response
from simulators.procore import hooks, paging, webhooks
from simulators.procore.errors import missing
from simulators.procore.routes import route
from simulators.procore.store import Row, required

if TYPE_CHECKING:
    from simulators.procore.core import Procore

BASE = "/rest/v2.0/companies/{company_id}/webhooks"
STATUSES = {"ok": "delivered", "retried": "retrying", "failed": "failed", "discarded": "discarded"}


def _hook(simulator: "Procore", row: Row) -> Row:
    triggers = sum(1 for t in simulator.company.rows("triggers") if t["webhook_hook_id"] == row["id"])
    return {
        "id": str(row["id"]),
        "status": row["_status"],
        "payload_version": row["api_version"],
        "namespace": row["namespace"],
        "destination_url": row["destination_url"],
        "trigger_count": triggers,
        "company_id": str(simulator.company.id),
        "project_id": None if row["owned_by_project_id"] is None else str(row["owned_by_project_id"]),
        "created_at": row["_created_at"],
        "updated_at": row["_updated_at"],
    }


def _trigger(row: Row) -> Row:
    return {
        "id": str(row["id"]),
        "webhook_hook_id": str(row["webhook_hook_id"]),
        "resource_name": row["resource_name"],
        "event_type": row["event_type"].lower(),
        "company_id": str(row["company_id"]),
        "project_id": None,
    }


@route("GET", BASE + "/hooks")
def list_hooks(simulator: "Procore", request: Request, company_id: str) -> Response:
    namespace = request.q("namespace")
    rows = [
        row
        for row in simulator.company.rows("hooks")
        if row["owned_by_project_id"] is None and namespace in (None, row["namespace"])
    ]
    return paging.answer_v2(request, rows, lambda row: _hook(simulator, row))


@route("POST", BASE + "/hooks")
def create_hook(simulator: "Procore", request: Request, company_id: str) -> Response:
    sent = simulator.body(request)
    required(sent, "payload_version", "namespace", "destination_url")
    row = hooks.create(simulator, simulator.company, None, {**sent, "api_version": sent["payload_version"]})
    return Response.of(201, {"data": _hook(simulator, row)})


@route("PATCH", BASE + "/hooks/{id}")
def update_hook(simulator: "Procore", request: Request, company_id: str, id: str) -> Response:
    row, sent = simulator.company.get("hooks", id), simulator.body(request)
    if sent.get("status") in ("active", "disabled"):
        row["_status"] = sent["status"]
    hooks.update(simulator, simulator.company, row, {**sent, "api_version": sent.get("payload_version")})
    return Response.of(200, {"data": _hook(simulator, row)})


@route("DELETE", BASE + "/hooks/{id}")
def delete_hook(simulator: "Procore", request: Request, company_id: str, id: str) -> Response:
    hooks.delete(simulator, simulator.company, simulator.company.get("hooks", id))
    return Response(204)


@route("GET", BASE + "/hooks/{hook_id}/triggers")
def list_triggers(simulator: "Procore", request: Request, company_id: str, hook_id: str) -> Response:
    hook = simulator.company.get("hooks", hook_id)
    rows = [row for row in simulator.company.rows("triggers") if row["webhook_hook_id"] == hook["id"]]
    return paging.answer_v2(request, rows, _trigger)


@route("POST", BASE + "/hooks/{hook_id}/triggers")
def create_trigger(simulator: "Procore", request: Request, company_id: str, hook_id: str) -> Response:
    hook = simulator.company.get("hooks", hook_id)
    row = hooks.add_trigger(simulator, simulator.company, hook, simulator.body(request))
    return Response.of(201, {"data": _trigger(row)})


@route("POST", BASE + "/hooks/{hook_id}/triggers/bulk")
def bulk_create_triggers(simulator: "Procore", request: Request, company_id: str, hook_id: str) -> Response:
    hook, sent = simulator.company.get("hooks", hook_id), simulator.body(request).get("triggers")
    if not isinstance(sent, list):
        raise missing("triggers")
    rows = [hooks.add_trigger(simulator, simulator.company, hook, fields) for fields in sent]
    return Response.of(201, {"data": [_trigger(row) for row in rows]})


@route("GET", BASE + "/hooks/{hook_id}/deliveries")
def list_deliveries(simulator: "Procore", request: Request, company_id: str, hook_id: str) -> Response:
    hook = simulator.company.get("hooks", hook_id)
    rows = [row for row in simulator.company.deliveries if row["_hook_id"] == hook["id"]]
    return paging.answer_v2(request, rows, _delivery)


def _delivery(row: Row) -> Row:
    return {
        "id": str(row["_id"]),
        "status": STATUSES[row["outcome"]],
        "payload": None,
        "delivery_attempts": [{"response_status": row["response_status"], "at": row["started_at"]}],
    }


@route("GET", BASE + "/resources")
def list_resources(simulator: "Procore", request: Request, company_id: str) -> Response:
    version = request.q("payload_version") or "v4.0"
    rows: list[Row] = [
        {
            "category": "Financial Management",
            "tool": name,
            "name": name,
            "payload_version": version,
            "actions": [{"name": event} for event in events],
        }
        for name, events in webhooks.RESOURCES.items()
    ]
    return paging.answer_v2(request, rows, dict)
