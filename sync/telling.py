"""Step 8, second half: the source is told what came of its object, on success and failure alike, and never forgotten."""

import logging
from collections.abc import Callable, Sequence
from dataclasses import replace

from sqlalchemy import Connection

from connectors.flow import Verdict as Told
from connectors.flow import nothing
from connectors.plan import Done, Plan
from models import session, text
from models.states import RecordState
from objects.plain import digest
from settings.failpoints import reach
from sync.carry import Clients, carry_out
from sync.company import Company
from sync.intent import begin
from sync.judge import recheck
from sync.work import Work

log = logging.getLogger("sitebooks.sync")

#: The attempt's own telling only: a later attempt tells what it found. `due_at` is touched only where nobody rang.
_TOLD = text("""
    UPDATE sync_record SET told_hash = :told,
        due_at = CASE WHEN due_at IS NOT DISTINCT FROM :ours THEN CAST(:after AS timestamptz) ELSE due_at END
    WHERE id = :id AND attempt = :attempt
""")
_NOT_TOLD = text("""
    UPDATE sync_record SET due_at = CASE WHEN due_at IS NOT DISTINCT FROM :ours THEN :again ELSE due_at END
    WHERE id = :id AND attempt = :attempt
""")


def owed(work: Work, state: RecordState) -> Told | None:
    """What the source is to be told of this run, or None when it knows, or when this flow tells nothing."""
    verdict = work.verdict
    if work.flow.report is nothing or verdict is None or work.obj is None:
        return None
    if state not in (RecordState.synced, RecordState.held, RecordState.needs_attention):
        return None
    if work.resuming() and state is not RecordState.synced:
        return None
    remote = verdict.done.remote_id if verdict.done is not None else None
    told = Told(verdict.problems, remote, work.held or {}, f"{work.id}-{work.row.attempt}")
    work.told = digest([told.held, told.remote_id, [[p.code, dict(p.values)] for p in told.problems]])
    # a try that claimed the object at its source owes it an answer, even the same one again
    known = work.write_id == 0 and work.row.told_hash is not None and bytes(work.row.told_hash) == work.told
    return None if known else told


def tell(company: Company, works: Sequence[Work], clients: Clients, time_is_up: Callable[[], bool]) -> None:
    """Carries out the reports that are owed. The records' own states stand, whatever comes of it."""
    owing = [work for work in works if work.telling is not None]
    if not owing:
        return
    reach("before_telling", owing[0])
    with session(company.id) as db:
        for work in owing:
            work.verdict, work.step = None, None
            begin(db, work, _report(work))
            if work.verdict is not None:
                _note(db, work)
    carry_out(owing, clients, lambda: session(company.id), _note, time_is_up)


def _report(work: Work) -> Plan:
    assert work.told is not None and work.telling is not None
    done = Done(work.row.remote_id or "")
    for step in work.flow.report(work.obj, work.telling, work.row.key):
        done = yield replace(step, name=f"{step.name} {work.told.hex()[:8]}")
    return done


def _note(db: Connection, work: Work) -> None:
    """Whether the source knows; if not, the record comes back to tell it."""
    verdict = work.verdict
    if verdict is None:
        return
    values = {"id": work.id, "attempt": work.row.attempt, "ours": work.row.lease_until}
    if verdict.state is RecordState.synced:
        db.execute(_TOLD, {**values, "told": work.told, "after": work.due_after})
    else:
        log.warning("record %s: its source was not told: %s", work.id, verdict.reason or verdict.problems)
        db.execute(_NOT_TOLD, {**values, "again": verdict.due_at or recheck()})
