"""The nine steps of a sync, in one place: claim, read, scope, checks, build, approval, write, outcome, release."""

import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from types import SimpleNamespace
from typing import Any

from sqlalchemy import Connection

from connectors.calls import CallFailed, Forbidden, NotUnderstood, SignInRefused, Unavailable
from connectors.flow import Verdict as Told
from connectors.flow import nothing
from connectors.plan import Done, Plan, Step
from connectors.ports import Client
from connectors.registry import connector, flow_of
from models import session, text
from models.states import RecordState
from objects.plain import NotReadable, digest, from_plain
from objects.problem import Problem, on_link, on_remote, on_settings
from settings.environment import environment
from sync import clients, problems, records, snapshots
from sync.carry import backoff, begin, carry_out, now
from sync.claim import LOST_LIMIT, claim
from sync.company import Company, block, load
from sync.judge import blocked, judge, not_understood, recheck
from sync.known import BatchKnown
from sync.records import Rung, merge
from sync.unread import Unread, unread
from sync.work import Verdict, Work

log = logging.getLogger("sitebooks.sync")

#: Longer than any of our transactions: whoever stored what a record waits for has committed by then.
SECOND_LOOK = timedelta(seconds=2)
#: A defect of ours met with data nobody foresaw: the record is set aside with the reason, the others go on.
UNFORESEEN = (ArithmeticError, AttributeError, LookupError, TypeError, ValueError, RuntimeError)


@dataclass(slots=True)
class Result:
    """What the task publishes after the run: `released` now, `again` after `seconds` by its own retry policy."""

    released: Rung = field(default_factory=dict)
    again: list[int] = field(default_factory=list)
    seconds: float = 0.0
    unclaimed: list[int] = field(default_factory=list)
    opened: list[tuple[str, str]] = field(default_factory=list)  # (system, project) that joined the sync: read its lists
    unread: list[Unread] = field(default_factory=list)  # what held records wait for and nobody has read yet


def run(company_id: int, record_ids: Sequence[int]) -> Result:
    """Brings these records forward as far as they go now. Safe to call twice, at once, and after any kill.

    Opens its own short transactions; none is open during an outside call. Raises only what the database raises.
    """
    env, result, started = environment(), Result(), time.monotonic()
    left = list(dict.fromkeys(record_ids))
    size = 1
    while left:
        if time.monotonic() - started > env.soft_limit_seconds - env.request_seconds:
            result.unclaimed = left
            break
        batch, left = left[:size], left[size:]
        works, company = _claim(company_id, batch)
        if not works:
            continue
        if works[0].flow.batch > size:
            size = works[0].flow.batch
        _one_batch(company, works, result)
    return result


def _one_batch(company: Company, works: list[Work], result: Result) -> None:
    try:
        _read(company, works)
        with session(company.id) as db:
            _judge(db, company, works)
        carry_out(works, _client_of(company), lambda: session(company.id), lambda db, w: _conclude(db, company, w))
        _note(works, result)
        _report(company, works)
    except UNFORESEEN as error:
        log.exception("records %s of company %s set aside", [w.id for w in works], company.id)
        _set_aside(company, works, error)
    for work in works:
        merge(result.released, work.released)
        if work.joined:
            result.opened.append((work.flow.source, work.row.source_id))
        result.unread += [each for each in work.unread if each not in result.unread]


def _note(works: Sequence[Work], result: Result) -> None:
    """Passing troubles: the task tries these again by its own policy."""
    for work in works:
        if work.verdict is not None and work.verdict.soon and work.verdict.due_at is not None:
            result.again.append(work.id)
            result.seconds = max(result.seconds, (work.verdict.due_at - now()).total_seconds())


# 1 claim


def _claim(company_id: int, record_ids: Sequence[int]) -> tuple[list[Work], Company]:
    """Claimed records as works; one set aside or blocked here has its verdict already."""
    with session(company_id) as db:
        company = load(db, company_id)
        site = company.connections["procore"].id if "procore" in company.connections else 0
        works = [_work(company, row) for row in claim(db, record_ids, site)]
        for work in works:
            work.verdict = _at_the_door(company, work)
            if work.verdict is not None:
                _conclude(db, company, work)
    return [w for w in works if w.verdict is None], company


def _work(company: Company, row: Any) -> Work:
    connected = company.by_id(row.connection_id)
    work = Work(row, connected, flow_of(connected.system, row.kind, row.direction), state=RecordState(row.state))
    work.held, work.held_hash, work.version = row.held, row.held_hash and bytes(row.held_hash), row.version
    return work


def _at_the_door(company: Company, work: Work) -> Verdict | None:
    """Reasons to stop before anything is read: a lost worker, refused settings, a connection that must be renewed."""
    if work.row.unfinished > LOST_LIMIT:
        return Verdict(RecordState.needs_attention, (_named(work, "worker_lost"),), reason="worker_lost")
    for connected in (work.connected, company.connections.get(work.flow.source), company.connections.get(work.flow.target)):
        if connected is None:
            continue
        if connected.settings is None:
            return _stand(
                work, Problem("settings_refused", {"system": connected.system, "reason": connected.refused}, (on_settings(),))
            )
        if connected.blocked_code:
            return _stand(
                work,
                Problem(
                    connected.blocked_code, {"system": connected.system, "reason": "the sign-in was refused"}, (on_settings(),)
                ),
            )
    return None


def _stand(work: Work, problem: Problem) -> Verdict:
    """Waiting without forgetting an unfinished plan: what is being sent or checked stays so."""
    if work.resuming():
        return Verdict(RecordState.checking, (problem,), recheck(), problem.code)
    return blocked((problem,))


# 2 read


def _read(company: Company, works: Sequence[Work]) -> None:
    for work in works:
        row = work.row
        fresh_enough = row.read_at is not None and (row.stale_at is None or row.read_at > row.stale_at)
        try:
            if row.snapshot_data is not None and (fresh_enough or work.resuming()):
                work.gone = row.gone_at is not None and not work.resuming()
                work.obj = from_plain(row.kind, row.snapshot_data)
            else:
                _read_one(company, work)
        except NotReadable as error:
            log.warning("snapshot of record %s is read again: %s", work.id, error)
            _read_one(company, work)


def _read_one(company: Company, work: Work) -> None:
    """The authoritative object, fetched. Trouble becomes the verdict; it is concluded with the others."""
    row, system = work.row, work.flow.source
    try:
        reader = connector(system).readers[row.kind]
        work.obj = work.fresh = reader.one(clients.client(company, system, urgent=True), row.source_id, row.project_id)
        work.gone = work.obj is None
    except NotUnderstood as error:
        work.verdict = blocked((not_understood(work, system, error),))
    except Unavailable as error:
        work.verdict = Verdict(work.state, (), error.answer.retry_at or later(work), error.answer.reason, soon=True)
    except SignInRefused as error:
        work.verdict = _sign_in_refused(company, work, system, error.answer.reason)
    except Forbidden as error:
        problem = Problem("permission_missing", {"system": system, "reason": error.answer.reason}, (on_settings(),))
        work.verdict = blocked((problem,))
    except CallFailed as error:
        # a read that is refused for any other reason concerns this object only
        reason = f"{error.answer.status}: {error.answer.reason}"
        work.verdict = blocked((Problem("not_understood", {"system": system, "path": str(error.request), "reason": reason}),))


def later(work: Work) -> datetime:
    """The next time by the record's own back-off."""
    return now() + timedelta(seconds=backoff(work))


def _sign_in_refused(company: Company, work: Work, system: str, reason: str) -> Verdict:
    """Everything of this connection waits until a person has connected it again (reliability F36)."""
    with session(company.id) as db:
        block(db, system)
    return _stand(work, Problem("reconnect_needed", {"system": system, "reason": reason}, (on_settings(),)))


# 3 to 6 scope, checks, what the target should hold, approval; and the first intents of step 7


def _judge(db: Connection, company: Company, works: Sequence[Work]) -> None:
    _store(db, company, works)
    for group in _by_flow(works):
        known = BatchKnown(db, company, group[0].connected, group[0].flow)
        known.fill(need for w in group if w.obj is not None and w.verdict is None for need in w.flow.needs(w.obj))
        for work in group:
            try:
                _decide(db, work, known)
            except UNFORESEEN as error:
                log.exception("record %s of company %s set aside", work.id, company.id)
                work.verdict, work.obj = _unforeseen(work, error), None
            if work.verdict is not None:
                _conclude(db, company, work)


def _decide(db: Connection, work: Work, known: BatchKnown) -> None:
    if work.verdict is None and not work.resuming():
        work.verdict = judge(db, work, known)
    if work.verdict is None:
        begin(db, work, _plan(work))
        if work.verdict is None and not work.resuming():
            _mark_sending(db, work)


def _store(db: Connection, company: Company, works: Sequence[Work]) -> None:
    """What was fetched becomes the snapshot, and what waited for it is released."""
    for work in works:
        connection_id = company.connections[work.flow.source].id
        if work.fresh is not None:
            asked_at = work.row.lease_until - timedelta(seconds=environment().lease_seconds)  # when it was claimed
            stored = snapshots.store(
                db, company.id, connection_id, work.flow.source, work.row.kind, [work.fresh], asked_at=asked_at
            )
            if not stored.rows:
                snapshots.touch(db, connection_id, work.row.kind, [work.row.source_id], asked_at)
            merge(work.released, records.release(db, stored.tokens))
        elif work.gone and work.row.gone_at is None:
            snapshots.gone(db, connection_id, work.row.kind, [work.row.source_id])
        for ids in work.released.values():
            ids[:] = [i for i in ids if i != work.id]


def _by_flow(works: Sequence[Work]) -> list[list[Work]]:
    groups: dict[tuple[int, str], list[Work]] = {}
    for work in works:
        groups.setdefault((work.connected.id, work.flow.direction), []).append(work)
    return list(groups.values())


def _plan(work: Work) -> Plan:
    """The claim at the source, then the target's own plan."""
    assert work.held is not None
    target = connector(work.flow.target).plans[work.held["as"]](work.held, work.row.remote_id, work.row.key)
    for taking in work.flow.claim(work.obj, work.row.key, work.row.attempt):  # noqa: UP028 - it may be any iterable
        yield taking
    return (yield from target)


def _mark_sending(db: Connection, work: Work) -> None:
    records.move(
        db,
        work.row,
        RecordState.sending,
        "sitebooks",
        attempt=work.row.attempt,
        fields={
            "held": work.held,
            "held_hash": work.held_hash,
            "version": work.version,
            "amount": getattr(work.obj, "amount", None),
            "problems": [],
            "waits_for": [],
        },
        story={"version": work.version},
    )
    work.state = RecordState.sending


def _client_of(company: Company) -> Any:
    def client(work: Work, step: Step) -> Client:
        return clients.client(company, work.flow.target if step.side == "target" else work.flow.source, urgent=True)

    return client


# 8 outcome and 9 release


def _conclude(db: Connection, company: Company, work: Work) -> None:
    """Stores the verdict where this attempt still holds the record, and releases what waited for it."""
    if work.reporting:
        _told(db, work)
        return
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
    if not moved:
        log.warning("record %s: a later attempt has it; the result of attempt %s is not stored", work.id, work.row.attempt)
        return
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
    begun = db.scalar(
        text("""
        SELECT EXISTS (SELECT FROM write WHERE record_id = :r AND version = :v AND side = 'target'
            AND state IN ('confirmed', 'sending', 'uncertain'))
    """),
        {"r": work.id, "v": work.version},
    )
    return RecordState.sending if begun else RecordState.pending


def _as_stored(work: Work) -> Any:
    """The record with the state it has in the table by now."""
    return SimpleNamespace(id=work.id, company_id=work.row.company_id, state=work.state)


def _second_look(work: Work, verdict: Verdict, waits_for: list[str]) -> datetime | None:
    """What it waits for may have come between our reading and our saying so: the first time it is looked at once more."""
    if not waits_for or waits_for == list(work.row.waits_for):
        return verdict.due_at
    soon = now() + SECOND_LOOK
    return min(soon, verdict.due_at) if verdict.due_at is not None else soon


def _fields(work: Work, verdict: Verdict, state: RecordState) -> dict[str, Any]:
    waits_for = sorted({token for p in (*verdict.problems, *work.warnings) for token in p.waits_for})
    fields: dict[str, Any] = {
        "problems": [problems.as_plain(p) for p in verdict.problems],
        "warnings": _warnings(work, verdict),
        "waits_for": waits_for,
        "due_at": _second_look(work, verdict, waits_for),
        "lease_until": None,
        "unfinished": 0,
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
    if state is RecordState.awaiting_approval:
        fields |= {"held": work.held, "held_hash": work.held_hash, "version": work.version}
    if state is RecordState.synced and verdict.done is not None:
        fields |= {
            "held": work.held,
            "held_hash": work.held_hash,
            "sent_hash": work.held_hash,
            "asked": False,
            "version": work.version,
            "remote_id": verdict.done.remote_id,
            "remote_number": verdict.done.remote_number,
            "remote_version": verdict.done.version,
            "synced_at": now(),
        }
    return fields


def _warnings(work: Work, verdict: Verdict) -> list[dict[str, Any]]:
    """This run's warnings; when nothing was sent because nothing changed, what the target warned of still holds."""
    found = {p.code: problems.as_plain(p) for p in work.warnings}
    if verdict.state is RecordState.synced and work.write_id == 0:
        for stored in work.row.warnings:
            found.setdefault(stored["code"], stored)
    return list(found.values())


# 8, second half: the source is told, on success and failure alike


def _report(company: Company, works: Sequence[Work]) -> None:
    telling = []
    works = [work for work in works if work.flow.report is not nothing]
    if not works:
        return
    with session(company.id) as db:
        for work in works:
            told = _to_tell(work)
            if told is None:
                continue
            work.told = digest([told.held, told.remote_id, [[p.code, dict(p.values)] for p in told.problems]])
            # a try that claimed the object at its source owes it an answer, even the same one again
            if work.write_id == 0 and work.row.told_hash is not None and bytes(work.row.told_hash) == work.told:
                continue
            work.reporting, work.verdict, work.step = True, None, None
            begin(db, work, _telling(work, told))
            (telling.append(work) if work.verdict is None else _told(db, work))
    carry_out(telling, _client_of(company), lambda: session(company.id), _told)


def _to_tell(work: Work) -> Told | None:
    verdict = work.verdict
    if verdict is None or work.obj is None or (work.resuming() and verdict.state is not RecordState.synced):
        return None
    if verdict.state not in (RecordState.synced, RecordState.held, RecordState.needs_attention):
        return None
    remote = verdict.done.remote_id if verdict.done is not None else None
    return Told(verdict.problems, remote, work.held or {}, f"{work.id}-{work.row.attempt}")


def _telling(work: Work, told: Told) -> Plan:
    assert work.told is not None
    done = Done(work.row.remote_id or "")
    for step in work.flow.report(work.obj, told, work.row.key):
        done = yield replace(step, name=f"{step.name} {work.told.hex()[:8]}")
    return done


def _told(db: Connection, work: Work) -> None:
    """The record's own state stands; only whether the source knows is noted, and tried again later if not."""
    verdict = work.verdict
    if verdict is None:
        return
    if verdict.state is RecordState.synced:
        db.execute(text("UPDATE sync_record SET told_hash = :h WHERE id = :id"), {"h": work.told, "id": work.id})
    else:
        log.warning("record %s: its source was not told: %s", work.id, verdict.reason or verdict.problems)
        db.execute(
            text("UPDATE sync_record SET due_at = coalesce(due_at, :due) WHERE id = :id AND lease_until IS NULL"),
            {"due": verdict.due_at or recheck(), "id": work.id},
        )


def _set_aside(company: Company, works: Sequence[Work], error: Exception) -> None:
    """An unexpected failure: what was not being sent is parked with its reason; what was, its lease's end brings to a look."""
    with session(company.id) as db:
        for work in works:
            if work.verdict is None and work.state is not RecordState.sending and not work.resuming():
                work.verdict, work.obj = _unforeseen(work, error), None
                _conclude(db, company, work)


def _unforeseen(work: Work, error: Exception) -> Verdict:
    reason = f"{type(error).__name__}: {error}"
    return Verdict(RecordState.needs_attention, (_named(work, "unexpected_failure", reason=reason),), reason=reason)


def _named(work: Work, code: str, **values: str) -> Problem:
    return Problem(code, {"kind": work.row.kind.replace("_", " "), "number": work.row.number or work.row.source_id, **values})
