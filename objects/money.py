"""Money: a decimal amount with its currency, and the one rounding rule."""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation

CENT = Decimal("0.01")
#: NUMERIC(18,2) in Postgres: sixteen digits before the point.
LARGEST = Decimal("9999999999999999.99")


class NotMoney(ValueError):
    """The text is not an amount that fits eighteen digits with two decimals."""


@dataclass(frozen=True, slots=True)
class Money:
    """An amount and the ISO 4217 code it is counted in."""

    amount: Decimal
    currency: str

    def __post_init__(self) -> None:
        if len(self.currency) != 3 or not self.currency.isalpha():
            raise NotMoney(f"{self.currency!r} is not a currency code")

    def __add__(self, other: "Money") -> "Money":
        if other.currency != self.currency:
            raise NotMoney(f"{self.currency} and {other.currency} do not add up")
        return Money(self.amount + other.amount, self.currency)

    def __str__(self) -> str:
        return f"{self.currency} {self.amount:,.2f}"


def round_half_up(amount: Decimal) -> Decimal:
    """To whole cents, half away from zero: the only rounding there is."""
    return amount.quantize(CENT, rounding=ROUND_HALF_UP)


def amount_of(value: object) -> Decimal:
    """An exact amount of cents from the text, integer or decimal a system sent.

    Raises NotMoney for floats, text that is no number, NaN, more than two decimals that matter, and sums over 18 digits.
    """
    if isinstance(value, bool | float) or not isinstance(value, str | int | Decimal):
        raise NotMoney(f"{value!r} is not an exact amount")
    try:
        amount = Decimal(value)
    except InvalidOperation:
        raise NotMoney(f"{value!r} is not an amount") from None
    if not amount.is_finite() or abs(amount) > LARGEST:
        raise NotMoney(f"{value!r} is not an amount that can be booked")
    if amount != round_half_up(amount):
        raise NotMoney(f"{value!r} has a fraction of a cent")
    return round_half_up(amount)


def amount_or_none(value: object) -> Decimal | None:
    """As amount_of; null and empty text are None, never zero."""
    return None if value in (None, "") else amount_of(value)


def text_of(amount: Decimal) -> str:
    """The amount as text with two decimals, as JSON carries it."""
    return f"{round_half_up(amount):.2f}"


def total(amounts: Iterable[Decimal | None]) -> Decimal:
    """The sum; missing amounts count as nothing (a check says where one is missing)."""
    return sum((a for a in amounts if a is not None), Decimal("0.00"))
