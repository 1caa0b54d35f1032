"""Postgres: reachable, migrated, guarded by row-level security, in time, and not behind."""

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, text

from cli.doctor import Finding, Findings, found
from models import session, unscoped
from models.migrate import head
from models.tables import SCOPED
from sync.secrets import WrongKey, decrypt
from sync.views.overview import BLOCKED_AFTER, SLOW_AFTER

GROUP = "database"
OLDEST_VERSION = 140000
#: Two machines may not tell times apart by more than this, in seconds.
MOST_APART = 5.0


def check(company_id: int | None) -> Findings:
    """With a company, its rows too. Raises what the database raises."""
    with unscoped() as db:
        facts = db.execute(
            text("""
            SELECT current_setting('server_version') AS version, current_setting('server_version_num')::int AS number,
                clock_timestamp() AS now, (SELECT rolsuper OR rolbypassrls FROM pg_roles WHERE rolname = current_user) AS unbound,
                current_setting('max_connections')::int AS most, (SELECT count(*) FROM pg_stat_activity) AS used,
                pg_database_size(current_database()) AS bytes
        """)
        ).one()
        at = db.execute(text("SELECT version_num FROM alembic_version")).scalar_one_or_none()
        bare = _without_row_security(db)
    yield found(
        GROUP,
        "version",
        facts.number >= OLDEST_VERSION,
        f"PostgreSQL {facts.version}, {facts.bytes / 1e6:.0f} MB",
        "Use PostgreSQL 14 or newer.",
    )
    yield found(GROUP, "migrations", at == head(), f"at {at}", f"Run sitebooks migrate; this release needs {head()}.")
    yield found(
        GROUP,
        "role",
        not facts.unbound,
        "bound by row-level security" if not facts.unbound else "a role that is not bound",
        "Give the tables to an owner that is no superuser and may not bypass row security.",
    )
    yield found(
        GROUP,
        "row-level security",
        not bare,
        f"on {len(SCOPED)} tables" if not bare else f"missing on {', '.join(bare)}",
        "Run sitebooks migrate as the tables' owner.",
    )
    apart = abs((datetime.now(UTC) - facts.now).total_seconds())
    yield found(GROUP, "clock", apart <= MOST_APART, f"{apart:.1f} s apart", "Set both machines' clocks by NTP.")
    yield found(
        GROUP,
        "connections",
        facts.used < facts.most * 0.8,
        f"{facts.used} of {facts.most} used",
        "Raise max_connections, or run fewer processes.",
        "warn",
    )
    if company_id is not None:
        yield from _company(company_id)


def _without_row_security(db: Connection) -> list[str]:
    return list(
        db.scalars(
            text("""
        SELECT relname FROM pg_class WHERE relname = ANY(:tables) AND relkind = 'r' AND NOT relrowsecurity ORDER BY relname
    """),
            {"tables": list(SCOPED)},
        )
    )


def _company(company_id: int) -> Findings:
    with session(company_id) as db:
        row = db.execute(
            text("""
            SELECT (SELECT min(due_at) FROM sync_record WHERE due_at <= clock_timestamp()) AS oldest, clock_timestamp() AS now,
                (SELECT count(*) FROM event WHERE state = 'parked') AS parked,
                (SELECT count(*) FROM sync_record WHERE state = 'checking') AS checking,
                (SELECT count(*) FROM sync_record WHERE state IN ('checking', 'needs_attention')
                    AND problems @> '[{"code": "outcome_needs_person"}]') AS unknown,
                (SELECT count(*) FROM sync_record WHERE state = 'needs_attention'
                    AND problems @> '[{"code": "duplicate_found"}]') AS doubled
        """)
        ).one()
        secrets = [
            (r.system, r.secrets, r.token)
            for r in db.execute(
                text("""
            SELECT n.system, c.secrets, c.token FROM credential c JOIN connection n ON n.id = c.connection_id ORDER BY n.id
        """)
            )
        ]
    yield _backlog(row)
    yield found(GROUP, "parked events", not row.parked, f"{row.parked}", "Look at them: sitebooks events --state parked", "warn")
    yield found(
        GROUP,
        "being checked",
        not row.checking,
        f"{row.checking}",
        "They are looked up by themselves: sitebooks list --state checking",
        "warn",
    )
    yield found(
        GROUP,
        "found twice",
        not row.doubled,
        f"{row.doubled}",
        "Void all but one of them: sitebooks list --code duplicate_found. Then: sitebooks settle --go-on",
    )
    yield found(
        GROUP,
        "needs a person's word",
        not row.unknown,
        f"{row.unknown}",
        "Look whether they are there: sitebooks list --code outcome_needs_person. Then: sitebooks settle NUMBER",
        "warn",
    )
    yield _readable(secrets)


def _backlog(row: Any) -> Finding:
    if row.oldest is None:
        return Finding(GROUP, "backlog", "ok", "nothing is due")
    waited = row.now - row.oldest
    return found(
        GROUP,
        "backlog",
        waited < SLOW_AFTER,
        f"the oldest is due for {waited.total_seconds():.0f} s",
        "See whether workers run and what the limits say: sitebooks status",
        "fail" if waited > BLOCKED_AFTER else "warn",
    )


def _readable(secrets: list[tuple[str, bytes, bytes | None]]) -> Finding:
    for system, kept, token in secrets:
        try:
            decrypt(kept)
            decrypt(token) if token is not None else None
        except WrongKey:
            return Finding(
                GROUP,
                "stored secrets",
                "fail",
                f"those of {system} cannot be opened",
                "Put the key they were made with behind the new one in SECRET_KEY, or connect again.",
            )
    return Finding(GROUP, "stored secrets", "ok", f"{len(secrets)} open with SECRET_KEY")
