"""Snapshots: the last thing we read of each source object, stored a page at a time, telling what really changed."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from models import text
from objects import Object
from objects.plain import digest, from_plain, to_plain
from objects.problem import on_any, on_snapshot
from objects.text import clean, folded


@dataclass(slots=True)
class Stored:
    """What storing a page changed: the objects that differ, and the tokens others may be waiting for."""

    changed: list[Object] = field(default_factory=list)
    tokens: set[str] = field(default_factory=set)
    rows: int = 0

    def __iadd__(self, other: "Stored") -> "Stored":
        self.changed += other.changed
        self.tokens |= other.tokens
        self.rows += other.rows
        return self


def head_hash(kind: str, obj: Object) -> bytes:
    """Of what the list carries, the source's time stamp included: it also tells that lines may differ."""
    return digest(to_plain(kind, obj))


def changed_heads(db: Connection, connection_id: int, kind: str, heads: Sequence[Object]) -> list[Object]:
    """Those of a page of list items whose stored head differs or that are new."""
    known = {
        row.source_id: bytes(row.head_hash)
        for row in db.execute(
            text("""
            SELECT source_id, head_hash FROM snapshot
            WHERE connection_id = :c AND kind = :k AND source_id = ANY(:ids) AND gone_at IS NULL
        """),
            {"c": connection_id, "k": kind, "ids": [h.source_id for h in heads]},
        )
    }
    return [h for h in heads if known.get(h.source_id) != head_hash(kind, h)]


_STORE = """
    WITH given AS (
        SELECT * FROM unnest(%(ids)b::text[], %(projects)b::text[], %(numbers)b::text[], %(names)b::text[],
            %(data)b::text[], %(heads)b::bytea[], %(hashes)b::bytea[]) AS g(source_id, project_id, number, name, data, head, hash)
    ), old AS (
        SELECT source_id, hash, gone_at FROM snapshot
        WHERE connection_id = %(c)s AND kind = %(k)s AND source_id = ANY(%(ids)b::text[])
    ), stored AS (
        INSERT INTO snapshot AS s (company_id, connection_id, kind, source_id, project_id, number, name, data, head_hash, hash,
            read_at)
        SELECT %(p)s, %(c)s, %(k)s, source_id, project_id, number, name, data::jsonb, head, hash,
            coalesce(%(at)s::timestamptz, clock_timestamp()) FROM given
        ON CONFLICT (company_id, connection_id, kind, source_id) DO UPDATE SET
            project_id = excluded.project_id, number = excluded.number, name = excluded.name, data = excluded.data,
            head_hash = excluded.head_hash, hash = excluded.hash, read_at = excluded.read_at, gone_at = NULL
        WHERE s.head_hash <> excluded.head_hash OR s.hash <> excluded.hash OR s.gone_at IS NOT NULL
        RETURNING source_id, hash
    )
    SELECT stored.source_id, (old.hash IS DISTINCT FROM stored.hash OR old.gone_at IS NOT NULL) AS differs
    FROM stored LEFT JOIN old USING (source_id)
"""


def store(
    db: Connection,
    company_id: int,
    connection_id: int,
    system: str,
    kind: str,
    objects: Sequence[Object],
    heads: Sequence[Object] | None = None,
    asked_at: datetime | None = None,
) -> Stored:
    """One statement for the whole page. `heads`: the list's form of the same objects, where it carries less.

    `asked_at`: Postgres's time before the reading began. A bell that rings while an answer is on its way is newer than
    that, so the object is read again.
    Binary arrays: text arrays cost 25 times the Python CPU, and COPY into a table with row-level security is refused.
    """
    if not objects:
        return Stored()
    by_id = {o.source_id: (o, h) for o, h in zip(objects, heads or objects, strict=True)}
    plain = {i: to_plain(kind, o) for i, (o, _) in by_id.items()}
    bare = {
        i: to_plain(kind, replace(o, updated_at=None)) if hasattr(o, "updated_at") else p
        for (i, (o, _)), p in zip(by_id.items(), plain.values(), strict=True)
    }
    cursor = db.connection.driver_connection.cursor()  # type: ignore[union-attr]
    cursor.execute(
        _STORE,
        {
            "p": company_id,
            "c": connection_id,
            "k": kind,
            "at": asked_at,
            "ids": list(by_id),
            "projects": [o.project_id for o, _ in by_id.values()],
            "numbers": [clean(o.number) for o, _ in by_id.values()],
            "names": [folded(o.name) for o, _ in by_id.values()],
            "data": [_json(p) for p in plain.values()],
            "heads": [digest(plain[i]) if h is o else head_hash(kind, h) for i, (o, h) in by_id.items()],
            "hashes": [digest(b) for b in bare.values()],
        },
    )
    stored = Stored()
    for source_id, differs in cursor.fetchall():
        stored.rows += 1
        if differs:
            stored.changed.append(by_id[source_id][0])
            stored.tokens |= tokens_of(system, kind, by_id[source_id][0])
    return stored


def tokens_of(system: str, kind: str, obj: Object) -> set[str]:
    """What a record may be waiting for that this object, new or changed, might be."""
    return {on_snapshot(system, kind, obj.source_id), on_any(system, kind), on_any(system, kind, obj.project_id)}


def touch(db: Connection, connection_id: int, kind: str, ids: Iterable[str], asked_at: datetime) -> None:
    """These were read again and did not differ: what is stored of them is as fresh as that reading."""
    db.execute(
        text("""
        UPDATE snapshot SET read_at = greatest(read_at, :at)
        WHERE connection_id = :c AND kind = :k AND source_id = ANY(:ids)
    """),
        {"c": connection_id, "k": kind, "ids": list(ids), "at": asked_at},
    )


def gone(db: Connection, connection_id: int, kind: str, ids: Iterable[str]) -> list[str]:
    """Marks objects the source no longer has; gives those that were not marked before."""
    return list(
        db.scalars(
            text("""
        UPDATE snapshot SET gone_at = clock_timestamp(), read_at = clock_timestamp()
        WHERE connection_id = :c AND kind = :k AND source_id = ANY(:ids) AND gone_at IS NULL RETURNING source_id
    """),
            {"c": connection_id, "k": kind, "ids": list(ids)},
        )
    )


def live_ids(db: Connection, connection_id: int, kind: str, project_id: str | None, before: datetime) -> set[str]:
    """Source ids that we believe exist since before then, of a project or of the whole company."""
    return set(
        db.scalars(
            text("""
        SELECT source_id FROM snapshot WHERE connection_id = :c AND kind = :k AND gone_at IS NULL
        AND (CAST(:p AS text) IS NULL OR project_id = :p) AND read_at < :before
    """),
            {"c": connection_id, "k": kind, "p": project_id, "before": before},
        )
    )


def load(kind: str, row: Any) -> Any:
    """The object of a snapshot row. Raises objects.plain.NotReadable when an older release wrote it differently."""
    return from_plain(kind, row.data)


def _json(data: dict[str, Any]) -> str:
    return json.dumps(data, separators=(",", ":"), ensure_ascii=False)
