"""A connection whose text statements go straight to the driver: SQLAlchemy's set-up of a result costs more than the query."""

import functools
from collections.abc import Mapping, Sequence
from typing import Any

import psycopg
from sqlalchemy import Connection, TextClause
from sqlalchemy.dialects.postgresql.psycopg import PGDialect_psycopg
from sqlalchemy.engine.result import IteratorResult, SimpleResultMetaData
from sqlalchemy.exc import DBAPIError

_dialect = PGDialect_psycopg()


class QuickResult(IteratorResult[Any]):
    """Rows that are here already, and how many the statement touched."""

    def __init__(self, names: tuple[str, ...], rows: Sequence[Any], rowcount: int) -> None:
        super().__init__(_columns(names), iter(rows))
        self.rowcount = rowcount


class Quick(Connection):
    """Transactions, pool and errors are SQLAlchemy's; text with one set of values skips its compiler and result set-up.

    Measured on the statements of one record: a quarter of their processor time. Nothing typed is bound here, so no
    value needs SQLAlchemy's conversion.
    """

    def execute(self, statement: Any, parameters: Any = None, **options: Any) -> Any:
        if options or not isinstance(statement, TextClause) or not isinstance(parameters, Mapping | None):
            return super().execute(statement, parameters, **options)
        cursor = self.connection.driver_connection.cursor()  # type: ignore[union-attr]
        try:
            cursor.execute(_driver_form(statement), parameters or {})
            names = _names(cursor)
            rows = cursor.fetchall() if names else []
        except psycopg.Error as error:
            if cursor.connection.closed:
                self.invalidate(error)
            raise DBAPIError.instance(
                str(statement), dict(parameters or {}), error, psycopg.Error, dialect=self.dialect
            ) from error
        return QuickResult(names, rows, cursor.rowcount)

    def scalar(self, statement: Any, parameters: Any = None, **options: Any) -> Any:
        return self.execute(statement, parameters, **options).scalar()

    def scalars(self, statement: Any, parameters: Any = None, **options: Any) -> Any:
        return self.execute(statement, parameters, **options).scalars()


@functools.cache
def _driver_form(statement: TextClause) -> str:
    """With the driver's marks for values instead of SQLAlchemy's."""
    return str(statement.compile(dialect=_dialect))


def _names(cursor: Any) -> tuple[str, ...]:
    """Of the columns that came back; cursor.description would look up each one's type besides."""
    found = cursor.pgresult
    return tuple(found.fname(place).decode() for place in range(found.nfields))


@functools.cache
def _columns(names: tuple[str, ...]) -> SimpleResultMetaData:
    return SimpleResultMetaData(names)
