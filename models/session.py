"""One way to open a transaction: for one company, as a role that sees only that company's rows."""

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Connection, Engine, create_engine, text

from settings.environment import environment

_engine: Engine | None = None
_pid: int | None = None
_lock = threading.Lock()

_ENTER = text("SELECT set_config('role', 'sitebooks_app', true), set_config('app.company', :company, true)")


def engine() -> Engine:
    """This process's engine, opened on first use: never before a fork, never at import."""
    global _engine, _pid
    with _lock:
        if _engine is None or _pid != os.getpid():
            _engine, _pid = (
                create_engine(
                    sqlalchemy_url(environment().database()),
                    pool_size=2,
                    max_overflow=6,
                    pool_pre_ping=True,
                    pool_recycle=1800,
                    connect_args={"application_name": os.environ.get("SITEBOOKS_ROLE", "sitebooks")},
                ),
                os.getpid(),
            )
        return _engine


def dispose() -> None:
    """Closes this process's connections; after a fork, forgets the parent's without touching its sockets."""
    global _engine
    with _lock:
        if _engine is not None:
            _engine.dispose(close=_pid == os.getpid())
            _engine = None


def sqlalchemy_url(url: str) -> str:
    """postgresql:// as people write it, with the driver named."""
    for plain in ("postgresql://", "postgres://"):
        if url.startswith(plain):
            return "postgresql+psycopg://" + url.removeprefix(plain)
    return url


@contextmanager
def session(company_id: int) -> Iterator[Connection]:
    """A transaction that sees and writes this company's rows only; committed when the block ends well."""
    with engine().begin() as connection:
        connection.execute(_ENTER, {"company": str(int(company_id))})
        yield connection


@contextmanager
def unscoped() -> Iterator[Connection]:
    """A transaction before the company is known: for the functions in functions.sql and nothing else."""
    with engine().begin() as connection:
        yield connection
