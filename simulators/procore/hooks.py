"""Webhook hooks and triggers, the first interface: a hook of a company or a project, with one trigger per event."""

from typing import TYPE_CHECKING

from simulators.kit.http import Request, Response
from simulators.procore import paging, webhooks
from simulators.procore.errors import TAKEN, Refused, invalid, missing
from simulators.procore.routes import route
from simulators.procore.store import Company, Row, public, required

if TYPE_CHECKING:
    from simulators.procore.core import Procore

VERSIONS = ("v2", "v2.0", "v3.0", "v4.0")
MOST_TRIGGERS = 500
BASE = "/rest/v1.0/webhooks/hooks"
TOOLS = {"Purchase Order": "Commitments", "Work Order": "Commitments", "Budget": "Budget", "Direct Cost": "Direct Costs"}


def create(simulator: "Procore", company: Company, project_id: int | None, fields: Row) -> Row:
    """A hook; one namespace and address once per owner. Raises 422."""
    required(fields, "api_version", "destination_url")
    if fields["api_version"] not in VERSIONS:
        raise invalid(api_version="is not included in the list")
    if not str(fields["destination_url"]).startswith(("https://", "http://127.0.0.1", "http://localhost")):
        raise invalid(destination_url="must be an https address")
    namespace = fields.get("namespace")
    if namespace is not None and not all(c.isdigit() or c == "-" or "a" <= c <= "z" for c in str(namespace)):
        raise invalid(namespace="may have a-z, 0-9 and - only")
    for other in company.rows("hooks"):
        same = ("namespace", namespace), ("destination_url", fields["destination_url"])
        if other["owned_by_project_id"] == project_id and all(other[name] == value for name, value in same):
            raise invalid(destination_url=TAKEN)
    row: Row = {
        "id": company.new_id("hooks"),
        "api_version": fields["api_version"],
        "namespace": namespace,
        "destination_url": fields["destination_url"],
        "destination_headers": fields.get("destination_headers") or {},
        "owned_by_company_id": company.id if project_id is None else None,
        "owned_by_project_id": project_id,
        "owned_by_user_id": None,
        "_status": "active",
        "_wanted": set(),
        "_created_at": simulator.now_text(),
        "_updated_at": simulator.now_text(),
    }
    company.add("hooks", row)
    simulator.changed("webhook_hooks", row, "created", f"{namespace} {row['destination_url']}")
    return row


def update(simulator: "Procore", company: Company, row: Row, fields: Row) -> Row:
    names = ("api_version", "namespace", "destination_url", "destination_headers")
    row.update({name: fields[name] for name in names if fields.get(name) is not None})
    row["_updated_at"] = simulator.now_text()
    simulator.changed("webhook_hooks", row, "updated", f"{row['namespace']} {row['destination_url']}")
    return row


def delete(simulator: "Procore", company: Company, row: Row) -> None:
    """With its triggers and what waits to be delivered."""
    for trigger in [t for t in company.rows("triggers") if t["webhook_hook_id"] == row["id"]]:
        company.remove("triggers", trigger)
    company.remove("hooks", row)
    simulator.outbox.flush(f"{company.id}/{row['id']}")
    simulator.changed("webhook_hooks", row, "deleted", f"{row['namespace']} {row['destination_url']}")


def add_trigger(simulator: "Procore", company: Company, hook: Row, fields: Row) -> Row:
    """Refuses names and events that are not offered, and a trigger that exists. Raises 422."""
    required(fields, "resource_name", "event_type")
    name, event = fields["resource_name"], str(fields["event_type"]).lower()
    if name not in webhooks.RESOURCES or (hook["owned_by_project_id"] and name not in webhooks.PROJECT_RESOURCES):
        raise invalid(resource_name="is not included in the list")
    if event not in webhooks.RESOURCES[name]:
        raise invalid(event_type="is not included in the list")
    if (name, event) in hook["_wanted"]:
        raise invalid(resource_name=TAKEN)
    row: Row = {
        "id": company.new_id("triggers"),
        "webhook_hook_id": hook["id"],
        "resource_name": name,
        "resource_id": None,
        "event_type": event.upper(),
        "company_id": company.id,
        "project_id": hook["owned_by_project_id"],
        "user_id": None,
    }
    company.add("triggers", row)
    hook["_wanted"].add((name, event))
    simulator.changed("webhook_triggers", row, "created", f"{hook['id']} {name} {event}")
    return row


def _owner(simulator: "Procore", company_id: object, project_id: object) -> int | None:
    """A project's id, or None for the company. Raises 400 when neither is named."""
    if project_id not in (None, ""):
        return int(simulator.project(project_id)["id"])
    if company_id in (None, ""):
        raise missing("company_id")
    if str(company_id) != str(simulator.company.id):
        raise Refused(400, {"company_id": ["is not the company of the Procore-Company-Id header"]})
    return None


def _sent(simulator: "Procore", request: Request) -> Row:
    sent = simulator.body(request)
    _owner(simulator, sent.get("company_id"), sent.get("project_id"))
    return sent


@route("GET", BASE)
def list_hooks(simulator: "Procore", request: Request) -> Response:
    owner = _owner(simulator, request.q("company_id"), request.q("project_id"))
    namespace, version = request.q("namespace"), request.q("api_version")
    rows = [
        row
        for row in simulator.company.rows("hooks")
        if row["owned_by_project_id"] == owner and namespace in (None, row["namespace"]) and version in (None, row["api_version"])
    ]
    return paging.answer(request, rows, public)


@route("POST", BASE)
def create_hook(simulator: "Procore", request: Request) -> Response:
    sent = simulator.body(request)
    owner = _owner(simulator, sent.get("company_id"), sent.get("project_id"))
    return Response.of(201, public(create(simulator, simulator.company, owner, simulator.body(request, "hook"))))


@route("PATCH", BASE + "/{id}")
def update_hook(simulator: "Procore", request: Request, id: str) -> Response:
    _sent(simulator, request)
    row = simulator.company.get("hooks", id)
    return Response.of(200, public(update(simulator, simulator.company, row, simulator.body(request, "hook"))))


@route("DELETE", BASE + "/{id}")
def delete_hook(simulator: "Procore", request: Request, id: str) -> Response:
    delete(simulator, simulator.company, simulator.company.get("hooks", id))
    return Response(200)


@route("GET", BASE + "/{hook_id}/triggers")
def list_triggers(simulator: "Procore", request: Request, hook_id: str) -> Response:
    hook = simulator.company.get("hooks", hook_id)
    rows = [row for row in simulator.company.rows("triggers") if row["webhook_hook_id"] == hook["id"]]
    return paging.answer(request, rows, public)


@route("POST", BASE + "/{hook_id}/triggers")
def create_trigger(simulator: "Procore", request: Request, hook_id: str) -> Response:
    _sent(simulator, request)
    hook = simulator.company.get("hooks", hook_id)
    row = add_trigger(simulator, simulator.company, hook, simulator.body(request, "trigger"))
    return Response.of(201, public(row))


@route("DELETE", BASE + "/{hook_id}/triggers/{id}")
def delete_trigger(simulator: "Procore", request: Request, hook_id: str, id: str) -> Response:
    hook, row = simulator.company.get("hooks", hook_id), simulator.company.get("triggers", id)
    simulator.company.remove("triggers", row)
    hook["_wanted"].discard((row["resource_name"], row["event_type"].lower()))
    simulator.changed("webhook_triggers", row, "deleted", f"{hook['id']} {row['resource_name']}")
    return Response(200)


@route("POST", BASE + "/{hook_id}/triggers/bulk")
def bulk_create_triggers(simulator: "Procore", request: Request, hook_id: str) -> Response:
    """207 when some were refused."""
    sent = _sent(simulator, request).get("triggers")
    if not isinstance(sent, list):
        raise missing("triggers")
    if len(sent) > MOST_TRIGGERS:
        raise Refused(413, f"At most {MOST_TRIGGERS} triggers can be sent at once")
    hook = simulator.company.get("hooks", hook_id)
    made, failed = [], []
    for fields in sent:
        try:
            made.append(public(add_trigger(simulator, simulator.company, hook, fields)))
        except Refused as error:
            failed.append({**fields, "errors": error.fields()})
    # The document shapes this answer as a trigger, so it has an id: the hook's.
    return Response.of(207 if failed else 200, {"id": hook["id"], "success": made, "failed": failed})


@route("GET", BASE + "/{hook_id}/deliveries")
def list_deliveries(simulator: "Procore", request: Request, hook_id: str) -> Response:
    """By cursor: `page_start` is the last id seen."""
    hook = simulator.company.get("hooks", hook_id)
    size, start = int(request.q("page_size") or 100), int(request.q("page_start") or 0)
    wanted = (paging.wanted_values(request, "status") or ["any"])[0]
    outcomes = {"successful": ("ok",), "failing": ("retried", "failed"), "discarded": ("discarded",)}.get(wanted)
    rows = [
        row
        for row in simulator.company.deliveries
        if row["_hook_id"] == hook["id"] and row["_id"] > start and (outcomes is None or row["outcome"] in outcomes)
    ]
    return Response.of(200, [_delivery(row) for row in rows[:size]])


def _delivery(row: Row) -> Row:
    """The v4 event has another shape, which this list's document does not know: it is left out."""
    shown = public(row)
    if not isinstance(row["event"].get("id"), int):
        shown["event"] = None
    return shown


@route("GET", "/rest/v1.0/webhooks/resources")
def list_resources(simulator: "Procore", request: Request) -> Response:
    names = webhooks.PROJECT_RESOURCES if request.q("project_id") else webhooks.RESOURCES
    return paging.answer(request, [_resource(name) for name in names], dict)


def _resource(name: str) -> Row:
    events = webhooks.RESOURCES[name]
    tool = next((tool for start, tool in TOOLS.items() if name.startswith(start)), name)
    return {
        "name": name,
        "api_version": "v2.0",
        "product_category": "Financial Management",
        "tools": tool,
        "except": [event for event in webhooks.CUD if event not in events],
    }
