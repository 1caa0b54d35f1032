"""From what a person types to one record: an exact number first, and never a guess between several."""

from collections.abc import Callable, Sequence

from sqlalchemy import text

from cli.exits import wrong_usage
from cli.place import Place
from cli.rows import called, row_plain
from models import session
from sync import why
from sync.views import RecordRow, find

#: Candidates named when a number is ambiguous.
MOST_NAMED = 20


def one(place: Place, ref: str, kind: str | None, system: str, wanted: Callable[[RecordRow], bool] | None = None) -> RecordRow:
    """The one record meant. `wanted` prefers some of several equal matches. Raises Failure: none, or several."""
    found = matching(place, ref, kind or "", system)
    if not found:
        raise wrong_usage(
            f"No record has the number or id {ref}.",
            f"Look for it: sitebooks list --text {ref}. What was never read has no record yet: sitebooks sync",
            "not_found",
        )
    if wanted is not None and len(preferred := [row for row in found if wanted(row)]) == 1:
        return preferred[0]
    if len(found) > 1:
        raise _ambiguous(place, ref, found)
    return found[0]


def matching(place: Place, ref: str, kind: str, system: str) -> list[RecordRow]:
    """All that match in the best way anything matches. "#12" is a record's id, "SC-1/001" number 001 of SC-1."""
    if ref.startswith("#"):
        found = [row for row in find(place.company_id, ref[1:], kind) if str(row.id) == ref[1:]]
    else:
        found = find(place.company_id, ref, kind) or _by_other_names(place, ref, kind) or _of_parent(place, ref, kind)
        found = _best(ref, found)
    return [row for row in found if system in ("", row.system)]


def parents(company_id: int, rows: Sequence[RecordRow]) -> dict[int, str]:
    """Record id -> the number of the commitment it belongs to, for what has one."""
    with session(company_id) as db:
        found = db.execute(
            text("""
            SELECT r.id, coalesce(nullif(s.data->>'commitment_number', ''), c.number) AS number
            FROM sync_record r
            JOIN snapshot s ON s.kind = r.kind AND s.source_id = r.source_id
            LEFT JOIN snapshot c ON c.connection_id = s.connection_id AND c.kind = 'commitment'
                AND c.source_id = coalesce(s.data->>'commitment_id', s.data->>'order_id')
            WHERE r.id = ANY(:ids) AND coalesce(s.data->>'commitment_id', s.data->>'order_id') IS NOT NULL
        """),
            {"ids": [row.id for row in rows]},
        )
        return {row.id: row.number for row in found if row.number}


def _best(ref: str, found: Sequence[RecordRow]) -> list[RecordRow]:
    """A number beats the other side's number, which beats ids."""
    tiers: list[Callable[[RecordRow], bool]] = [
        lambda row: row.number.lower() == ref.lower(),
        lambda row: (row.remote_number or "").lower() == ref.lower(),
        lambda row: ref in (row.source_id, row.remote_id),
    ]
    for tier in tiers:
        if matched := [row for row in found if tier(row)]:
            return matched
    return list(found)


def _by_other_names(place: Place, ref: str, kind: str) -> list[RecordRow]:
    """By our key, or by a source id without its kind."""
    ids = why.find(place.company_id, ref)
    return [row for record_id in ids for row in find(place.company_id, str(record_id), kind) if row.id == record_id]


def _of_parent(place: Place, ref: str, kind: str) -> list[RecordRow]:
    parent, slash, number = ref.rpartition("/")
    if not slash:
        return []
    found = [row for row in find(place.company_id, number, kind) if row.number.lower() == number.lower()]
    named = parents(place.company_id, found)
    return [row for row in found if named.get(row.id, "").lower() == parent.lower()]


def _ambiguous(place: Place, ref: str, found: Sequence[RecordRow]) -> Exception:
    named = parents(place.company_id, found)
    listed = "; ".join(f"#{row.id} {called(row, named.get(row.id, ''))} ({row.state_word})" for row in found[:MOST_NAMED])
    return wrong_usage(
        f"{len(found)} records match {ref}: {listed}.",
        "Choose with --kind, with the commitment's number before it (SC-1/001), or by the id with its #.",
        "ambiguous",
        candidates=[row_plain(row, named.get(row.id, "")) for row in found],
    )
