"""One record with everything that is known of it: both sides, problems, what happened, what happens next."""

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, text

from models import session
from models.states import RecordState
from sync.problems import ProblemText
from sync.views.document import Document, document_of
from sync.views.paid import Paid, paid_of
from sync.views.protection import Protected, protection_of
from sync.views.records import FULL, RecordRow, find, rows_of, texts
from sync.views.sides import Field, Line, fields_of, lines_of
from sync.views.story import Entry, story_of

#: The problem of a write whose outcome only a person can tell.
IN_DOUBT = "outcome_needs_person"


@dataclass(frozen=True, slots=True)
class Differing:
    """One field that somebody changed in the target: what was last sent, what stands there, what would be sent."""

    name: str
    sent: str
    theirs: str
    ours: str


@dataclass(frozen=True, slots=True)
class Record:
    """`agreed`: the target was last confirmed to hold exactly what it should. Times are UTC."""

    row: RecordRow
    agreed: bool
    fields: tuple[Field, ...]
    lines: tuple[Line, ...]
    story: tuple[Entry, ...]
    warnings: tuple[ProblemText, ...]
    data: dict[str, Any] | None
    held: dict[str, Any] | None
    read_at: datetime | None
    gone_at: datetime | None
    protected: Protected | None
    key: str
    attempt: int
    tries: int
    lease_until: datetime | None
    writes: tuple[dict[str, Any], ...]
    approvals: tuple[dict[str, Any], ...]
    differing: tuple[Differing, ...]
    document: Document | None
    paid: Paid | None

    @property
    def protected_by(self) -> str:
        """In one line; empty for a flow of another release."""
        return f"{self.protected.by}: {self.protected.words}" if self.protected else ""

    @property
    def in_doubt(self) -> bool:
        """Sent, not found twice, and never sent again by itself: a person says whether it is there."""
        doubtful = self.row.state in (RecordState.checking, RecordState.needs_attention)
        return doubtful and any(problem.code == IN_DOUBT for problem in self.row.problems)


def record(company_id: int, ref: int | str) -> Record | None:
    """By id, or by a number or id that people type when exactly one record has it. None: no such record."""
    record_id = ref if isinstance(ref, int) else _only(company_id, ref)
    if record_id is None:
        return None
    with session(company_id) as db:
        stored = db.execute(text(f"{FULL} WHERE r.id = :id"), {"id": record_id}).first()
        if stored is None:
            return None
        row = rows_of(db, [stored])[0]
        snapshot = _snapshot(db, row)
        data = snapshot.data if snapshot else None
        agreed = stored.sent_hash is not None and bytes(stored.sent_hash) == bytes(stored.held_hash or b"")
        writes = _all(db, "SELECT * FROM write WHERE record_id = :id ORDER BY id", record_id)
        approvals = _all(db, "SELECT * FROM approval WHERE record_id = :id ORDER BY id", record_id)
        return Record(
            row, agreed, fields_of(row, data, stored.held, agreed), lines_of(db, row, data, stored.held, agreed),
            story_of(db, row, writes, approvals), texts(stored.warnings), data, stored.held,
            snapshot.read_at if snapshot else None, snapshot.gone_at if snapshot else None,
            protection_of(row.system, row.kind, row.direction),
            stored.key, stored.attempt, stored.tries, stored.lease_until,
            tuple(map(_plain, writes)), tuple(map(_plain, approvals)), _differing(stored.problems),
            document_of(data, stored.held, stored.problems), paid_of(db, row, data),
        )


def _only(company_id: int, ref: str) -> int | None:
    found = find(company_id, ref)
    return found[0].id if len(found) == 1 else None


def _snapshot(db: Connection, row: RecordRow) -> Any:
    return db.execute(text("""
        SELECT s.data, s.read_at, s.gone_at FROM snapshot s JOIN connection n ON n.id = s.connection_id
        WHERE n.system = :system AND s.kind = :kind AND s.source_id = :id
    """), {"system": row.source, "kind": row.kind, "id": row.source_id}).first()


def _all(db: Connection, query: str, record_id: int) -> list[Any]:
    return list(db.execute(text(query), {"id": record_id}))


def _plain(row: Any) -> dict[str, Any]:
    """A row for showing, without its hashes."""
    return {name: value for name, value in row._mapping.items() if not isinstance(value, bytes | memoryview)}



def _differing(stored: Any) -> tuple[Differing, ...]:
    found = [json.loads(problem["values"].get("differing", "[]")) for problem in stored]
    return tuple(Differing(*fields) for each in found for fields in each)
