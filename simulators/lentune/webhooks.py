"""Events to subscribers: envelope, signature, one queue per subscriber and record, growing pauses, replay."""

import hashlib
import hmac
import json
from datetime import datetime, timedelta
from urllib.parse import urlsplit

from simulators.kit.delivery import Delivery
from simulators.lentune.paging import Match, choice, listed, page
from simulators.lentune.problems import FieldError, Refusal
from simulators.lentune.shapes import Shape, flag, list_of, one_of, text
from simulators.lentune.store import Row, Store, stamp
from simulators.lentune.tenant import Answer, Call, Tenant

EVENTS = (
    "project.upserted", "cost_code.upserted", "supplier.upserted", "purchase_order.approved",
    "purchase_order.updated", "purchase_order.cancelled", "invoice.ready_to_post", "invoice.changed_after_post",
    "payment_claim.approved", "settings.changed",
)  # fmt: skip
SUBSCRIPTION = Shape({"url": text(1), "events": list_of(one_of(*EVENTS), 1), "secret": text(24)}, {"active": flag})
# Seconds before try 2, 3, ...; the last one repeats until the event is dead (contract B.7: 72 h).
PAUSES = (5, 15, 60, 300, 900, 3600)
CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


def ulid(store: Store, now: datetime) -> str:
    """48 bits of milliseconds and 80 random bits; the same seed gives the same ones."""
    number = (int(now.timestamp() * 1000) << 80) | store.random.getrandbits(80)
    return "".join(CROCKFORD[(number >> shift) & 31] for shift in range(125, -1, -5))


def emit(tenant: Tenant, event: str, resource_id: str, version: str, data: Row) -> None:
    """Queue an event for every active subscriber of it. `sequence` counts per subscriber and record."""
    store = tenant.store
    takers = [row for row in store.live("subscriptions") if row["active"] and event in row["events"]]
    if not takers:
        return
    event_id = ulid(store, tenant.now)
    store.events[event_id] = {"deliveries": {}}
    for taker in takers:
        place = (taker["id"], resource_id)
        store.sequences[place] = store.sequences.get(place, 0) + 1
        envelope = {
            "event_id": event_id,
            "type": event,
            "occurred_at": stamp(tenant.now),
            "sequence": store.sequences[place],
            "tenant_id": store.tenant,
            "resource_id": resource_id,
            "resource_version": version,
            "data": data,
        }
        entry = {
            "event_id": event_id, "subscription_id": taker["id"], "state": "pending", "tries": 0, "last_status": None,
            "next_try_at": stamp(tenant.now), "queued_at": stamp(tenant.now), "type": event,
            "resource_id": resource_id, "body": json.dumps(envelope, separators=(",", ":")).encode(),
        }  # fmt: skip
        store.events[event_id]["deliveries"][taker["id"]] = entry
        tenant.send(delivery_of(store, entry, taker["url"]))


def delivery_of(store: Store, entry: Row, url: str) -> Delivery:
    """The kit's form of one delivery. Order is kept per subscriber and record, so one stuck record stops no other."""
    return Delivery(
        id=f"{entry['event_id']}:{entry['subscription_id']}:{store.number('delivery')}",
        url=url,
        headers={"Content-Type": "application/json"},
        body=entry["body"],
        queue=f"{entry['subscription_id']}:{entry['resource_id']}",
        company=store.company_id,
        subject=entry["type"],
    )


def sign(store: Store, delivery: Delivery, now: datetime) -> None:
    """Signature of this try: each one is dated anew, since receivers refuse what is older than 300 s."""
    subscription_id = delivery.id.split(":")[1]
    moment = str(int(now.timestamp()))
    delivery.headers["X-Signature"] = signature(store.secrets.get(subscription_id, ""), moment, delivery.body)
    delivery.headers["X-Delivery-Id"] = f"{delivery.id}:{delivery.attempt + 1}"


def signature(secret: str, moment: str, body: bytes) -> str:
    """HMAC-SHA256 with the secret over the unix seconds as text, a full stop, and the body's bytes."""
    digest = hmac.new(secret.encode(), moment.encode() + b"." + body, hashlib.sha256).hexdigest()
    return f"t={moment},v1={digest}"


def settle(tenant: Tenant, delivery: Delivery, status: int | None, ok: bool) -> None:
    """Note the outcome of one try."""
    entry = entry_of(tenant.store, delivery)
    if entry is None:
        return
    entry["tries"] += 1
    entry["last_status"] = status
    if ok:
        entry.update(state="delivered", next_try_at=None)


def next_try(tenant: Tenant, delivery: Delivery) -> datetime | None:
    """When a failed delivery goes again; None once it is dead or its subscription is gone."""
    entry = entry_of(tenant.store, delivery)
    if entry is None:
        return None
    first = delivery.first_failed_at or tenant.now
    at = tenant.now + timedelta(seconds=PAUSES[min(max(delivery.attempt, 1), len(PAUSES)) - 1])
    gone = tenant.store.find("subscriptions", entry["subscription_id"]) is None
    if gone or at - first > timedelta(hours=tenant.options["webhook_give_up_hours"]):
        entry.update(state="dead", next_try_at=None)
        return None
    entry.update(state="failing", next_try_at=stamp(at))
    return at


def entry_of(store: Store, delivery: Delivery) -> Row | None:
    event_id, subscription_id = delivery.id.split(":")[:2]
    entry: Row | None = store.events.get(event_id, {}).get("deliveries", {}).get(subscription_id)
    return entry


def list_subscriptions(tenant: Tenant, call: Call) -> Answer:
    return listed(tenant, call, "subscriptions")


def create_subscription(tenant: Tenant, call: Call) -> Answer:
    body = call.body(SUBSCRIPTION)
    address = urlsplit(body["url"])
    if address.scheme not in ("http", "https") or not address.hostname:
        error = FieldError("/url", "invalid", "must be an http or https address")
        raise Refusal("validation_failed", "The url is not an http address.", status=422, field_errors=[error])
    fields = {"url": body["url"], "events": body["events"], "secret_set": True, "active": body.get("active", True)}
    row = tenant.store.insert("subscriptions", tenant.now, fields, key=body["url"])
    tenant.store.secrets[row["id"]] = body["secret"]
    return Answer(201, row)


def delete_subscription(tenant: Tenant, call: Call) -> Answer:
    row = tenant.store.get("subscriptions", call.params["subscription_id"])
    tenant.store.remove("subscriptions", row, key=row["url"])
    return Answer(204)


def list_deliveries(tenant: Tenant, call: Call) -> Answer:
    """Newest last; one row per event and subscription."""
    state = choice(call, "state", "pending", "delivered", "failing", "dead")
    store = tenant.store
    entries = [entry for event in store.events.values() for entry in event["deliveries"].values()]
    rows = {f"{entry['event_id']}:{entry['subscription_id']}": entry for entry in entries}
    matches: list[Match] = [lambda row: row["state"] == state] if state else []
    return page(tenant, call, rows, list(rows), matches, public_delivery)


def public_delivery(entry: Row) -> Row:
    names = ("event_id", "subscription_id", "state", "tries", "last_status", "next_try_at")
    return {name: entry[name] for name in names}


def replay(tenant: Tenant, call: Call) -> Answer:
    """Queue one event again for each of its subscribers that is still there."""
    event = tenant.store.events.get(call.params["event_id"])
    if event is None:
        raise Refusal("not_found", f"No event {call.params['event_id']} in this tenant.")
    for entry in event["deliveries"].values():
        subscription = tenant.store.find("subscriptions", entry["subscription_id"])
        if subscription:
            entry.update(state="pending", next_try_at=stamp(tenant.now))
            tenant.send(delivery_of(tenant.store, entry, subscription["url"]))
    return Answer(202)
