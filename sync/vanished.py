"""Linked records that their target does not have any more: a person decides, and nothing is created again by itself."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection

from models import text
from models.states import RecordState
from objects.problem import Problem
from settings.environment import environment
from sync import problems, records, stops
from sync.company import Company

#: So many at once, and at least this part of all that is linked, look like a system put back to an earlier day (F60).
MANY, PART = 3, 0.1


def mark(db: Connection, company: Company, rows: Sequence[Any], system: str) -> None:
    """Sets these synced records aside. Many of them at once stop writing to the system altogether."""
    for row in rows:
        values = {"system": system, "kind": row.kind.replace("_", " "), "number": row.number or row.source_id}
        fields = {"problems": [problems.as_plain(Problem("vanished_at_target", values))], "due_at": None}
        records.move(db, row, RecordState.needs_attention, "sitebooks", reason="vanished_at_target", fields=fields)
    known = _known(db, rows)
    if known.gone >= MANY and known.gone >= known.linked * PART:
        reason = f"{known.gone} of {known.linked} linked documents are not in {system} any more"
        stops.stop(db, company.id, system, "rolled_back", reason)


def _known(db: Connection, rows: Sequence[Any]) -> Any:
    return db.execute(
        text("""
        SELECT count(*) AS linked, count(*) FILTER (WHERE problems @> '[{"code": "vanished_at_target"}]') AS gone
        FROM sync_record WHERE remote_id IS NOT NULL AND (connection_id, direction) IN (
            SELECT connection_id, direction FROM sync_record WHERE id = ANY(:ids))
    """),
        {"ids": [row.id for row in rows]},
    ).one()


def compared(db: Connection, company: Company, record_ids: Sequence[int], system: str, before: datetime) -> None:
    """What a comparison did not find there, of those that stood in both systems well before it began to read: a list may
    lag behind what was just written (F29)."""
    rows = db.execute(
        text("""
        SELECT * FROM sync_record WHERE id = ANY(:ids) AND state = 'synced' AND synced_at < :before AND lease_until IS NULL
        ORDER BY id FOR UPDATE
    """),
        {"ids": list(record_ids), "before": before - timedelta(seconds=environment().quarantine_seconds)},
    ).all()
    if rows:
        mark(db, company, rows, system)


def stands(row: Any) -> Problem | None:
    """The problem of a record that vanished and that nobody has decided about."""
    if row.consent == "vanished_at_target":
        return None
    found = (p for p in row.problems if p["code"] == "vanished_at_target")
    return next((problems.from_record(p) for p in found), None)
