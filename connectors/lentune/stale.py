"""After the answer 412: what somebody changed in Lentune, told apart from our own writes."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from connectors.fields import Row
from connectors.lentune.client import LentuneClient, own
from connectors.lentune.owning import MATCHED, holds, owned, untouched
from connectors.lentune.standing import row_of
from connectors.plan import Done, Stale, Step
from connectors.ports import Client

Held = Mapping[str, Any]
Differing = tuple[str, str, str, str]


def compared(
    held: Held, remote_id: str, step: Callable[[str], Step], done_of: Callable[[Row], Done]
) -> Callable[[Client, Mapping[str, Any] | None], Stale]:
    """`step` makes the same step for a version; `done_of` reads a record as the step's answer is read."""

    def on_stale(client: Client, last: Mapping[str, Any] | None) -> Stale:
        row = row_of(own(client), held, remote_id)
        if row is None:
            # gone in the meantime: no version of it can be met, and sending again is answered so
            return Stale(step("gone"))
        again, name = step(str(row.get("version") or "")), held["as"]
        if holds(row, held) and owned(row, name) == owned(held, name):
            return Stale(again, ours=done_of(row))
        fields = () if untouched(row, name) else _fields(row, held, last)
        return Stale(again, differing=(*fields, *_matches(own(client), row, held, last or {})))

    return on_stale


def _fields(row: Row, held: Held, last: Mapping[str, Any] | None) -> Iterator[Differing]:
    """Ours that stand there as neither sent before nor wanted now. With nothing known of before, all that is not wanted."""
    theirs, ours = owned(row, held["as"]), owned(held, held["as"])
    before = owned(last, held["as"]) if last is not None and last.get("as") == held["as"] else None
    for name in dict.fromkeys((*theirs, *ours, *(before or {}))):
        there, wanted = theirs.get(name, ""), ours.get(name, "")
        sent = before.get(name, "") if before is not None else ""
        if there != wanted and (before is None or there != sent):
            yield name.replace("_", " "), sent, there, wanted


def _matches(client: LentuneClient, row: Row, held: Held, last: Mapping[str, Any]) -> Iterator[Differing]:
    """What Lentune had matched for us and a person changed; what a person filled in where we left a blank is theirs."""
    for name in MATCHED:
        sent, wanted = ((side.get("matched") or {}).get(name) for side in (last, held))
        there = row.get(name)
        if sent is not None and there not in (sent, wanted):
            yield name.removesuffix("_id"), str(sent), str(there or ""), str(wanted or "")
    if held["as"] == "project_cost_code":
        yield from _cost_type(client, row, held, last)


def _cost_type(client: LentuneClient, row: Row, held: Held, last: Mapping[str, Any]) -> Iterator[Differing]:
    """A record names its cost type by id and we by code; our upsert sets it in any case, a blank too."""
    sent, wanted = str(last.get("cost_type_code") or ""), str(held.get("cost_type_code") or "")
    there = str(row.get("cost_type_id") or "")
    if there:
        types = (kind for page in client.pages("/cost-types") for kind in page)
        there = next((str(kind.get("code")) for kind in types if kind.get("id") == there), there)
    if there not in (sent, wanted):
        yield "cost type", sent, there, wanted
