"""Sage Paperless's webhooks (contract B.8): what an event rings for, and asking for them (who sent it: connectors/signed.py)."""

from collections.abc import Mapping
from typing import Any

from connectors.calls import NotUnderstood, Request
from connectors.flow import Doorbell, Ignored
from connectors.ports import Client
from connectors.sage_paperless.client import own

Event = Mapping[str, Any]
INVOICE = ("invoice.imported", "invoice.routed", "invoice.queue_failover", "invoice.validation_failed", "invoice.approved",
           "invoice.rejected", "invoice.exported")  # fmt: skip
SILENT = {
    "job.stopped": "whether the jobs run is looked at where payments are read",
    "connection.lost": "the vault's own connection with Procore is shown by the connection's checks",
}
WANTED = sorted((*INVOICE, "invoice.paid", "payment.voided"))


def doorbell(event: Event) -> Doorbell | Ignored | tuple[Doorbell, ...]:
    """What an event rings for. Raises NotUnderstood for one that is malformed or of an unknown type."""
    kind, ref = event.get("type"), event.get("resource_id")
    if isinstance(kind, str) and kind in SILENT:
        return Ignored(SILENT[kind])
    if not isinstance(kind, str) or kind not in WANTED:
        raise NotUnderstood("type", f"{kind!r} is no event of the contract")
    if not isinstance(ref, str) or not ref:
        raise NotUnderstood("resource_id", f"{ref!r} is no id")
    if kind == "payment.voided":
        return Doorbell("payment", ref)
    if kind == "invoice.paid":
        return (Doorbell("invoice", ref), *_payments(event))
    return Doorbell("invoice", ref)


def _payments(event: Event) -> list[Doorbell]:
    """The payments of a paid invoice; they are read anew, the event only says which."""
    data = event.get("data")
    rows = data.get("payments") if isinstance(data, dict) else None
    ids = [row.get("id") for row in rows if isinstance(row, dict)] if isinstance(rows, list) else []
    return [Doorbell("payment", one) for one in ids if isinstance(one, str) and 1 <= len(one) <= 100]


def subscribe(client: Client, url: str, secret: str, renew: bool = False) -> list[str]:
    """The event types that ring at `url` from now on; what is not among them must be scanned. A folder rings for nothing.

    May be called at every start: one subscription of ours stays, others to the same address go. Raises CallFailed.
    """
    vault = own(client)
    if vault.settings.transport != "rest":
        return []
    path = "/webhook-subscriptions"
    there = [one for page in vault.pages(path) for one in page if one.get("url") == url]
    fitting = [one for one in there if one.get("active") is True and sorted(one.get("events") or ()) == WANTED]
    kept = [] if renew else fitting[:1]
    if not kept:
        vault.write(Request("POST", path, body={"url": url, "events": WANTED, "secret": secret}))
    for one in there:
        if one not in kept:
            vault.write(Request("DELETE", f"{path}/{one['id']}"))
    return list(WANTED)
