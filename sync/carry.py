"""Step 7: plans carried out. Intent committed before each call, outcome after it; doubt is looked up, never sent again."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

from sqlalchemy import Connection

from connectors.calls import Answer, CallFailed, NotUnderstood, Request, SignInRefused, Unavailable
from connectors.plan import ChangedThere, Done, Step
from connectors.ports import Client
from models import text
from models.states import RecordState, WriteState
from objects.outcome import Outcome
from objects.problem import Problem, on_settings
from settings.environment import environment
from settings.failpoints import reach
from sync import comparing, problems
from sync.clock import now
from sync.company import block
from sync.doubt import agreed, hash_of, holds_an_earlier_version, taken, word_used_up
from sync.intent import (
    advance,
    backoff,
    close,
    doubt,
    doubt_kept,
    in_doubt,
    later,
    mark_sending,
    named,
    not_sent,
    overtaken,
    system_of,
    uncertain,
)
from sync.judge import blocked, recheck
from sync.work import UNFORESEEN, Verdict, Work

#: The problems that a person settles by saying that it is not there.
NOT_THERE = ("outcome_needs_person", "found_is_anothers")

#: One look more that found nothing. Of a doubt, one that comes too soon after the last counts for nothing.
_ABSENT = text("""
    UPDATE write w SET absent_looks = absent_looks + seen.counts::int,
        looked_at = CASE WHEN seen.counts THEN clock_timestamp() ELSE looked_at END
    FROM (
        SELECT state <> 'uncertain' OR absent_looks = 0 OR coalesce(looked_at < clock_timestamp() - CAST(:gap AS interval), true)
            AS counts FROM write WHERE id = :id
    ) seen WHERE w.id = :id AND w.attempt = :a RETURNING w.*
""")

Clients = Callable[[Work, Step], Client]


def carry_out(
    works: Sequence[Work],
    clients: Clients,
    open_session: Callable[[], Any],
    conclude: Callable[[Connection, Work], None],
    time_is_up: Callable[[], bool],
) -> None:
    """Drives all plans to their verdicts, in step with each other so that steps of one endpoint share a request.

    `time_is_up`: nothing more is begun in this task; what is left goes on in the next.
    """
    active = [w for w in works if w.verdict is None]
    while active:
        answers: dict[int, Answer] = {}
        for work in active:
            _read_there(work, clients)
        sending = [w for w in active if w.action == "send"]
        for group in _groups(sending):
            for work, answer in zip(group, _send(group, clients, time_is_up), strict=True):
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


def _send(group: Sequence[Work], clients: Clients, time_is_up: Callable[[], bool]) -> Sequence[Answer]:
    """One request for the group, one answer for each. Not sent when the lease, or the task's time, would end before the
    answer could come."""
    steps = [w.step for w in group if w.step is not None]
    client, batch = clients(group[0], steps[0]), steps[0].batch
    reach("before_remote_write", group[0])
    # the last thing before the request: whoever stood still until now must not send any more (F05)
    if min(w.row.lease_until for w in group) - now() < timedelta(seconds=environment().request_seconds * 1.5):
        return [Answer(Outcome.not_applied, reason="the lease is about to end")] * len(group)
    if time_is_up():
        return [Answer(Outcome.not_applied, reason="the task's time is up")] * len(group)
    answer = client.send(_of_version(steps[0].request, group[0]) if batch is None else batch.merge(steps))
    reach("after_remote_write", group[0])
    if batch is None:
        return [answer]
    return batch.split(answer, steps) if answer.outcome is Outcome.confirmed else [answer] * len(group)


def _of_version(request: Request, work: Work) -> Request:
    """What vanished there and is written anew must not be answered by what the server kept of the first time."""
    key = request.headers.get("Idempotency-Key")
    if key is None or work.version == 1:
        return request
    return replace(request, headers={**request.headers, "Idempotency-Key": f"{key}-v{work.version}"})


def _read_there(work: Work, clients: Clients) -> None:
    """The step in hand looked up, read back or compared; nothing for one that is to be sent."""
    assert work.step is not None
    if work.action in ("", "send"):
        return
    reach("before_look", work)
    client = clients(work, work.step)
    if work.action == "verify":
        comparing.read_back(work, client)
    elif work.action == "compare":
        _reading(work, lambda: _compare(work, client))
    else:
        _reading(work, lambda: _look(work, client))


def _look(work: Work, client: Client) -> None:
    assert work.step is not None and work.step.look is not None
    work.found = work.step.look(client)


def _compare(work: Work, client: Client) -> None:
    assert work.step is not None and work.step.on_stale is not None
    work.stale = work.step.on_stale(client, work.row.sent)


def _reading(work: Work, call: Callable[[], None]) -> None:
    """A read that a write depends on; trouble becomes the verdict."""
    try:
        call()
    except Unavailable as error:
        work.verdict = later(work, error.answer.retry_at, str(error))
    except SignInRefused as error:
        work.verdict = _unseen(work, _reconnect(work, error.answer.reason))
    except CallFailed as error:
        refused = named(work, "permission_missing", reason=str(error))
        if work.step is not None and error.answer.status in (403, 422):  # a rule of the system's, which the step can name
            said = work.step.explain(error.answer)
            refused = refused if said.code == refused.code else said
        work.verdict = _unseen(work, refused)
    except NotUnderstood as error:
        work.verdict = _unseen(work, named(work, "not_understood", path=error.path, reason=error.reason))
    except UNFORESEEN as error:
        reason = f"{type(error).__name__}: {error}"
        work.verdict = _unseen(work, named(work, "not_understood", path="what was found", reason=reason))


def _unseen(work: Work, problem: Problem) -> Verdict:
    """Nobody could look: a doubt stays a doubt."""
    return Verdict(in_doubt(work), (problem,), recheck(), problem.code) if work.doubtful else blocked((problem,))


def _reconnect(work: Work, reason: str) -> Problem:
    return replace(named(work, "reconnect_needed", reason=reason), waits_for=(on_settings(),))


def _settle(db: Connection, work: Work, answer: Answer | None) -> None:
    """Writes down what came of the step and goes on."""
    if work.verdict is not None or work.step is None:
        if work.step is not None and work.verdict is not None and work.verdict.reason == "reconnect_needed":
            block(db, system_of(work))
        return
    if work.action == "verify":
        _after_read_back(db, work)
    elif work.action == "compare":
        _after_compared(db, work)
    elif answer is None:
        _after_look(db, work)
    elif answer.outcome is Outcome.confirmed:
        _after_confirmed(db, work, work.step, answer)
    elif answer.outcome is Outcome.uncertain:
        doubt(db, work, work.row.lease_until, answer.reason, answer)
    elif answer.outcome is Outcome.refused:
        _refused(db, work, work.step, answer)
    else:
        not_sent(db, work, answer)
        work.verdict = later(work, answer.retry_at, answer.reason)


def _after_confirmed(db: Connection, work: Work, step: Step, answer: Answer) -> None:
    try:
        done = step.read(answer)
    except ChangedThere as found:
        _changed_there(db, work, step, answer, found)
        return
    except UNFORESEEN as error:  # NotUnderstood, or a shape that nobody foresaw
        doubt(db, work, work.row.lease_until, f"its answer cannot be read: {error}", answer)
        return
    close(db, work, WriteState.confirmed, answer, done)
    work.warnings += done.warnings
    _go_on(db, work, step, done)


def _changed_there(db: Connection, work: Work, step: Step, answer: Answer, found: ChangedThere) -> None:
    """What we wrote in an earlier try arrived, and somebody has changed it since: compared like any other stale copy (F39)."""
    if step.on_stale is not None:
        close(db, work, WriteState.planned, answer)
        work.action = "compare"
        return
    close(db, work, WriteState.confirmed, answer, found.left)
    _not_as_sent(db, work, found.left, found.reason)


def _go_on(db: Connection, work: Work, step: Step, done: Done) -> None:
    """To the next step; before it, what was written is read back where the step says how."""
    if step.verify is None:
        advance(db, work, done)
    else:
        work.done, work.action = done, "verify"


def _after_read_back(db: Connection, work: Work) -> None:
    """As it was sent: on. Otherwise a person must see it; it stays linked, so that nothing makes a second one."""
    step, done = work.step, work.done
    assert step is not None and done is not None
    differing = comparing.differences(step, work.seen) if work.seen is not None else ""
    if differing:
        _not_as_sent(db, work, done, differing)
        return
    if work.seen is not None:
        comparing.mark_verified(db, work)
    advance(db, work, done)


def _not_as_sent(db: Connection, work: Work, done: Done, differing: str) -> None:
    assert work.step is not None
    comparing.link_as_written(db, work, done)
    if work.step.repeatable:  # sent anew when somebody asks
        close(db, work, WriteState.rejected, None)
    problem = named(work, "not_as_sent", reason=differing)
    work.verdict = Verdict(RecordState.needs_attention, (problem,), reason=problem.code)


def _after_compared(db: Connection, work: Work) -> None:
    """After a 412: our own write after all, or only fields that are not ours changed: sent for the version that stands."""
    stale, step = work.stale, work.step
    assert stale is not None and step is not None
    if stale.ours is not None:
        close(db, work, WriteState.confirmed, None, stale.ours)
        _go_on(db, work, step, stale.ours)
    elif stale.differing and work.row.consent != "edited_on_both_sides":
        work.verdict = comparing.edited_there(work, stale, named(work, "edited_on_both_sides"))
    else:
        work.verdict = comparing.too_often(work, now() + timedelta(seconds=backoff(work)))
        work.step, work.action = stale.again, "send"
        if work.verdict is None:
            mark_sending(db, work, hash_of(work.step))


def _refused(db: Connection, work: Work, step: Step, answer: Answer) -> None:
    if answer.status == 412 and step.on_stale is not None:
        close(db, work, WriteState.planned, answer)
        work.action = "compare"
        return
    if work.doubtful and step.repeatable:  # this try is refused; an earlier one may stand there all the same
        doubt_kept(db, work, answer)
    else:
        close(db, work, WriteState.rejected, answer)
    if answer.status == 401:
        problem = _reconnect(work, answer.reason)
        block(db, system_of(work))
    else:
        problem = step.explain(answer)
        work.warnings += [problem] if not problems.blocks(problem) else []
    work.verdict = blocked((problem,))


def _after_look(db: Connection, work: Work) -> None:
    """Found: confirmed. Absent at the first try: send. Absent twice after doubt: send once more, or ask a person."""
    assert work.step is not None
    if work.found is not None and (other := taken(db, work, work.found)):
        if not agreed(db, work, *NOT_THERE):
            problem = named(work, "found_is_anothers", there=work.found.remote_id, other=other)
            work.verdict = Verdict(RecordState.needs_attention, (problem,), reason=problem.code)
            return
        work.found = None  # a person said that this is another one
    if work.found is not None and work.by_sight:
        _left_behind(db, work, work.found)
        return
    if work.found is not None and holds_an_earlier_version(db, work, work.step, work.found):
        work.verdict = Verdict(RecordState.pending, (), now(), "found as an earlier version left it", soon=True)
        return
    if work.found is not None:
        close(db, work, WriteState.confirmed, None, work.found)
        if work.step.links:
            comparing.link_as_written(db, work, work.found)
        work.warnings += work.found.warnings
        _go_on(db, work, work.step, work.found)
        return
    if work.step.awaited is not None:
        work.verdict = blocked((work.step.awaited,))
        return
    gap = timedelta(seconds=max(1, environment().quarantine_seconds // 15))
    row = db.execute(_ABSENT, {"id": work.write_id, "a": work.row.attempt, "gap": gap}).one_or_none()
    if row is None:  # the next attempt has it: what this one saw may be older than what that one sent
        work.verdict = overtaken(work)
    elif (row.state == WriteState.uncertain or work.stop is not None) and row.absent_looks < 2:
        work.verdict = Verdict(in_doubt(work), (uncertain(work, row.reason or ""),), now() + gap, "looked once: not there")
    elif row.state == WriteState.uncertain and _needs_a_word(db, work, row):
        work.verdict = Verdict(RecordState.needs_attention, (named(work, "outcome_needs_person", key=work.step.key),))
    elif work.stop is not None:
        _forget(db, work, "looked for twice: it is not there")
        work.verdict = Verdict(RecordState.ignored, (work.stop,), reason=work.stop.code)
    else:
        db.execute(text("UPDATE write SET absent_looks = 0 WHERE id = :id"), {"id": work.write_id})
        word_used_up(db, work)
        work.action = "send"
        mark_sending(db, work, hash_of(work.step))


def _left_behind(db: Connection, work: Work, found: Done) -> None:
    """Something of it stands there, and nobody goes on writing it: linked, and judged with that."""
    _forget(db, work, f"it stands there as {found.remote_id}")
    comparing.link_as_written(db, work, found)
    work.verdict = Verdict(RecordState.pending, (), now(), "what was begun stands there", soon=True)


def _forget(db: Connection, work: Work, why: str) -> None:
    """Nothing is in doubt about this record any more."""
    db.execute(
        text("""
        UPDATE write SET state = 'abandoned', reason = :why, ended_at = clock_timestamp()
        WHERE record_id = :r AND side = 'target' AND state IN ('planned', 'sending', 'uncertain', 'rejected')
    """),
        {"r": work.row.id, "why": why},
    )


def _needs_a_word(db: Connection, work: Work, row: Any) -> bool:
    """What cannot be taken back, or was sent twice already, is sent once more only when a person says that it is not there."""
    assert work.step is not None
    twice = row.sends >= 2 and work.stop is None
    return (work.step.irreversible or twice) and not agreed(db, work, *NOT_THERE)
