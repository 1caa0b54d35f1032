"""Lentune's webhooks (contract B.7): what an event rings for, and asking for them (who sent it: connectors/signed.py)."""

from collections.abc import Callable, Mapping
from typing import Any

from connectors.calls import NotUnderstood, Request
from connectors.flow import Doorbell, Ignored
from connectors.lentune.client import own
from connectors.ports import Client

Event = Mapping[str, Any]


def _order(resource_id: str, data: Event) -> Doorbell | Ignored:
    return Doorbell("commitment", f"purchase_order:{resource_id}")


def _invoice(resource_id: str, data: Event) -> Doorbell | Ignored:
    return Doorbell("invoice", resource_id)


def _settings(resource_id: str, data: Event) -> Doorbell | Ignored:
    return Doorbell("settings", resource_id)


def _supplier(resource_id: str, data: Event) -> Doorbell | Ignored:
    return Doorbell("vendor", resource_id)


def _project(resource_id: str, data: Event) -> Doorbell | Ignored:
    return _echo(data) or Doorbell("project", resource_id)


def _cost_code(resource_id: str, data: Event) -> Doorbell | Ignored:
    project_id = data.get("project_id")
    if not isinstance(project_id, str):
        raise NotUnderstood("data.project_id", "a cost code belongs to a project")
    return _echo(data) or Doorbell("budget_code", resource_id, project_id)


def _claim(resource_id: str, data: Event) -> Doorbell | Ignored:
    return Ignored("payment claims are not kept in agreement; the invoice that follows one rings by itself")


def _echo(data: Event) -> Ignored | None:
    """A record with an anchor is the copy of a Procore record, and it was us who wrote it (reliability F57)."""
    return Ignored("this is our own write coming back") if data.get("external") else None


RINGS: dict[str, Callable[[str, Event], Doorbell | Ignored]] = {
    "purchase_order.approved": _order, "purchase_order.updated": _order, "purchase_order.cancelled": _order,
    "invoice.ready_to_post": _invoice, "invoice.changed_after_post": _invoice, "settings.changed": _settings,
    "supplier.upserted": _supplier, "project.upserted": _project, "cost_code.upserted": _cost_code,
    "payment_claim.approved": _claim,
}
WANTED = sorted(name for name, ring in RINGS.items() if ring is not _claim)


def doorbell(event: Event) -> Doorbell | Ignored:
    """What an event rings for. Raises NotUnderstood for one that is malformed or of an unknown type."""
    kind, resource_id, data = event.get("type"), event.get("resource_id"), event.get("data")
    if not isinstance(kind, str) or kind not in RINGS:
        raise NotUnderstood("type", f"{kind!r} is no event of the contract")
    if not isinstance(resource_id, str) or not resource_id:
        raise NotUnderstood("resource_id", f"{resource_id!r} is no id")
    if not isinstance(data, dict):
        raise NotUnderstood("data", "is not an object")
    return RINGS[kind](resource_id, data)


def subscribe(client: Client, url: str, secret: str, renew: bool = False) -> list[str]:
    """The event types that ring at `url` from now on; what is not among them must be scanned.

    May be called at every start: one subscription of ours stays, others to the same address go. Lentune never tells a
    secret back, so `renew` makes a new one, before the others go: in between an event comes twice, and counts once.
    Raises CallFailed.
    """
    lentune = own(client)
    there = [one for page in lentune.pages("/webhook-subscriptions") for one in page if one.get("url") == url]
    fitting = [one for one in there if one.get("active") is True and sorted(one.get("events") or ()) == WANTED]
    kept = [] if renew else fitting[:1]
    if not kept:
        body = {"url": url, "events": WANTED, "secret": secret}
        lentune.write(Request("POST", "/webhook-subscriptions", body=body))
    for one in there:
        if one not in kept:
            lentune.write(Request("DELETE", f"/webhook-subscriptions/{one['id']}"))
    return list(WANTED)
