"""Doubts about creates: what an earlier version may have left, what was found, and how far a person's word goes."""

from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from connectors.plan import Done, Step
from models import text
from objects.plain import digest
from settings.environment import environment
from sync.work import Work


def hash_of(step: Step) -> bytes:
    """What tells one request from another."""
    return digest([step.request.method, step.request.path, dict(step.request.params), step.request.body])


def of_an_earlier_version(db: Connection, work: Work, step: Step) -> Any:
    """What an earlier version left in doubt under this key is in doubt for this one too; None when there is nothing.

    The body's hash goes with it: should it be found, it holds what was sent then and not what is wanted now.
    """
    return db.execute(
        text("""
        WITH doubt AS (
            UPDATE write SET state = 'abandoned', reason = 'a newer version took over the doubt', lands_until = NULL
            WHERE record_id = :r AND version < :v AND side = :side AND key = :k AND state IN ('sending', 'uncertain')
            RETURNING version, sends, body_hash, uncertain_until, coalesce(uncertain_until, clock_timestamp()) AS lands_until
        )
        UPDATE write w SET state = 'uncertain', sends = o.sends, body_hash = o.body_hash, lands_until = o.lands_until,
            reason = 'an earlier version may stand there',
            uncertain_until = greatest(o.uncertain_until, clock_timestamp() + make_interval(secs => :pause))
        FROM (SELECT * FROM doubt ORDER BY version DESC LIMIT 1) o WHERE w.id = :id RETURNING w.*
    """),
        {
            "r": work.row.id,
            "v": work.version,
            "side": step.side,
            "k": step.key,
            "pause": environment().quarantine_seconds,
            "id": work.write_id,
        },
    ).one_or_none()


def on_its_way(db: Connection, work: Work, step: Step) -> datetime | None:
    """Until when a lost try of an earlier version may still be carried out, and be written over this one; None: no longer.

    A read changes nothing. Once nothing is on its way it is not asked again in this run.
    """
    if work.landed or work.version == 1 or step.side == "source":
        return None
    until: datetime | None = db.execute(
        text("""
        SELECT max(coalesce(lands_until, sent_at + make_interval(secs => :lost))) FROM write
        WHERE record_id = :r AND version < :v AND side = 'target' AND request NOT LIKE 'GET %'
            AND coalesce(lands_until, CASE state WHEN 'sending' THEN sent_at + make_interval(secs => :lost) END)
                > clock_timestamp()
    """),
        {"r": work.row.id, "v": work.version, "lost": environment().lease_seconds + environment().quarantine_seconds},
    ).scalar()
    work.landed = until is None
    return until


def holds_an_earlier_version(db: Connection, work: Work, step: Step, found: Done) -> bool:
    """Whether what was found was sent as something else; then it becomes our link, to be brought up to date by its id."""
    old = db.execute(
        text("""
        UPDATE write SET state = 'abandoned', ended_at = clock_timestamp()
        WHERE id = :id AND sends > 0 AND body_hash <> :h RETURNING id
    """),
        {"id": work.write_id, "h": hash_of(step)},
    ).first()
    if old is None:
        return False
    db.execute(
        text("UPDATE sync_record SET remote_id = :to, remote_number = :n WHERE id = :id AND attempt = :a"),
        {"to": found.remote_id, "n": found.remote_number, "id": work.id, "a": work.row.attempt},
    )
    return True


def taken(db: Connection, work: Work, found: Done) -> str:
    """The number of another record that is linked with what was found; empty when there is none."""
    other = db.execute(
        text("""
        SELECT coalesce(nullif(number, ''), source_id) AS number FROM sync_record
        WHERE connection_id = :c AND kind = :k AND direction = :d AND remote_id = :there AND id <> :id LIMIT 1
    """),
        {
            "c": work.row.connection_id,
            "k": work.row.kind,
            "d": work.row.direction,
            "there": found.remote_id,
            "id": work.id,
        },
    ).first()
    return str(other.number) if other is not None else ""


def agreed(db: Connection, work: Work, *codes: str) -> bool:
    """Whether a person has decided about one of these problems, and nothing was sent since."""
    found = db.execute(
        text("SELECT id FROM sync_record WHERE id = :id AND consent = ANY(:codes) AND attempt = :a"),
        {"id": work.id, "codes": list(codes), "a": work.row.attempt},
    )
    return found.first() is not None


def word_used_up(db: Connection, work: Work) -> None:
    """A person's word is good for one try: the next doubt is theirs again."""
    db.execute(
        text("UPDATE sync_record SET consent = NULL WHERE id = :id AND consent IS NOT NULL AND attempt = :a"),
        {"id": work.id, "a": work.row.attempt},
    )
