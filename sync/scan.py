"""Reading a source page by page for what has changed: whole pages, little written, only what differs gets a task."""

import logging
import time
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from connectors.calls import CallFailed, Forbidden, NotFound, NotUnderstood, SignInRefused, Unavailable, WrongCompany
from connectors.flow import Page, Reader
from connectors.ports import Client
from connectors.registry import connector
from models import session, text
from objects import Object
from settings.environment import environment
from settings.failpoints import reach
from sync import clients, forbidden, records, snapshots
from sync.clock import now
from sync.company import Company, block, load
from sync.keeping import keep
from sync.records import Rung, merge
from sync.stops import STOPS

log = logging.getLogger("sitebooks.scan")

#: A cursor is the source's own clock; this much is read again, for rows that were committed late (reliability F34).
OVERLAP = timedelta(minutes=5)
#: Objects whose missing parts are fetched before they are stored: what a scan cut short has to fetch again at most.
COMPLETED_AT_ONCE = 20
#: Postgres's clock: what was read when is compared with bells, which are stamped by it.
NOW = text("SELECT clock_timestamp()")


class OutOfTime(Exception):
    """The task's time is nearly up; what was read is stored, the rest is read by the next message."""


@dataclass(slots=True)
class Scanned:
    """What a scan found. `retry_at`: the source or our share of its limit said when to go on; the rest is not read."""

    rung: Rung
    read: int = 0
    changed: int = 0
    rows: int = 0
    retry_at: datetime | None = None
    stopped: str = ""
    unfinished: bool = False
    until: float = field(default_factory=lambda: time.monotonic() + environment().soft_limit_seconds / 2)


def scan(company_id: int, system: str, kind: str, project_id: str | None = None, full: bool = False) -> Scanned:
    """Reads one kind of one system: a project's list, or the company's. `full`: everything, so that what is gone shows.

    Pages are stored as they come; the cursor moves only when the list was read to its end, so a scan that is cut short
    is read again from where the last whole one stood.
    """
    with session(company_id) as db:
        company = load(db, company_id)
        if off := company.off(system):
            return Scanned({}, stopped=f"{off} is switched off")
        if not wanted(company, system, kind):
            return Scanned({})
        scope = project_id or ""
        since = None if full else _cursor(db, company.connections[system].id, kind, scope)
        began = asked_at = db.scalar(NOW)
    reader, found = connector(system).readers[kind], Scanned({})
    paused = company.connections[system].blocked_code == forbidden.CODE and kind == forbidden.first_list(system)
    if company.connections[system].blocked_code not in (None, *STOPS) and not paused:
        found.stopped = f"{system} must be connected again first"
        return found
    everything = full or since is None or not reader.filtered
    if not reader.filtered:
        since = None
    client = clients.client(company, system)
    newest, seen, whole = since, set[str](), False
    try:
        for page in reader.pages(client, project_id, since and since - OVERLAP):
            seen.update(o.source_id for o in page.objects)
            seen.update(odd for odd, _ in page.odd)
            newest = max([t for t in [newest, *(o.updated_at for o in page.objects)] if t is not None], default=None)
            asked_at = _store_page(company, system, kind, scope, reader, client, page, found, asked_at)
        whole = True
    except Unavailable as error:
        found.retry_at, found.stopped, found.unfinished = error.answer.retry_at, str(error), True
    except OutOfTime:
        found.unfinished, found.retry_at = True, now()
    except (Forbidden, NotFound, SignInRefused, CallFailed, NotUnderstood) as error:
        found.stopped = str(error)
        if isinstance(error, SignInRefused):
            with session(company_id) as db:
                block(db, system)
        if isinstance(error, Forbidden) and not paused:
            forbidden.pause_if_all(company, system, error.answer.reason)
        log.warning("scan of %s %s %s stopped: %s", system, kind, scope, error)
    if whole:
        # never ahead of our own clock: should theirs be put back, what changes meanwhile would be passed over (F34)
        newest = newest and min(newest, began)
        _finish(company, system, kind, project_id, since, newest, everything, full, began, seen, found)
        if paused:
            merge(found.rung, forbidden.over(company_id, system))
    return found


def wanted(company: Company, system: str, kind: str) -> bool:
    """Whether anything of this company's is done with this kind."""
    return kind not in connector(system).scanned_if_taken or bool(company.flows_from(system, kind))


def lists(company_id: int, system: str, kind: str) -> list[str]:
    """Ids of the projects whose list of this kind is read."""
    with session(company_id) as db:
        company = load(db, company_id)
        read = wanted(company, system, kind) and not company.off(system)
        return scanned_projects(db, company.connections[system].id) if read else []


def projects(company_id: int, system: str) -> list[str]:
    """Ids of the projects whose lists are scanned: those in this sync, that is, linked or not turned away by their stage."""
    with session(company_id) as db:
        company = load(db, company_id)
        return scanned_projects(db, company.connections[system].id)


def scanned_projects(db: Any, connection_id: int) -> list[str]:
    """As `projects`, of one connection."""
    return list(
        db.scalars(
            text("""
            SELECT s.source_id FROM snapshot s WHERE s.connection_id = :c AND s.kind = 'project' AND s.gone_at IS NULL
            AND (NOT EXISTS (SELECT FROM sync_record r WHERE r.kind = 'project' AND r.source_id = s.source_id)
                OR EXISTS (SELECT FROM sync_record r WHERE r.kind = 'project' AND r.source_id = s.source_id
                    AND (r.state <> 'ignored' OR r.remote_id IS NOT NULL)))
            ORDER BY s.id
        """),
            {"c": connection_id},
        )
    )


def _store_page(
    company: Company, system: str, kind: str, scope: str, reader: Reader, client: Client, page: Page, found: Scanned,
    asked_at: datetime,
) -> datetime:
    """Stores what differs; gives the time before the next page is asked for."""
    connection_id = company.connections[system].id
    found.read += len(page.objects)
    odd = {source_id: scope for source_id, _ in page.odd}
    heads = list(page.objects)
    if reader.headers_only:
        with session(company.id) as db:
            heads = snapshots.changed_heads(db, connection_id, kind, heads)
    size = COMPLETED_AT_ONCE if reader.headers_only else max(len(heads), 1)
    for start in range(0, len(heads), size):
        part = whole = heads[start : start + size]
        if reader.headers_only:
            part, whole = _complete(reader, client, part, odd)
        with session(company.id) as db:
            stored, rung = keep(db, company, system, kind, whole, part, asked_at)
            found.rows += stored.rows
            found.changed += len(stored.changed)
            merge(found.rung, rung)
        reach("page_stored", kind)
        if time.monotonic() > found.until:
            raise OutOfTime
    with session(company.id) as db:
        if page.gone:
            _gone(db, company, connection_id, kind, list(page.gone), found)
        if odd:
            merge(found.rung, records.doorbell(db, company, system, kind, odd))
        next_at: datetime = db.execute(NOW).scalar_one()
        return next_at


def _complete(
    reader: Reader, client: Client, heads: list[Object], odd: dict[str, str]
) -> tuple[list[Object], list[Object]]:
    """The heads that could be completed and what they became; one that cannot be understood joins the odd ones."""
    kept, whole = [], []
    for head in heads:
        try:
            completed: Object = reader.complete(client, head)
        except WrongCompany:
            raise
        except NotUnderstood as error:
            log.warning("%s is left out of its page: %s", head.source_id, error)
            odd[head.source_id] = head.project_id
            continue
        kept.append(head)
        whole.append(completed)
    return kept, whole


def _finish(
    company: Company,
    system: str,
    kind: str,
    project_id: str | None,
    since: datetime | None,
    newest: datetime | None,
    everything: bool,
    full: bool,
    began: datetime,
    seen: set[str],
    found: Scanned,
) -> None:
    """After the last page: what a whole reading did not show is gone; the cursor moves if there was anything newer."""
    connection_id = company.connections[system].id
    with session(company.id) as db:
        if everything:
            missing = snapshots.live_ids(db, connection_id, kind, project_id, began) - seen
            if missing:
                _gone(db, company, connection_id, kind, sorted(missing), found)
        if full or (newest is not None and newest != since):
            db.execute(
                text("""
                INSERT INTO scan_cursor AS c (company_id, connection_id, kind, project_id, source_time, full_at)
                VALUES (:p, :c, :k, :s, :t, CASE WHEN :full THEN clock_timestamp() END)
                ON CONFLICT (company_id, connection_id, kind, project_id) DO UPDATE
                SET source_time = coalesce(excluded.source_time, c.source_time),
                    full_at = coalesce(excluded.full_at, c.full_at)
                WHERE excluded.full_at IS NOT NULL OR c.source_time IS DISTINCT FROM excluded.source_time
            """),
                {
                    "p": company.id,
                    "c": connection_id,
                    "k": kind,
                    "s": project_id or "",
                    "t": newest,
                    "full": full or since is None,
                },
            )


def _gone(db: Any, company: Company, connection_id: int, kind: str, ids: list[str], found: Scanned) -> None:
    vanished = snapshots.gone(db, connection_id, kind, ids)
    if vanished:
        merge(found.rung, records.ring_sources(db, connection_id, kind, vanished))


def _cursor(db: Any, connection_id: int, kind: str, scope: str) -> datetime | None:
    value: datetime | None = db.scalar(
        text("""
        SELECT source_time FROM scan_cursor WHERE connection_id = :c AND kind = :k AND project_id = :s
    """),
        {"c": connection_id, "k": kind, "s": scope},
    )
    return value
