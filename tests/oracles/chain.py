"""I10: the seals recomputed from the history in Python, and the history replayed to the present states."""

import hashlib
import json
from typing import Any

from tests.oracles.sights import Sight

_LINES = """
    SELECT h.id, h.company_id, h.record_id, h.actor, h.what, h.before::text AS before, h.after::text AS after, h.reason,
        to_char(h.at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US') AS at, s.no, s.hash
    FROM history h LEFT JOIN seal s ON s.history_id = h.id WHERE h.company_id = %s ORDER BY s.no NULLS LAST, h.id
"""


def unproved(sight: Sight) -> list[str]:
    """Lines without their seal, seals that do not follow from their lines, states that the history does not tell."""
    rows = sight.rows(_LINES, [sight.company])
    found, before = [], b""
    for place, row in enumerate(rows, 1):
        if row["hash"] is None:
            return [f"I10: line {row['id']} of the history has no seal"]
        before = hashlib.sha256(before + _line(row).encode()).digest()
        if row["no"] != place or bytes(row["hash"]) != before:
            return [f"I10: seal {row['no']} does not follow from line {row['id']} ({row['what']})"]
    seals = sight.rows("SELECT count(*) AS n FROM seal WHERE company_id = %s", [sight.company])[0]["n"]
    if seals != len(rows):
        found.append(f"I10: {seals} seals over {len(rows)} lines")
    return found + _replayed(sight, rows)


def _line(row: dict[str, Any]) -> str:
    """As Postgres writes a jsonb array of it."""
    parts = [
        str(row["id"]), str(row["company_id"]), _text(row["record_id"], bare=True), _text(row["actor"]), _text(row["what"]),
        row["before"] or "null", row["after"] or "null", _text(row["reason"]), _text(row["at"]),
    ]  # fmt: skip
    return f"[{', '.join(parts)}]"


def _text(value: Any, bare: bool = False) -> str:
    if value is None:
        return "null"
    return str(value) if bare else json.dumps(value, ensure_ascii=False)


def _replayed(sight: Sight, rows: list[dict[str, Any]]) -> list[str]:
    """Every change starts where the last one ended, and the last one is how it stands."""
    told: dict[int, str] = {}
    found = []
    for row in sorted(rows, key=lambda row: int(row["id"])):
        if row["what"] != "record.state" or row["record_id"] is None:
            continue
        was, now = json.loads(row["before"])["state"], json.loads(row["after"])["state"]
        if told.get(row["record_id"], "pending") != was:
            found.append(f"I10: record {row['record_id']} is told to leave {was}; it was {told.get(row['record_id'], 'pending')}")
        told[row["record_id"]] = now
    for record in sight.rows("SELECT id, kind, number, state FROM sync_record WHERE company_id = %s", [sight.company]):
        if told.get(record["id"], "pending") != record["state"]:
            told_state = told.get(record["id"], "pending")
            found.append(f"I10: {record['kind']} {record['number']} is {record['state']}; its history says {told_state}")
    return found
