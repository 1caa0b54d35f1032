"""Webhooks stored per second, durable before the answer, against pgbench with the same insert in the same run."""

import os
import re
import subprocess
from pathlib import Path
from statistics import median
from typing import Any
from urllib.parse import urlsplit

import psycopg

from sync.secrets import decrypt
from tests.benchmarks.load import MARK, Loaded, load, prepared
from tests.benchmarks.stand import Stand, cpu_seconds, shown, stand
from workers.local.postgres import binaries

CONNECTIONS = 32
SECONDS = 8.0
ROUNDS = 3

#: A space after a colon that a letter follows: pgbench would take `:null` for a variable of its own.
BODY = (
    b'{"ulid":"01JDBENCH' + MARK + b'","resource_name":"Purchase Order Contracts","resource_id":4711,"event_type":"update",'
    b'"company_id":4100,"project_id":2001,"user_id":30001,"timestamp":"2026-11-20T08:00:00.000000Z","api_version":"v1.0",'
    b'"metadata":{"source_user_id":30001,"source_application_id": null,"source_operation_id": null,'
    b'"source_project_id":2001,"source_company_id":4100},"related_resources":[{"id":2001,"name":"Projects"}]}'
)
#: The row that a delivery becomes, inserted alone: what a program without group commit would do. No function, no array.
INSERT = (
    r"\set n random(1, 9000000000000000000)" + "\n"
    "INSERT INTO event (company_id, connection_id, system, event_id, body, rung_at) VALUES "
    "({company}, {connection}, 'procore', 'B' || :n || '-' || :client_id, '{body}'::jsonb, clock_timestamp()) "
    "ON CONFLICT (company_id, system, event_id) DO NOTHING RETURNING company_id, id;\n"
)


def run() -> dict[str, Any]:
    """Rounds of both in turn; medians count. Then once more with the broker stopped."""
    with stand() as made:
        web, url = made.web()
        company, connection, address, secret = _connected()
        target = f"{url}/webhooks/procore/{address}"
        request = prepared(target, {"Authorization": f"Bearer {secret}"}, BODY)
        load(target, request, CONNECTIONS, 2)
        script = _script(made.folder, company, connection)
        _pgbench(made, script, 2)
        ours, anchors = [], []
        before = cpu_seconds(web.pid)
        for _ in range(ROUNDS):
            ours.append(load(target, request, CONNECTIONS, SECONDS))
            anchors.append(_pgbench(made, script, SECONDS))
        spent = cpu_seconds(web.pid) - before
        stored = _stored(made)
        made.servers.valkey.stop()
        away = load(target, request, CONNECTIONS, SECONDS)
    rate, anchor = median(one.rate for one in ours), median(anchors)
    return {
        "name": "ingest", "ours": round(rate), "anchor": round(anchor), "ratio": round(rate / anchor, 3),
        "unit": "stored webhooks per second (ours: HTTP, 32 connections; anchor: pgbench, the same row, 32 clients)",
        "detail": {
            "p99_ms": round(median(one.percentile(0.99) for one in ours), 2),
            "rounds": [_told(one) for one in ours], "anchors": [round(one) for one in anchors],
            "broker_away": _told(away), "stored": stored, "cores": os.cpu_count(),
            "cpu_ms_per_delivery": {
                "web": round(spent / sum(len(one.seconds) for one in ours) * 1000, 4),
                "generator": round(sum(one.cpu for one in ours) / sum(len(one.seconds) for one in ours) * 1000, 4),
            },
            "durable": {"fsync": "on", "synchronous_commit": "on"},
        },
    }


def _told(one: Loaded) -> dict[str, Any]:
    return {
        "per_second": round(one.rate), "p50_ms": round(one.percentile(0.5), 2), "p99_ms": round(one.percentile(0.99), 2),
        "max_ms": round(max(one.seconds) * 1000, 1), "statuses": one.statuses,
        "generator_core_share": round(one.cpu / one.wall, 2),
    }


def _connected() -> tuple[int, int, str, str]:
    """A company with a Procore connection: its ids, the webhook's address and secret."""
    from sqlalchemy import text

    from models import session
    from sync import connections

    company = connections.new_company("Benchmark", "4100")
    made = connections.connect(company, "procore", {"base_url": "http://127.0.0.1:9"}, {"client_id": "a", "client_secret": "b"})
    with session(company) as db:
        row = db.execute(text("SELECT hook_address, hook_secrets FROM connection WHERE id = :id"), {"id": made}).one()
    return company, made, row.hook_address, decrypt(row.hook_secrets)[0]


def _script(folder: Path, company: int, connection: int) -> Path:
    path = folder / "insert.sql"
    path.write_text(INSERT.format(company=company, connection=connection, body=BODY.decode()))
    return path


def _pgbench(made: Stand, script: Path, seconds: float) -> float:
    """Transactions per second of single-row inserts, prepared, 32 clients on two threads."""
    at = urlsplit(made.servers.database_url)
    command = [
        str(binaries() / "pgbench"), "-n", "-M", "prepared", "-c", str(CONNECTIONS), "-j", "2", "-T", str(round(seconds)),
        "-f", str(script), "-h", str(at.hostname), "-p", str(at.port), "-U", str(at.username), at.path.strip("/"),
    ]  # fmt: skip
    done = subprocess.run(
        command, env=os.environ | {"PGPASSWORD": str(at.password)}, capture_output=True, text=True, check=False
    )
    found = re.search(r"tps = ([0-9.]+) \(without", done.stdout)
    if done.returncode or not found:
        raise RuntimeError(f"pgbench failed: {done.stderr or done.stdout}")
    return float(found[1])


def _stored(made: Stand) -> int:
    with psycopg.connect(made.servers.administrator_url.rsplit("/", 1)[0] + "/sitebooks") as db:
        row = db.execute("SELECT count(*) FROM event WHERE event_id LIKE '01JDBENCH%'").fetchone()
        settings = {name: db.execute(f"SHOW {name}").fetchone() for name in ("fsync", "synchronous_commit")}
    if any(value != ("on",) for value in settings.values()):
        raise RuntimeError(f"not durable: {settings}")
    return int(row[0]) if row else 0


if __name__ == "__main__":
    shown(run())
