"""Stops: why nothing is written to a system until a person has looked, and the word that lets it go on."""

from sqlalchemy import Connection

from models import session, text
from objects.problem import on_settings
from sync import records
from sync.records import Rung

#: Codes under which nothing is written; what is there is still read.
STOPS = ("duplicate_found", "rolled_back", "restored")


class NotStopped(LookupError):
    """Writing to this system is not stopped."""


def stop(db: Connection, company_id: int, system: str, code: str, reason: str, *, anyhow: bool = False) -> bool:
    """Stops writing to a system, with a line in the history; False when it was stopped or blocked before.

    `anyhow`: this stop takes the place of another.
    """
    done = db.execute(
        text("""
        UPDATE connection c SET blocked_code = :code, blocked_reason = :why, blocked_at = clock_timestamp()
        FROM connection b WHERE b.id = c.id AND c.system = :s AND c.blocked_code IS DISTINCT FROM :code
            AND (c.blocked_code IS NULL OR :anyhow) RETURNING b.blocked_code AS was
    """),
        {"s": system, "code": code, "why": reason, "anyhow": anyhow},
    ).first()
    if done is not None:
        was = {"code": done.was} if done.was else None
        records.write_history(db, company_id, None, "sitebooks", f"stopped.{system}", was, {"code": code}, reason)
    return done is not None


def go_on(company_id: int, system: str, actor: str, *, rebuilt: bool = False) -> Rung:
    """A person has looked: writing goes on, and what waited for it is looked at again. Raises NotStopped.

    After a restored database only with `rebuilt`: what was written since that day must be known first.
    """
    with session(company_id) as db:
        was = db.execute(
            text("""
            UPDATE connection c SET blocked_code = NULL, blocked_reason = NULL, blocked_at = NULL
            FROM connection b WHERE b.id = c.id AND c.system = :s AND c.blocked_code = ANY(:codes) RETURNING b.blocked_code
        """),
            {"s": system, "codes": [code for code in STOPS if rebuilt or code != "restored"]},
        ).scalar()
        if was is None:
            raise NotStopped(f"writing to {system} is not stopped, or the links must be rebuilt first")
        records.write_history(db, company_id, None, actor, f"going_on.{system}", {"code": was}, None)
        return records.release(db, [on_settings()])
