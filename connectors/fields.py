"""Fields of rows whose amounts are decimal text, read strictly: what money or identity depends on is there."""

from collections.abc import Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from connectors.calls import NotUnderstood
from objects.money import NotMoney, amount_of
from objects.text import clean

Row = Mapping[str, Any]


def ident(row: Row, name: str, path: str) -> str:
    """An id that must be there."""
    value = row.get(name)
    if not isinstance(value, str) or not value:
        raise NotUnderstood(f"{path}.{name}", "the id is missing")
    return value


def ident_or_none(row: Row, name: str, path: str) -> str | None:
    """An id that may be null."""
    return None if row.get(name) is None else ident(row, name, path)


def words(row: Row, name: str) -> str:
    """Text for people; absent is empty."""
    return clean(row.get(name))


def amount(row: Row, name: str, path: str) -> Decimal:
    """Decimal text with two places; a number, or nothing, is not understood."""
    value = row.get(name)
    if not isinstance(value, str):
        raise NotUnderstood(f"{path}.{name}", f"{value!r} is not decimal text")
    try:
        return amount_of(value)
    except NotMoney as error:
        raise NotUnderstood(f"{path}.{name}", str(error)) from error


def amount_or_none(row: Row, name: str, path: str) -> Decimal | None:
    """As amount; absent and null are None."""
    return None if row.get(name) is None else amount(row, name, path)


def moment(row: Row, name: str, path: str) -> datetime | None:
    """A time with its zone, in UTC; absent, null and empty are None."""
    value = row.get(name)
    if value in (None, ""):
        return None
    try:
        parsed = datetime.fromisoformat(str(value))
    except ValueError as error:
        raise NotUnderstood(f"{path}.{name}", f"{value!r} is not a time") from error
    if parsed.tzinfo is None:
        raise NotUnderstood(f"{path}.{name}", f"{value!r} has no zone")
    return parsed.astimezone(UTC)


def day(row: Row, name: str, path: str) -> date:
    """A calendar day, which no zone ever shifts."""
    try:
        return date.fromisoformat(str(row.get(name)))
    except ValueError as error:
        raise NotUnderstood(f"{path}.{name}", f"{row.get(name)!r} is not a day") from error


def day_or_none(row: Row, name: str, path: str) -> date | None:
    """As day; null is None."""
    return None if row.get(name) is None else day(row, name, path)


def one_of(row: Row, name: str, path: str, choices: Mapping[str, str]) -> str:
    """What a word of theirs is called here; an unknown one is never guessed."""
    value = row.get(name)
    if not isinstance(value, str) or value not in choices:
        raise NotUnderstood(f"{path}.{name}", f"{value!r} is not one of {', '.join(choices)}")
    return choices[value]


def rows_of(row: Row, name: str, path: str) -> list[Row]:
    """A list of objects that must be there."""
    value = row.get(name)
    if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
        raise NotUnderstood(f"{path}.{name}", "is not a list of objects")
    return value
