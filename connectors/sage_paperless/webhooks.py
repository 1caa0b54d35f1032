"""Sage Paperless's webhooks (contract B.8): what an event rings for, its signature, and asking for them."""

import hashlib
import hmac
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from connectors.calls import NotUnderstood, Request
from connectors.flow import Doorbell, Ignored
from connectors.ports import Client
from connectors.sage_paperless.client import own

Event = Mapping[str, Any]
#: A signature is dated, and this is how far its time may be from ours.
WINDOW = timedelta(seconds=300)
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


def event_id(event: Event) -> str:
    """What a delivery is known by when it comes again. Raises NotUnderstood."""
    value = event.get("event_id")
    if not isinstance(value, str) or not 1 <= len(value) <= 100:
        raise NotUnderstood("event_id", f"{value!r} does not identify an event")
    return value


def verify(body: bytes, headers: Mapping[str, str], secrets: Sequence[str], now: datetime) -> str | None:
    """None, or why the sender is not believed: X-Signature is `t=<unix seconds>,v1=<hex HMAC-SHA256 of "t.body">`."""
    given = next((value for name, value in headers.items() if name.lower() == "x-signature"), "")
    parts = dict(part.strip().partition("=")[::2] for part in given.split(","))
    moment, claimed = parts.get("t", ""), parts.get("v1", "")
    if not (moment.isascii() and moment.isdigit() and len(moment) <= 12 and claimed):
        return "no usable X-Signature header"
    # every secret is compared, so that time tells nothing
    matches = [hmac.compare_digest(claimed.encode(), signature(secret, moment, body).encode()) for secret in secrets]
    if not any(matches):
        return "the signature does not fit the body"
    if abs(now.timestamp() - int(moment)) > WINDOW.total_seconds():
        return f"the signature is more than {WINDOW.seconds} seconds old"
    return None


def signature(secret: str, moment: str, body: bytes) -> str:
    """Hex HMAC-SHA256 over the seconds as text, a full stop and the body's bytes."""
    return hmac.new(secret.encode(), moment.encode() + b"." + body, hashlib.sha256).hexdigest()


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
