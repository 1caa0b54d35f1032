"""Which connection a webhook address belongs to: looked up before the company is known, remembered for seconds."""

import asyncio
import time
from dataclasses import dataclass

import psycopg
import structlog

from sync.secrets import WrongKey, decrypt
from web.inbox import Unavailable
from web.kept import Kept

#: A changed secret or a switched-off connection is noticed after this.
REMEMBER_SECONDS = 3.0
#: Guessed addresses must not fill the memory.
MOST_REMEMBERED = 2_000
LOOKUP_SECONDS = 3.0
LOOK_UP = "SELECT company_id, connection_id, system, secrets FROM sitebooks_hook(%s)"

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Hook:
    """One connection's webhook: whose it is, and its secrets, newest first."""

    company_id: int
    connection_id: int
    system: str
    secrets: tuple[str, ...]


class Addresses:
    """Address -> Hook. One connection of its own, one query at a time, so that guesses cannot crowd out storing."""

    def __init__(self, database_url: str) -> None:
        self._kept = Kept(database_url, "sitebooks-hooks")
        self._known: dict[str, tuple[float, Hook | None]] = {}
        self._lock = asyncio.Lock()

    async def find(self, address: str) -> Hook | None:
        """None: nobody listens there. Raises Unavailable when the database does not answer."""
        if hit := self._fresh(address):
            return hit[1]
        async with self._lock:
            if hit := self._fresh(address):
                return hit[1]
            hook = await self._look_up(address)
            if len(self._known) >= MOST_REMEMBERED:
                self._known.clear()
            self._known[address] = (time.monotonic() + REMEMBER_SECONDS, hook)
            return hook

    async def close(self) -> None:
        await self._kept.close()

    def _fresh(self, address: str) -> tuple[float, Hook | None] | None:
        hit = self._known.get(address)
        return hit if hit and hit[0] > time.monotonic() else None

    async def _look_up(self, address: str) -> Hook | None:
        if "\x00" in address:
            return None
        try:
            async with asyncio.timeout(LOOKUP_SECONDS):
                rows = await self._kept.fetch(LOOK_UP, [address])
        except (psycopg.OperationalError, OSError) as error:  # TimeoutError is an OSError
            await self._kept.close()
            raise Unavailable from error
        return _hook(*rows[0]) if rows else None


def _hook(company_id: int, connection_id: int, system: str, secrets: bytes) -> Hook:
    try:
        return Hook(company_id, connection_id, system, tuple(decrypt(secrets)))
    except WrongKey as error:  # the sender keeps its deliveries until SECRET_KEY is put right
        log.error("webhooks are refused: SECRET_KEY does not open their secret", company=company_id, system=system)
        raise Unavailable from error
