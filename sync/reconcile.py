"""Comparing both sides to the cent: what the source says, what the target really holds, and what explains a difference."""

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from decimal import Decimal
from typing import Any

from sqlalchemy import Connection, text

from connectors.flow import Counted, Flow
from connectors.registry import connector
from models import session
from models.states import RecordState
from objects.money import text_of
from objects.text import folded
from sync import clients, snapshots, vanished
from sync.company import Company, load
from sync.scan import scanned_projects

ZERO = Decimal("0.00")


@dataclass(slots=True)
class Line:
    """One project, kind and currency: counts and sums of both sides. `unexplained` must be 0.00."""

    project: str
    kind: str
    currency: str
    here_count: int = 0
    there_count: int = 0
    here: Decimal = ZERO
    there: Decimal = ZERO
    explained: Decimal = ZERO
    reasons: dict[str, int] = field(default_factory=dict)

    @property
    def difference(self) -> Decimal:
        return self.here - self.there

    @property
    def unexplained(self) -> Decimal:
        return self.difference - self.explained

    def plain(self) -> dict[str, Any]:
        """With amounts as text, as reports and JSON show it."""
        return {k: text_of(v) if isinstance(v, Decimal) else v for k, v in asdict(self).items()} | {
            "difference": text_of(self.difference),
            "unexplained": text_of(self.unexplained),
        }

    @classmethod
    def of(cls, plain: Mapping[str, Any]) -> "Line":
        """And back."""
        return cls(
            plain["project"], plain["kind"], plain["currency"], plain["here_count"], plain["there_count"],
            Decimal(plain["here"]), Decimal(plain["there"]), Decimal(plain["explained"]), plain["reasons"],
        )  # fmt: skip


@dataclass(slots=True)
class Report:
    """A whole comparison. `duplicates`: what stands more than once on the target under one key, or a second time in the
    same project with the same number and amount, entered there by hand."""

    lines: list[Line]
    duplicates: list[str]
    only_there: list[str]

    @classmethod
    def of(cls, result: Mapping[str, Any]) -> "Report":
        """The report again, from what its run has stored."""
        lines = [Line.of(one) for one in result.get("lines", ())]
        return cls(lines, list(result.get("duplicates", ())), list(result.get("only_there", ())))

    @property
    def unexplained(self) -> Decimal:
        return sum((abs(line.unexplained) for line in self.lines), ZERO)


class Overtaken(LookupError):
    """A later comparison of the same connection has begun; this one is forgotten."""


def begin(company_id: int, system: str) -> int:
    """The id of a new run. One that was cut short gives way to it. Raises SwitchedOff, KeyError for no such connection."""
    with session(company_id) as db:
        company = load(db, company_id)
        if off := company.off(system):
            raise clients.SwitchedOff(off)
        given = {"p": company_id, "c": company.connections[system].id}
        db.execute(text("DELETE FROM reconcile_run WHERE connection_id = :c AND ended_at IS NULL"), given)
        return int(db.scalar(text("INSERT INTO reconcile_run (company_id, connection_id) VALUES (:p, :c) RETURNING id"), given))


def run(company_id: int, system: str, run_id: int = 0) -> Report:
    """Reads the target of every flow with amounts and compares. Raises connectors.calls.CallFailed, Overtaken.

    Each flow that was compared is kept: with `run_id`, a run that a shut window cut short goes on with the others. Changes
    nothing outside; records that the target does not have any more are shown to people.
    """
    run_id = run_id or begin(company_id, system)
    with session(company_id) as db:
        company, report, done = load(db, company_id), *_kept(db, run_id)
    lines = {(line.project, line.kind, line.currency): line for line in report.lines}
    for n, flow in enumerate(connector(system).flows):
        if n < done:
            continue
        with session(company_id) as db:
            began = db.execute(text("SELECT clock_timestamp()")).scalar_one()
        there = list(_there(company, system, flow))
        with session(company_id) as db:
            here = _here(db, company, system, flow)
            missing = _compare(flow, here, there, lines, report.duplicates, report.only_there)
            if flow.kind in connector(flow.target).counts:
                vanished.compared(db, company, missing, flow.target, began)
            report.lines = sorted(lines.values(), key=lambda x: (x.project, x.kind))
            _keep(db, run_id, report, n + 1)
    with session(company_id) as db:
        _keep(db, run_id, report, None)
    return report


def _kept(db: Connection, run_id: int) -> tuple[Report, int]:
    """What a run has come to, and how many flows that were."""
    row = db.execute(text("SELECT result FROM reconcile_run WHERE id = :id"), {"id": run_id}).one_or_none()
    if row is None:
        raise Overtaken(f"comparison {run_id} gave way to a later one")
    return Report.of(row.result or {}), int((row.result or {}).get("flows", 0))


def _keep(db: Connection, run_id: int, report: Report, flows: int | None) -> None:
    """`flows`: how many are compared; None: all, and the run has ended."""
    plain = {"lines": [line.plain() for line in report.lines], "duplicates": report.duplicates, "only_there": report.only_there}
    kept = db.execute(
        text("""
        UPDATE reconcile_run SET ended_at = CASE WHEN :ended THEN clock_timestamp() END, result = CAST(:r AS jsonb),
            unexplained = CASE WHEN :ended THEN CAST(:u AS numeric) END WHERE id = :id RETURNING id
    """),
        {
            "ended": flows is None,
            "u": report.unexplained,
            "r": json.dumps(plain if flows is None else {**plain, "flows": flows}),
            "id": run_id,
        },
    ).first()
    if kept is None:
        raise Overtaken(f"comparison {run_id} gave way to a later one")


def _there(company: Company, system: str, flow: Flow) -> Iterator[Counted]:
    """What the target holds of this flow's kind, read from the target."""
    count = connector(flow.target).counts.get(flow.kind)
    if count is None or flow.target not in company.connections:
        return
    with session(company.id) as db:
        projects = _target_projects(db, company, system, flow)
    yield from count(clients.client(company, flow.target), projects)


def _target_projects(db: Connection, company: Company, system: str, flow: Flow) -> list[str]:
    """The target's ids of the projects in this sync; all that Procore shows, where the connection syncs no projects."""
    column = "remote_id" if flow.direction == "from_procore" else "source_id"
    if not any(one.kind == "project" for one in connector(system).flows):
        return scanned_projects(db, company.connections["procore"].id) if flow.target == "procore" else []
    return list(
        db.scalars(
            text(f"""
        SELECT {column} FROM sync_record WHERE connection_id = :c AND kind = 'project' AND remote_id IS NOT NULL ORDER BY id
    """),
            {"c": company.connections[system].id},
        )
    )


def _here(db: Connection, company: Company, system: str, flow: Flow) -> list[Any]:
    """What the source says of every object of the flow, with what became of it: the amount is the source's own."""
    return list(
        db.execute(
            text("""
        SELECT r.id, r.kind, r.source_id, r.key, r.number, r.state, r.currency, r.remote_id, s.data,
            coalesce(p.number, s.project_id, '') AS project
        FROM sync_record r
        JOIN snapshot s ON s.connection_id = :source AND s.kind = r.kind AND s.source_id = r.source_id AND s.gone_at IS NULL
        LEFT JOIN snapshot p ON p.connection_id = :source AND p.kind = 'project' AND p.source_id = s.project_id
        WHERE r.connection_id = :c AND r.kind = :k AND r.direction = :d
    """),
            {
                "source": company.connections[flow.source].id,
                "c": company.connections[system].id,
                "k": flow.kind,
                "d": flow.direction,
            },
        )
    )


def _compare(
    flow: Flow,
    here: Sequence[Any],
    there: Iterable[Counted],
    lines: dict[tuple[str, str, str], Line],
    duplicates: list[str],
    only_there: list[str],
) -> list[int]:
    """Adds what it finds to the report's parts; gives the records in both systems that the target does not have."""
    missing, ids = [], set()
    by_anchor: dict[str, list[Counted]] = defaultdict(list)
    adopted: dict[str, list[Counted]] = {}
    anchors = {row.source_id if flow.direction == "from_procore" else row.key for row in here}
    linked = {row.remote_id.rpartition(":")[2] for row in here if row.remote_id}
    for counted in there:
        ids.add(counted.remote_id)
        if counted.anchor not in anchors and counted.remote_id in linked:
            adopted[counted.remote_id] = [counted]  # somebody else made it, and it was found to be the same
        else:
            by_anchor[counted.anchor].append(counted)
    by_hand = {(c.project_id, folded(c.number), c.amount) for c in by_anchor.pop("", [])}
    for row in here:
        amount = flow.compared(snapshots.load(row.kind, row))
        if amount is None:
            continue
        line = lines.setdefault((row.project, flow.kind, row.currency), Line(row.project, flow.kind, row.currency))
        line.here_count, line.here = line.here_count + 1, line.here + amount
        found = by_anchor.pop(row.source_id if flow.direction == "from_procore" else row.key, [])
        found = found or adopted.get((row.remote_id or "").rpartition(":")[2], [])
        line.there_count, line.there = line.there_count + len(found), line.there + sum((f.amount for f in found), ZERO)
        if len(found) > 1 or any((f.project_id, folded(f.number), f.amount) in by_hand for f in found):
            duplicates.append(f"{flow.kind} {row.number}")
        if row.state == RecordState.synced and not found and row.remote_id.rpartition(":")[2] not in ids:
            missing.append(row.id)
        if row.state != RecordState.synced:
            # known and shown to people: what is not (or not yet again) over there is explained by the record itself
            line.explained += amount - sum((f.amount for f in found), ZERO)
            line.reasons[row.state] = line.reasons.get(row.state, 0) + 1
    for left in by_anchor.values():
        only_there.extend(f"{flow.kind} {c.number}" for c in left)
    return missing
