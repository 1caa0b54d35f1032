"""Group commit: all deliveries in flight share one INSERT and one commit, as soon as the previous commit returned."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

import psycopg
import structlog

from web.kept import Kept

STORE_SECONDS = 10.0
#: One INSERT carries at most this; the rest goes with the next one.
MOST_ROWS = 500
MOST_CHARACTERS = 4_000_000
#: More deliveries waiting than this are turned away: the sender keeps them, our memory does not.
MOST_WAITING = 5_000

INGEST = (
    "SELECT company_id, id "
    "FROM sitebooks_ingest(%b::bigint[], %b::bigint[], %b::text[], %b::text[], %b::text[]::jsonb[])"
)

log = structlog.get_logger(__name__)


class Unavailable(RuntimeError):
    """The database does not answer; nothing was acknowledged."""


class NotStorable(ValueError):
    """Postgres cannot hold this body (a NUL in a text, half of a surrogate pair, a number beyond its range)."""


@dataclass(frozen=True, slots=True)
class Delivery:
    """One verified delivery; `body` is its JSON text."""

    company_id: int
    connection_id: int
    system: str
    event_id: str
    body: str


Waiting = tuple[Delivery, asyncio.Future[None]]


class Inbox:
    """Stores through one autocommit connection. `stored` gets (company_id, event row id) of every new delivery."""

    def __init__(self, database_url: str, stored: Callable[[list[tuple[int, int]]], None]) -> None:
        self._kept, self._stored = Kept(database_url, "sitebooks-ingest"), stored
        self._waiting: list[Waiting] = []
        self._writer: asyncio.Task[None] | None = None

    async def store(self, delivery: Delivery) -> None:
        """Returns after the commit; one that is already there counts as stored. Raises Unavailable, NotStorable."""
        if len(self._waiting) >= MOST_WAITING:
            raise Unavailable("too many deliveries are waiting")
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((delivery, done))
        if self._writer is None or self._writer.done():
            self._writer = asyncio.create_task(self._write_all())
        await done

    async def close(self) -> None:
        """Stores what still waits, then gives the connection back."""
        if self._writer:
            await self._writer
        await self._kept.close()

    async def _write_all(self) -> None:
        """Runs while something waits; what arrives during a commit goes with the next one."""
        while self._waiting:
            batch = self._take()
            try:
                await self._write(batch)
            except Unavailable as error:
                log.warning("webhooks are refused: the database does not answer", waiting=len(batch), reason=str(error))
                _settle(batch, error)
            except BaseException as error:
                _settle(batch, Unavailable(str(error)))
                raise

    def _take(self) -> list[Waiting]:
        size = rows = 0
        for delivery, _ in self._waiting[:MOST_ROWS]:
            size += len(delivery.body)
            if rows and size > MOST_CHARACTERS:
                break
            rows += 1
        batch, self._waiting = self._waiting[:rows], self._waiting[rows:]
        return batch

    async def _write(self, batch: list[Waiting]) -> None:
        try:
            rows = await self._insert([delivery for delivery, _ in batch])
        except psycopg.DataError as error:
            if len(batch) == 1:
                _settle(batch, NotStorable(str(error)))
                return
            for one in batch:  # one body that cannot be stored must not refuse its neighbours
                await self._write([one])
            return
        _settle(batch, None)
        if rows:
            self._stored(rows)

    async def _insert(self, deliveries: list[Delivery]) -> list[tuple[int, int]]:
        columns = (
            [d.company_id for d in deliveries], [d.connection_id for d in deliveries], [d.system for d in deliveries],
            [d.event_id for d in deliveries], [d.body for d in deliveries],
        )
        try:
            async with asyncio.timeout(STORE_SECONDS):
                return await self._kept.fetch(INGEST, columns)
        except psycopg.DataError:
            raise
        except (psycopg.Error, OSError) as error:  # TimeoutError is an OSError
            await self._kept.close()
            raise Unavailable(type(error).__name__) from error


def _settle(batch: list[Waiting], error: Exception | None) -> None:
    for _, done in batch:
        if done.done():  # its sender went away
            continue
        if error:
            done.set_exception(error)
        else:
            done.set_result(None)
