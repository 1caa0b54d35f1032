"""One of four pool processes killed every ten seconds under load, against the same load in peace, in the same run."""

import os
import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from random import Random
from typing import Any

import psycopg
from psycopg.rows import dict_row

from settings.environment import environment
from tests.benchmarks.stand import Simulated, Stand, shown, stand, wait
from tests.mill.processes_stack import TIMES
from tests.worker.running import alive, family

CHILDREN, EVERY_SECONDS, SECONDS = 4, 10.0, 300.0
QUEUES = "interactive,bulk,maintenance"
ORDERS, WARM_UP = 500, 30
#: What every outside request takes: four processes that wait, not two cores, are what bounds the load.
ANSWER_SECONDS = 0.1
#: In proportion to our lease as Lentune's 300 s are to 180.
LENT_SECONDS = 12
#: Whatever is on its way, what is held for a cause left out.
BUSY = """
    SELECT (SELECT count(*) FROM sync_record WHERE state IN ('pending', 'sending', 'checking')
        OR lease_until > clock_timestamp() OR (due_at <= clock_timestamp() AND state <> 'held'))
    + (SELECT count(*) FROM event WHERE state = 'received')
"""
#: The last record that was brought forward, those left out whose write was in doubt: they wait for their quarantine.
LAST = """
    SELECT extract(epoch FROM max(synced_at) - %(since)s)::float AS seconds FROM sync_record r
    WHERE synced_at > %(since)s AND NOT EXISTS (SELECT FROM history h WHERE h.record_id = r.id AND h.at > %(since)s
        AND h.after->>'state' = 'checking')
"""
DOUBTED = "SELECT count(DISTINCT record_id) AS n FROM history WHERE at > %(since)s AND after->>'state' = 'checking'"


@dataclass
class Bench:
    """One company with both systems, one worker of four children."""

    made: Stand
    systems: dict[str, Simulated]
    worker: int
    db: psycopg.Connection[dict[str, Any]]
    count: int = 0
    expected: dict[str, str] = field(default_factory=dict)  # invoice number: net amount
    titles: dict[str, str] = field(default_factory=dict)  # order number: title
    suppliers: dict[str, str] = field(default_factory=dict)  # order number: its supplier in Lentune

    def one(self, query: str, values: dict[str, Any] | None = None) -> dict[str, Any]:
        return self.db.execute(query, values).fetchone() or {}

    def requests(self) -> int:
        return sum(sum(one.counts().values()) for one in self.systems.values())

    def state(self, system: str, kind: str) -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = self.systems[system].control("GET", "state")["kinds"][kind]
        return rows


@dataclass(frozen=True)
class Round:
    """What one load took: seconds until the last record that was never in doubt, requests, kills, records in doubt."""

    seconds: float
    whole_seconds: float
    requests: int
    kills: int
    doubted: int


def run(seconds: float = SECONDS) -> dict[str, Any]:
    """Ours: seconds of the load under kills; anchor: the same load in peace. `seconds` is what the calm one shall take."""
    with _short_times(), stand() as made, ExitStack() as sweeping:
        bench = _prepared(made, sweeping)
        _load(bench, WARM_UP)
        begun = _load(bench, WARM_UP)
        units = max(WARM_UP, int(WARM_UP * seconds / begun.seconds))
        calm = _load(bench, units)
        killed = _load(bench, units, kills=True)
        wrong = _wrong(bench)
    extra = (killed.requests - calm.requests) / max(killed.kills, 1)
    return {
        "name": "kills", "ours": round(killed.seconds, 1), "anchor": round(calm.seconds, 1),
        "ratio": round(killed.seconds / calm.seconds, 3),
        "unit": "seconds until the load is done with a pool process killed every 10 s (anchor: the same load in peace)",
        "detail": {
            "kills": killed.kills, "extra_requests_a_kill": round(extra, 2), "lost": wrong["lost"], "doubled": wrong["doubled"],
            "requests": {"calm": calm.requests, "killed": killed.requests}, "changes": 2 * units,
            "in_doubt": killed.doubted, "seconds_with_quarantine": round(killed.whole_seconds, 1),
            "children": CHILDREN, "answer_seconds": ANSWER_SECONDS, "cores": os.cpu_count(),
            "load_average": round(os.getloadavg()[1], 1),
        },
    }  # fmt: skip


@contextmanager
def _short_times() -> Iterator[None]:
    """Leases of seconds, with the ratios of production."""
    kept = {name: os.environ.get(name) for name in TIMES}
    os.environ.update(TIMES)
    environment.cache_clear()
    try:
        yield
    finally:
        for name, value in kept.items():
            os.environ.pop(name, None)
            if value is not None:
                os.environ[name] = value
        environment.cache_clear()


def _prepared(made: Stand, sweeping: ExitStack) -> Bench:
    from tests.benchmarks.object import _connect

    site = made.simulator("procore", "hourly=0", "spike=0", "keeps_invoices_single=false", objects=ORDERS)
    books = made.simulator("lentune", "rate_per_minute=0", f"lease_seconds={LENT_SECONDS}", objects=ORDERS)
    made.web()
    from sync import connections

    worker = made.worker(QUEUES, children=CHILDREN)
    sweeping.enter_context(_sweeping())
    _connect(connections.new_company("Benchmark", str(site.credentials["company_id"])), site, books)
    address = made.servers.administrator_url.rsplit("/", 1)[0] + "/sitebooks"
    db = psycopg.connect(address, autocommit=True, row_factory=dict_row)
    bench = Bench(made, {"procore": site, "lentune": books}, worker.pid, db)
    first = "SELECT count(*) AS n FROM sync_record WHERE kind = 'commitment' AND state = 'synced'"
    wait(lambda: bench.one(first)["n"] == ORDERS, 300, "the first load did not end")
    _quiet(bench, 60)
    bench.suppliers = _suppliers(bench)
    for one in bench.systems.values():
        one.control("POST", "faults", {"on": "request", "action": "delay", "seconds": ANSWER_SECONDS})
    return bench


@contextmanager
def _sweeping() -> Iterator[None]:
    """Beat's sweep and nothing else of beat: a scheduled reading in one of the two rounds would spoil the comparison."""
    from workers.app import app

    over = threading.Event()

    def tick() -> None:
        while not over.wait(float(TIMES["SWEEP_SECONDS"])):
            app.send_task("sitebooks.maintenance.sweep", queue="maintenance", ignore_result=True, expires=5, retry=False)

    beat = threading.Thread(target=tick, daemon=True, name="beat")
    beat.start()
    try:
        yield
    finally:
        over.set()
        beat.join()


def _load(bench: Bench, units: int, kills: bool = False) -> Round:
    """So many orders edited in Procore and so many invoices entered in Lentune, all at once; until all is quiet."""
    since, before, began = bench.one("SELECT clock_timestamp() AS t")["t"], bench.requests(), time.monotonic()
    over, done = threading.Event(), [0]
    killer = threading.Thread(target=_kill_on, args=(bench, over, done), daemon=True)
    if kills:
        killer.start()
    for _ in range(units):
        _unit(bench)
    _last_but_doubted(bench)
    over.set()
    if kills:
        killer.join()
    _quiet(bench, 120)
    found = bench.one(LAST, {"since": since})
    doubted = bench.one(DOUBTED, {"since": since})
    return Round(found["seconds"], time.monotonic() - began, bench.requests() - before, done[0], doubted["n"])


def _unit(bench: Bench) -> None:
    """One order gets another title; one invoice is entered: every other against an order, which Procore does not keep single."""
    bench.count += 1
    n = bench.count
    order, title, number, net = f"PO-2001-{n % ORDERS + 1:05d}", f"Order as of {n}", f"INV-{n:05d}", f"{1 + n % 7}.{n % 100:02d}"
    bench.systems["procore"].control("POST", "act", {"action": "edit_commitment", "args": {"number": order, "title": title}})
    bench.titles[order] = title
    invoice: dict[str, Any] = {"number": number, "date": "2026-11-10", "supplier": bench.suppliers[order]}
    if n % 2:
        invoice |= {"order": order, "lines": [{"order_line": 1, "net": net, "description": "Part"}]}
    else:
        invoice |= {"project": "2001", "lines": [{"code": "01-100", "type": "M", "net": net, "description": "Sand"}]}
    bench.systems["lentune"].control("POST", "act", {"action": "create_invoice", "args": invoice})
    bench.expected[number] = net


def _suppliers(bench: Bench) -> dict[str, str]:
    """The supplier of every order, as Lentune has it."""
    names = {one["id"]: one["description"] for one in bench.state("lentune", "suppliers")}
    return {one["number"]: names[one["supplier_id"]] for one in bench.state("lentune", "purchase_orders")}


def _kill_on(bench: Bench, over: threading.Event, done: list[int]) -> None:
    random = Random(1)
    while not over.wait(EVERY_SECONDS):
        pid = random.choice(sorted(family(bench.worker) - {bench.worker}))
        os.kill(pid, signal.SIGKILL)
        wait(lambda: not alive({pid}), 5, f"{pid} outlived SIGKILL")  # noqa: B023
        done[0] += 1


def _last_but_doubted(bench: Bench) -> None:
    """Until only what is in doubt, or leased by a process that died, is left: the kills stop then."""
    rest = """
        SELECT (SELECT count(*) FROM sync_record WHERE state = 'pending' OR (state <> 'held' AND state <> 'checking'
            AND due_at <= clock_timestamp() AND (lease_until IS NULL OR lease_until < clock_timestamp())))
        + (SELECT count(*) FROM event WHERE state = 'received') AS n"""
    calm = time.monotonic()
    end = calm + 1800
    while time.monotonic() - calm < 1:
        if time.monotonic() > end:
            raise TimeoutError("the load did not end")
        if bench.one(rest)["n"]:
            calm = time.monotonic()
        time.sleep(0.1)


def _quiet(bench: Bench, seconds: float) -> None:
    """Nothing is on its way, and it stays so for two seconds."""
    calm, end = time.monotonic(), time.monotonic() + seconds
    while time.monotonic() - calm < 2:
        if time.monotonic() > end:
            raise TimeoutError(f"not quiet after {seconds:.0f} s: {bench.one(f'SELECT ({BUSY}) AS n')}")
        if bench.one(f"SELECT ({BUSY}) AS n")["n"]:
            calm = time.monotonic()
        time.sleep(0.1)


def _wrong(bench: Bench) -> dict[str, list[str]]:
    """By the systems' own accounts: what arrived not at all, or not as it should; what arrived twice."""
    there: dict[str, list[str]] = {}
    for row in bench.state("procore", "requisitions"):
        there.setdefault(row["invoice_number"], []).append(row["total_claimed_amount"])
    for row in bench.state("procore", "direct_costs"):
        there.setdefault(row["invoice_number"], []).append(row["grand_total"])
    orders = {row["number"]: row["description"] for row in bench.state("lentune", "purchase_orders")}
    lost = [number for number, net in bench.expected.items() if net not in there.get(number, [])]
    lost += [number for number, title in bench.titles.items() if orders.get(number) != title]
    known = bench.db.execute("SELECT number, state, problems FROM sync_record WHERE number = ANY(%s)", [lost])
    said = {row["number"]: f"{row['state']} {[one['code'] for one in row['problems']]}" for row in known}
    lost = [f"{number}: {said.get(number, 'never seen')}" for number in lost]
    return {"lost": lost, "doubled": [number for number, amounts in there.items() if len(amounts) > 1]}


if __name__ == "__main__":
    shown(run(*[float(word) for word in sys.argv[1:2]]))
