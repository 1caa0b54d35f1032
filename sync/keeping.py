"""What was just read becomes the snapshot: its records are made or rung, and whatever waited for it is released."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection

from objects import Object
from sync import records, snapshots
from sync.company import Company
from sync.records import Rung, merge
from sync.snapshots import Stored


def keep(
    db: Connection,
    company: Company,
    system: str,
    kind: str,
    objects: Sequence[Object],
    heads: Sequence[Object] | None = None,
    asked_at: datetime | None = None,
) -> tuple[Stored, Rung]:
    """Gives what differed, and whom to ring. `heads` and `asked_at` are those of snapshots.store."""
    stored = snapshots.store(db, company.id, company.connections[system].id, system, kind, objects, heads, asked_at)
    rung = records.ensure(db, company, system, kind, stored.changed)
    merge(rung, records.release(db, stored.tokens))
    return stored, rung
