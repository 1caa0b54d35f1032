"""Why: for one record, each check with a tick or a cross, both sides, what was sent, and what happens next."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, text

from connectors.flow import Check
from connectors.registry import flow_of
from models import session
from objects.plain import from_plain
from objects.problem import Problem
from sync import problems
from sync.company import Company, load
from sync.known import BatchKnown
from sync.problems import ProblemText


@dataclass(frozen=True, slots=True)
class CheckResult:
    """One rule, whether it holds now, and the problem's texts if not."""

    name: str
    requirement: str
    ok: bool
    problem: ProblemText | None = None


@dataclass(frozen=True, slots=True)
class Why:
    """Everything known of a record. `snapshot` is the source's side, `held` what the target should hold."""

    record: dict[str, Any]
    source: str
    target: str
    protected_by: str
    snapshot: dict[str, Any] | None
    held: dict[str, Any] | None
    checks: list[CheckResult]
    problems: list[ProblemText]
    warnings: list[ProblemText]
    writes: list[dict[str, Any]] = field(default_factory=list)
    approvals: list[dict[str, Any]] = field(default_factory=list)
    history: list[dict[str, Any]] = field(default_factory=list)
    attempts: list[dict[str, Any]] = field(default_factory=list)
    next_at: datetime | None = None
    next_text: str = ""


def find(company_id: int, ref: str) -> list[int]:
    """Record ids for any number or id: ours, the source's, the other side's. Exact numbers first."""
    with session(company_id) as db:
        return list(
            db.scalars(
                text("""
            SELECT id FROM sync_record
            WHERE number = :ref OR source_id = :ref OR remote_id = :ref OR remote_number = :ref OR key = :ref
               OR id::text = :ref OR split_part(source_id, ':', 2) = :ref
            ORDER BY (number = :ref) DESC, kind, id
        """),
                {"ref": ref},
            )
        )


def explain(company_id: int, record_id: int) -> Why:
    """Evaluates every check anew on what is known now; reads Postgres only. Raises LookupError."""
    with session(company_id) as db:
        company = load(db, company_id)
        row = db.execute(text("SELECT * FROM sync_record WHERE id = :id"), {"id": record_id}).one_or_none()
        if row is None:
            raise LookupError(f"there is no record {record_id}")
        connected = company.by_id(row.connection_id)
        flow = flow_of(connected.system, row.kind, row.direction)
        snapshot = db.execute(
            text("""
            SELECT data FROM snapshot WHERE connection_id = :c AND kind = :k AND source_id = :s
        """),
            {"c": company.connections[flow.source].id, "k": row.kind, "s": row.source_id},
        ).scalar_one_or_none()
        checks: list[CheckResult] = []
        if snapshot is not None and connected.settings is not None:
            known = BatchKnown(db, company, connected, flow)
            obj = from_plain(row.kind, snapshot)
            known.fill(flow.needs(obj))
            found = [*row.problems, *row.warnings]
            checks = [_result(check, obj, known, found if flow.prepare else ()) for check in flow.checks]
        ours = {check.problem.code for check in checks if check.problem is not None}
        rule = f"{flow.target.replace('_', ' ').title()}'s own rules"
        checks += [CheckResult(rule, p.requirement, False, p) for p in map(_text, row.problems) if p.code not in ours]
        return Why(
            _public(row),
            flow.source,
            flow.target,
            flow.protected_by,
            snapshot,
            row.held,
            checks,
            [_text(p) for p in row.problems],
            [_text(p) for p in row.warnings],
            _rows(db, "write", record_id),
            _rows(db, "approval", record_id),
            _rows(db, "history", record_id),
            _rows(db, "attempt", record_id),
            next_at=row.due_at,
            next_text=_next(company, row),
        )


def _result(check: Check, obj: Any, known: BatchKnown, found: Sequence[dict[str, Any]] = ()) -> CheckResult:
    """`found`: what was found when the object had been prepared (its files fetched), which looking does not do again."""
    problem: Problem | None = check.run(obj, known)
    if problem is None:
        stored = next((one for one in found if one["code"].replace("_", " ") == check.name), None)
        if stored is None:
            return CheckResult(check.name, check.requirement, True)
        problem = problems.from_record(stored)
    shown = problems.text(problem.code, problem.values)
    return CheckResult(check.name, check.requirement, shown.severity != "error", shown)


def _rows(db: Connection, table: str, record_id: int) -> list[dict[str, Any]]:
    rows = db.execute(text(f"SELECT * FROM {table} WHERE record_id = :r ORDER BY id"), {"r": record_id})
    return [_public(row) for row in rows]


def _public(row: Any) -> dict[str, Any]:
    """Columns as plain values; hashes as hexadecimal."""
    return {k: bytes(v).hex() if isinstance(v, bytes | memoryview) else v for k, v in row._mapping.items()}


def _text(stored: dict[str, Any]) -> ProblemText:
    return problems.text(stored["code"], stored["values"])


def _next(company: Company, row: Any) -> str:
    found = [_text(p) for p in row.problems]
    if found:
        return found[0].next
    return {
        "synced": "Nothing: both sides agree. A change at the source starts it again.",
        "pending": "It is looked at as soon as a worker is free.",
        "sending": "The outcome is stored as soon as the answer comes.",
        "awaiting_approval": "It is sent when an approver agrees to this version and amount.",
        "rejected": "A new version at the source, or Send again.",
        "ignored": "It is looked at again when the object or the settings change.",
    }.get(row.state, "")
