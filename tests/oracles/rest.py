"""I2, I12: everything came to rest, what waits says why and for whom; nothing was tried for ever, nor ended too late."""

from functools import cache
from pathlib import Path
from typing import Any

import yaml

from tests.oracles.sights import Sight

ROOT = Path(__file__).parents[2]
#: Sends of one step above which something is trying for ever.
MOST_SENDS = 50


@cache
def catalogue() -> dict[str, Any]:
    """Every problem that people can be told of, from the catalogues themselves."""
    found: dict[str, Any] = {}
    for path in [ROOT / "sync" / "problems.yaml", *sorted((ROOT / "connectors").glob("*/problems.yaml"))]:
        found |= yaml.safe_load(path.read_text(encoding="utf-8"))
    return found


def unsettled(sight: Sight) -> list[str]:
    """Events and records that are nowhere, and waiting ones that do not say why, since when and for whom."""
    found = [
        f"I2: event {row['id']} of {row['system']} is still {row['state']} after {row['tries']} tries"
        for row in sight.rows("SELECT * FROM event WHERE company_id = %s AND state = 'received'", [sight.company])
    ]
    found += [
        f"I2: event {row['id']} of {row['system']} is parked without a reason"
        for row in sight.rows(
            "SELECT * FROM event WHERE company_id = %s AND state = 'parked' AND coalesce(note, '') = ''", [sight.company]
        )
    ]
    waiting = sight.rows(
        "SELECT * FROM sync_record WHERE company_id = %s AND state IN ('held', 'needs_attention', 'conflict')", [sight.company]
    )
    for row in waiting:
        name = f"{row['kind']} {row['number'] or row['source_id']}"
        if not row["problems"] or row["state_since"] is None:
            found.append(f"I2: {name} is {row['state']} without a reason or an age")
        for problem in row["problems"]:
            entry = catalogue().get(problem["code"], {})
            if not entry.get("owner") or not entry.get("fix"):
                found.append(f"I2: {name} is {row['state']} for {problem['code']}, which names no owner or no fix")
            if problem["code"] == "unexpected_failure":
                found.append(f"I2: {name} met a failure that nobody foresaw: {problem.get('values')}")
        if row["state"] == "held" and row["due_at"] is None:
            found.append(f"I2: {name} is held and nobody will look at it again")
    return found


def endless(sight: Sight) -> list[str]:
    """I12."""
    rows = sight.rows(
        "SELECT w.*, r.kind, r.number FROM write w JOIN sync_record r ON r.id = w.record_id"
        " WHERE w.company_id = %s AND w.sends > %s",
        [sight.company, MOST_SENDS],
    )
    return [f"I12: {row['kind']} {row['number']}: step {row['step']!r} was sent {row['sends']} times" for row in rows]


#: Attempts that ended after the next one had begun, and were not a mere release of what they held.
_LATE = """
    SELECT r.kind, r.number, a.attempt, a.ended_at, n.started_at FROM attempt a JOIN sync_record r ON r.id = a.record_id
    JOIN attempt n ON n.record_id = a.record_id AND n.attempt = a.attempt + 1
    WHERE a.company_id = %s AND a.ended_at > n.started_at ORDER BY a.id
"""


def overtaken(sight: Sight) -> list[str]:
    """I10, the fence: what an overtaken attempt found is never stored over what the later one knows."""
    return [
        f"I10: attempt {row['attempt']} of {row['kind']} {row['number']} stored its result at {row['ended_at']:%H:%M:%S};"
        f" the next one had begun at {row['started_at']:%H:%M:%S}"
        for row in sight.rows(_LATE, [sight.company])
    ]
