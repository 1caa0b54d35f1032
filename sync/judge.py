"""Steps 3 to 6: is the object part of this sync, what stands against it, what should the target hold, who must agree."""

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection

from connectors.calls import NotUnderstood, WrongCompany
from connectors.flow import Check
from connectors.plan import Done
from models import text
from models.states import RecordState
from objects.known import Known
from objects.plain import digest
from objects.problem import Problem, on_settings
from settings.environment import environment
from sync import problems, vanished, volume
from sync.clock import now
from sync.work import Verdict, Work

_BEGUN = text("""
    SELECT coalesce(bool_or(state IN ('sending', 'uncertain') OR state = 'rejected' AND lands_until IS NOT NULL), false)
            AS doubtful,
        coalesce(bool_or(sends > 0 AND version = :v), false) AS sent,
        max(done->>'remote_id') FILTER (WHERE state = 'confirmed' AND version = :v AND key = :k) AS there
    FROM write WHERE record_id = :r AND side = 'target' AND request NOT LIKE 'GET %'
""")


def recheck() -> datetime:
    """When a held record is looked at again at the latest."""
    return now() + timedelta(seconds=environment().recheck_seconds)


def judge(db: Connection, work: Work, known: Known) -> Verdict | None:
    """The verdict, or None when the record is to be written now: then held, version and state of `work` say what."""
    if work.gone:
        code = "source_gone" if work.row.remote_id is not None or work.row.version else "gone_unsent"
        state = RecordState.source_deleted if code == "source_gone" else RecordState.ignored
        return Verdict(state, (_named(work, code, system=work.flow.source.replace("_", " ").title()),), reason=code)
    if (left := vanished.stands(work.row)) is not None:
        return Verdict(RecordState.needs_attention, (left,), reason=left.code)
    if (push := _waits_for_push(work)) is not None:
        return Verdict(RecordState.ignored, (push,), reason=push.code)
    if (stop := work.flow.scope(work.obj, known)) is not None:
        return _left_alone(db, work, stop)
    found = [problem for check in work.flow.checks if (problem := check.run(work.obj, known)) is not None]
    work.warnings = [p for p in found if not problems.blocks(p)]
    blocking = tuple(p for p in found if problems.blocks(p))
    if blocking:
        return blocked(blocking)
    try:
        held = work.flow.hold(work.obj, known, work.row.key)
    except NotUnderstood as error:
        return blocked((not_understood(work, work.flow.source, error),))
    return _weigh(db, work, held)


def changed(work: Work, known: Known) -> bool:
    """Whether what a begun plan sends is not what would be sent now: it is judged anew once the plan has ended."""
    if work.flow.scope(work.obj, known) is not None:
        return True
    found = (check.run(work.obj, known) for check in work.flow.checks)
    if any(p is not None and problems.blocks(p) for p in found):
        return True
    try:
        return digest(work.flow.hold(work.obj, known, work.row.key)) != work.held_hash
    except NotUnderstood:
        return True


def _left_alone(db: Connection, work: Work, stop: Problem) -> Verdict | None:
    """No part of this sync any more. What an earlier try may have left there is looked for first, or nobody would know of it."""
    row, left = work.row, Verdict(RecordState.ignored, (stop,), reason=stop.code)
    if not row.held or row.held_hash is None or row.sent_hash == row.held_hash:
        return left
    begun = db.execute(_BEGUN, {"r": work.id, "v": row.version, "k": row.key}).one()
    if begun.doubtful:
        work.held, work.held_hash, work.version, work.stop = row.held, bytes(row.held_hash), row.version, stop
        return None
    there = (row.remote_id or begun.there) if begun.sent else None
    if there is None:
        return left
    why = problems.text(stop.code, stop.values).title.rstrip(".")
    problem = _named(work, "left_unfinished", system=work.flow.target, there=there, why=why)
    return Verdict(RecordState.needs_attention, (problem,), reason=problem.code, done=Done(there, row.remote_number))


def blocked(found: tuple[Problem, ...], due_at: datetime | None = None) -> Verdict:
    """Held while everything clears by itself; otherwise a person is needed."""
    if problems.heals(found):
        return Verdict(RecordState.held, found, due_at or recheck(), reason=found[0].code)
    return Verdict(RecordState.needs_attention, found, reason=found[0].code)


def evaluate(check: Check, obj: Any, known: Known) -> Problem | None:
    """One check, for showing."""
    return check.run(obj, known)


def not_understood(work: Work, system: str, error: NotUnderstood) -> Problem:
    """Something read is not safe to use: the problem with the path in it."""
    if isinstance(error, WrongCompany):
        return Problem("wrong_company", {"system": system, "reason": error.reason})
    return Problem("not_understood", {"system": system, "path": error.path, "reason": error.reason})


def _named(work: Work, code: str, **values: str) -> Problem:
    kind = work.flow.kind.replace("_", " ")
    return Problem(code, {"kind": kind, "number": work.row.number or work.row.source_id, **values})


def _waits_for_push(work: Work) -> Problem | None:
    # what a person has picked once is followed from then on: a change at its source would go unseen otherwise
    if work.row.remote_id is None and not work.flow.pushed(work.connected.settings) and not work.row.asked:
        return Problem("waiting_for_push", {}, (on_settings(),))
    return None


def _weigh(db: Connection, work: Work, held: dict[str, Any]) -> Verdict | None:
    work.held, work.held_hash = held, digest(held)
    row = work.row
    if row.sent_hash is not None and bytes(row.sent_hash) == work.held_hash:
        same = Done(row.remote_id, row.remote_number, row.remote_version)
        return Verdict(RecordState.synced, done=same)
    changed = row.held_hash is None or bytes(row.held_hash) != work.held_hash
    work.version = row.version + 1 if changed else row.version
    return _approval(db, work)


def _approval(db: Connection, work: Work) -> Verdict | None:
    mode = work.connected.settings.approval.get(work.flow.kind, work.flow.approval)
    decided = (
        db.execute(
            text("""
        SELECT decision, reason FROM approval WHERE record_id = :r AND version = :v AND held_hash = :h ORDER BY id DESC LIMIT 1
    """),
            {"r": work.id, "v": work.version, "h": work.held_hash},
        ).first()
        if work.row.version
        else None
    )
    if decided is not None and decided.decision == "rejected":
        if work.row.consent != "rejected":
            return Verdict(RecordState.rejected)
        decided = None
    asks = mode == "manual" or (mode == "automatic_when_checks_pass" and bool(work.warnings))
    if asks and decided is None:
        return Verdict(RecordState.awaiting_approval)
    if decided is None and (unusual := volume.unusual(db, work, getattr(work.obj, "amount", None))) is not None:
        return Verdict(RecordState.awaiting_approval, (unusual,), reason=unusual.code)
    return None
