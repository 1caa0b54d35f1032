"""What would happen to each record if it were looked at now, by what is known: nothing is read outside, nothing written."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import groupby
from types import SimpleNamespace
from typing import Any, Literal

from sqlalchemy import Connection, text

from connectors.registry import flow_of
from models import session
from models.states import RecordState
from objects.plain import from_plain
from objects.problem import Problem, on_settings
from sync import problems
from sync.company import Company, load
from sync.judge import blocked, judge
from sync.known import BatchKnown
from sync.work import Verdict, Work

Outcome = Literal[
    "create", "change", "no_change", "approval", "held", "attention", "ignored", "rejected", "deleted", "in_progress", "unread"
]

#: Records judged with one filling of what is known.
BATCH = 200


@dataclass(frozen=True, slots=True)
class Foreseen:
    """One record and what would become of it; `amount` is the source's."""

    id: int
    kind: str
    number: str
    name: str
    direction: str
    system: str
    outcome: Outcome
    currency: str
    amount: Decimal | None
    problems: tuple[Problem, ...] = ()
    warnings: tuple[Problem, ...] = ()


def foresee(
    company_id: int,
    *,
    system: str = "",
    kind: str = "",
    project: str = "",
    push: bool = False,
) -> list[Foreseen]:
    """Every record of the choice, judged as the engine would, in a transaction that may only read.

    `project`: a project's number. `push`: as if a person asked for what waits for the push schedule only (L-06).
    """
    with session(company_id) as db:
        db.execute(text("SET TRANSACTION READ ONLY"))
        company = load(db, company_id)
        rows = _rows(db, company, system, kind, project)
        return [one for batch in _batches(rows) for one in _judged(db, company, batch, push)]


def _rows(db: Connection, company: Company, system: str, kind: str, project: str) -> Sequence[Any]:
    site = company.connections["procore"].id if "procore" in company.connections else 0
    return db.execute(
        text("""
        SELECT r.*, n.system, s.data AS snapshot_data, s.read_at, s.gone_at FROM sync_record r
        JOIN connection n ON n.id = r.connection_id
        LEFT JOIN snapshot s ON s.kind = r.kind AND s.source_id = r.source_id
            AND s.connection_id = CASE r.direction WHEN 'to_procore' THEN r.connection_id ELSE :site END
        WHERE r.state <> 'unlinked' AND (:system = '' OR n.system = :system) AND (:kind = '' OR r.kind = :kind)
            AND (:project = '' OR EXISTS (SELECT FROM snapshot p WHERE p.kind = 'project' AND p.number = :project
                AND p.source_id = CASE WHEN r.kind = 'project' THEN r.source_id ELSE r.project_id END))
        ORDER BY r.connection_id, r.kind, r.direction, r.number, r.id
    """),
        {"site": site, "system": system, "kind": kind, "project": project},
    ).all()


def _batches(rows: Sequence[Any]) -> Iterator[list[Any]]:
    for _, same in groupby(rows, key=lambda row: (row.connection_id, row.kind, row.direction)):
        flow_rows = list(same)
        for start in range(0, len(flow_rows), BATCH):
            yield flow_rows[start : start + BATCH]


def _judged(db: Connection, company: Company, rows: Sequence[Any], push: bool) -> Iterator[Foreseen]:
    connected = company.by_id(rows[0].connection_id)
    flow = flow_of(connected.system, rows[0].kind, rows[0].direction)
    works = [Work(_asked(row) if push else row, connected, flow, state=RecordState(row.state)) for row in rows]
    for work in works:
        work.held, work.version, work.gone = work.row.held, work.row.version, work.row.gone_at is not None
        if work.row.snapshot_data is not None:
            work.obj = from_plain(work.row.kind, work.row.snapshot_data)
    known = BatchKnown(db, company, connected, flow)
    known.fill(need for work in works if work.obj is not None for need in flow.needs(work.obj))
    for work in works:
        yield _foreseen(db, company, work, known)


def _asked(row: Any) -> Any:
    """The row as if a person had asked, where nothing but the schedule holds it back."""
    waits = any(problem["code"] == "waiting_for_push" for problem in row.problems)
    return SimpleNamespace(**{**row._mapping, "asked": row.asked or waits})


def _foreseen(db: Connection, company: Company, work: Work, known: BatchKnown) -> Foreseen:
    if work.resuming():
        return _told(company, work, "in_progress")
    if work.obj is None:
        return _told(company, work, "deleted" if work.gone else "unread")
    verdict = _barred(company, work) or judge(db, work, known)
    if verdict is None:
        # what the target refused last time is no check of ours: it would be sent again, and may be refused again
        refused = tuple(problems.from_record(stored) for stored in work.row.problems)
        return _told(company, work, "change" if work.row.remote_id else "create", refused)
    return _told(company, work, OUTCOMES[verdict.state], verdict.problems)


OUTCOMES: dict[RecordState, Outcome] = {
    RecordState.synced: "no_change",
    RecordState.awaiting_approval: "approval",
    RecordState.held: "held",
    RecordState.needs_attention: "attention",
    RecordState.ignored: "ignored",
    RecordState.rejected: "rejected",
    RecordState.source_deleted: "deleted",
}


def _barred(company: Company, work: Work) -> Verdict | None:
    """The connection itself stands in the way."""
    connected = work.connected
    if off := company.off(connected.system):
        return blocked((Problem("switched_off", {"system": off}, (on_settings(),)),))
    if connected.settings is None:
        return blocked(
            (Problem("settings_refused", {"system": connected.system, "reason": connected.refused}, (on_settings(),)),)
        )
    if connected.blocked_code:
        reason = connected.blocked_reason or "it must be connected again"
        return blocked((Problem(connected.blocked_code, {"system": connected.system, "reason": reason}, (on_settings(),)),))
    return None


def _told(company: Company, work: Work, outcome: Outcome, found: tuple[Problem, ...] = ()) -> Foreseen:
    row = work.row
    amount = getattr(work.obj, "amount", row.amount)
    return Foreseen(
        row.id,
        row.kind,
        row.number,
        row.name,
        row.direction,
        row.system,
        outcome,
        row.currency or company.currency,
        amount,
        found,
        tuple(work.warnings),
    )
