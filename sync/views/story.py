"""What happened to a record, from events, history, attempts, writes and approvals, the newest first."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from sqlalchemy import Connection, text

from models.states import RecordState, WriteState
from sync import problems
from sync.names import system_word
from sync.views.records import RecordRow
from sync.views.words import state_word

MOST_ENTRIES = 200
#: Characters of an answer in doubt that are shown.
MOST_ANSWER = 200
SAME_MOMENT = timedelta(seconds=1)

Reasons = Callable[[str], str]


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the story. `mark` is a record state, or bell, pen, tick for what is none."""

    at: datetime
    mark: str
    title: str
    detail: str = ""
    amount: Decimal | None = None


WRITE_WORDS = {
    WriteState.planned: ("pending", "Planned: {step} in {system}"),
    WriteState.sending: ("sending", "Sending {step} to {system}"),
    WriteState.confirmed: ("sending", "Sent {step}; {system} confirmed it"),
    WriteState.rejected: ("needs_attention", "{system} refused {step}"),
    WriteState.uncertain: ("checking", "We do not know whether {system} took {step}"),
    WriteState.abandoned: ("ignored", "Given up: {step} in {system}; a newer version took its place"),
}
OUTCOMES = {
    "held": "Looked again: still held",
    "synced": "Looked: both sides agree",
    "needs_attention": "Looked: needs attention",
}


def story_of(db: Connection, row: RecordRow, writes: Sequence[Any], approvals: Sequence[Any]) -> tuple[Entry, ...]:
    """At most the newest two hundred entries."""
    values = {"id": row.id, "kind": row.kind, "ref": row.source_id, "most": MOST_ENTRIES}
    history = db.execute(text("""
        SELECT * FROM history WHERE record_id = :id ORDER BY id DESC LIMIT :most
    """), values)
    attempts = db.execute(text("""
        SELECT * FROM attempt WHERE record_id = :id ORDER BY id DESC LIMIT :most
    """), values)
    events = db.execute(text("""
        SELECT * FROM event WHERE kind = :kind AND ref = :ref ORDER BY id DESC LIMIT :most
    """), values)
    words = _reasons(row)
    moves = [_history(h, words) for h in history]
    entries = [
        *(_event(e) for e in events), *moves,
        *(entry for a in attempts if a.outcome and not _told(entry := _attempt(a, words), moves)),
        *(_write(w, row) for w in writes), *(_approval(a) for a in approvals),
    ]
    return tuple(sorted(entries, key=lambda entry: entry.at, reverse=True)[:MOST_ENTRIES])


def _reasons(row: RecordRow) -> Reasons:
    """The history keeps a problem's code without its values: what the record says of itself fills the sentence."""
    known = {
        "number": row.number or row.source_id, "kind": row.kind_word.lower(), "name": row.name, "project": row.project,
        "system": system_word(row.target), "supplier": row.vendor,
    }
    titles = {problem.code: problem.title for problem in row.problems}
    return lambda code: titles.get(code) or (problems.text(code, known).title if problems.has(code) else code)


def _event(row: Any) -> Entry:
    return Entry(row.received_at, "bell", f"{system_word(row.system)} told us of a change", f"Webhook {row.event_id}")


def _history(row: Any, words: Reasons) -> Entry:
    after = (row.after or {}).get("state", "")
    before = (row.before or {}).get("state", "")
    reason = words(row.reason or "")
    actor = "" if row.actor in ("sitebooks", "engine") else f"By {row.actor}"
    if after not in RecordState.__members__:
        what = row.what.removeprefix("record.").replace("_", " ").capitalize()
        return Entry(row.at, "pen", reason or what, actor)
    title = state_word(after) if after != before else f"Looked again: still {state_word(after).lower()}"
    return Entry(row.at, after, title, ". ".join(part for part in (reason, actor) if part))


def _attempt(row: Any, words: Reasons) -> Entry:
    note = words(row.note or "")
    mark = row.outcome if row.outcome in RecordState.__members__ else "pending"
    title = OUTCOMES.get(row.outcome) or f"Looked: {state_word(mark).lower()}"
    detail = f"Attempt {row.attempt}" + (f": {note}" if note else "")
    return Entry(row.ended_at or row.started_at, mark, title, detail)


def _told(attempt: Entry, moves: Sequence[Entry]) -> bool:
    """An attempt that moved the record: the move is in the history already."""
    return any(move.mark == attempt.mark and abs(move.at - attempt.at) < SAME_MOMENT for move in moves)


def _write(row: Any, record: RecordRow) -> Entry:
    mark, words = WRITE_WORDS[WriteState(row.state)]
    system = system_word(record.target if row.side == "target" else record.source)
    parts = [f"Version {row.version}", f"attempt {row.attempt}", f"key {row.key}"]
    parts += [f"answer {row.status}"] if row.status else []
    parts += [f"sent {row.sends} times"] if row.sends > 1 else []
    parts += [row.reason] if row.reason else []
    parts += [f"it answered: {row.answer[:MOST_ANSWER]}"] if row.state == WriteState.uncertain and row.answer else []
    title = words.format(step=row.step.replace("_", " "), system=system)
    return Entry(row.ended_at or row.sent_at or row.planned_at, mark, title, ", ".join(parts), row.amount)


def _approval(row: Any) -> Entry:
    approved = row.decision == "approved"
    title = f"{'Approved' if approved else 'Rejected'} for exactly version {row.version}"
    detail = f"By {row.actor}" + (f": {row.reason}" if row.reason else "")
    return Entry(row.at, "awaiting_approval" if approved else "rejected", title, detail, row.amount)
