"""One database connection kept open by a process: opened at its first use, and anew when it has ended meanwhile."""

from collections.abc import Sequence
from typing import Any

import psycopg

CONNECT_SECONDS = 3


class Kept:
    """`name` shows in pg_stat_activity. One statement at a time."""

    def __init__(self, url: str, name: str) -> None:
        self._url, self._name = url, name
        self._connection: psycopg.AsyncConnection | None = None

    async def fetch(self, statement: str, values: Sequence[Any]) -> list[Any]:
        """All rows of a statement that does no harm when it runs twice. Raises psycopg.Error or OSError.

        Sent once more on a new connection when the kept one turns out to have ended (a restart, a failover): a sender need
        not try again for that.
        """
        kept = self._connection is not None
        try:
            return await self._fetch(statement, values)
        except psycopg.OperationalError:
            await self.close()
            if not kept:
                raise
            return await self._fetch(statement, values)

    async def close(self) -> None:
        if self._connection is not None:
            await self._connection.close()
            self._connection = None

    async def _fetch(self, statement: str, values: Sequence[Any]) -> list[Any]:
        if self._connection is None or self._connection.closed:
            self._connection = await psycopg.AsyncConnection.connect(
                self._url, autocommit=True, connect_timeout=CONNECT_SECONDS, application_name=self._name
            )
        found = await self._connection.execute(statement, values, prepare=True)
        return await found.fetchall()
