"""The sweep: rings again for whatever is due, so that the broker may forget everything at any moment."""

from datetime import datetime

from sqlalchemy import text

from models import unscoped
from settings.environment import environment

#: Records rung by one sweep; the rest is still due at the next.
MOST = 2000


def due() -> list[tuple[int, str, list[int]]]:
    """(company, kind, record ids) that are due, not leased, and were not rung lately; marks them rung."""
    with unscoped() as db:
        rows = db.execute(
            text("SELECT company_id, kind, ids FROM sitebooks_due(:m, make_interval(secs => :s))"),
            {"m": MOST, "s": environment().rering_seconds},
        )
        return [(row.company_id, row.kind, list(row.ids)) for row in rows]


def claim_slot(schedule: str, slot: datetime) -> bool:
    """True for exactly one claimant of each slot of a schedule: two beats, or a late one, change nothing."""
    with unscoped() as db:
        return (
            db.execute(
                text("""
            INSERT INTO schedule_slot (schedule, slot) VALUES (:s, :t) ON CONFLICT DO NOTHING RETURNING 1
        """),
                {"s": schedule, "t": slot},
            ).first()
            is not None
        )


def forget_slots() -> int:
    """Slots older than a month tell nothing any more."""
    with unscoped() as db:
        return db.execute(text("DELETE FROM schedule_slot WHERE slot < clock_timestamp() - interval '31 days'")).rowcount
