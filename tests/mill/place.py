"""The mill's own Postgres, in which it is as late as the run says: strictly rising, and moved by nothing else."""

import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
from cryptography.fernet import Fernet

#: When every run begins: a Monday morning in Auckland, well before the nightly passes.
START = datetime(2026, 11, 1, 20, 0, tzinfo=UTC)
#: Where the shares of a run are, that both sides reach.
SHARES = "shares"
#: Each reading of the clock is a microsecond later than the one before, on whatever connection. `mill` stands before
#: pg_catalog in the search path, so the schema's own defaults and functions take this clock for the server's.
CLOCK = f"""
CREATE SCHEMA mill;
CREATE SEQUENCE mill.ticks MINVALUE 0 START 0;
CREATE FUNCTION mill.clock_timestamp() RETURNS timestamptz LANGUAGE sql VOLATILE AS $$
    SELECT timestamptz '{START.isoformat()}' + nextval('mill.ticks') * interval '1 microsecond'
$$;
GRANT USAGE ON SCHEMA mill TO PUBLIC;
GRANT ALL ON SEQUENCE mill.ticks TO PUBLIC;
"""
#: `public` first, because tables are made in the first schema of the path.
PATH = "public, mill, pg_catalog"
_OURS = """
    SELECT p.oid::regprocedure::text FROM pg_proc p WHERE p.pronamespace = 'public'::regnamespace AND p.proname LIKE 'sitebooks%'
"""
#: Waiting for a lock would be waiting for ever: all workers are one thread.
SETTINGS = {"search_path": PATH, "lock_timeout": "'5s'", "jit": "off"}


class Place:
    """The database of this process's runs."""

    def __init__(self, url: str, server_pid: int, folder: Path) -> None:
        self.url, self.server_pid, self.folder = url, server_pid, folder
        self.db = psycopg.connect(url, autocommit=True)
        names = self.db.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public' AND tablename <> 'alembic_version'")
        self._tables = ", ".join(sorted(name for (name,) in names))

    def empty(self) -> None:
        """As on the first day: no rows, ids from 1, the clock at START, and no document or share on the disk."""
        for name in ("documents", SHARES):
            shutil.rmtree(self.folder / name, ignore_errors=True)
        self.db.execute(f"TRUNCATE {self._tables} RESTART IDENTITY CASCADE")  # type: ignore[arg-type]
        self.db.execute("SELECT setval('mill.ticks', 0)")

    def cpu_seconds(self) -> float:
        """Of this process and of Postgres together: what a run costs one core, whatever else the machine does."""
        from tests.worker.running import family

        ticks = os.sysconf("SC_CLK_TCK")
        found = time.process_time()
        for pid in family(self.server_pid) if self.server_pid else ():
            try:
                fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
            except (FileNotFoundError, ProcessLookupError):
                continue
            found += (int(fields[11]) + int(fields[12])) / ticks
        return found

    def set_clock(self, now: datetime) -> None:
        """At least as late as this: it never goes back."""
        passed = (now - START) // timedelta(microseconds=1)
        self.db.execute("SELECT setval('mill.ticks', greatest(%s, (SELECT last_value FROM mill.ticks)))", [passed])


@contextmanager
def opened() -> Iterator[Place]:
    """A server of its own for as long as the block runs. Call it before anything of the product is imported."""
    from workers.local.places import Secrets, prepare
    from workers.local.postgres import Postgres

    folder = Path(tempfile.mkdtemp(prefix="sitebooks-mill-", dir="/var/tmp"))
    made = Secrets.of(prepare(folder))
    server = Postgres(folder / "postgres", made.superuser, made.owner, folder / "logs" / "postgres.log", durable=False)
    try:
        server.start()
        os.environ |= {"DATABASE_URL": server.url, "BROKER_URL": "memory://", "SECRET_KEY": Fernet.generate_key().decode()}
        os.environ["DATA_DIR"] = str(folder)
        with psycopg.connect(server.administrator_url, autocommit=True) as admin:
            admin.execute("ALTER SYSTEM SET autovacuum = off")  # statistics that change by themselves change plans
            admin.execute("SELECT pg_reload_conf()")
        _prepare(server.url)
        place = Place(server.url, server.pid, folder)
        try:
            yield place
        finally:
            place.db.close()
    finally:
        server.stop()
        shutil.rmtree(folder, ignore_errors=True)


def _prepare(url: str) -> None:
    from models.migrate import upgrade
    from settings.environment import environment

    environment.cache_clear()
    with psycopg.connect(url, autocommit=True) as db:
        name = db.info.dbname
        for setting, value in SETTINGS.items():
            db.execute(f'ALTER DATABASE "{name}" SET {setting} = {value}')  # type: ignore[arg-type]
        db.execute(CLOCK)
    upgrade(url)
    with psycopg.connect(url, autocommit=True) as db:
        for (function,) in db.execute(_OURS).fetchall():
            db.execute(f"ALTER FUNCTION {function} SET search_path = {PATH}, pg_temp")
