"""Amounts as Procore sends them: decimals in text with two places."""

from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from typing import Any

from simulators.procore.errors import invalid

CENT = Decimal("0.01")
ZERO = Decimal(0)


def text(amount: Decimal | None) -> str | None:
    return None if amount is None else str(amount.quantize(CENT, ROUND_HALF_UP))


def amount(value: Any, field: str = "amount") -> Decimal | None:
    """From what a request holds (text or number). Raises 422 when it is no number."""
    if value is None or value == "":
        return None
    try:
        number = Decimal(str(value))
    except InvalidOperation as error:
        raise invalid(**{field: "is not a number"}) from error
    if not number.is_finite():
        raise invalid(**{field: "is not a number"})
    return number


def of(value: Any) -> Decimal:
    """A stored amount; none counts as zero."""
    return ZERO if value in (None, "") else Decimal(value)


def plain(number: Decimal | None) -> str | None:
    """A quantity or unit price, without needless zeros but with one decimal, as the real system prints them."""
    if number is None:
        return None
    shown = format(number.normalize(), "f")
    return shown if "." in shown else f"{shown}.0"
