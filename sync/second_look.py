"""Minutes after a write: what stands there under its key? Exactly one, as it was sent; anything else a person must see."""

import logging
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from sqlalchemy import Connection

from connectors.calls import CallFailed, Forbidden, NotUnderstood, Unavailable
from connectors.plan import Seen
from connectors.registry import connector, flow_of
from models import session, text, unscoped
from models.states import RecordState
from objects.problem import Problem
from settings.environment import environment
from sync import clients, forbidden, problems, records, stops, vanished
from sync.company import Company, load

log = logging.getLogger("sitebooks.sync")

#: Writes of a company looked at by one round; the rest are still due at the next.
MOST = 500

_CHECKED = text("UPDATE write SET checked_at = clock_timestamp() WHERE id = ANY(:ids)")
_LATER = text("UPDATE write SET looked_at = clock_timestamp(), absent_looks = absent_looks + :n WHERE id = ANY(:ids)")


def due() -> list[tuple[int, list[int]]]:
    """(company, record ids) with confirmed writes nobody has looked at a second time."""
    with unscoped() as db:
        rows = db.execute(
            text("SELECT company_id, ids FROM sitebooks_unchecked(make_interval(secs => :s), :m)"),
            {"s": environment().second_look_seconds, "m": MOST},
        )
        return [(row.company_id, list(row.ids)) for row in rows]


def run(company_id: int, record_ids: Sequence[int]) -> None:
    """Looks these up by their keys, one request each. What cannot be looked up now is due again later, and so is all that
    stands in a system that is away."""
    away: set[str] = set()
    with session(company_id) as db:
        company = load(db, company_id)
        rows = _unchecked(db, record_ids)
    for row in rows:
        if company.off(company.by_id(row.connection_id).system):
            continue
        sight, held = _sight(company, row)
        if sight is None:
            with session(company_id) as db:
                db.execute(_CHECKED, {"ids": list(row.writes)})
            continue
        target = flow_target(company, row)
        if target in away:
            continue
        try:
            forbidden.unless_paused(company, target)
            seen = sight(clients.client(company, target), held, row.key)
        except Unavailable as error:
            log.info("the second look waits: %s", error)
            away.add(target)
            continue
        except (CallFailed, NotUnderstood) as error:
            if isinstance(error, Forbidden):
                forbidden.pause_if_all(company, target, error.answer.reason)
            log.warning("record %s: no second look: %s", row.id, error)
            with session(company_id) as db:
                db.execute(_LATER, {"ids": list(row.writes), "n": 0})
            continue
        with session(company_id) as db:
            _judge(db, company, row, seen)


def flow_target(company: Company, row: Any) -> str:
    """The system this record is written to."""
    return flow_of(company.by_id(row.connection_id).system, row.kind, row.direction).target


def _sight(company: Company, row: Any) -> tuple[Any, Mapping[str, Any]]:
    held: Mapping[str, Any] = row.sent or row.held or {}
    return connector(flow_target(company, row)).sightings.get(str(held.get("as"))), held


def _unchecked(db: Connection, record_ids: Sequence[int]) -> list[Any]:
    return list(
        db.execute(
            text("""
        SELECT r.*, w.writes, w.amount AS sent_amount, w.absent FROM sync_record r JOIN LATERAL (
            SELECT array_agg(id) AS writes, max(absent_looks) AS absent,
                (array_agg(amount ORDER BY version DESC, id DESC) FILTER (WHERE amount IS NOT NULL))[1] AS amount
            FROM write WHERE record_id = r.id AND state = 'confirmed' AND side = 'target' AND checked_at IS NULL
        ) w ON w.writes IS NOT NULL WHERE r.id = ANY(:ids) ORDER BY r.id
    """),
            {"ids": list(record_ids)},
        )
    )


def _judge(db: Connection, company: Company, row: Any, seen: Sequence[Seen]) -> None:
    """While no attempt has it and nothing has moved since it was loaded; otherwise it is still due."""
    now = db.execute(text("SELECT * FROM sync_record WHERE id = :id FOR UPDATE"), {"id": row.id}).one()
    if now.attempt != row.attempt or now.lease_until is not None:
        return
    target = flow_target(company, row)
    if len({s.remote_id for s in seen}) > 1:
        problem = _named(now, target, "duplicate_found", ids=", ".join(sorted(s.remote_id for s in seen)))
        stops.stop(db, company.id, target, problem.code, f"{now.kind} {now.number} stands there {len(seen)} times")
        _show(db, now, problem)
    elif now.state == RecordState.synced and not seen:
        if not row.absent:  # once may be a list that lags behind
            db.execute(_LATER, {"ids": list(row.writes), "n": 1})
            return
        vanished.mark(db, company, [now], target)
    elif now.state == RecordState.synced and (differing := _differing(now, row.sent_amount, seen[0])):
        _show(db, now, _named(now, target, "not_as_sent", reason=differing))
    db.execute(_CHECKED, {"ids": list(row.writes)})


def _differing(record: Any, amount: Decimal | None, seen: Seen) -> str:
    if seen.remote_id != record.remote_id:
        return f"it is {seen.remote_id} there, and was {record.remote_id} when it was written"
    if amount is not None and seen.amount is not None and seen.amount != amount:
        return f"{seen.amount} stands there, {amount} was sent"
    return ""


def _show(db: Connection, record: Any, problem: Problem) -> None:
    if record.state in (RecordState.synced, RecordState.held, RecordState.pending, RecordState.needs_attention):
        fields = {"problems": [problems.as_plain(problem)], "due_at": None}
        records.move(db, record, RecordState.needs_attention, "sitebooks", reason=problem.code, fields=fields)


def _named(record: Any, system: str, code: str, **values: str) -> Problem:
    named = {"system": system, "kind": record.kind.replace("_", " "), "number": record.number or record.source_id}
    return Problem(code, named | values)
