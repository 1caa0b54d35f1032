"""Payments against an invoice, as the accounting side made them."""

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal


@dataclass(frozen=True, slots=True)
class Payment:
    """Full or partial; several may stand against one invoice. Procore and Lentune exchange none."""

    source_id: str
    project_id: str
    number: str
    name: str
    invoice_id: str
    amount: Decimal
    currency: str
    date: date
    updated_at: datetime | None = None
