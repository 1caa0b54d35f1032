"""One way to open a transaction: for one company, as a role that sees only that company's rows."""

import functools
import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
import sqlalchemy
from sqlalchemy import Connection, Engine, TextClause, create_engine, event
from sqlalchemy.exc import DisconnectionError

from models.quick import Quick
from settings.environment import environment

#: A pooled connection that rested longer is asked whether it still answers before it is used.
ASK_AFTER_SECONDS = 5.0

_engines: dict[str, Engine] = {}
_pid: int | None = None
_lock = threading.Lock()


@functools.cache
def text(statement: str) -> TextClause:
    """sqlalchemy.text, read once per statement: reading it again costs more than sending it."""
    return sqlalchemy.text(statement)


_ENTER = text("SELECT set_config('role', 'sitebooks_app', true), set_config('app.company', :company, true)")


def engine() -> Engine:
    """This process's engine, opened on first use: never before a fork, never at import."""
    return _of_this_process("rows", pool_size=2, max_overflow=6, pool_use_lifo=True)


def counters() -> Engine:
    """For what is only counted: each statement commits by itself, and the last ones may be lost with the machine.

    An engine of its own, so that a connection whose commits may be lost is never used for an intent.
    """
    return _of_this_process(
        "counters", pool_size=1, max_overflow=6, pool_reset_on_return=None, isolation_level="AUTOCOMMIT",
        options="-c synchronous_commit=off",
    )  # fmt: skip


def dispose() -> None:
    """Closes this process's connections; after a fork, forgets the parent's without touching its sockets."""
    with _lock:
        _forget()


def _forget() -> None:
    for made in _engines.values():
        made.dispose(close=_pid == os.getpid())
    _engines.clear()


def _of_this_process(name: str, options: str = "", **pool: Any) -> Engine:
    global _pid
    with _lock:
        if _pid != os.getpid():
            _forget()
            _pid = os.getpid()
        if name not in _engines:
            about = {"application_name": os.environ.get("SITEBOOKS_ROLE", "sitebooks"), "options": options}
            made = create_engine(sqlalchemy_url(environment().database()), pool_recycle=1800, connect_args=about, **pool)
            event.listen(made, "checkin", _rests)
            event.listen(made, "checkout", functools.partial(_asked, made))
            _engines[name] = made
        return _engines[name]


def _rests(_: Any, record: Any) -> None:
    record.info["rests_since"] = time.monotonic()


def _asked(made: Engine, connection: Any, record: Any, _: Any) -> None:
    """Asking at every checkout would cost a round trip a transaction; a restart is noticed by the connections that rested."""
    if time.monotonic() - record.info.get("rests_since", time.monotonic()) > ASK_AFTER_SECONDS:
        try:
            made.dialect.do_ping(connection)
        except psycopg.OperationalError as error:
            raise DisconnectionError from error  # the pool opens another one


def sqlalchemy_url(url: str) -> str:
    """postgresql:// as people write it, with the driver named."""
    for plain in ("postgresql://", "postgres://"):
        if url.startswith(plain):
            return "postgresql+psycopg://" + url.removeprefix(plain)
    return url


@contextmanager
def session(company_id: int) -> Iterator[Connection]:
    """A transaction that sees and writes this company's rows only; committed when the block ends well."""
    with Quick(engine()) as connection, connection.begin():
        connection.execute(_ENTER, {"company": str(int(company_id))})
        yield connection


@contextmanager
def unscoped() -> Iterator[Connection]:
    """A transaction before the company is known: for the functions in functions.sql and nothing else."""
    with engine().begin() as connection:
        yield connection
