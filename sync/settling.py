"""What a person decides about a record that the machine may not decide: it is there, keep theirs, send ours, unlink."""

from typing import Any

from sqlalchemy import Connection

from connectors.flow import Flow
from connectors.registry import connector
from models import session, text
from models.states import RecordState
from sync import approval, records
from sync.clock import now
from sync.records import Rung


class NotToDecide(ValueError):
    """The record stands in a state in which there is nothing of this sort to decide."""


def link(company_id: int, record_id: int, remote_id: str, actor: str) -> Rung:
    """A person found it in the target: it is linked with what they name, and nothing is sent. Raises NotToDecide, LookupError.

    Where what stands there can be read by its id, it is, and must hold what was sent; otherwise the nightly comparison says.
    """
    with session(company_id) as db:
        record = _locked(db, record_id)
        if record.state not in (RecordState.checking, RecordState.needs_attention):
            raise NotToDecide(f"{record.number or record.source_id} is not in doubt")
        _not_at_work(record)
        remote_id = _as_kept(db, record, remote_id)
        _settle_writes(db, record, remote_id)
        fields = {
            "remote_id": remote_id, "sent_hash": record.held_hash, "sent": record.held, "problems": [], "waits_for": [],
            "due_at": None, "asked": False, "consent": None, "synced_at": now(),
        }  # fmt: skip
        reason, after = f"found in the target as {remote_id}", RecordState.synced
        if _flow(db, record).reads_links or _sent_earlier(db, record):
            fields |= {"sent_hash": None, "sent": None, "due_at": now(), "synced_at": None}
            after = RecordState.pending
        records.move(db, record, after, actor, reason=reason, fields=fields)
        return {record.kind: [record.id]} if after is RecordState.pending else {}


def not_there(company_id: int, record_id: int, actor: str) -> Rung:
    """A person looked and did not find it: it is looked for once more, and sent once more if nothing is found.
    Raises NotToDecide, LookupError."""
    with session(company_id) as db:
        record = _locked(db, record_id)
        if record.state not in (RecordState.checking, RecordState.needs_attention):
            raise NotToDecide(f"{record.number or record.source_id} is not in doubt")
    return records.retry(company_id, [record_id], actor, word="outcome_needs_person", said="said that it is not there")


def keep_theirs(company_id: int, record_id: int, actor: str) -> None:
    """What stands in the target stays; the record is no longer kept in agreement. Raises NotToDecide, LookupError."""
    with session(company_id) as db:
        record = _locked(db, record_id)
        if record.state != RecordState.conflict:
            raise NotToDecide(f"{record.number or record.source_id} is in no conflict")
        _not_at_work(record)
        _unlink(db, record, actor, "kept as it stands in the target")


def send_ours(company_id: int, record_id: int, actor: str) -> Rung:
    """What stands in the target is replaced by ours. Raises NotToDecide, LookupError."""
    with session(company_id) as db:
        record = _locked(db, record_id)
        if record.state not in (RecordState.conflict, RecordState.unlinked):
            raise NotToDecide(f"{record.number or record.source_id} is in no conflict")
    return records.retry(company_id, [record_id], actor, word="edited_on_both_sides", said="said to send ours")


def unlink(company_id: int, record_id: int, actor: str, reason: str) -> None:
    """Both sides go their own ways from now on. Raises NotToDecide, LookupError."""
    with session(company_id) as db:
        record = _locked(db, record_id)
        if record.state in (RecordState.sending, RecordState.checking):
            raise NotToDecide(f"{record.number or record.source_id} is being sent at this moment")
        _not_at_work(record)
        _unlink(db, record, actor, reason)


def release_hold(company_id: int, connection_id: int, kind: str, actor: str) -> Rung:
    """Everything of a kind that waits because it was unusually much is approved, each in the version and amount it has."""
    with session(company_id) as db:
        rows = db.execute(
            text("""
            SELECT id, version, amount FROM sync_record WHERE connection_id = :c AND kind = :k AND state = 'awaiting_approval'
            AND problems @> '[{"code": "unusual_volume"}]' ORDER BY id
        """),
            {"c": connection_id, "k": kind},
        ).all()
    rung: Rung = {}
    for row in rows:
        try:
            records.merge(rung, approval.approve(company_id, row.id, row.version, row.amount, actor))
        except (approval.Changed, approval.NotWaiting):
            continue  # changed since: it waits for its own approval
    return rung


def _flow(db: Connection, record: Any) -> Flow:
    system = db.scalar(text("SELECT system FROM connection WHERE id = :c"), {"c": record.connection_id})
    flows = connector(str(system)).flows
    return next(flow for flow in flows if (flow.kind, flow.direction) == (record.kind, record.direction))


def _locked(db: Connection, record_id: int) -> Any:
    record = db.execute(text("SELECT * FROM sync_record WHERE id = :id FOR UPDATE"), {"id": record_id}).one_or_none()
    if record is None:
        raise LookupError(f"there is no record {record_id}")
    return record


def _not_at_work(record: Any) -> None:
    """Raises NotToDecide: a worker has it, and would store its result over the decision."""
    if record.lease_until is not None:
        raise NotToDecide(f"{record.number or record.source_id} is being worked on at this moment: try again in a minute")


def _as_kept(db: Connection, record: Any, remote_id: str) -> str:
    """A person reads 4711 where we keep purchase_order:4711. Raises NotToDecide when that is another record's already."""
    others = db.execute(
        text("""
        SELECT number, remote_id, split_part(remote_id, ':', 1) AS sort, held->>'as' AS made_as FROM sync_record
        WHERE connection_id = :c AND kind = :k AND direction = :d AND id <> :id AND remote_id IS NOT NULL
    """),
        {"c": record.connection_id, "k": record.kind, "d": record.direction, "id": record.id},
    ).all()
    alike = {row.sort for row in others if ":" in row.remote_id and row.made_as == (record.held or {}).get("as")}
    kept = f"{alike.pop()}:{remote_id}" if ":" not in remote_id and len(alike) == 1 else remote_id
    if ":" not in kept and any(":" in row.remote_id for row in others):
        raise NotToDecide(f"{remote_id} does not say which sort of {record.kind} it is: write it like {others[0].remote_id}")
    if taken := [row.number for row in others if row.remote_id == kept]:
        raise NotToDecide(f"{remote_id} is what {taken[0]} is linked with")
    return kept


def _settle_writes(db: Connection, record: Any, remote_id: str) -> None:
    """The write in doubt is taken as done; a later run of the same version finds nothing left to send."""
    db.execute(
        text("""
        UPDATE write SET state = 'abandoned', reason = :why, ended_at = clock_timestamp()
        WHERE record_id = :r AND state IN ('sending', 'uncertain', 'planned')
    """),
        {"r": record.id, "why": f"a person found it as {remote_id}"},
    )


def _sent_earlier(db: Connection, record: Any) -> bool:
    """Whether what was in doubt is an earlier version than the one that stands: then it is brought up to date by its id."""
    return bool(
        db.scalar(
            text("""
            SELECT EXISTS (SELECT FROM write WHERE record_id = :r AND version < :v AND side = 'target' AND key = :k
                AND sends > 0 AND state = 'abandoned')
        """),
            {"r": record.id, "v": record.version, "k": record.key},
        )
    )


def _unlink(db: Connection, record: Any, actor: str, reason: str) -> None:
    fields: dict[str, Any] = {"problems": [], "waits_for": [], "due_at": None, "asked": False, "consent": None}
    records.move(db, record, RecordState.unlinked, actor, reason=reason, fields=fields)
