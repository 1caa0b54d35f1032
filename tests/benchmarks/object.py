"""Processor time of one object from webhook to both sides, against a bare Celery task with one upsert in the same run."""

import os
import time
from dataclasses import dataclass
from statistics import median
from typing import Any

import httpx
import psycopg

from tests.benchmarks.bare import TABLE
from tests.benchmarks.stand import Simulated, Stand, cpu_seconds, shown, stand, wait

OBJECTS = 300
SINGLES = 100
#: Records in one message, and how many such messages.
TOGETHER, MESSAGES = 50, 4
QUEUES = "interactive,bulk,maintenance"
SECONDS = 60.0


@dataclass
class Bench:
    """One company with both systems, everything in agreement, one worker with one child, one web process."""

    made: Stand
    site: Simulated
    books: Simulated
    company: int
    ours: dict[str, int]
    api: httpx.Client
    db: psycopg.Connection[Any]

    def cpu(self) -> float:
        """Of the web process, the worker and its child so far."""
        return sum(cpu_seconds(pid) for pid in self.ours.values())

    def parts(self) -> dict[str, float]:
        """The same by process."""
        return {name: cpu_seconds(pid) for name, pid in self.ours.items()}

    def scalar(self, query: str, *values: Any) -> Any:
        """The first column of the only row."""
        row = self.db.execute(query, values).fetchone()
        return row[0] if row else None


def run() -> dict[str, Any]:
    """Milliseconds per object, outside calls subtracted, against milliseconds per bare task; rounds of both in turn."""
    with stand() as made:
        bench = _prepared(made)
        _bare(bench, 20)
        _singles(bench, 20)
        singles, bares, calls = [], [], _outside(bench)
        for _ in range(3):
            bares.append(_bare(bench, SINGLES))
            singles.append(_singles(bench, SINGLES))
        together = _together(bench)
    bare = median(one["cpu_ms"] for one in bares)
    own = median(one["cpu_ms"] for one in singles) - calls["get_put_and_read_back"]
    per_record = together["cpu_ms"] - calls["put"] - calls["read_back"]
    return {
        "name": "object", "ours": round(own, 2), "anchor": round(bare, 2), "ratio": round(own / bare, 2),
        "unit": "ms of processor time per object, outside calls not counted (anchor: bare Celery task with one upsert)",
        "detail": {
            "together": {"ours": round(per_record, 2), "anchor": round(bare, 2), "ratio": round(per_record / bare, 2),
                         "records_in_message": TOGETHER, "messages": MESSAGES},
            "outside_calls_ms": {name: round(value, 3) for name, value in calls.items()},
            "singles": singles, "bares": bares, "together_measured": together, "cores": os.cpu_count(),
        },
    }  # fmt: skip


def _prepared(made: Stand) -> Bench:
    site = made.simulator("procore", "hourly=0", "spike=0", objects=OBJECTS)
    books = made.simulator("lentune", "rate_per_minute=0", objects=OBJECTS)
    web, _ = made.web()
    from sync import connections

    worker = made.worker(QUEUES, extra_tasks="tests.benchmarks.bare")
    company = connections.new_company("Benchmark", str(site.credentials["company_id"]))
    _connect(company, site, books)
    db = psycopg.connect(made.servers.administrator_url.rsplit("/", 1)[0] + "/sitebooks", autocommit=True)
    with psycopg.connect(made.servers.database_url) as owner:
        owner.execute(TABLE)
    bench = Bench(made, site, books, company, {"web": web.pid, "worker": worker.pid}, _api(site), db)
    wait(lambda: bench.scalar("SELECT count(*) FROM sync_record WHERE kind = 'commitment' AND state = 'synced'") == OBJECTS,
         300, "the first load did not end")  # fmt: skip
    _quiet(bench)
    return bench


def _connect(company: int, *systems: Simulated) -> None:
    """As a person would: address and credentials, settings mirrored, webhooks, and the first pass."""
    from sync import connections, settings
    from tasks import publish, scan

    for one in systems:
        credentials = {name: str(value) for name, value in one.credentials.items()}
        wide = {"most_new_per_hour": 1_000_000} if one.system == "lentune" else {}  # the first load is no mistake
        connections.connect(company, one.system, {"base_url": one.url, **wide}, credentials)
        publish.ring_all(company, settings.fetch(company, one.system, actor="benchmark"))
        connections.subscribe(company, one.system)
    for one in systems:
        scan.start(company, one.system)


def _api(site: Simulated) -> httpx.Client:
    """A person's program that edits orders in Procore."""
    form = {name: site.credentials[name] for name in ("client_id", "client_secret")} | {"grant_type": "client_credentials"}
    token = httpx.post(f"{site.url}/oauth/token", data=form).json()["access_token"]
    headers = {"Authorization": f"Bearer {token}", "Procore-Company-Id": str(site.credentials["company_id"])}
    return httpx.Client(base_url=site.url, headers=headers, trust_env=False)


def _orders(bench: Bench, many: int) -> list[tuple[int, str, str]]:
    """(record id, Procore's id, project id) of orders that are in both systems."""
    return bench.db.execute(
        "SELECT id, split_part(source_id, ':', 2), project_id FROM sync_record WHERE kind = 'commitment' ORDER BY id LIMIT %s",
        [many],
    ).fetchall()


def _edit(bench: Bench, number: str, project: str) -> None:
    body = {"project_id": int(project), "purchase_order_contract": {"title": f"Order as of {time.time_ns()}"}}
    bench.api.patch(f"/rest/v1.0/purchase_order_contracts/{number}", json=body).raise_for_status()


def _quiet(bench: Bench) -> None:
    """Every event is settled, nothing is leased, and it stays so for a moment."""
    def busy() -> bool:
        return bool(bench.scalar("SELECT EXISTS (SELECT FROM event WHERE state = 'received') "
                                 "OR EXISTS (SELECT FROM sync_record WHERE lease_until IS NOT NULL)"))  # fmt: skip

    calm = time.monotonic()
    while time.monotonic() - calm < 0.5:
        if busy():
            calm = time.monotonic()
        time.sleep(0.02)


def _singles(bench: Bench, many: int) -> dict[str, Any]:
    """Order by order: edited in Procore, webhook, fetched, written to Lentune; the next when it is in both systems."""
    events, latencies = bench.scalar("SELECT count(*) FROM event"), []
    before, began = bench.parts(), time.monotonic()
    for record, number, project in _orders(bench, many):
        synced, at = bench.scalar("SELECT synced_at FROM sync_record WHERE id = %s", record), time.monotonic()
        _edit(bench, number, project)
        wait(lambda: bench.scalar("SELECT synced_at FROM sync_record WHERE id = %s", record) != synced, SECONDS,  # noqa: B023
             f"order {number} did not arrive")  # fmt: skip
        latencies.append(time.monotonic() - at)
    wall = time.monotonic() - began
    _quiet(bench)
    parts = {name: round((after - before[name]) / many * 1000, 2) for name, after in bench.parts().items()}
    return {
        "cpu_ms": round(sum(parts.values()), 2), "parts_ms": parts, "objects": many, "wall_s": round(wall, 2),
        "median_latency_ms": round(median(latencies) * 1000), "events": bench.scalar("SELECT count(*) FROM event") - events,
    }


def _bare(bench: Bench, many: int) -> dict[str, Any]:
    """Message by message through the same worker; what publishing costs is counted too, as the web process's is."""
    from workers.app import app

    publishing = 0.0
    before, began = bench.cpu(), time.monotonic()
    for number in range(many):
        key, cpu = time.time_ns(), time.process_time()
        app.send_task("bench.upsert", args=[key], queue="interactive", ignore_result=True, retry=False)
        publishing += time.process_time() - cpu
        wait(lambda: bench.scalar("SELECT 1 FROM bare WHERE id = %s", key), SECONDS, f"bare task {number} was not done")  # noqa: B023
    wall = time.monotonic() - began
    time.sleep(0.5)
    return {
        "cpu_ms": round((bench.cpu() - before + publishing) / many * 1000, 2), "messages": many, "wall_s": round(wall, 2),
        "publishing_ms": round(publishing / many * 1000, 2),
    }


def _together(bench: Bench) -> dict[str, Any]:
    """Records whose new versions a scan has read, rung by one message each time. Webhooks are lost meanwhile."""
    from sync import scan
    from tasks import publish

    bench.site.control("POST", "faults", {"on": "delivery", "action": "drop"})
    spent = []
    for _ in range(MESSAGES):
        orders = _orders(bench, TOGETHER)
        for _, number, project in orders:
            _edit(bench, number, project)
        rung = scan.scan(bench.company, "procore", "commitment", orders[0][2]).rung["commitment"]
        if len(rung) != TOGETHER:
            raise RuntimeError(f"the scan rang {len(rung)} records")
        _quiet(bench)
        before, at = bench.cpu(), bench.scalar("SELECT clock_timestamp()")
        publish.ring(bench.company, "commitment", rung)
        wait(lambda: bench.scalar("SELECT count(*) FROM sync_record WHERE id = ANY(%s) AND synced_at > %s", rung, at) == TOGETHER,  # noqa: B023
             SECONDS, "the records of one message did not arrive")  # fmt: skip
        _quiet(bench)
        spent.append((bench.cpu() - before) / TOGETHER * 1000)
    return {"cpu_ms": round(median(spent), 2), "each": [round(one, 2) for one in spent]}


def _outside(bench: Bench) -> dict[str, float]:
    """The same requests by the same clients, signed in, without our allowance or database: ms of processor time each."""
    from connectors.calls import Request
    from connectors.registry import connector
    from tests.fakes import MemoryBudget, MemoryStore

    clients = {}
    for simulated in (bench.site, bench.books):
        declared = connector(simulated.system)
        secrets = {name: str(value) for name, value in simulated.credentials.items()}
        settings = declared.settings.model_validate({"base_url": simulated.url})
        company = str(bench.site.credentials["company_id"])
        clients[simulated.system] = declared.connect(settings, MemoryStore(secrets), MemoryBudget(), company=company)
    record, number, project = _orders(bench, 1)[0]
    held = bench.scalar("SELECT held FROM sync_record WHERE id = %s", record)
    put = next(connector("lentune").plans[held["as"]](held, None, "key")).request
    get = Request("GET", f"/rest/v1.0/purchase_order_contracts/{number}", {"project_id": project})
    remote = bench.scalar("SELECT split_part(remote_id, ':', 2) FROM sync_record WHERE id = %s", record)
    back = Request("GET", f"/purchase-orders/{remote}")
    spent = {"get": _each(clients["procore"], get)}
    spent |= {"put": _each(clients["lentune"], put), "read_back": _each(clients["lentune"], back)}
    return spent | {"get_put_and_read_back": sum(spent.values())}


def _each(client: Any, request: Any, many: int = 200) -> float:
    """One by one with a pause between, as they are sent when one object at a time arrives: nothing stays in the caches."""
    spent = 0.0
    for _ in range(many):
        time.sleep(0.02)
        cpu = time.process_time()
        answer = client.send(request)
        spent += time.process_time() - cpu
        if answer.status != 200:
            raise RuntimeError(f"{request}: {answer.status} {answer.reason}")
    return spent / many * 1000


if __name__ == "__main__":
    shown(run())
