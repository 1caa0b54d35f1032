"""Taking records for one attempt: a lease against others, an attempt number as the fence against ourselves, late."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection

from models import text
from settings.environment import environment

#: Attempts begun and never ended before a record is set aside (reliability F44).
LOST_LIMIT = 3


def claim(db: Connection, record_ids: Sequence[int], site_connection: int) -> list[Any]:
    """The records that are due and nobody else has, each with its attempt row written. Others are left alone quietly.

    `site_connection` is the company's connection with Procore. The due time becomes the lease's end:
    should this process die, the sweep finds the record then.
    """
    rows = db.execute(
        text("""
        WITH free AS (
            SELECT id FROM sync_record
            WHERE id = ANY(:ids) AND state <> 'unlinked' AND due_at <= clock_timestamp()
                AND (lease_until IS NULL OR lease_until < clock_timestamp())
            ORDER BY id FOR UPDATE SKIP LOCKED
        ), claimed AS (
            UPDATE sync_record r SET attempt = attempt + 1, unfinished = unfinished + 1,
                lease_until = clock_timestamp() + make_interval(secs => :lease),
                due_at = clock_timestamp() + make_interval(secs => :lease)
            FROM free WHERE r.id = free.id RETURNING r.*
        ), begun AS (
            INSERT INTO attempt (company_id, record_id, attempt) SELECT company_id, id, attempt FROM claimed
        )
        SELECT c.*, s.data AS snapshot_data, s.read_at, s.gone_at FROM claimed c
        LEFT JOIN snapshot s ON s.kind = c.kind AND s.source_id = c.source_id
            AND s.connection_id = CASE c.direction WHEN 'to_procore' THEN c.connection_id ELSE :site END
        ORDER BY c.id
    """),
        {"ids": list(record_ids), "lease": environment().lease_seconds, "site": site_connection},
    ).all()
    return list(rows)
