"""The nine steps of a sync, in one place: claim, read, scope, checks, build, approval, write, outcome, release."""

import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection

from connectors.calls import CallFailed, Forbidden, NotUnderstood, SignInRefused, Unavailable
from connectors.plan import Plan, Step
from connectors.ports import Client
from connectors.registry import connector, flow_of
from models import session
from models.states import RecordState
from objects.plain import NotReadable, from_plain
from objects.problem import Problem, on_settings
from settings.environment import environment
from settings.failpoints import reach
from sync import clients, forbidden, problems, records, snapshots, switching
from sync.carry import carry_out
from sync.claim import LOST_LIMIT, claim
from sync.clock import now
from sync.company import Company, Connected, block, load
from sync.conclude import conclude
from sync.intent import backoff, begin
from sync.judge import blocked, changed, judge, not_understood, recheck
from sync.known import BatchKnown
from sync.records import Rung, merge
from sync.stops import STOPS
from sync.telling import tell
from sync.unread import Unread
from sync.work import UNFORESEEN, Verdict, Work

log = logging.getLogger("sitebooks.sync")

#: What waits for its connection to be switched on is rung then; this is only for a bell that was lost.
OFF_LOOKED_AT = timedelta(days=1)
#: What a person must decide, or has decided, is not forgotten over it.
KEPT_WHILE_OFF = (
    RecordState.needs_attention, RecordState.conflict, RecordState.source_deleted, RecordState.awaiting_approval,
    RecordState.rejected, RecordState.ignored,
)  # fmt: skip


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
    result, time_is_up = Result(), _stopwatch()
    left = list(dict.fromkeys(record_ids))
    size = 1
    while left:
        if time_is_up():
            result.unclaimed = left
            break
        batch, left = left[:size], left[size:]
        works, company = _claim(company_id, batch)
        reach("claimed", works[0] if works else "")
        if not works:
            continue
        if works[0].flow.batch > size:
            size = works[0].flow.batch
        _one_batch(company, works, result, time_is_up)
    return result


def _stopwatch() -> Callable[[], bool]:
    """Whether one more request could outlast the task's soft limit."""
    env, started = environment(), time.monotonic()
    return lambda: time.monotonic() - started > env.soft_limit_seconds - env.request_seconds


def _one_batch(company: Company, works: list[Work], result: Result, time_is_up: Callable[[], bool]) -> None:
    try:
        _read(company, works)
        with session(company.id) as db:
            _judge(db, company, works)
        ended = _ended(company, works, time_is_up)
        carry_out(works, _client_of(company), lambda: session(company.id), lambda db, w: _conclude(db, company, w), ended)
        _note(works, result)
        tell(company, works, _client_of(company), ended)
        forbidden.met(company, works)
    except UNFORESEEN as error:
        log.exception("records %s of company %s set aside", [w.id for w in works], company.id)
        _set_aside(company, works, error)
    for work in works:
        merge(result.released, work.released)
        if work.joined:
            result.opened.append((work.flow.source, work.row.source_id))
        result.unread += [each for each in work.unread if each not in result.unread]


def _ended(company: Company, works: Sequence[Work], time_is_up: Callable[[], bool]) -> Callable[[], bool]:
    """Whether nothing more is begun in this run: its time is up, or a person has switched a connection off meanwhile."""
    ids = {work.connected.id for work in works}
    return lambda: time_is_up() or switching.any_off(company.id, ids)


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
                conclude(db, company, work)
    return [w for w in works if w.verdict is None], company


def _work(company: Company, row: Any) -> Work:
    connected = company.by_id(row.connection_id)
    work = Work(row, connected, flow_of(connected.system, row.kind, row.direction), state=RecordState(row.state))
    work.held, work.held_hash, work.version = row.held, row.held_hash and bytes(row.held_hash), row.version
    return work


def _at_the_door(company: Company, work: Work) -> Verdict | None:
    """Reasons to stop before anything is read: a lost worker, a connection that is off or must be renewed, refused settings."""
    if work.row.unfinished > LOST_LIMIT:
        return Verdict(RecordState.needs_attention, (_named(work, "worker_lost"),), reason="worker_lost")
    if off := company.off(work.connected.system):
        return _while_off(work, Problem("switched_off", {"system": off}, (on_settings(),)))
    for connected in _both(company, work):
        if connected.settings is None:
            return _stand(
                work, Problem("settings_refused", {"system": connected.system, "reason": connected.refused}, (on_settings(),))
            )
        if connected.blocked_code and connected.blocked_code not in STOPS:
            reason = connected.blocked_reason or "the sign-in was refused"
            return _stand(work, Problem(connected.blocked_code, {"system": connected.system, "reason": reason}, (on_settings(),)))
    return None


def _while_off(work: Work, off: Problem) -> Verdict:
    """It waits for the connection to be switched on; what a person has to decide stands as it is, and waits too."""
    due_at = now() + OFF_LOOKED_AT
    if work.state not in KEPT_WHILE_OFF:
        return replace(_stand(work, off), due_at=due_at)
    first, *others = [problems.from_record(stored) for stored in work.row.problems] or [off]
    waiting = replace(first, waits_for=(*first.waits_for, *off.waits_for))
    return Verdict(work.state, (waiting, *others), due_at, off.code)


def _both(company: Company, work: Work) -> list[Connected]:
    systems = dict.fromkeys((work.connected.system, work.flow.source, work.flow.target))
    return [company.connections[name] for name in systems if name in company.connections]


def _stopped(company: Company, work: Work) -> Verdict | None:
    """Nothing is written to a system while a stop stands; what was read and judged is kept."""
    for connected in _both(company, work):
        if connected.blocked_code in STOPS:
            values = {"system": connected.system, "reason": connected.blocked_reason}
            return _stand(work, Problem("writing_stopped", values, (on_settings(),)))
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
        if work.flow.prepare is not None and work.obj is not None and not work.gone and work.verdict is None:
            _prepare(company, work)


def _read_one(company: Company, work: Work) -> None:
    """The authoritative object, fetched."""
    row, system = work.row, work.flow.source

    def read() -> None:
        reader = connector(system).readers[row.kind]
        work.obj = work.fresh = reader.one(clients.client(company, system, urgent=True), row.source_id, row.project_id)
        work.gone = work.obj is None

    _from_source(company, work, read)


def _prepare(company: Company, work: Work) -> None:
    """What the object needs besides itself; it is not kept with the snapshot."""
    prepare, settings = work.flow.prepare, work.connected.settings

    def made() -> None:
        assert prepare is not None
        folder = clients.documents(company.id)
        folder.mkdir(parents=True, exist_ok=True)
        work.obj = prepare(work.obj, clients.client(company, work.flow.source, urgent=True), settings, folder)

    _from_source(company, work, made)


def _from_source(company: Company, work: Work, read: Callable[[], None]) -> None:
    """A read of the source. Trouble becomes the verdict; it is concluded with the others."""
    system = work.flow.source
    try:
        read()
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
                _decide(db, company, work, known)
            except UNFORESEEN as error:
                log.exception("record %s of company %s set aside", work.id, company.id)
                work.verdict, work.obj = _unforeseen(work, error), None
            if work.verdict is not None:
                _conclude(db, company, work)


def _conclude(db: Connection, company: Company, work: Work) -> None:
    """A verdict that cannot be stored concerns its own record: the others of the batch go on."""
    try:
        conclude(db, company, work)
    except UNFORESEEN as error:
        log.exception("record %s of company %s set aside", work.id, company.id)
        work.verdict, work.obj, work.telling = _unforeseen(work, error), None, None
        conclude(db, company, work)


def _decide(db: Connection, company: Company, work: Work, known: BatchKnown) -> None:
    if work.verdict is None and not work.resuming():
        work.verdict = judge(db, work, known)
    elif work.verdict is None and work.obj is not None:
        work.changed = changed(work, known)
    if work.verdict is None:
        work.verdict = _stopped(company, work)
    if work.verdict is None:
        begin(db, work, _plan(work))
        if work.step is not None and work.stop is None and not work.resuming():
            _mark_sending(db, work)  # also where an earlier version's doubt is taken over: it is this version's from now on


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
    plan = connector(work.flow.target).plans[work.held["as"]]
    target = plan(work.held, work.row.remote_id, work.row.key, work.row.remote_version)
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
            "number": work.obj.number,
            "name": work.obj.name,
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


def _set_aside(company: Company, works: Sequence[Work], error: Exception) -> None:
    """An unexpected failure: what was not being sent is parked with its reason; what was, its lease's end brings to a look."""
    with session(company.id) as db:
        for work in works:
            if work.telling is not None:
                continue  # its own outcome is stored; the source is told at the lease's end
            if work.verdict is None and work.state is not RecordState.sending and not work.resuming():
                work.verdict, work.obj = _unforeseen(work, error), None
                conclude(db, company, work)


def _unforeseen(work: Work, error: Exception) -> Verdict:
    reason = f"{type(error).__name__}: {error}"
    return Verdict(RecordState.needs_attention, (_named(work, "unexpected_failure", reason=reason),), reason=reason)


def _named(work: Work, code: str, **values: str) -> Problem:
    return Problem(code, {"kind": work.row.kind.replace("_", " "), "number": work.row.number or work.row.source_id, **values})
