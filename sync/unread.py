"""What a record waits for and nobody has ever read: it is read now, by its id, instead of at the next scan."""

import logging
from collections.abc import Iterable

from sqlalchemy import Connection, text

from connectors.calls import CallFailed, NotUnderstood
from connectors.registry import connector
from models import session
from sync import clients, forbidden
from sync.company import load
from sync.keeping import keep
from sync.records import Rung

log = logging.getLogger("sitebooks.sync")

#: (system, kind, source id, project id)
Unread = tuple[str, str, str, str]

_MISSING = text("""
    SELECT n.system, n.kind, n.source_id
    FROM unnest(CAST(:systems AS text[]), CAST(:kinds AS text[]), CAST(:ids AS text[])) AS n(system, kind, source_id)
    JOIN connection c ON c.system = n.system
    WHERE NOT EXISTS (SELECT FROM snapshot s WHERE s.connection_id = c.id AND s.kind = n.kind AND s.source_id = n.source_id)
""")


def unread(db: Connection, tokens: Iterable[str], project_id: str) -> list[Unread]:
    """Those of the tokens that name one object (objects.problem.on_snapshot) of which no snapshot exists."""
    named = [token.split(":", 3)[1:] for token in tokens if token.startswith("seen:")]
    wanted = [(s, k, i) for s, k, i in named if i and k in connector(s).readers]
    if not wanted:
        return []
    systems, kinds, ids = (list(column) for column in zip(*wanted, strict=True))
    rows = db.execute(_MISSING, {"systems": systems, "kinds": kinds, "ids": ids})
    return [(row.system, row.kind, row.source_id, project_id) for row in rows]


def read(company_id: int, wanted: Unread) -> Rung:
    """Reads the object, stores it and gives what it releases. What cannot be read now, the next scan reads."""
    system, kind, source_id, project_id = wanted
    with session(company_id) as db:
        company = load(db, company_id)
    try:
        forbidden.unless_paused(company, system)
        obj = connector(system).readers[kind].one(clients.client(company, system, urgent=True), source_id, project_id)
    except (CallFailed, NotUnderstood) as error:
        log.warning("%s %s %s is left to the next scan: %s", system, kind, source_id, error)
        return {}
    if obj is None:
        return {}
    with session(company_id) as db:
        return keep(db, company, system, kind, [obj])[1]
