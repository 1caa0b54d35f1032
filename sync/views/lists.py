"""Small lists around the records: kinds with counts, projects, who did what, comparisons, one connection."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import text

from models import session
from sync import one_route, problems
from sync.one_route import Crossing
from sync.views.words import kind_order, kind_word, number_of


@dataclass(frozen=True, slots=True)
class Activity:
    """One line of the history. `record_id` is None for what concerns a connection or the company."""

    id: int
    at: datetime
    actor: str
    what: str
    before: dict[str, Any]
    after: dict[str, Any]
    reason: str
    record_id: int | None
    kind: str
    number: str


@dataclass(frozen=True, slots=True)
class Comparison:
    """One full comparison of both sides. `lines` are per project, kind and currency, with amounts as text."""

    id: int
    system: str
    started_at: datetime
    ended_at: datetime | None
    unexplained: Decimal | None
    lines: tuple[dict[str, Any], ...]
    duplicates: tuple[str, ...]
    only_there: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ConnectionView:
    """One connection's settings and state, without any secret."""

    id: int
    system: str
    enabled: bool
    settings: dict[str, Any]
    version: int
    blocked_code: str | None
    blocked_at: datetime | None
    covered: tuple[str, ...]
    created_at: datetime
    blocked_reason: str = ""
    granted_at: datetime | None = None  # a person let us in, and as whom there
    granted_by: str = ""
    granted_as: str = ""
    signs_in: bool = False  # it holds a token of a sign-in of its own


def kind_counts(company_id: int) -> dict[str, int]:
    """Kind -> records, in the order of dependence."""
    with session(company_id) as db:
        rows = db.execute(text("SELECT kind, count(*) AS n FROM sync_record GROUP BY kind")).all()
    return {row.kind: row.n for row in sorted(rows, key=lambda row: kind_order(row.kind))}


def approval_counts(company_id: int) -> dict[str, int]:
    """Kind -> records that wait for an approval."""
    with session(company_id) as db:
        rows = db.execute(text("""
            SELECT kind, count(*) AS n FROM sync_record WHERE state = 'awaiting_approval' GROUP BY kind
        """)).all()
    return {row.kind: row.n for row in sorted(rows, key=lambda row: kind_order(row.kind))}


def waiting_money(company_id: int, kind: str = "") -> dict[str, Decimal]:
    """Currency -> amount of all that waits for an approval."""
    with session(company_id) as db:
        rows = db.execute(text("""
            SELECT coalesce(r.currency, c.currency) AS currency, sum(r.amount) AS amount
            FROM sync_record r JOIN company c ON c.id = r.company_id
            WHERE r.state = 'awaiting_approval' AND (:kind = '' OR r.kind = :kind) AND r.amount IS NOT NULL
            GROUP BY 1 ORDER BY 1
        """), {"kind": kind})
        return {row.currency: row.amount for row in rows}


def projects(company_id: int) -> list[tuple[str, str]]:
    """(number, name) of every project some record belongs to, each number once."""
    with session(company_id) as db:
        rows = db.execute(text("""
            SELECT number, min(data->>'name') AS name FROM snapshot
            WHERE kind = 'project' AND number <> '' GROUP BY number ORDER BY number LIMIT 500
        """))
        return [(row.number, row.name or "") for row in rows]


def activity(company_id: int, after: str = "", limit: int = 50) -> tuple[list[Activity], str]:
    """What people and systems did, the newest first, and where the next page starts. Raises NotAPosition."""
    with session(company_id) as db:
        rows = db.execute(text("""
            SELECT h.*, r.kind, coalesce(nullif(r.number, ''), r.source_id) AS number
            FROM history h LEFT JOIN sync_record r ON r.id = h.record_id
            WHERE CAST(:before AS bigint) IS NULL OR h.id < :before ORDER BY h.id DESC LIMIT :limit
        """), {"before": number_of(after), "limit": limit + 1}).all()
    page = [
        Activity(r.id, r.at, r.actor, r.what, r.before or {}, r.after or {}, _reason(r), r.record_id, r.kind or "",
                 r.number or "")
        for r in rows[:limit]
    ]
    return page, str(page[-1].id) if len(rows) > limit else ""


def _reason(row: Any) -> str:
    """A problem's code as its sentence; what a person wrote stays as it is."""
    reason = row.reason or ""
    if not problems.has(reason):
        return reason
    known = {"number": row.number or "", "kind": kind_word(row.kind or "").lower(), "name": row.number or ""}
    return problems.text(reason, known).title


def comparisons(company_id: int) -> list[Comparison]:
    """The newest of every connection, and those before it: at most twenty, the newest first."""
    with session(company_id) as db:
        rows = db.execute(text("""
            SELECT u.*, n.system FROM reconcile_run u JOIN connection n ON n.id = u.connection_id
            ORDER BY u.id DESC LIMIT 20
        """)).all()
    return [
        Comparison(
            r.id, r.system, r.started_at, r.ended_at, r.unexplained, tuple((r.result or {}).get("lines", ())),
            tuple((r.result or {}).get("duplicates", ())), tuple((r.result or {}).get("only_there", ())),
        )
        for r in rows
    ]


def connection(company_id: int, system: str) -> ConnectionView | None:
    """None: this system is not connected."""
    with session(company_id) as db:
        row = db.execute(text("""
            SELECT n.*, EXISTS (SELECT FROM credential c WHERE c.connection_id = n.id AND c.token IS NOT NULL) AS signs_in
            FROM connection n WHERE n.system = :s
        """), {"s": system}).first()  # fmt: skip
    if row is None:
        return None
    return ConnectionView(
        row.id, row.system, row.enabled, row.settings, row.settings_version, row.blocked_code, row.blocked_at,
        tuple(str(one) for one in row.covered), row.created_at, row.blocked_reason or "", row.granted_at,
        row.granted_by or "", row.granted_as or "", row.signs_in,
    )


def site(company_id: int) -> tuple[str, str]:
    """(Procore's id of the company, its name there as it was picked or else ours)."""
    with session(company_id) as db:
        row = db.execute(text("""
            SELECT c.site_id, coalesce((SELECT h.after->>'name' FROM history h WHERE h.what LIKE 'company.%'
                AND h.after->>'company' = c.site_id ORDER BY h.id DESC LIMIT 1), c.name) AS name FROM company c
        """)).one()  # fmt: skip
    return row.site_id, row.name


def crossings(company_id: int) -> list[Crossing]:
    """Two routes or two writers for one kind of money, as everything is set now (C-12)."""
    with session(company_id) as db:
        return one_route.of_company(db)
