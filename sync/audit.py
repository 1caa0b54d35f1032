"""The history verified: every line sealed once in an unbroken chain, and the states it tells are the present ones."""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC
from typing import Any

from sqlalchemy import Connection

from models import session, text
from models.states import RecordState

#: Lines read from Postgres at a time.
PORTION = 2000
#: What is wrong is told in full up to this many; after that it is only counted.
MOST_TOLD = 20

# one statement, so that the whole chain, every line and the present states are of one moment
_CHAIN = text("""
    SELECT s.no, s.hash, s.history_id AS sealed_id, h.id, h.company_id, h.record_id, h.actor, h.what, h.before::text AS before,
        h.after::text AS after, h.reason, h.at, h.before->>'state' AS state_before, h.after->>'state' AS state_after,
        r.state AS present
    FROM (SELECT * FROM seal WHERE company_id = :c) s
    FULL JOIN (SELECT * FROM history WHERE company_id = :c) h ON h.id = s.history_id
    LEFT JOIN sync_record r ON r.id = h.record_id
    ORDER BY s.no NULLS LAST, h.id
""")
_NEVER_MOVED = text("""
    SELECT r.id, r.state FROM sync_record r WHERE r.state <> :first AND NOT EXISTS (
        SELECT FROM history h WHERE h.record_id = r.id AND h.what = 'record.state') ORDER BY r.id LIMIT :most
""")


@dataclass(frozen=True, slots=True)
class Head:
    """The newest seal: kept elsewhere, it proves later that nothing before it was taken away or rewritten."""

    no: int
    hash: str

    def __str__(self) -> str:
        return f"{self.no}:{self.hash}"


@dataclass(frozen=True, slots=True)
class Broken:
    """One thing that is wrong: at which seal and which line, and what it means."""

    what: str
    said: str
    no: int | None = None
    line: int | None = None
    record: int | None = None


@dataclass(slots=True)
class Verdict:
    """What the reading found. `kept` is None when no head was given to look for."""

    lines: int = 0
    head: Head | None = None
    count: int = 0
    broken: list[Broken] = field(default_factory=list)
    kept: bool | None = None

    @property
    def ok(self) -> bool:
        return self.count == 0 and self.kept is not False

    def wrong(self, broken: Broken) -> None:
        self.count += 1
        if len(self.broken) < MOST_TOLD:
            self.broken.append(broken)


def verify(company_id: int, kept: str = "") -> Verdict:
    """Reads everything and recomputes it here, not with the database's own function. `kept`: HASH or NUMBER:HASH."""
    verdict, told = Verdict(kept=False if kept else None), dict[int, tuple[str, str]]()
    number, _, wanted = kept.strip().lower().rpartition(":")
    with session(company_id) as db:
        before = b""
        for row in _rows(db, company_id):
            before = _link(verdict, row, before)
            if wanted and row.hash is not None and bytes(row.hash).hex() == wanted and number in ("", str(row.no)):
                verdict.kept = True
            if row.id is not None:
                _tell(verdict, told, row)
        _present(verdict, told)
        for row in db.execute(_NEVER_MOVED, {"first": RecordState.pending, "most": MOST_TOLD}):
            verdict.wrong(Broken("state", f"record {row.id} is {row.state} and no line says how it came there", record=row.id))
    return verdict


def head(company_id: int) -> Head | None:
    """The newest seal; None while the company has no history."""
    with session(company_id) as db:
        row = db.execute(text("SELECT no, hash FROM seal ORDER BY no DESC LIMIT 1")).first()
    return None if row is None else Head(row.no, bytes(row.hash).hex())


def line(row: Any) -> bytes:
    """What a seal is made of: the line's columns as a JSON array, in the form of Postgres's jsonb."""
    moment = row.at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")
    texts = (row.actor, row.what, row.before, row.after, row.reason, moment)
    # before and after are JSON already, as Postgres keeps it
    actor, what, before, after, reason, at = (
        "null" if value is None else value if place in (2, 3) else json.dumps(value, ensure_ascii=False)
        for place, value in enumerate(texts)
    )
    record = "null" if row.record_id is None else row.record_id
    return f"[{row.id}, {row.company_id}, {record}, {actor}, {what}, {before}, {after}, {reason}, {at}]".encode()


def _rows(db: Connection, company_id: int) -> Iterator[Any]:
    yield from db.execute(_CHAIN, {"c": company_id}, execution_options={"yield_per": PORTION})


def _link(verdict: Verdict, row: Any, before: bytes) -> bytes:
    """Holds one seal against its line and the seal before it; gives the hash that the next one must build on."""
    if row.no is None:
        verdict.wrong(Broken("unsealed", f"line {row.id} was written without a seal", line=row.id, record=row.record_id))
        return before
    expected = verdict.head.no + 1 if verdict.head else 1
    if row.no != expected:
        said = f"after seal {expected - 1} comes {row.no}: seals are missing, or one line has two"
        verdict.wrong(Broken("gap", said, row.no, row.sealed_id))
    sealed = bytes(row.hash)
    if row.id is None:
        verdict.wrong(Broken("deleted", f"line {row.sealed_id} was sealed and is gone", row.no, row.sealed_id))
    elif hashlib.sha256(before + line(row)).digest() != sealed:
        said = f"line {row.id} is not what was sealed, or the seals before it were changed"
        verdict.wrong(Broken("changed", said, row.no, row.id, row.record_id))
    verdict.lines += row.id is not None
    verdict.head = Head(row.no, sealed.hex())
    return sealed


def _tell(verdict: Verdict, told: dict[int, tuple[str, str]], row: Any) -> None:
    """One line of a record's story must begin where the one before it ended."""
    if row.what != "record.state" or row.record_id is None:
        return
    was = told[row.record_id][0] if row.record_id in told else RecordState.pending.value
    if row.state_before != was:
        said = f"record {row.record_id} was {was}, but line {row.id} moves it from {row.state_before}"
        verdict.wrong(Broken("story", said, row.no, row.id, row.record_id))
    told[row.record_id] = (row.state_after, row.present)


def _present(verdict: Verdict, told: dict[int, tuple[str, str]]) -> None:
    for record_id, (last, present) in told.items():
        if last != present:
            said = f"record {record_id} is {present}, but its last line says {last}"
            verdict.wrong(Broken("state", said, record=record_id))
