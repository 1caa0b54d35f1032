"""Step 7: plans carried out. Intent committed before each call, outcome after it; doubt is looked up, never sent again."""

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection

from connectors.calls import Answer, CallFailed, NotUnderstood, SignInRefused, Unavailable
from connectors.plan import Done, Plan, Step
from connectors.ports import Client
from models import text
from models.states import RecordState, WriteState
from objects.outcome import Outcome
from objects.problem import Problem, on_settings
from settings.environment import environment
from settings.failpoints import reach
from sync import problems
from sync.clock import now
from sync.company import block
from sync.doubt import ask_used_up, hash_of, holds_an_earlier_version, of_an_earlier_version
from sync.judge import blocked, recheck
from sync.work import UNFORESEEN, Verdict, Work

Clients = Callable[[Work, Step], Client]

_NOT_ASKED = text("UPDATE sync_record SET asked = false WHERE id = :id AND attempt = :a")


def begin(db: Connection, work: Work, plan: Plan) -> None:
    """Takes the plan's first step that is not done yet and writes its intent."""
    work.plan = plan
    advance(db, work, None)


def advance(db: Connection, work: Work, done: Done | None) -> None:
    """Feeds back what a step left and moves to the next open one; at the plan's end the verdict is there."""
    assert work.plan is not None
    while work.verdict is None:
        try:
            step = next(work.plan) if done is None else work.plan.send(done)
        except StopIteration as end:
            work.step, work.action, work.found = None, "", end.value
            work.verdict = Verdict(RecordState.synced, done=end.value)
            return
        work.step = step
        done = _intend(db, work, step)
        if done is None:
            return


def _intend(db: Connection, work: Work, step: Step) -> Done | None:
    """The step's write row, ready to be sent or looked up; Done when it was confirmed before."""
    body_hash = hash_of(step)
    row = db.execute(
        text("""
        INSERT INTO write AS w (company_id, record_id, version, step, side, key, request, body_hash, amount, attempt)
        VALUES (:p, :r, :v, :s, :side, :key, :q, :h, :amount, :a)
        ON CONFLICT (company_id, record_id, version, step) DO UPDATE SET attempt = greatest(w.attempt, excluded.attempt)
        RETURNING *
    """),
        {
            "p": work.row.company_id,
            "r": work.id,
            "v": work.version,
            "s": step.name,
            "side": step.side,
            "key": step.key,
            "q": str(step.request),
            "h": body_hash,
            "amount": step.amount,
            "a": work.row.attempt,
        },
    ).one()
    work.write_id, work.doubtful, work.action = row.id, False, ""
    if row.state == WriteState.confirmed:
        return done_from(row.done)
    if not step.repeatable and work.version > 1 and row.state == WriteState.planned and not row.sends:
        row = of_an_earlier_version(db, work, step) or row
    if step.repeatable:
        work.action = "send"
    elif row.state == WriteState.sending:
        _doubt(db, work, now(), "the process that sent it ended before an answer came")
    elif row.state == WriteState.uncertain:
        _wait_or_look(work, row)
    else:
        work.action = "look" if step.look_first or row.sends else "send"
        work.action = work.action if step.look is not None else "send"
    if work.action == "send":
        _mark_sending(db, work, body_hash)
    return None


def _wait_or_look(work: Work, row: Any) -> None:
    if row.uncertain_until > now():
        work.verdict = Verdict(RecordState.checking, due_at=row.uncertain_until, problems=(_uncertain(work, row.reason or ""),))
    elif work.step is not None and work.step.look is None:
        work.verdict = Verdict(RecordState.needs_attention, (_named(work, "outcome_needs_person"),))
    else:
        work.action, work.doubtful = "look", True


def _mark_sending(db: Connection, work: Work, body_hash: bytes) -> None:
    db.execute(
        text("""
        UPDATE write SET state = 'sending', sends = sends + 1, body_hash = :h, sent_at = clock_timestamp(), ended_at = NULL
        WHERE id = :id AND attempt = :a
    """),
        {"id": work.write_id, "a": work.row.attempt, "h": body_hash},
    )
    if work.step is not None and work.step.side == "target" and work.row.sent_hash is not None:
        # from here on nobody knows that the target holds the last confirmed version: going back to it must be written too
        db.execute(
            text("UPDATE sync_record SET sent_hash = NULL WHERE id = :id AND attempt = :a"),
            {"id": work.id, "a": work.row.attempt},
        )


def carry_out(
    works: Sequence[Work], clients: Clients, open_session: Callable[[], Any], conclude: Callable[[Connection, Work], None]
) -> None:
    """Drives all plans to their verdicts, in step with each other so that steps of one endpoint share a request."""
    active = [w for w in works if w.verdict is None]
    while active:
        answers: dict[int, Answer] = {}
        for work in active:
            if work.action == "look":
                _look(work, clients)
        sending = [w for w in active if w.action == "send"]
        for group in _groups(sending):
            for work, answer in zip(group, _send(group, clients), strict=True):
                answers[work.id] = answer
        with open_session() as db:
            for work in active:
                _settle(db, work, answers.get(work.id))
                if work.verdict is not None:
                    conclude(db, work)
            reach("before_commit", active[0])
        reach("outcome_stored", active[0])
        active = [w for w in active if w.verdict is None]


def _groups(works: Sequence[Work]) -> Iterator[list[Work]]:
    """Works whose steps may travel together; the others alone."""
    together: dict[str, list[Work]] = {}
    for work in works:
        step = work.step
        if step is None or step.batch is None:
            yield [work]
        else:
            together.setdefault(step.batch.endpoint, []).append(work)
    for group in together.values():
        size = group[0].step.batch.size  # type: ignore[union-attr]
        for start in range(0, len(group), size):
            yield group[start : start + size]


def _send(group: Sequence[Work], clients: Clients) -> Sequence[Answer]:
    """One request for the group, one answer for each. Not sent when the lease would end before the answer could come."""
    steps = [w.step for w in group if w.step is not None]
    if min(w.row.lease_until for w in group) - now() < timedelta(seconds=environment().request_seconds * 1.5):
        return [Answer(Outcome.not_applied, reason="the lease is about to end")] * len(group)
    client, batch = clients(group[0], steps[0]), steps[0].batch
    reach("before_remote_write", group[0])
    answer = client.send(steps[0].request if batch is None else batch.merge(steps))
    reach("after_remote_write", group[0])
    if batch is None:
        return [answer]
    return batch.split(answer, steps) if answer.outcome is Outcome.confirmed else [answer] * len(group)


def _look(work: Work, clients: Clients) -> None:
    assert work.step is not None and work.step.look is not None
    reach("before_look", work)
    try:
        work.found = work.step.look(clients(work, work.step))
    except Unavailable as error:
        work.verdict = _later(work, error.answer.retry_at, str(error))
    except SignInRefused as error:
        work.verdict = _unseen(work, _reconnect(work, error.answer.reason))
    except CallFailed as error:
        work.verdict = _unseen(work, _named(work, "permission_missing", reason=str(error)))
    except NotUnderstood as error:
        work.verdict = _unseen(work, _named(work, "not_understood", path=error.path, reason=error.reason))
    except UNFORESEEN as error:
        reason = f"{type(error).__name__}: {error}"
        work.verdict = _unseen(work, _named(work, "not_understood", path="what was found", reason=reason))


def _unseen(work: Work, problem: Problem) -> Verdict:
    """Nobody could look: a doubt stays a doubt."""
    return Verdict(RecordState.checking, (problem,), recheck(), problem.code) if work.doubtful else blocked((problem,))


def _reconnect(work: Work, reason: str) -> Problem:
    return replace(_named(work, "reconnect_needed", reason=reason), waits_for=(on_settings(),))


def _settle(db: Connection, work: Work, answer: Answer | None) -> None:
    """Writes down what came of the step and goes on."""
    if work.verdict is not None or work.step is None:
        if work.step is not None and work.verdict is not None and work.verdict.reason == "reconnect_needed":
            block(db, _system(work))
        return
    if answer is None:
        _after_look(db, work)
    elif answer.outcome is Outcome.confirmed:
        _after_confirmed(db, work, work.step, answer)
    elif answer.outcome is Outcome.uncertain:
        _doubt(db, work, work.row.lease_until, answer.reason, answer)
    elif answer.outcome is Outcome.refused:
        _refused(db, work, work.step, answer)
    else:
        _close(db, work, WriteState.planned, answer)
        work.verdict = _later(work, answer.retry_at, answer.reason)


def _after_confirmed(db: Connection, work: Work, step: Step, answer: Answer) -> None:
    try:
        done = step.read(answer)
    except UNFORESEEN as error:  # NotUnderstood, or a shape that nobody foresaw
        _doubt(db, work, work.row.lease_until, f"its answer cannot be read: {error}", answer)
        return
    _close(db, work, WriteState.confirmed, answer, done)
    work.warnings += done.warnings
    advance(db, work, done)


def _refused(db: Connection, work: Work, step: Step, answer: Answer) -> None:
    _close(db, work, WriteState.rejected, answer)
    if answer.status == 401:
        problem = _reconnect(work, answer.reason)
        block(db, _system(work))
    else:
        problem = step.explain(answer)
        work.warnings += [problem] if not problems.blocks(problem) else []
    work.verdict = blocked((problem,))


def _doubt(db: Connection, work: Work, lease_end: datetime, reason: str, answer: Answer | None = None) -> None:
    """Uncertain. What the server itself keeps single is sent again after a pause; anything else waits out the quarantine."""
    step = work.step
    assert step is not None
    pause = 1 if step.repeatable else environment().quarantine_seconds
    until = max(lease_end, now()) + timedelta(seconds=pause) if not step.repeatable else now() + timedelta(seconds=backoff(work))
    db.execute(
        text("""
        UPDATE write SET state = 'uncertain', uncertain_until = :until, reason = :why, status = :status,
            ended_at = clock_timestamp() WHERE id = :id AND attempt = :a
    """),
        {"until": until, "why": reason, "status": answer and answer.status, "id": work.write_id, "a": work.row.attempt},
    )
    if work.row.asked:  # what a person asked for before this doubt is no word on it
        db.execute(_NOT_ASKED, {"id": work.id, "a": work.row.attempt})
    work.verdict = Verdict(RecordState.checking, (_uncertain(work, reason),), until, reason, soon=step.repeatable)


def _after_look(db: Connection, work: Work) -> None:
    """Found: confirmed. Absent at the first try: send. Absent twice after doubt: send once more, or ask a person."""
    assert work.step is not None
    if work.found is not None and holds_an_earlier_version(db, work, work.step, work.found):
        work.verdict = Verdict(RecordState.pending, (), now(), "found as an earlier version left it", soon=True)
        return
    if work.found is not None:
        _close(db, work, WriteState.confirmed, None, work.found)
        advance(db, work, work.found)
        return
    row = db.execute(
        text("""
        UPDATE write SET looked_at = clock_timestamp(), absent_looks = absent_looks + 1 WHERE id = :id RETURNING *
    """),
        {"id": work.write_id},
    ).one()
    if row.state == WriteState.uncertain and row.absent_looks < 2:
        gap = timedelta(seconds=max(1, environment().quarantine_seconds // 15))
        work.verdict = Verdict(RecordState.checking, (_uncertain(work, row.reason or ""),), now() + gap, "looked once: not there")
    elif row.state == WriteState.uncertain and (work.step.irreversible or row.sends >= 2) and not ask_used_up(db, work):
        work.verdict = Verdict(RecordState.needs_attention, (_named(work, "outcome_needs_person", key=work.step.key),))
    else:
        db.execute(text("UPDATE write SET absent_looks = 0 WHERE id = :id"), {"id": work.write_id})
        work.action = "send"
        _mark_sending(db, work, hash_of(work.step))


def _close(db: Connection, work: Work, state: WriteState, answer: Answer | None, done: Done | None = None) -> None:
    """Only the attempt that holds the intent may say what did not happen; what was seen to happen is kept from anyone."""
    db.execute(
        text("""
        UPDATE write SET state = :state, status = :status, reason = nullif(:why, ''), done = CAST(:done AS jsonb),
            ended_at = clock_timestamp(), uncertain_until = NULL, absent_looks = 0
        WHERE id = :id AND (attempt = :a OR :state = 'confirmed')
    """),
        {
            "a": work.row.attempt,
            "state": state,
            "status": answer and answer.status,
            "why": answer.reason if answer else "",
            "done": done and done_to(done),
            "id": work.write_id,
        },
    )


def _later(work: Work, retry_at: datetime | None, reason: str) -> Verdict:
    """Nothing was sent, and it may be sent again: soon by the task's own policy, or when the system said."""
    return Verdict(RecordState.sending, (), retry_at or now() + timedelta(seconds=backoff(work)), reason, soon=True)


def backoff(work: Work) -> float:
    """2, 4, 8 ... seconds, at most half an hour."""
    return float(min(2 ** min(work.row.tries + 1, 11), 1800))


def _uncertain(work: Work, reason: str) -> Problem:
    return _named(work, "outcome_uncertain", reason=reason)


def _named(work: Work, code: str, **values: str) -> Problem:
    return Problem(
        code,
        {
            "system": _system(work),
            "kind": work.flow.kind.replace("_", " "),
            "number": work.row.number or work.row.source_id,
            **values,
        },
    )


def _system(work: Work) -> str:
    """The system that the step in hand concerns."""
    return work.flow.target if work.step is None or work.step.side == "target" else work.flow.source


def done_to(done: Done) -> str:
    """Done as a write row keeps it."""
    return json.dumps(
        {
            "remote_id": done.remote_id,
            "remote_number": done.remote_number,
            "version": done.version,
            "data": dict(done.data),
            "warnings": [problems.as_plain(w) for w in done.warnings],
        }
    )


def done_from(stored: dict[str, Any]) -> Done:
    """And back."""
    return Done(
        stored["remote_id"],
        stored["remote_number"],
        stored["version"],
        tuple(problems.from_record(w) for w in stored["warnings"]),
        stored["data"],
    )


__all__ = ["Clients", "advance", "backoff", "begin", "carry_out", "done_from", "done_to", "recheck"]
