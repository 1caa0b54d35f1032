"""Lists of records: filtered, a page at a time, with totals over everything that matches."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import Connection, text

from models import session
from models.states import RecordState
from objects.problem import Problem
from sync import problems
from sync.problems import ProblemText
from sync.views.words import APART, NotAPosition, kind_word, number_of, state_word, waiting_words

LARGEST_PAGE = 200


@dataclass(frozen=True, slots=True)
class Filters:
    """What to show; empty fields do not filter. `project` is a project's number, `differs` leaves equal ones out."""

    kind: str = ""
    state: str = ""
    project: str = ""
    system: str = ""
    text: str = ""
    code: str = ""
    differs: bool = False


@dataclass(frozen=True, slots=True)
class RecordRow:
    """One record. `here` is the amount at its source, `there` what its target was last confirmed to hold.

    `why` stands below the state: what it waits for, or the first problem's title.
    """

    id: int
    kind: str
    direction: str
    system: str
    source_id: str
    number: str
    name: str
    vendor: str
    project_id: str
    project: str
    state: str
    waits: str
    why: str
    problems: tuple[ProblemText, ...]
    currency: str
    here: Decimal | None
    there: Decimal | None
    compared: bool
    version: int
    remote_id: str | None
    remote_number: str | None
    state_since: datetime
    synced_at: datetime | None
    due_at: datetime | None

    @property
    def kind_word(self) -> str:
        """"Commitment"."""
        return kind_word(self.kind)

    @property
    def state_word(self) -> str:
        """"Held: waiting for project 24-017"."""
        return state_word(self.state, self.waits)

    @property
    def source(self) -> str:
        """The system it is read from."""
        return "procore" if self.direction == "from_procore" else self.system

    @property
    def target(self) -> str:
        """The system it is written to."""
        return self.system if self.direction == "from_procore" else "procore"

    @property
    def site(self) -> Decimal | None:
        """Procore's amount."""
        return self.here if self.direction == "from_procore" else self.there

    @property
    def books(self) -> Decimal | None:
        """The accounting system's amount."""
        return self.there if self.direction == "from_procore" else self.here

    @property
    def difference(self) -> Decimal | None:
        """Site less books; None where nothing is compared."""
        if not self.compared or (self.here is None and self.there is None):
            return None
        return (self.site or Decimal("0.00")) - (self.books or Decimal("0.00"))


@dataclass(frozen=True, slots=True)
class Total:
    """One currency's sums over everything that matches; what is not part of a sync is counted, not summed."""

    currency: str
    site: Decimal
    books: Decimal

    @property
    def difference(self) -> Decimal:
        """Site less books."""
        return self.site - self.books


@dataclass(frozen=True, slots=True)
class RecordPage:
    """`after` fetches the next page; empty on the last. `apart` of `count` are not compared."""

    rows: tuple[RecordRow, ...]
    count: int
    apart: int
    totals: tuple[Total, ...]
    after: str


_FROM = """
    FROM sync_record r JOIN company c ON c.id = r.company_id JOIN connection n ON n.id = r.connection_id
    LEFT JOIN connection p ON p.company_id = r.company_id AND p.system = 'procore'
"""
_SOURCE = "CASE WHEN r.direction = 'from_procore' THEN p.id ELSE n.id END"
#: What the target holds: our amount when that is what was last confirmed, else the newest confirmed write's.
THERE = """CASE WHEN r.sent_hash IS NOT NULL AND r.sent_hash = r.held_hash THEN r.amount ELSE (
    SELECT w.amount FROM write w WHERE w.company_id = r.company_id AND w.record_id = r.id AND w.state = 'confirmed'
        AND w.side = 'target' AND w.amount IS NOT NULL ORDER BY w.version DESC, w.id LIMIT 1) END"""
FULL = f"""
    SELECT r.*, n.system, coalesce(r.currency, c.currency) AS counted_in, s.data->>'name' AS full_name,
        coalesce(s.data->>'vendor_name', s.data->>'supplier_name', '') AS vendor,
        coalesce(nullif(j.number, '') || ' ', '') || coalesce(j.data->>'name', '') AS project, {THERE} AS there
    {_FROM}
    LEFT JOIN snapshot s ON s.company_id = r.company_id AND s.connection_id = {_SOURCE}
        AND s.kind = r.kind AND s.source_id = r.source_id
    LEFT JOIN snapshot j ON r.project_id <> '' AND j.company_id = r.company_id AND j.connection_id = {_SOURCE}
        AND j.kind = 'project' AND j.source_id = r.project_id
"""

_CONDITIONS = {
    "kind": "r.kind = :kind",
    "state": "r.state = :state",
    "system": "n.system = :system",
    "code": "r.problems @> jsonb_build_array(jsonb_build_object('code', CAST(:code AS text)))",
    "differs": "r.sent_hash IS DISTINCT FROM r.held_hash AND r.state NOT IN ('ignored', 'unlinked', 'source_deleted')",
    "project": f"""({_SOURCE}, r.project_id) IN (
        SELECT connection_id, source_id FROM snapshot WHERE kind = 'project' AND number = :project)""",
    "text": """(r.number ILIKE :like OR r.name ILIKE :like OR r.remote_number ILIKE :like OR r.remote_id = :text
        OR r.source_id = :text OR r.amount = CAST(:exact AS numeric) OR EXISTS (SELECT FROM snapshot v
        WHERE v.kind = r.kind AND v.source_id = r.source_id AND v.data->>'vendor_name' ILIKE :like))""",
}


def records(company_id: int, filters: Filters, after: str = "", limit: int = 50) -> RecordPage:
    """One page in the order of their numbers. Raises NotAPosition."""
    where, values = _where(filters)
    number, last_id = _position(after)
    limit = min(max(limit, 1), LARGEST_PAGE)
    with session(company_id) as db:
        totals = _totals(db, where, values)
        rows = db.execute(text(f"""
            {FULL} WHERE r.id IN (
                SELECT r.id {_FROM} WHERE {where} AND (r.number, r.id) > (:number, :last_id)
                ORDER BY r.number, r.id LIMIT :limit)
            ORDER BY r.number, r.id
        """), {**values, "number": number, "last_id": last_id, "limit": limit + 1}).all()
        page = tuple(rows_of(db, rows[:limit]))
    following = f"{page[-1].id}:{page[-1].number}" if len(rows) > limit else ""
    count, apart = sum(t.records for t in totals), sum(t.apart for t in totals)
    return RecordPage(page, count, apart, tuple(
        Total(t.counted_in, t.site, t.books) for t in totals if t.with_money
    ), following)


def find(company_id: int, ref: str, kind: str = "") -> list[RecordRow]:
    """Records whose number, remote number, id or source id is exactly this; letter case does not matter."""
    with session(company_id) as db:
        found = db.execute(text(f"""
            {FULL} WHERE (lower(r.number) = lower(:ref) OR lower(r.remote_number) = lower(:ref) OR r.remote_id = :ref
                OR r.source_id = :ref OR CAST(r.id AS text) = :ref) AND (:kind = '' OR r.kind = :kind)
            ORDER BY lower(r.number) <> lower(:ref), r.number, r.id LIMIT 50
        """), {"ref": ref, "kind": kind}).all()
        return list(rows_of(db, found))


def rows_of(db: Connection, rows: Sequence[Any]) -> list[RecordRow]:
    """Rows of FULL, with what they wait for in words."""
    waits = waiting_words(db, {row.id: row.waits_for for row in rows if row.state == RecordState.held})
    return [_row(row, waits.get(row.id, "")) for row in rows]


def texts(stored: Sequence[Mapping[str, Any]]) -> tuple[ProblemText, ...]:
    """Problems as a record keeps them, with their texts; a code of a newer or older release names itself."""
    return tuple(text_of(problems.from_record(one)) for one in stored)


def text_of(problem: Problem) -> ProblemText:
    """The catalogue's texts; for a code it does not have, an honest sentence instead of none."""
    if problems.has(problem.code):
        return problems.text(problem.code, problem.values)
    return ProblemText(
        problem.code, "error", "never", "developer", f"A problem this release has no words for: {problem.code}",
        "Another release of Sitebooks found it.", ("Run the same release everywhere.",), "It is looked at again then.",
    )


def _row(row: Any, waits: str) -> RecordRow:
    found = texts(row.problems)
    why = f"for {waits}" if waits else found[0].title if found else ""
    return RecordRow(
        row.id, row.kind, row.direction, row.system, row.source_id, row.number, row.full_name or row.name, row.vendor,
        row.project_id, row.project.strip(), row.state, waits, why, found, row.counted_in, row.amount, row.there,
        row.state not in APART, row.version, row.remote_id, row.remote_number, row.state_since, row.synced_at,
        row.due_at,
    )


def _where(filters: Filters) -> tuple[str, dict[str, Any]]:
    chosen = {name: getattr(filters, name) for name in _CONDITIONS if getattr(filters, name)}
    if "text" in chosen:
        amount = chosen["text"].replace(",", "").replace(" ", "")
        chosen["exact"] = amount if re.fullmatch(r"-?\d{1,16}(\.\d{1,2})?", amount) else None
        chosen["like"] = "%" + re.sub(r"([%_\\])", r"\\\1", chosen["text"]) + "%"
    return " AND ".join(_CONDITIONS[name] for name in chosen if name in _CONDITIONS) or "true", chosen


def _totals(db: Connection, where: str, values: Mapping[str, Any]) -> Sequence[Any]:
    apart = ", ".join(f"'{state}'" for state in APART)
    return db.execute(text(f"""
        SELECT counted_in, count(*) AS records, count(*) FILTER (WHERE apart) AS apart,
            bool_or(here IS NOT NULL) AS with_money,
            coalesce(sum(CASE WHEN from_site THEN here ELSE there END) FILTER (WHERE NOT apart), 0) AS site,
            coalesce(sum(CASE WHEN from_site THEN there ELSE here END) FILTER (WHERE NOT apart), 0) AS books
        FROM (
            SELECT coalesce(r.currency, c.currency) AS counted_in, r.direction = 'from_procore' AS from_site,
                r.state IN ({apart}) AS apart, r.amount AS here, {THERE} AS there
            {_FROM} WHERE {where}
        ) t GROUP BY counted_in ORDER BY counted_in
    """), values).all()


def _position(after: str) -> tuple[str, int]:
    if not after:
        return "", 0
    record_id, found, number = after.partition(":")
    position = number_of(record_id)
    if not found or position is None:
        raise NotAPosition(after)
    return number, position


__all__ = ["FULL", "Filters", "RecordPage", "RecordRow", "Total", "find", "records", "rows_of", "text_of", "texts"]
