"""Approval: bound to the version and the amount that was seen; a newer version needs a new one."""

from decimal import Decimal
from typing import Any

from sqlalchemy import Connection, text

from models import session
from models.states import RecordState
from sync import records
from sync.records import Rung


class Changed(ValueError):
    """What was to be approved is not what is there now; `version` and `amount` are the present ones."""

    def __init__(self, version: int, amount: Decimal | None) -> None:
        super().__init__(f"it changed after you looked: it is version {version} now, {amount}")
        self.version, self.amount = version, amount


class NotWaiting(ValueError):
    """The record waits for no approval."""


def approve(company_id: int, record_id: int, version: int, amount: Decimal | None, actor: str) -> Rung:
    """Agrees to exactly this version and amount; it is sent next. Raises Changed, NotWaiting, LookupError."""
    with session(company_id) as db:
        record = _decide(db, record_id, version, amount, "approved", actor, "")
        records.move(
            db,
            record,
            RecordState.pending,
            actor,
            reason=f"approved version {version}",
            story={"version": version},
            fields={"problems": [], "waits_for": []},
        )
        db.execute(
            text("UPDATE sync_record SET due_at = clock_timestamp(), rung_at = clock_timestamp() WHERE id = :id"),
            {"id": record_id},
        )
        return {record.kind: [record_id]}


def reject(company_id: int, record_id: int, version: int, amount: Decimal | None, actor: str, reason: str) -> None:
    """Turns this version down, with the reason; a new version comes back. Raises Changed, NotWaiting, LookupError."""
    with session(company_id) as db:
        record = _decide(db, record_id, version, amount, "rejected", actor, reason)
        fields = {"due_at": None, "asked": False, "consent": None}
        records.move(db, record, RecordState.rejected, actor, reason=reason, story={"version": version}, fields=fields)


def _decide(db: Connection, record_id: int, version: int, amount: Decimal | None, decision: str, actor: str, reason: str) -> Any:
    record = db.execute(text("SELECT * FROM sync_record WHERE id = :id FOR UPDATE"), {"id": record_id}).one_or_none()
    if record is None:
        raise LookupError(f"there is no record {record_id}")
    if record.state != RecordState.awaiting_approval:
        raise NotWaiting(f"{record.number or record.source_id} waits for no approval")
    if record.version != version or record.amount != amount:
        raise Changed(record.version, record.amount)
    db.execute(
        text("""
        INSERT INTO approval (company_id, record_id, version, held_hash, amount, currency, decision, actor, reason)
        VALUES (:p, :r, :v, :h, :amount, :cur, :d, :actor, nullif(:why, ''))
    """),
        {
            "p": record.company_id,
            "r": record_id,
            "v": version,
            "h": record.held_hash,
            "amount": amount,
            "cur": record.currency,
            "d": decision,
            "actor": actor,
            "why": reason,
        },
    )
    return record
