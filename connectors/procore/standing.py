"""What stands in Procore of ours: a document read back by its id, and everything under one of our keys."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from connectors.calls import NotFound, NotUnderstood
from connectors.plan import Done, Seen
from connectors.ports import Client
from connectors.procore.client import own
from connectors.procore.shapes import PURCHASE_ORDER, ident, money
from objects.money import amount_of, total
from objects.text import folded

Held = Mapping[str, Any]
Record = Mapping[str, Any]
Verify = Callable[[Client, Done], Seen | None]


def direct_cost_there(held: Held, key: str) -> Verify:
    """With the lines that we wrote; a line that somebody added there is a warning of the header's (11.14)."""
    return _reader(f"/rest/v1.1/projects/{held['project_id']}/direct_costs", {}, lambda record: _lines_of(record, key))


def order_there(held: Held, key: str) -> Verify:
    """As a direct cost (11.9)."""
    project = {"project_id": str(held["project_id"])}
    return _reader(f"/rest/v1.0/{PURCHASE_ORDER}s", project, lambda record: _lines_of(record, key))


def requisition_there(held: Held) -> Verify:
    """By what its items claim for the period; an item that claims nothing is none of ours (11.11)."""
    params = {"project_id": str(held["project_id"]), "view": "items"}
    return _reader("/rest/v1.1/requisitions", params, _claimed)


def _reader(path: str, params: Mapping[str, str], count: Callable[[Record], Seen]) -> Verify:
    def verify(client: Client, done: Done) -> Seen | None:
        try:
            record = own(client).get(f"{path}/{done.remote_id}", params)
        except NotFound:
            return None
        if not isinstance(record, dict):
            raise NotUnderstood(path, "the answer is not a record")
        own(client).same_company((record.get("company") or {}).get("id"), path)
        return None if record.get("deleted_at") else count(record)

    return verify


def _lines_of(record: Record, key: str) -> Seen:
    lines = [line for line in _listed(record, "line_items") if str(line.get("origin_id") or "").startswith(f"{key}-")]
    amounts = [money(line.get("amount"), "line_items.amount") for line in lines]
    found = [amount for amount in amounts if amount is not None]
    return Seen(ident(record, "document"), total(found), len(lines), str(record.get("origin_id") or "") or None)


def _claimed(record: Record) -> Seen:
    amounts = [amount_of(item.get("work_completed_this_period") or "0.00") for item in _listed(record, "items")]
    claimed = [amount for amount in amounts if amount]
    return Seen(ident(record, "requisition"), total(claimed), len(claimed), str(record.get("origin_id") or "") or None)


def _listed(record: Record, name: str) -> list[Record]:
    items = record.get(name)
    if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
        raise NotUnderstood(name, "is not a list of records")
    return items


def direct_costs(client: Client, held: Held, key: str) -> Sequence[Seen]:
    """Every live direct cost under our key; its list has no lines."""
    path = f"/rest/v1.1/projects/{held['project_id']}/direct_costs"
    return _live(own(client).all(path, {"filters[origin_id]": key}), key)


def purchase_orders(client: Client, held: Held, key: str) -> Sequence[Seen]:
    """Every live purchase order under our key."""
    params = {"project_id": str(held["project_id"]), "filters[origin_id]": key}
    found = own(client).all(f"/rest/v1.0/{PURCHASE_ORDER}s", params)
    return [Seen(f"{PURCHASE_ORDER}:{one.remote_id}", one.amount, one.lines, one.key) for one in _live(found, key)]


def requisitions(client: Client, held: Held, key: str) -> Sequence[Seen]:
    """Under our key, and those of the commitment with this invoice number that carry nobody's key."""
    path, params = "/rest/v1.1/requisitions", {"project_id": str(held["project_id"]), "view": "items"}
    found = {ident(r, path): r for r in own(client).all(path, {**params, "filters[origin_id]": key}) if r.get("origin_id") == key}
    commitment = held["commitment_id"].rpartition(":")[2]
    for record in own(client).all(path, {**params, "filters[commitment_id]": commitment}):
        same = folded(record.get("invoice_number") or "") == folded(held["number"]) and not record.get("origin_id")
        if same or record.get("origin_id") == key:
            found[ident(record, path)] = record
    return [_claimed(record) for record in found.values() if not record.get("deleted_at")]


def _live(records: Iterable[Record], key: str) -> list[Seen]:
    mine = [r for r in records if r.get("origin_id") == key and not r.get("deleted_at")]
    return [Seen(ident(r, "document"), money(r.get("grand_total"), "grand_total"), None, key) for r in mine]


SIGHTINGS: Mapping[str, Callable[[Client, Held, str], Sequence[Seen]]] = {
    "direct_cost": direct_costs, "commitment_invoice": requisitions, "purchase_order": purchase_orders,
}
