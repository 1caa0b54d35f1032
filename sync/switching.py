"""A connection switched off and on by a person: while off nothing is sent to it or asked of it, and nothing is forgotten."""

from models import session, text
from objects.problem import on_settings
from sync import one_route, records
from sync.records import Rung
from sync.refusal import one_vault


def switch(company_id: int, system: str, on: bool, actor: str, reason: str = "") -> Rung | None:
    """Switches it, with a line in the history; what waited for it goes on when it is on. None: it was so before.

    Procore's connection stops all of the company: it is in everything. Raises LookupError for one that does not exist, and
    sync.refusal.Refused where switching it on would break a rule between connections.
    """
    with one_vault(), session(company_id) as db:
        row = db.execute(text("SELECT * FROM connection WHERE system = :s FOR UPDATE"), {"s": system}).one_or_none()
        if row is None:
            raise LookupError(f"{system} is not connected")
        if row.enabled == on:
            return None
        if on:
            one_route.unless_two(db, company_id, system, row.settings)
        db.execute(text("UPDATE connection SET enabled = :on WHERE id = :id"), {"on": on, "id": row.id})
        what, before = f"switched_{'on' if on else 'off'}.{system}", {"enabled": row.enabled}
        records.write_history(db, company_id, None, actor, what, before, {"enabled": on}, reason)
        return records.release(db, [on_settings()]) if on else {}


def any_off(company_id: int, connection_ids: set[int]) -> bool:
    """Whether one of these is switched off by now, or Procore's: asked before each request of a plan."""
    with session(company_id) as db:
        found = text("SELECT EXISTS (SELECT FROM connection WHERE NOT enabled AND (id = ANY(:ids) OR system = 'procore'))")
        return bool(db.scalar(found, {"ids": sorted(connection_ids)}))
