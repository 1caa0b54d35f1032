"""Reading both sides of one record now, and how that differs from what is stored. Reads only."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import text

from connectors.calls import CallFailed, NotUnderstood
from connectors.flow import Counted
from connectors.registry import connector
from models import session
from objects.plain import to_plain
from sync import clients
from sync.company import Company, load
from sync.views import RecordRow, system_word

#: Told by the source with every answer, and no part of the object.
NOISE = frozenset({"updated_at", "version"})


@dataclass
class Live:
    """`there` is None when the target has it not, or cannot be asked for this kind (then `note` says so)."""

    here: dict[str, Any] | None = None
    there: dict[str, Any] | None = None
    differences: list[dict[str, Any]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    failed: bool = False


def look(company_id: int, row: RecordRow, key: str, stored: Mapping[str, Any] | None) -> Live:
    """Both sides as they are at this moment. A side that cannot be read is a note and `failed`, never an exception."""
    with session(company_id) as db:
        company = load(db, company_id)
        project = _target_project(db, row)
    live = Live()
    _source(company, row, stored, live)
    _target(company, row, key, project, live)
    return live


def _source(company: Company, row: RecordRow, stored: Mapping[str, Any] | None, live: Live) -> None:
    system = system_word(row.source)
    try:
        reader = connector(row.source).readers[row.kind]
        found = reader.one(clients.client(company, row.source, urgent=True), row.source_id, row.project_id)
    except (CallFailed, NotUnderstood) as error:
        live.notes.append(f"{system} cannot be read now: {error}")
        live.failed = True
        return
    if found is None:
        live.notes.append(f"{system} does not have it any more.")
        return
    live.here = to_plain(row.kind, found)
    for name, now in live.here.items():
        before = (stored or {}).get(name)
        if name not in NOISE and before != now:
            live.differences.append({"side": row.source, "field": name, "stored": before, "now": now})


def _target(company: Company, row: RecordRow, key: str, project: str, live: Live) -> None:
    system = system_word(row.target)
    count = connector(row.target).counts.get(row.kind)
    if count is None:
        live.notes.append(
            f"{system} has no list in which a {row.kind_word.lower()} could be found; its last answer is shown above."
        )
        return
    if row.remote_id is None:
        live.notes.append(f"Nothing was ever confirmed in {system}, so there is nothing to read there.")
        return
    try:
        there = count(clients.client(company, row.target, urgent=True), [project] if project else [])
        # found by the name under which each side anchors its counterpart, as the comparison does
        anchor = row.source_id if row.direction == "from_procore" else key
        found = [one for one in there if one.anchor == anchor]
    except (CallFailed, NotUnderstood) as error:
        live.notes.append(f"{system} cannot be read now: {error}")
        live.failed = True
        return
    if not found:
        live.notes.append(f"{system} does not hold {row.remote_number or row.remote_id} any more.")
        live.differences.append({"side": row.target, "field": "remote_id", "stored": row.remote_id, "now": None})
        return
    live.there = _plain(found[0])
    if row.there is not None and found[0].amount != row.there:
        live.differences.append({"side": row.target, "field": "amount", "stored": row.there, "now": found[0].amount})


def _target_project(db: Any, row: RecordRow) -> str:
    """The target's own id of the record's project, "" when it is not linked."""
    return (
        db.scalar(
            text("""
        SELECT CASE WHEN direction = :d THEN remote_id ELSE source_id END FROM sync_record
        WHERE kind = 'project' AND (direction = :d AND source_id = :p OR direction <> :d AND remote_id = :p) LIMIT 1
    """),
            {"d": row.direction, "p": row.project_id},
        )
        or ""
    )


def _plain(found: Counted) -> dict[str, Any]:
    return {
        "remote_id": found.remote_id,
        "number": found.number,
        "anchor": found.anchor,
        "amount": found.amount,
        "currency": found.currency,
    }
