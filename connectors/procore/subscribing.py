"""Asks Procore to ring: one hook of ours per company with a trigger for everything it offers that we use."""

from collections.abc import Iterator
from typing import Any

from connectors.calls import CallFailed, Forbidden, NotUnderstood, Request, Unavailable
from connectors.ports import Client
from connectors.procore.client import ProcoreClient, own
from connectors.procore.shapes import ident
from connectors.procore.webhooks import RINGS, authorization
from objects.outcome import Outcome

HOOKS = "/rest/v1.0/webhooks/hooks"
EVENTS = ("create", "update", "delete")
#: Triggers in one bulk request; above it Procore answers 413.
MOST_TRIGGERS = 500


def subscribe(client: Client, url: str, secret: str, renew: bool = False) -> list[str]:
    """The resource names that ring at `url` from now on; what is not among them must be scanned.

    May be called at every start: what is there already is left as it is, but for a header that is not ours, which is
    corrected every time, `renew` or not. Raises CallFailed's subclasses.
    """
    procore = own(client)
    wanted = set(_offered(procore))
    hook_id = _hook(procore, url, secret)
    there = set(_triggers(procore, hook_id))
    missing = sorted(wanted - there)
    for start in range(0, len(missing), MOST_TRIGGERS):
        there |= _add(procore, hook_id, missing[start:start + MOST_TRIGGERS])
    return sorted({name for name, _ in wanted if {pair for pair in wanted if pair[0] == name} <= there})


def _offered(client: ProcoreClient) -> Iterator[tuple[str, str]]:
    """Resource and event, as Procore offers them to this sign-in today, of those that ring for something of ours."""
    for entry in client.all("/rest/v1.0/webhooks/resources"):
        name = str(entry.get("name") or "")
        if name.casefold() in RINGS:
            refused = {str(event).casefold() for event in entry.get("except") or ()}
            yield from ((name, event) for event in EVENTS if event not in refused)


def _hook(client: ProcoreClient, url: str, secret: str) -> str:
    """The id of our hook to this address, made or corrected where needed."""
    scope = {"company_id": client.company, "namespace": client.settings.namespace}
    header = {"Authorization": authorization(secret)}
    version = client.settings.payload_version
    for hook in client.all(HOOKS, scope):
        if hook.get("destination_url") != url or hook.get("namespace") != client.settings.namespace:
            continue
        client.same_company(hook.get("owned_by_company_id"), "webhooks/hooks")
        hook_id = ident(hook, "webhooks/hooks")
        if hook.get("destination_headers") != header or hook.get("api_version") != version:
            body = {"company_id": int(client.company), "hook": {"destination_headers": header, "api_version": version}}
            _done(client, Request("PATCH", f"{HOOKS}/{hook_id}", {}, body))
        return hook_id
    hook = {"api_version": version, "namespace": client.settings.namespace, "destination_url": url,
            "destination_headers": header}
    return ident(_done(client, Request("POST", HOOKS, {}, {"company_id": int(client.company), "hook": hook})), "hook")


def _triggers(client: ProcoreClient, hook_id: str) -> Iterator[tuple[str, str]]:
    for trigger in client.all(f"{HOOKS}/{hook_id}/triggers", {"company_id": client.company}):
        yield str(trigger.get("resource_name")), str(trigger.get("event_type")).casefold()


def _add(client: ProcoreClient, hook_id: str, missing: list[tuple[str, str]]) -> set[tuple[str, str]]:
    """Adds triggers; when some are refused (207), the list says which are there."""
    triggers = [{"resource_name": name, "event_type": event} for name, event in missing]
    body = {"company_id": int(client.company), "api_version": client.settings.payload_version, "triggers": triggers}
    _done(client, Request("POST", f"{HOOKS}/{hook_id}/triggers/bulk", {}, body))
    return set(_triggers(client, hook_id))


def _done(client: ProcoreClient, request: Request) -> dict[str, Any]:
    answer = client.send(request)
    if answer.outcome is Outcome.confirmed:
        if not isinstance(answer.body, dict):
            raise NotUnderstood(request.path, "the answer is not a record")
        return answer.body
    if answer.outcome is Outcome.refused:
        raise (Forbidden if answer.status == 403 else CallFailed)(request, answer)
    raise Unavailable(request, answer)
