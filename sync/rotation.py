"""Keys and webhook secrets changed while everything runs: in small transactions, safe to stop anywhere and to run again."""

import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection

from models import session, text
from sync import connections
from sync.clock import now
from sync.records import write_history
from sync.secrets import WrongKey, decrypt, encrypt, under_first_key, under_new_key

#: Every column that holds something encrypted.
COLUMNS = (("credential", "secrets"), ("credential", "token"), ("connection", "hook_secrets"), ("access_grant", "secrets"))
#: A web process notices a new secret within 3 s (web/addresses.py); only then may a delivery be signed with it.
NOTICED_SECONDS = 5.0
#: What was signed with the old secret may still come: Procore tries a delivery again for 12 hours.
OLD_LASTS = timedelta(hours=13)


class TooEarly(RuntimeError):
    """The old webhook secret may still be in use by deliveries that are tried again; the message says until when."""


@dataclass(slots=True)
class Keys:
    """Stored secrets by the key that opens them."""

    first: int = 0
    old: int = 0
    none: int = 0

    def __add__(self, other: "Keys") -> "Keys":
        return Keys(self.first + other.first, self.old + other.old, self.none + other.none)


def count(company_id: int) -> Keys:
    """How many are under the first key, under an older one, and under none that SECRET_KEY has."""
    found = Keys()
    for table, column, row_id in _places(company_id):
        with session(company_id) as db:
            _count(found, db.scalar(text(f"SELECT {column} FROM {table} WHERE id = :id"), {"id": row_id}))
    return found


def rotate(company_id: int) -> int:
    """Encrypts with the first key whatever is not; gives how many. One row a transaction, under its lock.

    What no key opens is left as it is: `count` tells of it.
    """
    done = 0
    for table, column, row_id in _places(company_id):
        with session(company_id) as db:
            # a sign-in under way holds the same lock: its new token is not overwritten
            kept = db.scalar(text(f"SELECT {column} FROM {table} WHERE id = :id FOR UPDATE"), {"id": row_id})
            if kept is None or under_first_key(kept):
                continue
            try:
                fresh = under_new_key(kept)
            except WrongKey:
                continue
            db.execute(text(f"UPDATE {table} SET {column} = :v WHERE id = :id"), {"v": fresh, "id": row_id})
        done += 1
    return done


def offer(company_id: int, system: str, actor: str) -> None:
    """From now on a second webhook secret is believed, beside the one in use. One that was offered before stays."""
    with session(company_id) as db:
        valid = _valid(db, system)
        if len(valid) == 1:
            _keep(db, system, [secrets.token_urlsafe(32), valid[0]])
            one, two = {"secrets": 1}, {"secrets": 2}
            write_history(db, company_id, None, actor, f"hooks.{system}", one, two, "a new secret is offered")


def register(company_id: int, system: str) -> list[str] | None:
    """The system signs with the newest from now on. NOTICED_SECONDS after `offer`. Raises CallFailed."""
    return connections.subscribe(company_id, system, renew=True)


def drop_old(company_id: int, system: str, actor: str) -> bool:
    """Only the newest is believed any more; False when it was the only one. Raises TooEarly, CallFailed."""
    with session(company_id) as db:
        valid, offered = _valid(db, system), _offered_at(db, system)
    if len(valid) == 1:
        return False
    if offered is not None and now() < offered + OLD_LASTS:
        until = offered + OLD_LASTS
        raise TooEarly(f"deliveries signed with the old secret of {system} may come until {until:%Y-%m-%d %H:%M} UTC")
    connections.subscribe(company_id, system)  # a header that somebody put back meanwhile is corrected first
    with session(company_id) as db:
        valid = _valid(db, system)
        _keep(db, system, valid[:1])
        was = {"secrets": len(valid)}
        write_history(db, company_id, None, actor, f"hooks.{system}", was, {"secrets": 1}, "the old secret is dropped")
    return True


def _places(company_id: int) -> Iterator[tuple[str, str, int]]:
    for table, column in COLUMNS:
        with session(company_id) as db:
            ids = list(db.scalars(text(f"SELECT id FROM {table} WHERE {column} IS NOT NULL ORDER BY id")))
        yield from ((table, column, row_id) for row_id in ids)


def _count(found: Keys, kept: bytes | None) -> None:
    if kept is None:
        return
    if under_first_key(kept):
        found.first += 1
        return
    try:
        decrypt(kept)
    except WrongKey:
        found.none += 1
    else:
        found.old += 1


def _valid(db: Connection, system: str) -> list[str]:
    """The secrets that are believed, newest first, under the connection's lock."""
    kept = db.scalar(text("SELECT hook_secrets FROM connection WHERE system = :s FOR UPDATE"), {"s": system})
    return list(decrypt(kept))


def _keep(db: Connection, system: str, valid: list[str]) -> None:
    db.execute(text("UPDATE connection SET hook_secrets = :v WHERE system = :s"), {"v": encrypt(valid), "s": system})


def _offered_at(db: Connection, system: str) -> datetime | None:
    found: datetime | None = db.scalar(
        text("SELECT max(at) FROM history WHERE what = :w AND (after->>'secrets')::int = 2"), {"w": f"hooks.{system}"}
    )
    return found
