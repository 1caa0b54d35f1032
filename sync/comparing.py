"""What really stands there: a document read back after it was written, and after the answer 412 what somebody changed."""

import json
import logging
from datetime import datetime
from decimal import Decimal

from sqlalchemy import Connection

from connectors.calls import CallFailed, NotUnderstood
from connectors.plan import Done, Seen, Stale, Step
from connectors.ports import Client
from models import text
from models.states import RecordState
from objects.problem import Problem
from sync.work import UNFORESEEN, Verdict, Work

log = logging.getLogger("sitebooks.sync")

#: Times that a step meets a version newer than the one it was made for before it is left for later.
MOST_STALE = 3


def read_back(work: Work, client: Client) -> None:
    """Reads what was just written by its id. Nobody could read: the second look, minutes later, will."""
    assert work.step is not None and work.step.verify is not None and work.done is not None
    try:
        work.seen = work.step.verify(client, work.done)
    except (CallFailed, NotUnderstood, *UNFORESEEN) as error:
        work.seen = None
        log.warning("record %s: what was written could not be read back: %s", work.id, error)


def differences(step: Step, seen: Seen) -> str:
    """How what stands there differs from what was sent, in words; empty when it does not."""
    found = []
    if step.amount is not None and seen.amount is not None and Decimal(step.amount) != seen.amount:
        found.append(f"{seen.amount} stands there, {step.amount} was sent")
    if step.lines is not None and seen.lines is not None and step.lines != seen.lines:
        found.append(f"it has {seen.lines} lines there, {step.lines} were sent")
    return "; ".join(found)


def mark_verified(db: Connection, work: Work) -> None:
    """The write was seen to stand there as it was sent."""
    db.execute(text("UPDATE write SET verified_at = clock_timestamp() WHERE id = :id"), {"id": work.write_id})


def link_as_written(db: Connection, work: Work, done: Done) -> None:
    """It is there, whatever it holds: the next try corrects it by its id and never makes a second one."""
    db.execute(
        text("UPDATE sync_record SET remote_id = :to, remote_number = :n WHERE id = :id AND attempt = :a"),
        {"to": done.remote_id, "n": done.remote_number, "id": work.id, "a": work.row.attempt},
    )


def edited_there(work: Work, stale: Stale, named: Problem) -> Verdict:
    """Fields of ours that somebody else changed there: a person decides, seeing both."""
    said = "; ".join(f"{name}: we had sent {last}, there stands {theirs}, we would send {ours}"
                     for name, last, theirs, ours in stale.differing)  # fmt: skip
    values = {**named.values, "fields": said, "differing": json.dumps(stale.differing)}
    return Verdict(RecordState.conflict, (Problem(named.code, values),), reason=named.code)


def too_often(work: Work, until: datetime) -> Verdict | None:
    """Somebody changes it faster than we write: later."""
    work.compared += 1
    if work.compared <= MOST_STALE:
        return None
    return Verdict(RecordState.sending, (), until, "it is being changed there at this moment", soon=True)
