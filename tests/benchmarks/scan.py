"""Reading 10,000 commitments of five lines: first load, 1 % changed, nothing changed; against the same bytes, copied."""

import multiprocessing
import os
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from random import Random
from typing import Any

import httpx
import psycopg

from tests.benchmarks.stand import Simulated, Stand, cpu_seconds, peak_megabytes, shown, stand

OBJECTS = 10_000
#: Tables in which a scan leaves something; the budget's row counts requests where the system has a limit.
WRITTEN = ("snapshot", "sync_record", "scan_cursor", "history", "attempt", "write", "event", "budget")


@dataclass(frozen=True)
class Spent:
    """One phase in one process: wall and processor seconds, and the requests it made (path and query)."""

    wall: float
    cpu: float
    megabytes: float
    asked: list[str]
    read: int = 0
    changed: int = 0


def run(objects: int = OBJECTS) -> dict[str, Any]:
    """The three phases, each followed by its anchor. `ours` and `anchor` are seconds of the first load."""
    with stand() as made:
        site = made.simulator("procore", "hourly=0", "spike=0", objects=objects)
        company = _connected(site)
        with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as scanner:
            scanner.submit(_prepare, company).result()
            first = _phase(made, site, scanner, company)
            _change(site, objects // 100)
            changed = _phase(made, site, scanner, company)
            nothing = _phase(made, site, scanner, company)
    wall, cpu = first["ours"]["wall_s"], first["ours"]["cpu_s"]
    return {
        "name": "scan", "ours": wall, "anchor": first["anchor"]["wall_s"],
        "ratio": round(wall / first["anchor"]["wall_s"], 2), "unit": f"seconds for the first load of {objects} commitments",
        "detail": {
            "cpu_ratio": round(cpu / first["anchor"]["cpu_s"], 2), "cores": os.cpu_count(),
            "first_load": first, "one_percent_changed": changed, "nothing_changed": nothing,
        },
    }


def _connected(site: Simulated) -> int:
    """A company with both connections, so that what is read gets its records; Lentune is not asked anything."""
    from sync import connections

    company = connections.new_company("Benchmark", str(site.credentials["company_id"]))
    secrets = {name: str(value) for name, value in site.credentials.items()}
    connections.connect(company, "procore", {"base_url": site.url}, secrets)
    connections.connect(company, "lentune", {"base_url": "http://127.0.0.1:9"}, {"client_id": "a", "client_secret": "b"})
    return company


def _change(site: Simulated, many: int) -> None:
    """A person edits 1 % of the orders, spread over all projects."""
    orders = site.control("GET", "state")["kinds"]["purchase_order_contracts"]
    for order in Random(1).sample(orders, many):
        action = {"action": "edit_commitment", "args": {"number": order["number"], "title": f"{order['title']} again"}}
        site.control("POST", "act", action)


def _phase(made: Stand, site: Simulated, scanner: ProcessPoolExecutor, company: int) -> dict[str, Any]:
    """One pass over all projects, then its anchor: the same requests by a plain client, the bytes copied as they come."""
    before, rows, server = site.counts(), _written(made), cpu_seconds(made.servers.postgres.pid)
    ours: Spent = scanner.submit(_pass, company).result()
    after, rows_after, server_after = site.counts(), _written(made), cpu_seconds(made.servers.postgres.pid)
    requests = {name: after[name] - before.get(name, 0) for name in after if after[name] != before.get(name, 0)}
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as plain:
        headers = _headers(site)
        anchor: Spent = plain.submit(_plain, site.url, headers, ours.asked, made.servers.database_url).result()
    anchor_server = cpu_seconds(made.servers.postgres.pid) - server_after
    return {
        "requests": requests, "read": ours.read, "changed": ours.changed,
        "rows_written": {name: rows_after[name] - rows[name] for name in WRITTEN if rows_after[name] != rows[name]},
        "ours": _told(ours, server_after - server), "anchor": _told(anchor, anchor_server),
    }


def _told(spent: Spent, server: float) -> dict[str, float]:
    return {
        "wall_s": round(spent.wall, 2), "cpu_s": round(spent.cpu, 2), "postgres_cpu_s": round(server, 2),
        "peak_mb": round(spent.megabytes, 1), "requests": len(spent.asked),
    }


def _written(made: Stand) -> dict[str, int]:
    """Rows inserted, updated or deleted so far, by table. Backends tell at their end, so the scanner hangs up before."""
    with psycopg.connect(made.servers.database_url) as db:
        found = db.execute(
            "SELECT relname, n_tup_ins + n_tup_upd + n_tup_del FROM pg_stat_user_tables WHERE relname = ANY(%s)", [list(WRITTEN)]
        ).fetchall()
    return {name: int(rows) for name, rows in found}


# in the scanner's process


class _Recording(httpx.HTTPTransport):
    """The network itself, with a list of what was asked."""

    asked: list[str] = []

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        if request.method == "GET":
            self.asked.append(request.url.raw_path.decode())
        return super().handle_request(request)


def _prepare(company: int) -> None:
    """What a worker's process has: the product imported, the company's projects known."""
    import workers.app  # noqa: F401
    from models import dispose
    from sync import clients, scan

    clients.transports["procore"] = _Recording()
    for kind in ("project", "vendor"):
        scan.scan(company, "procore", kind)
    dispose()


def _pass(company: int) -> Spent:
    from models import dispose
    from sync import scan

    _Recording.asked.clear()
    wall, cpu = time.perf_counter(), time.process_time()
    found = [scan.scan(company, "procore", "commitment", project) for project in scan.projects(company, "procore")]
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    if stopped := [one.stopped for one in found if one.stopped]:
        raise RuntimeError(f"the scan stopped: {stopped[0]}")
    dispose()
    read, changed = sum(one.read for one in found), sum(one.changed for one in found)
    return Spent(wall, cpu, peak_megabytes(os.getpid()), list(_Recording.asked), read, changed)


# in the anchor's process


def _headers(site: Simulated) -> dict[str, str]:
    form = {name: site.credentials[name] for name in ("client_id", "client_secret")} | {"grant_type": "client_credentials"}
    token = httpx.post(f"{site.url}/oauth/token", data=form).json()["access_token"]
    return {"Authorization": f"Bearer {token}", "Procore-Company-Id": str(site.credentials["company_id"])}


def _plain(url: str, headers: dict[str, str], paths: list[str], database_url: str) -> Spent:
    """The same GETs with one kept-alive client, each answer's bytes one row of one COPY per 100 answers."""
    with httpx.Client(base_url=url, headers=headers, trust_env=False) as client, psycopg.connect(database_url) as db:
        db.execute("CREATE TABLE IF NOT EXISTS plain (path text, body text)")
        db.commit()
        wall, cpu = time.perf_counter(), time.process_time()
        for start in range(0, len(paths), 100):
            with db.cursor().copy("COPY plain (path, body) FROM STDIN") as copy:
                for path in paths[start : start + 100]:
                    copy.write_row((path, _got(client.get, path)))
            db.commit()
        wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    return Spent(wall, cpu, peak_megabytes(os.getpid()), paths)


def _got(get: Callable[[str], httpx.Response], path: str) -> str:
    answer = get(path)
    answer.raise_for_status()
    return answer.text


if __name__ == "__main__":
    shown(run())
