"""Events to subscribers: envelope, signature, one queue per subscriber and record, growing pauses, replay."""

import hashlib
import hmac
import json
from datetime import datetime, timedelta
from urllib.parse import urlsplit

from simulators.kit.delivery import Delivery
from simulators.sage_paperless.paging import choice, listed
from simulators.sage_paperless.problems import Refusal, malformed
from simulators.sage_paperless.shapes import Shape, flag, list_of, one_of, text
from simulators.sage_paperless.site import Answer, Call, Site
from simulators.sage_paperless.store import Row, Store, Vault, public, stamp

EVENTS = (
    "invoice.imported", "invoice.routed", "invoice.queue_failover", "invoice.validation_failed", "invoice.approved",
    "invoice.rejected", "invoice.exported", "invoice.paid", "payment.voided", "job.stopped", "connection.lost",
)  # fmt: skip
SUBSCRIPTION = Shape({"url": text(1), "events": list_of(one_of(*EVENTS), 1), "secret": text(24)}, {"active": flag})
# Seconds before try 2, 3, ...; the last one repeats until the event is dead (72 h).
PAUSES = (5, 15, 60, 300, 900, 3600)
CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


def ulid(store: Store, now: datetime) -> str:
    """48 bits of milliseconds and 80 random bits; the same seed gives the same ones."""
    number = (int(now.timestamp() * 1000) << 80) | store.random.getrandbits(80)
    return "".join(CROCKFORD[(number >> shift) & 31] for shift in range(125, -1, -5))


def emit(site: Site, vault: Vault, event: str, resource_id: str, version: str, data: Row) -> None:
    """Queue an event for every active subscriber of it. `sequence` counts per subscriber and record."""
    store = site.store
    takers = [row for row in vault.subscriptions.values() if row["active"] and event in row["events"]]
    if not takers:
        return
    event_id = ulid(store, site.now)
    store.events[event_id] = {"vault_id": vault.id, "deliveries": {}}
    for taker in takers:
        place = (taker["id"], resource_id)
        store.sequences[place] = store.sequences.get(place, 0) + 1
        envelope = {
            "event_id": event_id, "type": event, "occurred_at": stamp(site.now), "sequence": store.sequences[place],
            "tenant_id": vault.id, "resource_id": resource_id, "resource_version": version, "data": data,
        }  # fmt: skip
        entry = {
            "event_id": event_id, "subscription_id": taker["id"], "state": "pending", "tries": 0, "last_status": None,
            "next_try_at": stamp(site.now), "_type": event, "_resource_id": resource_id, "_company": vault.company_id,
            "_body": json.dumps(envelope, separators=(",", ":")).encode(), "_n": store.number("entry"),
        }  # fmt: skip
        store.events[event_id]["deliveries"][taker["id"]] = entry
        site.send(delivery_of(store, entry, taker["url"]))


def delivery_of(store: Store, entry: Row, url: str) -> Delivery:
    """The kit's form of one delivery. Order is kept per subscriber and record, so one stuck record stops no other."""
    return Delivery(
        id=f"{entry['event_id']}:{entry['subscription_id']}:{store.number('delivery')}",
        url=url,
        headers={"Content-Type": "application/json"},
        body=entry["_body"],
        queue=f"{entry['subscription_id']}:{entry['_resource_id']}",
        company=entry["_company"],
        subject=entry["_type"],
    )


def sign(store: Store, delivery: Delivery, now: datetime) -> None:
    """Signature of this try: each one is dated anew, since receivers refuse what is older than 300 s."""
    moment = str(int(now.timestamp()))
    delivery.headers["X-Signature"] = signature(store.secrets.get(delivery.id.split(":")[1], ""), moment, delivery.body)
    delivery.headers["X-Delivery-Id"] = f"{delivery.id}:{delivery.attempt + 1}"


def signature(secret: str, moment: str, body: bytes) -> str:
    """HMAC-SHA256 with the secret over the unix seconds as text, a full stop, and the body's bytes."""
    digest = hmac.new(secret.encode(), moment.encode() + b"." + body, hashlib.sha256).hexdigest()
    return f"t={moment},v1={digest}"


def settle(store: Store, delivery: Delivery, status: int | None, ok: bool) -> None:
    """Note the outcome of one try."""
    entry = entry_of(store, delivery)
    if entry is not None:
        entry.update(tries=entry["tries"] + 1, last_status=status)
        if ok:
            entry.update(state="delivered", next_try_at=None)


def next_try(site: Site, delivery: Delivery) -> datetime | None:
    """When a failed delivery goes again; None once it is dead or its subscription is gone."""
    entry = entry_of(site.store, delivery)
    if entry is None:
        return None
    first = delivery.first_failed_at or site.now
    at = site.now + timedelta(seconds=PAUSES[min(max(delivery.attempt, 1), len(PAUSES)) - 1])
    gone = all(row["id"] != entry["subscription_id"] for row in site.store.rows("subscriptions"))
    if gone or at - first > timedelta(hours=float(site.options["webhook_give_up_hours"])):
        entry.update(state="dead", next_try_at=None)
        return None
    entry.update(state="failing", next_try_at=stamp(at))
    return at


def entry_of(store: Store, delivery: Delivery) -> Row | None:
    event_id, subscription_id = delivery.id.split(":")[:2]
    entry: Row | None = store.events.get(event_id, {}).get("deliveries", {}).get(subscription_id)
    return entry


def list_subscriptions(site: Site, call: Call) -> Answer:
    return listed(site, call, call.vault.subscriptions.values())


def create_subscription(site: Site, call: Call) -> Answer:
    body, store = call.body(SUBSCRIPTION), site.store
    address = urlsplit(body["url"])
    if address.scheme not in ("http", "https") or not address.hostname:
        raise malformed("/url", "must be an http or https address", 422)
    number = store.number("subscriptions")
    row = {
        "id": f"whs-{number:06d}", "url": body["url"], "events": body["events"], "secret_set": True,
        "active": body.get("active", True), "_n": number,
    }  # fmt: skip
    call.vault.subscriptions[row["id"]] = row
    store.secrets[row["id"]] = body["secret"]
    store.note(call.vault, "webhook_subscriptions", row["url"], row["id"], "created")
    return Answer(201, public(row))


def delete_subscription(site: Site, call: Call) -> Answer:
    row = call.vault.subscriptions.pop(call.params["subscription_id"], None)
    if row is None:
        raise Refusal("not_found", f"No subscription {call.params['subscription_id']} in this vault.")
    site.store.note(call.vault, "webhook_subscriptions", row["url"], row["id"], "deleted")
    return Answer(204)


def list_deliveries(site: Site, call: Call) -> Answer:
    """Newest last; one row per event and subscription."""
    state = choice(call, "state", "pending", "delivered", "failing", "dead")
    events = [event for event in site.store.events.values() if event["vault_id"] == call.vault.id]
    entries = [entry for event in events for entry in event["deliveries"].values()]
    return listed(site, call, [entry for entry in entries if state in ("", entry["state"])])


def replay(site: Site, call: Call) -> Answer:
    """Queue one event again for each of its subscribers that is still there."""
    event = site.store.events.get(call.params["event_id"])
    if event is None or event["vault_id"] != call.vault.id:
        raise Refusal("not_found", f"No event {call.params['event_id']} in this vault.")
    for entry in event["deliveries"].values():
        subscription = call.vault.subscriptions.get(entry["subscription_id"])
        if subscription:
            entry.update(state="pending", next_try_at=stamp(site.now))
            site.send(delivery_of(site.store, entry, subscription["url"]))
    return Answer(202)
