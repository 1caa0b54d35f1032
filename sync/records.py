"""Records: made when an object is seen, rung when it may have changed, moved by one function that writes the history."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import Connection

from models import session, text
from models.states import RecordState, allowed
from objects import Object
from settings.secret_values import blank
from sync.company import Company
from sync.keys import external_key

#: Kind -> record ids: what a task should be rung for.
Rung = dict[str, list[int]]


def merge(into: Rung, other: Rung) -> None:
    """Adds the other's ids."""
    for kind, ids in other.items():
        into.setdefault(kind, []).extend(i for i in ids if i not in into[kind])


def ensure(
    db: Connection, company: Company, system: str, kind: str, objects: Sequence[Object], *, doorbell: bool = False
) -> Rung:
    """One record per flow for each object just seen, due now. `doorbell`: what is stored is not enough, read it again.

    What a person has unlinked is never due: nobody would take it, and it would be rung for ever.
    """
    rung: Rung = {}
    for connected, flow in company.flows_from(system, kind):
        rows = [
            {
                "source_id": o.source_id,
                "project_id": o.project_id,
                "number": o.number,
                "name": o.name,
                "amount": _amount(o),
                "currency": getattr(o, "currency", None),
                "key": external_key(company.salt, flow.direction, kind, o.source_id),
            }
            for o in objects
            if flow.takes(o)
        ]
        ids = db.scalars(
            text("""
            INSERT INTO sync_record AS r (company_id, connection_id, kind, direction, source_id, project_id, number, name,
                amount, currency, key, due_at, rung_at, stale_at)
            SELECT :p, :c, :k, :d, g.*, clock_timestamp(), clock_timestamp(), CASE WHEN :bell THEN clock_timestamp() END
            FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS g(source_id text, project_id text, number text, name text,
                amount numeric, currency text, key text)
            ON CONFLICT (company_id, connection_id, kind, source_id, direction) DO UPDATE SET
                project_id = excluded.project_id, number = excluded.number, name = excluded.name,
                amount = CASE WHEN r.state = 'awaiting_approval' THEN r.amount ELSE excluded.amount END,
                currency = excluded.currency, rung_at = clock_timestamp(), tries = 0,
                due_at = CASE WHEN r.state <> 'unlinked' THEN clock_timestamp() END,
                stale_at = CASE WHEN :bell THEN clock_timestamp() ELSE r.stale_at END
            RETURNING id
        """),
            {"p": company.id, "c": connected.id, "k": kind, "d": flow.direction, "bell": doorbell, "rows": json.dumps(rows)},
        )
        merge(rung, {kind: list(ids)})
    return rung


def doorbell(db: Connection, company: Company, system: str, kind: str, refs: Mapping[str, str]) -> Rung:
    """Source ids (with their project) that an event named: their records become due and are read again.

    A record that does not exist yet is made from the id alone; what it is, reading will tell.
    """
    rung: Rung = {}
    for connected, flow in company.flows_from(system, kind):
        ids = db.scalars(
            text("""
            INSERT INTO sync_record AS r (company_id, connection_id, kind, direction, source_id, project_id, key,
                due_at, rung_at, stale_at)
            SELECT :p, :c, :k, :d, g.source_id, g.project_id, g.key, clock_timestamp(), clock_timestamp(), clock_timestamp()
            FROM unnest(CAST(:ids AS text[]), CAST(:projects AS text[]), CAST(:keys AS text[])) AS g(source_id, project_id, key)
            ON CONFLICT (company_id, connection_id, kind, source_id, direction) DO UPDATE SET
                due_at = CASE WHEN r.state <> 'unlinked' THEN clock_timestamp() END, rung_at = clock_timestamp(),
                stale_at = clock_timestamp(), tries = 0
            RETURNING id
        """),
            {
                "p": company.id,
                "c": connected.id,
                "k": kind,
                "d": flow.direction,
                "ids": list(refs),
                "projects": list(refs.values()),
                "keys": [external_key(company.salt, flow.direction, kind, ref) for ref in refs],
            },
        )
        merge(rung, {kind: list(ids)})
    return rung


def ring_sources(db: Connection, connection_id: int, kind: str, source_ids: Iterable[str]) -> Rung:
    """Records of these objects (read through any connection of the company) become due, to be read again."""
    rows = db.execute(
        text("""
        UPDATE sync_record SET due_at = clock_timestamp(), rung_at = clock_timestamp(), stale_at = clock_timestamp()
        WHERE kind = :k AND source_id = ANY(:ids) AND state <> 'unlinked' RETURNING kind, id
    """),
        {"k": kind, "ids": list(source_ids)},
    )
    return by_kind(rows)


def release(db: Connection, tokens: Iterable[str]) -> Rung:
    """Everything that waited for one of these becomes due now; one statement."""
    wanted = sorted(tokens)
    if not wanted:
        return {}
    return by_kind(
        db.execute(
            text("""
        UPDATE sync_record SET due_at = clock_timestamp(), rung_at = clock_timestamp()
        WHERE waits_for && CAST(:tokens AS text[]) AND waits_for <> '{}' RETURNING kind, id
    """),
            {"tokens": wanted},
        )
    )


def by_kind(rows: Iterable[Any]) -> Rung:
    """(kind, id) rows as Rung."""
    rung: Rung = {}
    for kind, record_id in rows:
        rung.setdefault(kind, []).append(record_id)
    return rung


@dataclass(frozen=True, slots=True)
class Moved:
    """A move that was stored. `rung`: somebody rang for the record while it was being worked on; it is due already."""

    rung: bool


#: Columns a move may set besides the state, with the type Postgres must see.
_TYPES = {
    "problems": "jsonb",
    "warnings": "jsonb",
    "held": "jsonb",
    "sent": "jsonb",
    "waits_for": "text[]",
    "amount": "numeric",
    "due_at": "timestamptz",
    "lease_until": "timestamptz",
    "held_hash": "bytea",
    "sent_hash": "bytea",
    "told_hash": "bytea",
    "remote_id": "text",
    "remote_number": "text",
    "remote_version": "text",
    "number": "text",
    "name": "text",
    "currency": "text",
    "project_id": "text",
    "version": "int",
    "tries": "int",
    "unfinished": "int",
    "asked": "boolean",
    "consent": "text",
    "synced_at": "timestamptz",
}


def move(
    db: Connection,
    record: Any,
    after: RecordState,
    actor: str,
    *,
    reason: str = "",
    fields: Mapping[str, Any] | None = None,
    attempt: int | None = None,
    claimed: datetime | None = None,
    outcome: str = "",
    story: Mapping[str, Any] | None = None,
) -> Moved | None:
    """The one way a state changes: checks that the move has a story and writes who, when, why, before, after.

    `record` needs id, company_id and state. With `attempt`, only while that attempt still holds the record (the fence),
    and the attempt is closed with `outcome`. With `claimed`, the due time the claim had set: `due_at` is then left alone
    if somebody rang in the meantime. The history names the state it left, which a person may have changed since `record` was
    read. None: another attempt has the record, nothing was changed. Raises IllegalMove.
    """
    before, reason = RecordState(record.state), blank(reason)  # a reason may be what an outside system or an error said
    allowed(before, after)
    given = dict(fields or {})
    sets = [f"{c} = CAST(:f_{c} AS {_TYPES[c]})" for c in given if not (c == "due_at" and claimed is not None)]
    if claimed is not None:
        sets.append("due_at = CASE WHEN r.due_at IS DISTINCT FROM :claimed THEN r.due_at ELSE CAST(:f_due_at AS timestamptz) END")
        given.setdefault("due_at", None)
    tell = before != after or bool(reason) or bool(story)
    done = db.execute(
        text(f"""
        WITH stood AS (
            SELECT id, state FROM sync_record WHERE id = :id FOR UPDATE
        ), moved AS (
            UPDATE sync_record r SET state = :after,
                state_since = CASE WHEN r.state = :after THEN r.state_since ELSE clock_timestamp() END
                {"," if sets else ""} {", ".join(sets)}
            FROM stood WHERE r.id = stood.id AND (CAST(:attempt AS int) IS NULL OR r.attempt = :attempt)
            RETURNING r.id, r.company_id, r.due_at, stood.state AS was
        ), closed AS (
            UPDATE attempt a SET ended_at = clock_timestamp(), outcome = :outcome, note = nullif(:reason, '')
            FROM moved WHERE :outcome <> '' AND a.record_id = moved.id AND a.attempt = :attempt
        ), told AS (
            INSERT INTO history (company_id, record_id, actor, what, before, after, reason)
            SELECT company_id, id, :actor, CASE WHEN was <> :after THEN 'record.state' ELSE 'record.note' END,
                jsonb_build_object('state', was), CAST(:now AS jsonb), nullif(:reason, '')
            FROM moved WHERE :tell OR was <> :after
        ) SELECT due_at IS NOT NULL AND due_at <= clock_timestamp() AS rung FROM moved
    """),
        {
            **{f"f_{c}": _sql(c, v) for c, v in given.items()},
            "claimed": claimed,
            "id": record.id,
            "after": after,
            "attempt": attempt,
            "outcome": outcome,
            "reason": reason,
            "actor": actor,
            "tell": tell,
            "now": json.dumps({"state": after, **(story or {})}, default=str),
        },
    ).first()
    return Moved(bool(done.rung)) if done is not None else None


def _sql(column: str, value: Any) -> Any:
    return json.dumps(value) if _TYPES[column] == "jsonb" and value is not None else value


def write_history(
    db: Connection,
    company_id: int,
    record_id: int | None,
    actor: str,
    what: str,
    before: Mapping[str, Any] | None,
    after: Mapping[str, Any] | None,
    reason: str = "",
) -> None:
    """One line that is never changed afterwards."""
    db.execute(
        text("""
        INSERT INTO history (company_id, record_id, actor, what, before, after, reason)
        VALUES (:p, :r, :a, :w, CAST(:b AS jsonb), CAST(:n AS jsonb), nullif(:why, ''))
    """),
        {"p": company_id, "r": record_id, "a": actor, "w": what, "b": _plain(before), "n": _plain(after), "why": blank(reason)},
    )


#: What vanished at its target is written anew when a person asks for it: as another version, and not by its old id. All that
#: it ever was there is kept as what is gone: a source names the first of them for good (B.2), and that one does not stand.
_NOT_LINKED = text("""
    UPDATE sync_record SET remote_id = NULL, remote_number = NULL, remote_version = NULL, held_hash = NULL, sent_hash = NULL,
        sent = jsonb_build_object('gone', (
            SELECT coalesce(jsonb_agg(DISTINCT was), '[]') FROM (
                SELECT w.done->>'remote_id' AS was FROM write w WHERE w.record_id = sync_record.id
                    AND w.side = 'target' AND w.key = sync_record.key AND w.state = 'confirmed'
                UNION SELECT sync_record.remote_id
            ) ever WHERE was <> ''))
    WHERE id = ANY(:ids) AND problems @> '[{"code": "vanished_at_target"}]'
""")


#: "Send again" says all that there is to decide about these; every other decision has a word of its own.
SETTLED_BY_ASKING = frozenset({"vanished_at_target", "found_is_anothers"})


def retry(company_id: int, record_ids: Sequence[int], actor: str, *, word: str = "", said: str = "") -> Rung:
    """A person asks: these are read and judged again, and sent if nothing stands against it.

    What is in doubt is looked up after its quarantine, and nothing more; what was changed there is compared again. `word`: the
    problem that the person has decided about (settling), `said`: in words.
    """
    with session(company_id) as db:
        rows = db.execute(
            text("""
            SELECT id, company_id, kind, state, problems, lease_until > clock_timestamp() AS busy
            FROM sync_record WHERE id = ANY(:ids) FOR UPDATE
        """),
            {"ids": list(record_ids)},
        ).all()
        for row in rows:
            if row.state not in (RecordState.sending, RecordState.checking):
                move(db, row, RecordState.pending, actor, reason=said or "asked to send again")
            else:
                write_history(db, company_id, row.id, actor, "record.asked", None, None, said or "asked to look again")
        words = {row.id: word or _settled_by_asking(row) for row in rows}
        db.execute(
            text("""
            UPDATE sync_record SET due_at = clock_timestamp(), rung_at = clock_timestamp(), stale_at = clock_timestamp(),
                asked = asked OR state NOT IN ('sending', 'checking'), consent = coalesce(nullif(word, ''), consent),
                tries = 0, unfinished = 0
            FROM unnest(CAST(:ids AS bigint[]), CAST(:words AS text[])) AS given (record_id, word) WHERE id = record_id
        """),
            {"ids": list(words), "words": list(words.values())},
        )
        db.execute(_NOT_LINKED, {"ids": [r.id for r in rows]})
        return by_kind((r.kind, r.id) for r in rows)


def _settled_by_asking(row: Any) -> str:
    if row.state == RecordState.rejected:
        return "rejected"
    return next((p["code"] for p in row.problems if p["code"] in SETTLED_BY_ASKING), "")


def _amount(obj: Object) -> str | None:
    amount: Decimal | None = getattr(obj, "amount", None)
    return None if amount is None else str(amount)


def _plain(value: Mapping[str, Any] | None) -> str | None:
    return None if value is None else json.dumps(value, default=str)
