"""The list of webhook deliveries and what became of them."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import text

from models import session
from models.states import EventState
from sync import problems
from sync.names import system_word
from sync.views.words import kind_word, number_of

WORDS = {
    EventState.received: "Waiting its turn",
    EventState.done: "Read",
    EventState.ignored: "Ignored",
    EventState.parked: "Parked",
}


@dataclass(frozen=True, slots=True)
class Event:
    """One delivery. `note` says why it was ignored or parked; `record_id` is a record of the object it was about."""

    id: int
    event_id: str
    system: str
    state: str
    kind: str
    ref: str
    note: str
    tries: int
    received_at: datetime
    settled_at: datetime | None
    number: str
    record_id: int | None

    @property
    def state_word(self) -> str:
        """What we did."""
        return WORDS[EventState(self.state)]

    @property
    def about(self) -> str:
        """"Commitment PO-1042"."""
        return f"{kind_word(self.kind)} {self.number or self.ref}".strip() if self.kind else ""

    @property
    def system_word(self) -> str:
        """Who told us."""
        return system_word(self.system)


@dataclass(frozen=True, slots=True)
class EventPage:
    """The newest first; `after` fetches the next page; `counts` are over all that match but for the state."""

    rows: tuple[Event, ...]
    counts: dict[str, int]
    after: str


def events(company_id: int, state: str = "", system: str = "", after: str = "", limit: int = 50) -> EventPage:
    """One page. Raises NotAPosition."""
    limit = min(max(limit, 1), 200)
    values = {"state": state, "system": system, "before": number_of(after), "limit": limit + 1}
    with session(company_id) as db:
        counts = db.execute(text("""
            SELECT state, count(*) AS n FROM event WHERE (:system = '' OR system = :system) GROUP BY state
        """), values).all()
        rows = db.execute(text("""
            SELECT e.*, r.id AS record_id, r.number FROM event e
            LEFT JOIN LATERAL (
                SELECT id, number FROM sync_record r WHERE r.company_id = e.company_id AND r.kind = e.kind
                AND r.source_id = e.ref ORDER BY id LIMIT 1) r ON true
            WHERE (:state = '' OR e.state = :state) AND (:system = '' OR e.system = :system)
                AND (CAST(:before AS bigint) IS NULL OR e.id < :before)
            ORDER BY e.id DESC LIMIT :limit
        """), values).all()
    page = tuple(event_of(row) for row in rows[:limit])
    return EventPage(page, {row.state: row.n for row in counts}, str(page[-1].id) if len(rows) > len(page) else "")


def event_of(row: Any) -> Event:
    """From a row of event with the record's id and number."""
    note = row.note or ""
    if problems.has(note):
        note = problems.text(note).title
    return Event(
        row.id, row.event_id, row.system, row.state, row.kind or "", row.ref or "", note, row.tries,
        row.received_at, row.settled_at, row.number or "", row.record_id,
    )
