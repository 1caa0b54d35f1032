"""Events: what each doorbell is about, which records it rings, and those that are parked because nobody can tell."""

import logging
from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection

from connectors.calls import CallFailed, Forbidden, NotUnderstood, SignInRefused, Unavailable
from connectors.flow import Doorbell, Ignored
from connectors.registry import connector
from models import session, text, unscoped
from models.states import EventState
from settings.failpoints import reach
from sync import clients, forbidden, records, settings, snapshots
from sync.company import Company, load
from sync.keeping import keep
from sync.records import Rung, merge

log = logging.getLogger("sitebooks.inbox")

#: Tries at an event whose object cannot be read now, before the scans are left to find it.
MOST_TRIES = 8
#: Events settled together at most.
MOST_TOGETHER = 1000
#: Due records of one company from which on its webhooks are a storm.
MANY_DUE = 50


#: (system, kind, project) lists to be read because something in them that has no record of its own has changed.
Lists = set[tuple[str, str, str]]


def process(company_id: int, event_ids: Sequence[int]) -> tuple[Rung, Lists]:
    """Settles these events, and whatever else has arrived meanwhile: events for one object that wait together are one
    reading (F18). Those of a connection that is switched off stay until it is on. Gives the records to ring and the lists to
    read."""
    rung: Rung = {}
    with session(company_id) as db:
        company = load(db, company_id)
        on = [connected.id for name, connected in company.connections.items() if not company.off(name)]
        rows = db.execute(
            text("""
            WITH taken AS (
                SELECT * FROM event WHERE state = 'received' AND connection_id = ANY(:on) AND (id = ANY(:ids) OR id IN (
                    SELECT id FROM event WHERE state = 'received' AND tries = 0 AND connection_id = ANY(:on)
                    ORDER BY received_at LIMIT :most
                )) ORDER BY id FOR UPDATE SKIP LOCKED
            ), heard AS (
                UPDATE connection SET last_event_at = clock_timestamp() WHERE id IN (SELECT connection_id FROM taken)
            ) SELECT * FROM taken ORDER BY id
        """),
            {"ids": list(event_ids), "most": MOST_TOGETHER, "on": on},
        ).all()
        direct, indirect, lists = _sort(db, company, rows)
        for (system, kind), refs in direct.items():
            merge(rung, records.doorbell(db, company, system, kind, refs))
    for (system, bell), events in indirect.items():
        merge(rung, _read_now(company, system, bell, events))
    return rung, lists


def storm(company_id: int) -> bool:
    """Whether more of this company is due than one message holds."""
    with session(company_id) as db:
        due: int = db.scalar(
            text("SELECT count(*) FROM (SELECT FROM sync_record WHERE due_at <= clock_timestamp() LIMIT :most) AS d"),
            {"most": MANY_DUE},
        )
        return due >= MANY_DUE


def _sort(
    db: Connection, company: Company, rows: Sequence[Any]
) -> tuple[
    dict[tuple[str, str], dict[str, str]],
    dict[tuple[str, Doorbell], list[int]],
    Lists,
]:
    """Direct doorbells ring records; the others (and kinds that are only looked at) must be read first."""
    direct: dict[tuple[str, str], dict[str, str]] = {}
    indirect: dict[tuple[str, Doorbell], list[int]] = {}
    lists: Lists = set()
    for row in rows:
        try:
            bell = connector(row.system).doorbell(row.body)
        except NotUnderstood as error:
            _settle(db, [row.id], EventState.parked, str(error))
            continue
        # those that are rung at once come first: one that must be read settles the event
        bells = sorted(bell, key=lambda one: not _at_once(company, row.system, one)) if isinstance(bell, tuple) else [bell]
        for one in bells:
            _sort_one(db, company, row, one, direct, indirect, lists)
    return direct, indirect, lists


def _at_once(company: Company, system: str, bell: Doorbell) -> bool:
    return bell.direct and bool(company.flows_from(system, bell.kind))


def _sort_one(
    db: Connection,
    company: Company,
    row: Any,
    bell: Doorbell | Ignored,
    direct: dict[tuple[str, str], dict[str, str]],
    indirect: dict[tuple[str, Doorbell], list[int]],
    lists: Lists,
) -> None:
    if isinstance(bell, Doorbell) and bell.company not in ("", company.site_id):
        why = f"it names company {bell.company}; this address belongs to {company.site_id}"
        _settle(db, [row.id], EventState.parked, why)
    elif isinstance(bell, Ignored):
        _settle(db, [row.id], EventState.ignored, bell.reason)
    elif _at_once(company, row.system, bell):
        direct.setdefault((row.system, bell.kind), {})[bell.ref] = bell.project_id
        _settle(db, [row.id], EventState.done, "", bell)
    elif bell.kind == "sub_job":
        lists.add((row.system, bell.kind, bell.project_id))
        _settle(db, [row.id], EventState.done, "", bell)
    else:
        indirect.setdefault((row.system, bell), []).append(row.id)


def _read_now(company: Company, system: str, bell: Doorbell, events: list[int]) -> Rung:
    """Reads the object behind the bell, stores it and rings what it concerns."""
    reach("before_event_read", bell.kind)
    rung: Rung = {}
    connection_id = company.connections[system].id
    try:
        forbidden.unless_paused(company, system)
        if bell.kind == "settings":
            return _settings_changed(company, system, bell, events)
        obj = connector(system).readers[bell.kind].one(clients.client(company, system, urgent=True), bell.ref, bell.project_id)
    except (Unavailable, SignInRefused, Forbidden) as error:
        if isinstance(error, Forbidden):
            forbidden.pause_if_all(company, system, error.answer.reason)
        log.info("event %s waits: %s", events, error)
        with session(company.id) as db:
            db.execute(
                text("""
                UPDATE event SET tries = tries + 1, rung_at = clock_timestamp(),
                    state = CASE WHEN tries + 1 >= :most THEN 'parked' ELSE state END, note = :why WHERE id = ANY(:ids)
            """),
                {"ids": events, "most": MOST_TRIES, "why": str(error)},
            )
        return rung
    except (CallFailed, NotUnderstood, settings.Refused) as error:
        with session(company.id) as db:
            _settle(db, events, EventState.parked, str(error), bell)
        return rung
    with session(company.id) as db:
        if obj is not None:
            merge(rung, keep(db, company, system, bell.kind, [obj])[1])
        else:
            known = _stored_behind(db, connection_id, bell)
            merge(rung, records.ring_sources(db, connection_id, bell.kind, snapshots.gone(db, connection_id, bell.kind, known)))
        _settle(db, events, EventState.done, "", bell)
    return rung


def _stored_behind(db: Connection, connection_id: int, bell: Doorbell) -> list[str]:
    """Source ids of what we have of an object that is gone: by its own id, or by the id its doorbell uses."""
    return list(
        db.scalars(
            text("""
        SELECT source_id FROM snapshot WHERE connection_id = :c AND kind = :k AND gone_at IS NULL
        AND (source_id = :ref OR data->>'line_id' = split_part(:ref, ':', 2))
    """),
            {"c": connection_id, "k": bell.kind, "ref": bell.ref},
        )
    )


def _settings_changed(company: Company, system: str, bell: Doorbell, events: list[int]) -> Rung:
    rung = settings.fetch(company.id, system, actor=f"{system} (event)")
    with session(company.id) as db:
        _settle(db, events, EventState.done, "", bell)
    return rung


def _settle(db: Connection, events: Sequence[int], state: EventState, note: str, bell: Doorbell | None = None) -> None:
    db.execute(
        text("""
        UPDATE event SET state = :s, note = nullif(:n, ''), kind = :k, ref = :ref, settled_at = clock_timestamp(),
            tries = tries + 1
        WHERE id = ANY(:ids)
    """),
        {"s": state, "n": note, "k": bell and bell.kind, "ref": bell and bell.ref, "ids": list(events)},
    )


def replay(company_id: int, event_ids: Sequence[int]) -> list[int]:
    """These events are received again: a doorbell may be rung any number of times. Gives those that exist."""
    with session(company_id) as db:
        return list(
            db.scalars(
                text("""
            UPDATE event SET state = 'received', note = NULL, tries = 0, rung_at = clock_timestamp()
            WHERE id = ANY(:ids) RETURNING id
        """),
                {"ids": list(event_ids)},
            )
        )


def due(most: int, rering_seconds: int) -> list[tuple[int, list[int]]]:
    """Events that were stored and not settled, by company, to be rung again."""
    with unscoped() as db:
        rows = db.execute(
            text("SELECT company_id, ids FROM sitebooks_due_events(:m, make_interval(secs => :s))"),
            {"m": most, "s": rering_seconds},
        )
        return [(row.company_id, list(row.ids)) for row in rows]


def prune(keep_days: int = 90) -> int:
    """Settled events older than this are forgotten; parked ones stay until somebody has looked."""
    with unscoped() as db:
        gone: int = db.execute(text("SELECT sitebooks_prune(make_interval(days => :d))"), {"d": keep_days}).scalar_one()
        return gone
