"""Who may come in: users with a role, and tokens (sign-in links, sessions, API) of which only the hash is kept."""

import hashlib
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Literal

from sqlalchemy import text

from models import session, unscoped

Purpose = Literal["sign_in", "session", "api"]
Role = Literal["viewer", "approver", "admin"]

#: What each role may do; an API token's scopes are further limited to those of its user.
SCOPES: dict[str, tuple[str, ...]] = {
    "viewer": ("read",),
    "approver": ("read", "approve"),
    "admin": ("read", "approve", "admin"),
}


class NoSuchUser(LookupError):
    """The company has no user of this name."""


@dataclass(frozen=True, slots=True)
class Person:
    """Who is asking, for which company, and what they may do."""

    company_id: int
    user_id: int
    name: str
    role: str
    scopes: frozenset[str]
    token_id: int

    def may(self, scope: str) -> bool:
        """Whether they may `read`, `approve` or `admin`."""
        return scope in self.scopes


def ensure_user(company_id: int, name: str, role: Role) -> None:
    """Makes the user, or gives an existing one this role."""
    with session(company_id) as db:
        db.execute(
            text("""
            INSERT INTO app_user (company_id, name, role) VALUES (:c, :n, :r)
            ON CONFLICT (company_id, name) DO UPDATE SET role = excluded.role
        """),
            {"c": company_id, "n": name, "r": role},
        )


def new_token(company_id: int, user: str, purpose: Purpose, scopes: Sequence[str], ttl: timedelta) -> str:
    """A fresh token, shown this once. Raises NoSuchUser, ValueError for a scope that does not exist."""
    if unknown := set(scopes) - set(SCOPES["admin"]):
        raise ValueError(f"there is no scope {', '.join(sorted(unknown))}")
    token = secrets.token_urlsafe(32)
    with session(company_id) as db:
        made = db.execute(
            text("""
            INSERT INTO api_token (company_id, user_id, purpose, hash, scopes, expires_at)
            SELECT :c, id, :p, :h, :s, clock_timestamp() + :ttl FROM app_user WHERE name = :u RETURNING id
        """),
            {"c": company_id, "u": user, "p": purpose, "h": digest(token), "s": list(scopes), "ttl": ttl},
        ).first()
    if made is None:
        raise NoSuchUser(user)
    return token


def identify(token: str, purpose: Purpose) -> Person | None:
    """Who holds this token; None when it is unknown, over, used up or meant for something else."""
    with unscoped() as db:
        row = db.execute(text("SELECT * FROM sitebooks_token(:h)"), {"h": digest(token)}).first()
    if row is None or row.purpose != purpose:
        return None
    allowed = SCOPES[row.role]
    scopes = frozenset(allowed if purpose != "api" else (s for s in row.scopes if s in allowed))
    return Person(row.company_id, row.user_id, row.name, row.role, scopes, row.token_id)


def use_up(person: Person) -> bool:
    """Marks a sign-in link as used. False: somebody was quicker."""
    with session(person.company_id) as db:
        done = db.execute(
            text("""
            UPDATE api_token SET used_at = clock_timestamp() WHERE id = :id AND used_at IS NULL RETURNING id
        """),
            {"id": person.token_id},
        ).first()
    return done is not None


def end(person: Person) -> None:
    """Ends a session or takes a token back, at once."""
    with session(person.company_id) as db:
        db.execute(text("UPDATE api_token SET expires_at = clock_timestamp() WHERE id = :id"), {"id": person.token_id})


def digest(token: str) -> bytes:
    """What is kept of a token: it has 256 random bits, so a plain hash cannot be guessed back."""
    return hashlib.sha256(token.encode()).digest()
