"""Payments against an invoice, as the accounting side made them."""

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal


@dataclass(frozen=True, slots=True)
class Payment:
    """Full or partial; several may stand against one invoice. `invoice_id` is the invoice's id at its own source.

    `number` is the check's or transfer's; `name` the payee's; a `voided` one was taken back in the books.
    """

    source_id: str
    project_id: str
    number: str
    name: str
    invoice_id: str
    amount: Decimal
    currency: str
    date: date
    method: str = ""
    voided: bool = False
    receipt: str = ""  # what it became at the target, as far as its source was told
    updated_at: datetime | None = None
