"""Two ways of seeing a company: with the simulators in this process, or over HTTP beside real worker processes."""

import json
import urllib.request
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import psycopg
from psycopg.rows import dict_row

State = dict[str, list[dict[str, Any]]]
Entry = dict[str, Any]


class Sight(Protocol):
    """What the judges look at: both systems by their own account, and our tables by the owner's connection."""

    company: int

    @property
    def systems(self) -> Sequence[str]:
        """The systems that this company has."""

    def state(self, system: str) -> State:
        """Everything that system holds, by kind (`/_sim/state`)."""

    def ledger(self, system: str, after: int = 0) -> list[Entry]:
        """What changed there since that entry (`/_sim/ledger`)."""

    def rows(self, sql: str, params: Sequence[Any] = ()) -> list[dict[str, Any]]:
        """Rows of our tables; `%s` in the statement."""


class _Tables:
    """Our tables, past row-level security, each statement its own transaction."""

    def __init__(self, database_url: str) -> None:
        self._url = database_url
        self._db: psycopg.Connection[dict[str, Any]] | None = None

    def rows(self, sql: str, params: Sequence[Any] = ()) -> list[dict[str, Any]]:
        if self._db is None or self._db.closed or self._db.broken:
            self._db = psycopg.connect(self._url, row_factory=dict_row, autocommit=True)
        try:
            return self._db.execute(sql, params or None).fetchall()
        except psycopg.OperationalError:  # the server was restarted under us: that is what some tests do
            self._db.close()
            self._db = psycopg.connect(self._url, row_factory=dict_row, autocommit=True)
            return self._db.execute(sql, params or None).fetchall()

    def close(self) -> None:
        if self._db is not None:
            self._db.close()


class InProcess(_Tables):
    """Around the cores of `simulators.load`."""

    def __init__(self, company: int, simulators: Mapping[str, Any], database_url: str) -> None:
        super().__init__(database_url)
        self.company, self.simulators = company, simulators

    @property
    def systems(self) -> Sequence[str]:
        return tuple(self.simulators)

    def state(self, system: str) -> State:
        return self.simulators[system].state()

    def ledger(self, system: str, after: int = 0) -> list[Entry]:
        return list(self.simulators[system].ledger.after(after))


class OverHttp(_Tables):
    """Beside a stack that `sitebooks up` started; `urls` are the simulators' by system."""

    def __init__(self, company: int, urls: Mapping[str, str], database_url: str) -> None:
        super().__init__(database_url)
        self.company, self.urls = company, urls

    @property
    def systems(self) -> Sequence[str]:
        return tuple(self.urls)

    def state(self, system: str) -> State:
        return self._get(system, "/_sim/state")["kinds"]

    def ledger(self, system: str, after: int = 0) -> list[Entry]:
        return self._get(system, f"/_sim/ledger?after={after}")

    def _get(self, system: str, path: str) -> Any:
        with urllib.request.urlopen(self.urls[system] + path, timeout=30) as answer:
            return json.loads(answer.read())
