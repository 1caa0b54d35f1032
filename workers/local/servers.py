"""Postgres and a broker for as long as a block runs: what a test session asks for."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from workers.local.places import Secrets, prepare
from workers.local.postgres import Postgres
from workers.local.valkey import Valkey


@dataclass(frozen=True)
class Servers:
    """Both servers, started. `administrator_url` is the superuser's: for making test databases only."""

    postgres: Postgres
    valkey: Valkey

    @property
    def database_url(self) -> str:
        return self.postgres.url

    @property
    def administrator_url(self) -> str:
        return self.postgres.administrator_url

    @property
    def broker_url(self) -> str:
        return self.valkey.url


@contextmanager
def servers(data_dir: Path, *, durable: bool = False) -> Iterator[Servers]:
    """Start both on free ports, stop both at the end. Not durable: twice as fast, for data nobody will miss.

    Call it from the main thread: the kernel stops the servers when the thread that started them ends.
    """
    folder = prepare(data_dir)
    made = Secrets.of(folder)
    logs = folder / "logs"
    with ExitStack() as stack:
        postgres = Postgres(folder / "postgres", made.superuser, made.owner, logs / "postgres.log", durable=durable)
        stack.callback(postgres.stop)
        postgres.start()
        valkey = Valkey(folder / "valkey", made.broker, logs / "valkey.log", durable=durable)
        stack.callback(valkey.stop)
        valkey.start()
        yield Servers(postgres, valkey)
