"""403: does the outside system forbid us this object, or everything? Everything: the connection is paused, once (F37)."""

import logging
import time
from collections.abc import Iterable

from connectors.calls import Answer, CallFailed, Forbidden, Request
from connectors.registry import connector
from models import session, text
from objects.outcome import Outcome
from settings.environment import environment
from sync import clients, records
from sync.clock import now
from sync.company import Company
from sync.records import Rung
from sync.stops import STOPS
from sync.work import Work

log = logging.getLogger("sitebooks.sync")

CODE = "permission_missing"
#: (company, system) -> when this process last saw that only single objects are forbidden.
_only_some: dict[tuple[int, str], float] = {}


def met(company: Company, works: Iterable[Work]) -> None:
    """After a batch: the systems that forbade something are asked for the plainest thing they have."""
    refused = {
        (str(problem.values.get("system", "")).lower().replace(" ", "_"), str(problem.values.get("reason", "")))
        for work in works
        if work.verdict is not None
        for problem in work.verdict.problems
        if problem.code == CODE
    }
    for system, reason in refused:
        if system in company.connections:
            pause_if_all(company, system, reason)


def pause_if_all(company: Company, system: str, reason: str) -> bool:
    """Whether the connection is paused now. One process asks, under the row's lock; the others find what it found."""
    if time.monotonic() - _only_some.get((company.id, system), -1e9) < environment().recheck_seconds:
        return False
    with session(company.id) as db:
        row = db.execute(text("SELECT blocked_code FROM connection WHERE system = :s FOR UPDATE"), {"s": system}).one()
        if row.blocked_code is not None:
            return True
        if not _forbids_all(company, system):
            _only_some[company.id, system] = time.monotonic()
            return False
        db.execute(
            text("""
            UPDATE connection SET blocked_code = :code, blocked_reason = :why, blocked_at = clock_timestamp()
            WHERE system = :s
        """),
            {"s": system, "code": CODE, "why": reason},
        )
        records.write_history(db, company.id, None, "sitebooks", f"paused.{system}", None, {"code": CODE}, reason)
    log.error("%s forbids company %s everything; it is asked again with each scan: %s", system, company.id, reason)
    return True


def unless_paused(company: Company, system: str) -> None:
    """Raises Forbidden without asking, while the connection is paused or must be connected again."""
    if company.connections[system].blocked_code not in (None, *STOPS):
        reason = company.connections[system].blocked_reason or "it must be connected again"
        raise Forbidden(Request("GET", "/"), Answer(Outcome.refused, 403, reason=reason))


def first_list(system: str) -> str:
    """The kind whose company-wide list is read first: what is asked when nothing else may be."""
    declared = connector(system)
    return next(kind for kind in declared.scans if declared.readers[kind].scope == "company")


def over(company_id: int, system: str) -> Rung:
    """The first list was read again: what waits for the permission goes on."""
    from sync import settings

    with session(company_id) as db:
        records.write_history(db, company_id, None, "sitebooks", f"resumed.{system}", {"code": CODE}, None)
    return settings.unblock(company_id, system)


def _forbids_all(company: Company, system: str) -> bool:
    reader = connector(system).readers[first_list(system)]
    try:
        next(iter(reader.pages(clients.client(company, system, urgent=True), None, now())), None)
    except Forbidden:
        return True
    except CallFailed as error:
        log.info("%s was asked whether it forbids everything: %s", system, error)
    return False
