"""What a sync did: how many records were touched since it began, and how all of them stand now."""

from datetime import datetime
from typing import Any

from sqlalchemy import text

from cli.output import Output
from models import session
from sync.views import kinds_word, state_word
from sync.views.words import NEEDS_YOU, kind_order


def since(company_id: int) -> datetime:
    """Now, by the database's clock, as its rows are stamped by it."""
    with session(company_id) as db:
        now: datetime = db.scalar(text("SELECT clock_timestamp()"))
        return now


def counts(company_id: int, began: datetime, kind: str | None, system: str) -> dict[str, Any]:
    """Per kind: records by state, those looked at and those written since it began; `failed`: looked at, and need a person."""
    with session(company_id) as db:
        rows = db.execute(
            text("""
            SELECT r.kind, r.state, count(*) AS n, r.state = ANY(:needs) AS needs,
                count(*) FILTER (WHERE EXISTS (
                    SELECT FROM attempt a WHERE a.record_id = r.id AND a.started_at >= :t)) AS looked_at,
                count(*) FILTER (WHERE EXISTS (SELECT FROM write w WHERE w.record_id = r.id AND w.side = 'target'
                    AND w.state = 'confirmed' AND w.ended_at >= :t)) AS written
            FROM sync_record r JOIN connection n ON n.id = r.connection_id
            WHERE (CAST(:k AS text) IS NULL OR r.kind = :k) AND (:s = '' OR n.system = :s) GROUP BY 1, 2
        """),
            {"t": began, "k": kind, "s": system, "needs": list(NEEDS_YOU)},
        ).all()
    kinds: dict[str, dict[str, Any]] = {}
    for row in sorted(rows, key=lambda r: kind_order(r.kind)):
        kept = kinds.setdefault(row.kind, {"states": {}, "looked_at": 0, "written": 0})
        kept["states"][row.state] = row.n
        kept["looked_at"] += row.looked_at
        kept["written"] += row.written
    return {
        "kinds": kinds,
        "looked_at": sum(r.looked_at for r in rows),
        "written": sum(r.written for r in rows),
        "needs_you": sum(r.n for r in rows if r.needs),
        "failed": sum(r.looked_at for r in rows if r.needs),
    }


def show_counts(out: Output, found: dict[str, Any]) -> None:
    """One line a kind."""
    out.table(
        ("", "looked at", "written", "how they stand"),
        [
            (
                kinds_word(kind),
                one["looked_at"],
                one["written"],
                ", ".join(f"{n} {state_word(state).lower()}" for state, n in one["states"].items()),
            )
            for kind, one in found["kinds"].items()
        ],
        right=("looked at", "written"),
    )
    if found["needs_you"]:
        out.say(f"\n{found['needs_you']} need you: sitebooks status", "needs_attention")
