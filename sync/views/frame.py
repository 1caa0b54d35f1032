"""What stands around every page: whose data it is, how real it is, and how much waits for somebody."""

from dataclasses import dataclass
from typing import Literal
from urllib.parse import urlsplit

from sqlalchemy import text

from models import session
from models.states import RecordState
from sync.views.stops import Stop, stopped
from sync.views.words import NEEDS_YOU


@dataclass(frozen=True, slots=True)
class Frame:
    """`place` says whether mistakes are harmless; `writing` whether any connection may send."""

    company: str
    time_zone: str
    currency: str
    place: Literal["demo", "sandbox", "live"]
    writing: bool
    approvals: int
    problems: int
    stops: tuple[Stop, ...]


def frame(company_id: int) -> Frame:
    """Raises LookupError when there is no such company."""
    with session(company_id) as db:
        row = db.execute(text("""
            SELECT c.name, c.time_zone, c.currency,
                (SELECT settings->>'base_url' FROM connection WHERE system = 'procore') AS procore,
                EXISTS (SELECT FROM connection WHERE enabled AND blocked_code IS NULL)
                    AND NOT EXISTS (SELECT FROM connection WHERE system = 'procore' AND NOT enabled) AS writing,
                (SELECT count(*) FROM sync_record WHERE state = :approval) AS approvals,
                (SELECT count(DISTINCT (r.state, p->>'code')) FROM sync_record r
                    LEFT JOIN LATERAL jsonb_array_elements(r.problems) p ON true WHERE r.state = ANY(:needs)) AS problems
            FROM company c
        """), {"approval": RecordState.awaiting_approval, "needs": list(NEEDS_YOU)}).first()
        stops = stopped(db)
    if row is None:
        raise LookupError(f"there is no company {company_id}")
    return Frame(row.name, row.time_zone, row.currency, _place(row.procore), row.writing, row.approvals, row.problems, stops)


def _place(procore_url: str | None) -> Literal["demo", "sandbox", "live"]:
    host = urlsplit(procore_url or "https://api.procore.com").hostname or ""
    if host in ("127.0.0.1", "localhost", "::1"):
        return "demo"
    return "sandbox" if "sandbox" in host or "monthly" in host else "live"
