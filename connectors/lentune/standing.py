"""What stands in Lentune: a record read back by its id, and everything under one Procore anchor."""

from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from typing import Any

from connectors import fields
from connectors.calls import NotFound, NotUnderstood, WrongCompany
from connectors.fields import Row
from connectors.lentune.client import LentuneClient, own
from connectors.plan import Done, Seen
from connectors.ports import Client
from settings.environment import environment

Held = Mapping[str, Any]
#: What names a Procore record, and the records that do, by it.
ANCHOR = ("procore_company_id", "procore_id", "procore_type")
Anchored = dict[tuple[str, ...], list[dict[str, Any]]]
#: "as" -> the list's address (contract B.2).
RESOURCES = {
    "project": "/projects", "cost_type": "/cost-types", "master_cost_code": "/master-cost-codes",
    "project_cost_code": "/projects/{project_id}/cost-codes", "purchase_order": "/purchase-orders",
    "subcontract": "/subcontracts", "variation": "/variations",
}
#: Documents with money on lines. Their ids say which list they stand in, except a variation's.
MONEY = frozenset({"purchase_order", "subcontract", "variation"})
ORDERS = frozenset({"purchase_order", "subcontract"})


def address(held: Held) -> str:
    """Of the list that a record of this kind stands in."""
    return RESOURCES[held["as"]].format(project_id=held.get("project_id"))


def source_form(name: str, record_id: str) -> str:
    """A record's id as we keep it: an order's says which of the two lists it stands in."""
    return f"{name}:{record_id}" if name in ORDERS else record_id


def row_of(client: LentuneClient, held: Held, remote_id: str, since: str = "") -> Row | None:
    """The live record with this id. `since`: its own time of change, where known, spares reading the whole list."""
    record_id, name = remote_id.rpartition(":")[2], held["as"]
    if name == "purchase_order":
        return _live(_get(client, f"/purchase-orders/{record_id}"))
    if name == "project":
        found = _live(_get(client, f"/projects{by_procore(held)}"))
        return found if found is not None and found.get("id") == record_id else None
    params = {"updated_since": since} if since else {}
    for page in client.pages(address(held), params):
        for row in page:
            if row.get("id") == record_id:
                return _live(row)
    return None


def by_procore(held: Held) -> str:
    """The end of an upsert's address."""
    return f"/by-procore/{held['external']['procore_company_id']}/{held['external']['procore_id']}"


def read_back(held: Held) -> Callable[[Client, Done], Seen | None]:
    """Reads what was just written by its id (reliability 6.2, step 6)."""

    def verify(client: Client, done: Done) -> Seen | None:
        row = row_of(own(client), held, done.remote_id, str(done.data.get("updated_at") or ""))
        if row is None:
            return None
        check_anchor(row, held["external"], held["as"])
        return seen(row, held["as"])

    return verify


def sightings(client: Client, held: Held, key: str) -> Sequence[Seen]:
    """Every live record that names this Procore record as its own; the contract has a filter by project for orders only."""
    name, anchor = held["as"], held["external"]
    if name == "project":
        row = _live(_get(own(client), f"/projects{by_procore(held)}"))
        return [seen(row, name)] if row is not None else []
    params = {"project_id": str(held["project_id"]), "origin": "procore"} if name == "purchase_order" else {}
    found = _anchored(own(client), address(held), params).get(tuple(str(anchor[part]) for part in ANCHOR), [])
    return [seen(row, name) for row in found]


def seen(row: Row, name: str) -> Seen:
    """Money and lines as they stand. Lentune keeps no key of ours: the anchor is checked instead."""
    record_id = source_form(name, fields.ident(row, "id", name))
    if name not in MONEY:
        return Seen(record_id)
    return Seen(record_id, fields.amount(row, "total", name), len(row.get("lines") or []))


def _anchored(client: LentuneClient, path: str, params: Mapping[str, str]) -> Anchored:
    """The live records of a list by the Procore record that each names. Many are looked for one after the other, and long
    after they were written: a list that was read since then serves all of them."""
    wanted, now = (path, *sorted(params.items())), client.clock()
    if client.listed is not None and client.listed[0] == wanted and now - client.listed[1] < _young():
        return client.listed[2]
    found: Anchored = {}
    for page in client.pages(path, params):
        for row in page:
            there = row.get("external")
            if isinstance(there, dict) and not row.get("deleted_at"):
                brief = {"id": row.get("id"), "total": row.get("total"), "lines": [None] * len(row.get("lines") or ())}
                found.setdefault(tuple(str(there.get(part)) for part in ANCHOR), []).append(brief)
    client.listed = (wanted, now, found)
    return found


def _young() -> timedelta:
    """Far less than passes between a write and its second look, so that the list holds what was written."""
    return timedelta(seconds=environment().second_look_seconds / 20)


def check_anchor(row: Row, anchor: Mapping[str, Any], path: str) -> None:
    """Raises WrongCompany or NotUnderstood unless the record carries the anchor it was sent with."""
    there = row.get("external")
    if not isinstance(there, dict):
        raise NotUnderstood(f"{path}.external", "is missing")
    if str(there.get("procore_company_id")) != anchor["procore_company_id"]:
        raise WrongCompany(f"{path}.external", f"the answer belongs to Procore company {there.get('procore_company_id')}")
    if str(there.get("procore_id")) != anchor["procore_id"]:
        raise NotUnderstood(f"{path}.external", f"the answer is about {there.get('procore_id')}")


def _get(client: LentuneClient, path: str) -> Row | None:
    try:
        row = client.get(path)
    except NotFound:
        return None
    if not isinstance(row, dict):
        raise NotUnderstood(path, "the answer is not a record")
    return row


def _live(row: Row | None) -> Row | None:
    return None if row is None or row.get("deleted_at") else row


SIGHTINGS: Mapping[str, Callable[[Client, Held, str], Sequence[Seen]]] = dict.fromkeys(RESOURCES, sightings)
