"""Steps 8 and 9: the verdict is stored where this attempt still holds the record, and what waited for it is released."""

import logging
from datetime import datetime, timedelta
from types import SimpleNamespace
from typing import Any

from sqlalchemy import Connection

from models import text
from models.states import RecordState
from objects.problem import on_link, on_remote
from sync import problems, records
from sync.clock import now
from sync.company import Company
from sync.judge import blocked
from sync.known import BatchKnown
from sync.records import merge
from sync.telling import owed
from sync.unread import unread
from sync.work import Verdict, Work

log = logging.getLogger("sitebooks.sync")

#: Longer than our transactions last: whoever stored what a record waits for has committed by then. Should one last
#: longer, the record is looked at after recheck_seconds.
SECOND_LOOK = timedelta(seconds=2)

UNDER_WAY = (RecordState.pending, RecordState.sending, RecordState.checking)

_BEGUN = text("""
    SELECT EXISTS (SELECT FROM write WHERE record_id = :r AND version = :v AND side = 'target'
        AND state IN ('confirmed', 'sending', 'uncertain'))
""")


def conclude(db: Connection, company: Company, work: Work) -> None:
    """Stores what came of the work. A later attempt's record is left alone: the result of an overtaken one is not stored."""
    verdict = work.verdict
    assert verdict is not None
    if verdict.problems and work.obj is not None and verdict.state in (RecordState.held, RecordState.needs_attention):
        known = BatchKnown(db, company, work.connected, work.flow)
        found = tuple(work.flow.explain(p, work.obj, known) for p in verdict.problems)
        if found != verdict.problems:
            verdict = work.verdict = blocked(found)
    state = _state_after(db, work, verdict)
    moved = records.move(
        db,
        _as_stored(work),
        state,
        "sitebooks",
        attempt=work.row.attempt,
        claimed=work.row.due_at,
        outcome=str(state),
        reason=verdict.reason,
        fields=_fields(work, verdict, state),
        story={"problems": [p.code for p in verdict.problems]} if verdict.problems else None,
    )
    if moved is None:
        work.telling = None
        log.warning("record %s: a later attempt has it; the result of attempt %s is not stored", work.id, work.row.attempt)
        return
    if moved.rung and not verdict.soon:
        merge(work.released, {work.row.kind: [work.id]})
    if state is RecordState.synced and verdict.done is not None:
        tokens = {on_link(work.row.kind, work.row.source_id), on_remote(work.row.kind, verdict.done.remote_id)}
        if work.row.state != RecordState.synced or work.row.remote_id != verdict.done.remote_id:
            merge(work.released, records.release(db, tokens))
        work.joined = work.row.kind == "project" and work.row.remote_id is None
    if state in (RecordState.held, RecordState.needs_attention):
        tokens = {token for problem in verdict.problems for token in problem.waits_for}
        work.unread = unread(db, tokens, work.obj.project_id if work.obj is not None else work.row.project_id)


def _state_after(db: Connection, work: Work, verdict: Verdict) -> RecordState:
    """'Sending' is only kept while something was really begun; otherwise the record waits its turn and is judged anew."""
    if verdict.state is not RecordState.sending:
        return verdict.state
    if work.stop is not None:
        return RecordState.held  # it is not sent: looked for again, when the system can answer
    return RecordState.sending if db.scalar(_BEGUN, {"r": work.id, "v": work.version}) else RecordState.pending


def _as_stored(work: Work) -> Any:
    """The record with the state it has in the table by now."""
    return SimpleNamespace(id=work.id, company_id=work.row.company_id, state=work.state)


def _to_judge(work: Work, state: RecordState) -> bool:
    """It rests, and what is at its source by now may be what settles it: a bell rang for it, or a scan stored it."""
    row = work.row
    rang = row.stale_at is not None and (row.read_at is None or row.stale_at > row.read_at)
    return state not in UNDER_WAY and (work.changed or (rang and state in (RecordState.needs_attention, RecordState.conflict)))


def _due(work: Work, verdict: Verdict, state: RecordState, waits_for: list[str]) -> datetime | None:
    """When it is looked at again. What it waits for may have come between our reading and our saying so: the first time
    it is looked at once more, soon; not when the system itself refused, for that look would be another call."""
    if work.stop is not None and state is RecordState.synced:
        return now()  # it stands there after all; what that means now is judged next
    if work.resuming() and work.obj is not None and (state is RecordState.synced or _to_judge(work, state)):
        return now()  # the claim took away any bell that rang meanwhile, and what changed since it was begun was not judged
    refused = work.write_id and state is not RecordState.synced
    if not waits_for or refused or waits_for == list(work.row.waits_for):
        return verdict.due_at
    soon = now() + SECOND_LOOK
    return min(soon, verdict.due_at) if verdict.due_at is not None else soon


def _fields(work: Work, verdict: Verdict, state: RecordState) -> dict[str, Any]:
    waits_for = sorted({token for p in (*verdict.problems, *work.warnings) for token in p.waits_for})
    work.due_after = _due(work, verdict, state, waits_for)
    work.telling = owed(work, state)
    fields: dict[str, Any] = {
        "problems": [problems.as_plain(p) for p in verdict.problems],
        "warnings": _warnings(work, verdict),
        "waits_for": waits_for,
        # should this process die before the source was told, the record is found at the lease's end and tells it then
        "due_at": work.row.lease_until if work.telling is not None else work.due_after,
        "lease_until": None,
        "unfinished": work.row.unfinished - 1 if work.died else 0,
        "tries": work.row.tries + 1 if verdict.soon else 0,
    }
    if work.obj is not None:
        fields |= {
            "number": work.obj.number,
            "name": work.obj.name,
            "project_id": work.obj.project_id,
            "amount": getattr(work.obj, "amount", None),
            "currency": getattr(work.obj, "currency", None),
        }
    if state not in UNDER_WAY:
        fields["consent"] = None  # a word is given on what stands against it now, and on nothing that comes later
    if state is RecordState.awaiting_approval:
        fields |= {"held": work.held, "held_hash": work.held_hash, "version": work.version}
    if state is RecordState.needs_attention and verdict.done is not None:
        fields |= {"remote_id": verdict.done.remote_id, "remote_number": verdict.done.remote_number}
    if state is RecordState.synced and verdict.done is not None:
        fields |= {
            "held": work.held,
            "held_hash": work.held_hash,
            "sent_hash": work.held_hash,
            "sent": work.held,
            "asked": False,
            "version": work.version,
            "remote_id": verdict.done.remote_id,
            "remote_number": verdict.done.remote_number,
            "remote_version": verdict.done.version,
            "synced_at": now(),
        }
    return fields


def _warnings(work: Work, verdict: Verdict) -> list[dict[str, Any]]:
    """This run's warnings; when nothing was sent because nothing changed, what the target warned of still holds.

    A warning that waits for something is judged anew each time: it does not outlive what it was about.
    """
    found = {p.code: problems.as_plain(p) for p in work.warnings}
    if verdict.state is RecordState.synced and work.write_id == 0:
        for stored in work.row.warnings:
            if not stored["waits_for"]:
                found.setdefault(stored["code"], stored)
    return list(found.values())
