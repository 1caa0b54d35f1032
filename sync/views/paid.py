"""What accounting paid of an invoice, and how each payment stands in Procore."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from sqlalchemy import Connection, text

from objects.money import amount_or_none
from sync.views.records import RecordRow

ZERO = Decimal("0.00")


@dataclass(frozen=True, slots=True)
class Payment:
    """One check or transfer; `there` is its number in Procore, empty while it is not there."""

    id: int
    number: str
    amount: Decimal
    date: date
    method: str
    voided: bool
    state: str
    there: str


@dataclass(frozen=True, slots=True)
class Paid:
    """One invoice and all that was paid of it, the oldest first. `total` is the invoice's, None where it was never read;
    `retained` is the part of it that is held back as retainage."""

    invoice_id: int | None
    number: str
    total: Decimal | None
    payments: tuple[Payment, ...]
    retained: Decimal | None = None

    @property
    def paid(self) -> Decimal:
        """What was not taken back."""
        return sum((one.amount for one in self.payments if not one.voided), ZERO)


def paid_of(db: Connection, row: RecordRow, data: dict[str, Any] | None) -> Paid | None:
    """Of an invoice's or a payment's record; None where nothing was paid."""
    if row.kind not in ("invoice", "payment"):
        return None
    invoice = row.source_id if row.kind == "invoice" else str((data or {}).get("invoice_id") or "")
    rows = db.execute(text("""
        SELECT r.id, r.number, r.state, coalesce(r.remote_number, r.remote_id, '') AS there, s.data
        FROM sync_record r JOIN connection n ON n.id = r.connection_id
        JOIN snapshot s ON s.connection_id = n.id AND s.kind = 'payment' AND s.source_id = r.source_id
        WHERE n.system = :system AND r.kind = 'payment' AND s.data->>'invoice_id' = :invoice AND :invoice <> ''
        ORDER BY s.data->>'date', r.id
    """), {"system": row.system, "invoice": invoice}).all()  # fmt: skip
    if not rows:
        return None
    about = db.execute(text("""
        SELECT r.id, s.number, s.data->>'gross' AS total, s.data->>'retainage' AS retained
        FROM snapshot s JOIN connection n ON n.id = s.connection_id
        LEFT JOIN sync_record r ON r.kind = 'invoice' AND r.direction = 'from_procore' AND r.source_id = s.source_id
            AND r.connection_id = (SELECT id FROM connection WHERE system = :system)
        WHERE n.system = 'procore' AND s.kind = 'invoice' AND s.source_id = :invoice
    """), {"system": row.system, "invoice": invoice}).first()  # fmt: skip
    return Paid(
        about.id if about else None, about.number if about else invoice, amount_or_none(about.total) if about else None,
        tuple(_payment(one) for one in rows), amount_or_none(about.retained) if about else None,
    )  # fmt: skip


def _payment(row: Any) -> Payment:
    data = row.data
    return Payment(
        row.id, row.number or data["source_id"], amount_or_none(data["amount"]) or ZERO, date.fromisoformat(data["date"]),
        data.get("method") or "", bool(data.get("voided")), row.state, row.there,
    )  # fmt: skip
