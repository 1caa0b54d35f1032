"""Clients of the outside systems: one per process and connection, signed in through Postgres, limited through Postgres."""

import os
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import Connection

from connectors.calls import Answer, Request, Unavailable
from connectors.ports import Client, Token, Window
from connectors.registry import connector
from models import Quick, counters, session, text
from objects.outcome import Outcome
from settings.environment import environment
from settings.failpoints import reach
from sync.clock import now
from sync.company import Company
from sync.names import system_word
from sync.secrets import decrypt, encrypt

#: Clients by (process, company, system, settings version, urgent): a fork never uses its parent's sockets.
_clients: dict[tuple[int, int, str, int, bool], Client] = {}
#: (process, connection) -> the budget of the clients that `fresh` makes.
_budgets: dict[tuple[int, int], "SharedBudget"] = {}
#: Transports that stand in for the network, by system; only tests fill it.
transports: dict[str, Any] = {}


class SwitchedOff(Unavailable):
    """The connection is switched off: nothing is sent to it or asked of it."""

    def __init__(self, system: str) -> None:
        reason = f"The connection with {system_word(system)} is switched off"
        super().__init__(Request("GET", "/"), Answer(Outcome.not_applied, reason=reason))
        self.args = (reason,)


class Credentials:
    """CredentialStore over the credential table. One refresher at a time, under the row's lock."""

    def __init__(self, company_id: int, connection_id: int) -> None:
        self.company_id, self.connection_id = company_id, connection_id
        self._held: Token | None = None

    def secrets(self) -> Mapping[str, str]:
        with session(self.company_id) as db:
            secrets: Mapping[str, str] = decrypt(self._row(db, "").secrets)
            return secrets

    def token(self, fetch: Callable[[Mapping[str, str], Token | None], Token], refused: str | None = None) -> str:
        held = self._held
        if held is not None and held.access != refused and _lasts(held.expires_at):
            return held.access
        with session(self.company_id) as db:
            row = self._row(db, "FOR UPDATE")
            old = _token(row)
            if old is None or old.access == refused or not _lasts(old.expires_at):
                # the lock is held over this one call on purpose: a refresh token works once (reliability F36)
                fresh = fetch(decrypt(row.secrets), old)
                reach("token_fetched")
                db.execute(
                    text("""
                    UPDATE credential SET token = :token, token_expires_at = :ends, refreshed_at = clock_timestamp()
                    WHERE connection_id = :c
                """),
                    {"token": encrypt([fresh.access, fresh.refresh]), "ends": fresh.expires_at, "c": self.connection_id},
                )
            else:
                fresh = old
        self._held = fresh
        return fresh.access

    def _row(self, db: Connection, lock: str) -> Any:
        found = db.execute(text(f"SELECT * FROM credential WHERE connection_id = :c {lock}"), {"c": self.connection_id}).one()
        return found


class SharedBudget:
    """Budget over one row of Postgres, taken by one statement on a connection of its own."""

    def __init__(self, connection_id: int) -> None:
        self.connection_id = connection_id
        self._seen: Window | None = None
        self._answered = False

    def take(self, urgent: bool = False) -> datetime | None:
        seen, self._seen = self._seen, None
        answered, self._answered = self._answered, False
        with Quick(counters()) as db:
            when: datetime | None = db.execute(
                text("SELECT sitebooks_take(:c, :u, :a, :l, :n, :r)"),
                {
                    "c": self.connection_id,
                    "u": urgent,
                    "a": answered,
                    "l": seen and seen.limit,
                    "n": seen and seen.remaining,
                    "r": seen and seen.reset_at,
                },
            ).scalar_one()
            return when

    def seen(self, window: Window | None) -> None:
        self._answered = True
        if window is None:
            return
        if window.limit == 0:  # shut: the other processes must know now, not with this one's next request
            with Quick(counters()) as db:
                db.execute(
                    text("UPDATE budget SET shut_until = greatest(shut_until, :until) WHERE connection_id = :c"),
                    {"until": window.reset_at, "c": self.connection_id},
                )
            return
        if self._seen is None or window.remaining <= self._seen.remaining:
            self._seen = window
        if window.limit == 0 and window.reset_at > now():
            self.take(urgent=True)  # takes nothing: what is shut is told to the other workers at once


def client(company: Company, system: str, urgent: bool = False) -> Client:
    """This process's client of the connection. Raises SwitchedOff, and KeyError when the company has no such connection."""
    _unless_off(company, system)
    connected = company.connections[system]
    key = (os.getpid(), company.id, system, connected.version, urgent)
    if key not in _clients:
        for old in [k for k in _clients if k[0] != key[0] or (k[1:3] == key[1:3] and k[3] != key[3])]:
            forgotten = _clients.pop(old)
            if old[0] == key[0]:
                forgotten.close()
        _clients[key] = _made(company, system, company.site_id, environment().request_seconds, urgent)
    return _clients[key]


def fresh(company: Company, system: str, seconds: float, site_id: str | None = None) -> Client:
    """A client for a page that a person waits for, asking no longer than this; the caller closes it.

    With `site_id` it is bound to another company of Procore's, to find out whether that can be used; "" binds it to none.
    Raises SwitchedOff.
    """
    _unless_off(company, system)
    site_id = company.site_id if site_id is None else site_id
    return _made(company, system, site_id, seconds, urgent=True, budget=_patient(company.connections[system].id))


def _unless_off(company: Company, system: str) -> None:
    if off := company.off(system):
        raise SwitchedOff(off)


def _patient(connection_id: int) -> SharedBudget:
    """One for all clients of a few requests: what the last answer of one said goes along with the first request of the next."""
    return _budgets.setdefault((os.getpid(), connection_id), SharedBudget(connection_id))


def _made(
    company: Company, system: str, site_id: str, seconds: float, urgent: bool, budget: SharedBudget | None = None
) -> Client:
    connected = company.connections[system]
    return connector(system).connect(
        connected.settings,
        Credentials(company.id, connected.id),
        budget or SharedBudget(connected.id),
        company=site_id,
        seconds=seconds,
        urgent=urgent,
        transport=transports.get(system),
        clock=now,
        folder=documents(company.id),
    )


def documents(company_id: int) -> Path:
    """Where documents of this company are made; what is missing there is made again."""
    return environment().data_dir / "documents" / str(company_id)


def close_all() -> None:
    """At the end of a process; after a fork the parent's clients are only forgotten."""
    for key in list(_clients):
        gone = _clients.pop(key)
        if key[0] == os.getpid():
            gone.close()


def budget_row(db: Connection, company_id: int, connection_id: int, learn: bool) -> None:
    """The allowance row of a new connection. `learn`: one request at a time until a header tells the window."""
    db.execute(
        text("""
        INSERT INTO budget (company_id, connection_id, learn) VALUES (:p, :c, :learn)
        ON CONFLICT (company_id, connection_id) DO NOTHING
    """),
        {"p": company_id, "c": connection_id, "learn": learn},
    )


def _token(row: Any) -> Token | None:
    if row.token is None:
        return None
    access, refresh = decrypt(row.token)
    return Token(access, row.token_expires_at, refresh)


def _lasts(ends: datetime) -> bool:
    return ends > now() + timedelta(seconds=60)


__all__ = ["Credentials", "SharedBudget", "budget_row", "client", "close_all", "fresh", "transports"]
