"""The intents of a plan: each written before its call, closed after it, or left in doubt; resumed where it stopped."""

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection

from connectors.calls import Answer
from connectors.plan import Done, Plan, Step
from connectors.ports import Client
from connectors.registry import connector
from models import text
from models.states import RecordState, WriteState
from objects.problem import Problem
from settings.environment import environment
from settings.secret_values import blank
from sync import problems
from sync.clock import now
from sync.doubt import hash_of, of_an_earlier_version, on_its_way, word_used_up
from sync.work import Verdict, Work

#: Characters of an answer in doubt that are kept.
MOST_KEPT = 2000


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
        work.step = step = _never_sent(work, step) if work.stop is not None else step
        done = _intend(db, work, step)
        if done is None:
            return


def _never_sent(work: Work, step: Step) -> Step:
    """What is no part of the sync any more: each step that would change something is looked for instead."""
    work.by_sight = False
    if step.side == "source" or step.request.method == "GET":
        return step
    look = step.look
    if look is None:
        look, work.by_sight = _by_sight(work), True
    return replace(step, look=look, look_first=True, repeatable=False, undoes=False)


def _by_sight(work: Work) -> Callable[[Client], Done | None]:
    assert work.held is not None
    held, sight = work.held, connector(work.flow.target).sightings[work.held["as"]]

    def look(client: Client) -> Done | None:
        seen = sight(client, held, work.row.key)
        return Done(seen[0].remote_id) if seen else None

    return look


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
    if row.attempt > work.row.attempt:
        work.verdict = overtaken(work)
        return None
    if row.state == WriteState.confirmed:
        done = done_from(row.done)
        if step.verify is None or row.verified_at is not None:
            return done
        work.done, work.action = done, "verify"
        return None
    if not step.repeatable and work.version > 1 and row.state == WriteState.planned and not row.sends:
        row = of_an_earlier_version(db, work, step) or row
    if not row.sends and (until := on_its_way(db, work, step)):
        waits = named(work, "earlier_version_on_its_way")
        work.verdict = Verdict(RecordState.sending, (waits,), until, waits.code)
        return None
    if step.at_once:
        work.action, work.doubtful = "send", row.state in (WriteState.sending, WriteState.uncertain)
    elif row.state == WriteState.sending:
        work.died = True
        doubt(db, work, now(), "the process that sent it ended before an answer came")
    elif row.state == WriteState.uncertain:
        _wait_or_look(work, row)
    else:
        work.action = "look" if step.look_first or row.sends else "send"
        work.action = work.action if step.look is not None else "send"
    if work.action == "send":
        mark_sending(db, work, body_hash)
    return None


def _wait_or_look(work: Work, row: Any) -> None:
    if row.uncertain_until > now():
        work.verdict = Verdict(in_doubt(work), due_at=row.uncertain_until, problems=(uncertain(work, row.reason or ""),))
    elif work.step is not None and work.step.repeatable:
        work.action, work.doubtful = "send", True
    elif work.step is not None and work.step.look is None:
        work.verdict = Verdict(RecordState.needs_attention, (named(work, "outcome_needs_person"),))
    else:
        work.action, work.doubtful = "look", True


def in_doubt(work: Work) -> RecordState:
    """What is left alone is judged again each time, so that nothing goes on from where it stopped."""
    return RecordState.checking if work.stop is None else RecordState.held


def mark_sending(db: Connection, work: Work, body_hash: bytes) -> None:
    db.execute(
        text("""
        UPDATE write SET state = 'sending', sends = sends + 1, body_hash = :h, sent_at = clock_timestamp(), ended_at = NULL,
            lands_until = greatest(
                lands_until, CASE state WHEN 'sending' THEN clock_timestamp() + make_interval(secs => :lost) END)
        WHERE id = :id AND attempt = :a
    """),
        {"id": work.write_id, "a": work.row.attempt, "h": body_hash, "lost": _landing(work.step)},
    )
    if work.step is not None and work.step.side == "target" and work.row.sent_hash is not None:
        # from here on nobody knows that the target holds the last confirmed version: going back to it must be written too
        db.execute(
            text("UPDATE sync_record SET sent_hash = NULL WHERE id = :id AND attempt = :a"),
            {"id": work.id, "a": work.row.attempt},
        )


def _landing(step: Step | None) -> float | None:
    """Seconds for which a lost try may still be carried out; None when it cannot be, over a version that it does not know."""
    return environment().quarantine_seconds if step is None or step.on_stale is None else None


def doubt(db: Connection, work: Work, lease_end: datetime, reason: str, answer: Answer | None = None) -> None:
    """Uncertain. What the server itself keeps single is sent again after a pause; anything else waits out the quarantine."""
    step = work.step
    assert step is not None
    over = max(lease_end, now()) + timedelta(seconds=environment().quarantine_seconds)
    answered = answer is not None and answer.status is not None and 200 <= answer.status < 300  # it is over with, whatever it did
    soon = step.at_once or (step.repeatable and answered)
    until = now() + timedelta(seconds=backoff(work)) if soon else over
    db.execute(
        text("""
        UPDATE write SET state = 'uncertain', uncertain_until = :until, lands_until = greatest(lands_until, :lands),
            reason = :why, status = :status, answer = :answer, ended_at = clock_timestamp() WHERE id = :id AND attempt = :a
    """),
        {
            "until": until,
            "lands": now() if answered or _landing(step) is None else over,
            "why": reason,
            "status": answer and answer.status,
            "answer": answer and _kept(answer),
            "id": work.write_id,
            "a": work.row.attempt,
        },
    )
    word_used_up(db, work)  # what a person said before this doubt is no word on it
    work.verdict = Verdict(in_doubt(work), (uncertain(work, reason),), until, reason, soon=soon)


def _kept(answer: Answer) -> str | None:
    """What came back, for whoever must find out what it meant (reliability F30)."""
    said = answer.text or ("" if answer.body is None else json.dumps(answer.body, default=str))
    return blank(said)[:MOST_KEPT] or None


def close(db: Connection, work: Work, state: WriteState, answer: Answer | None, done: Done | None = None) -> None:
    """Only the attempt that holds the intent may say what did not happen; what was seen to happen is kept from anyone.

    `planned`: it surely did not arrive, so it does not count as sent.
    """
    db.execute(
        text("""
        UPDATE write SET state = :state, status = :status, reason = nullif(:why, ''), done = CAST(:done AS jsonb),
            ended_at = clock_timestamp(), uncertain_until = NULL, absent_looks = 0,
            sends = greatest(sends - (:state = 'planned')::int, 0)
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
    if state is WriteState.confirmed and work.version > 1 and work.step is not None:
        db.execute(
            text("""
            UPDATE write SET state = 'abandoned', reason = 'a newer version stands there' WHERE record_id = :r AND version < :v
                AND side = :side AND key = :k AND state IN ('sending', 'uncertain')
        """),
            {"r": work.row.id, "v": work.version, "side": work.step.side, "k": work.step.key},
        )


def not_sent(db: Connection, work: Work, answer: Answer) -> None:
    """This try surely did not arrive. What an earlier one of a repeatable step may have left stays in doubt."""
    close(db, work, WriteState.planned, answer)
    if work.doubtful and work.step is not None and work.step.repeatable:
        _in_doubt_still(db, work)


def doubt_kept(db: Connection, work: Work, answer: Answer) -> None:
    """This try was refused. What an earlier one of a repeatable step may have left stays in doubt."""
    close(db, work, WriteState.rejected, answer)
    _in_doubt_still(db, work)


def _in_doubt_still(db: Connection, work: Work) -> None:
    db.execute(
        text("UPDATE write SET state = 'uncertain', uncertain_until = clock_timestamp() WHERE id = :id AND attempt = :a"),
        {"id": work.write_id, "a": work.row.attempt},
    )


def later(work: Work, retry_at: datetime | None, reason: str) -> Verdict:
    """Nothing was sent, and it may be sent again: soon by the task's own policy, or when the system said."""
    return Verdict(RecordState.sending, (), retry_at or now() + timedelta(seconds=backoff(work)), reason, soon=True)


def overtaken(work: Work) -> Verdict:
    """The lease ended and a later attempt took the record: this one goes no further, and its verdict is not stored."""
    return Verdict(work.state, reason="a later attempt has it")


def backoff(work: Work) -> float:
    """2, 4, 8 ... seconds, at most half an hour."""
    return float(min(2 ** min(work.row.tries + 1, 11), 1800))


def uncertain(work: Work, reason: str) -> Problem:
    return named(work, "outcome_uncertain", reason=reason)


def named(work: Work, code: str, **values: str) -> Problem:
    return Problem(
        code,
        {
            "system": system_of(work),
            "kind": work.flow.kind.replace("_", " "),
            "number": work.row.number or work.row.source_id,
            **values,
        },
    )


def system_of(work: Work) -> str:
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
