"""With production's own times: how soon work goes on after a killed process, an emptied broker and a Postgres restart."""

import os
import shutil
import signal
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from settings.environment import Environment
from tests.benchmarks.stand import shown
from tests.mill.processes_stack import Stack
from tests.worker.running import alive, up, wait_for

#: Every time of the product as it is in production, whatever this process was told.
PRODUCTION = {
    name.upper(): str(field.default) for name, field in Environment.model_fields.items()
    if name.endswith("_seconds") and field.default is not None
}  # fmt: skip
#: What is promised, in seconds: others after a kill, all due work rung after a flush, work after Postgres is back.
WANTED = {"others_after_kill": 15, "rung_after_flush": 60, "work_after_postgres": 30}
OTHERS, WAITING = 5, 20
#: Longer than any record needs that nobody disturbs.
DEADLINE = 120.0
#: All that is due or not settled; of the records those that nobody has claimed.
DUE = "SELECT id FROM sync_record WHERE due_at <= clock_timestamp() AND (lease_until IS NULL OR lease_until < clock_timestamp())"
NOT_RUNG = """
    SELECT (SELECT count(*) FROM sync_record r WHERE id = ANY(%s) AND rung_at <= %s
        AND NOT EXISTS (SELECT FROM attempt a WHERE a.record_id = r.id AND a.started_at > %s))
    + (SELECT count(*) FROM event WHERE id = ANY(%s) AND state = 'received' AND rung_at <= %s) AS n
"""


@dataclass
class Bench:
    """The running stack, and the numbers that were given out."""

    stack: Stack
    given: int = 0
    measured: dict[str, Any] = field(default_factory=dict)

    def project(self) -> str:
        """A person sets up a project in Procore; gives its number."""
        self.given += 1
        number = f"7{self.given:03d}"
        args = {"number": number, "name": f"Project {number}", "stage": "Course of Construction", "region": "Auckland"}
        self.stack.act("procore", "create_project", args)
        return number

    def arrived(self, numbers: list[str]) -> bool:
        return set(numbers) <= {one["code"] for one in self.stack.state("lentune")["projects"]}

    def arrival(self, many: int) -> float:
        """Seconds until so many new projects stand in Lentune."""
        began = time.monotonic()
        numbers = [self.project() for _ in range(many)]
        wait_for(lambda: self.arrived(numbers), DEADLINE, f"projects {numbers} did not arrive")
        return time.monotonic() - began

    def slow(self, system: str, method: str, path: str, seconds: float, times: int) -> None:
        match = {"method": method, "path": path}
        self.stack.sim(system, "faults", {"on": "request", "action": "delay", "seconds": seconds, "times": times, "match": match})

    def quick(self) -> None:
        for system in self.stack.urls:
            self.stack.sim(system, "faults", method="DELETE")


def run(with_killed: bool = True) -> dict[str, Any]:
    """Ours: seconds until other records arrive after a SIGKILL; anchor: the same records in peace.

    `with_killed` waits for the killed record too, which takes a lease and a sweep.
    """
    folder = Path(tempfile.mkdtemp(prefix="sitebooks-bench-", dir="/var/tmp"))
    folder.chmod(0o755)
    try:
        with up(folder / "data", "--dataset", "small", **PRODUCTION) as started:
            stack = Stack(started, folder)
            bench = Bench(stack)
            try:
                wait_for(lambda: len(stack.state("lentune")["subcontracts"]) > 0, DEADLINE, "the first load did not come")
                wait_for(lambda: stack.busy() == 0, DEADLINE, "the first load did not end")
                calm = bench.arrival(OTHERS)
                killed, at = _kill(bench)
                _flush(bench)
                _postgres(bench)
                if with_killed:
                    limit = Environment().lease_seconds + 4 * Environment().sweep_seconds + DEADLINE
                    wait_for(lambda: bench.arrived([killed]), limit, "the killed record did not arrive")
                    bench.measured["killed_record"] = round(time.monotonic() - at, 1)
            finally:
                stack.close()
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    ours = bench.measured["others_after_kill"]
    return {
        "name": "recovery", "ours": ours, "anchor": round(calm, 2), "ratio": round(ours / calm, 2),
        "unit": "seconds until other records arrive after SIGKILL of a pool child (anchor: the same records in peace)",
        "detail": {
            "measured": bench.measured, "wanted": WANTED, "missed": [n for n, most in WANTED.items() if bench.measured[n] > most],
            "times": PRODUCTION, "cores": os.cpu_count(), "load_average": round(os.getloadavg()[1], 1),
        },
    }  # fmt: skip


def _kill(bench: Bench) -> tuple[str, float]:
    """SIGKILL to the child that waits for Procore's answer about one record; five others are set going at once."""
    bench.slow("procore", "GET", "/projects/[0-9]+$", 20, 1)
    number = bench.project()
    child = wait_for(lambda: _busy(bench.stack, "sitebooks.project.sync"), 30, "nobody runs it")
    os.kill(child, signal.SIGKILL)
    at = time.monotonic()
    wait_for(lambda: not alive({child}), 5, "it still lives")
    bench.quick()
    others = [bench.project() for _ in range(OTHERS)]
    wait_for(lambda: bench.arrived(others), DEADLINE, "the others did not arrive")
    bench.measured["others_after_kill"] = round(time.monotonic() - at, 2)
    return number, at


def _busy(stack: Stack, name: str) -> int:
    """The pool child that runs a task of this name, once its record is claimed."""
    if not stack.rows("SELECT 1 FROM sync_record WHERE lease_until > clock_timestamp()"):
        return 0
    found = stack.app.control.inspect(timeout=0.5).active() or {}
    return next((task["worker_pid"] for some in found.values() for task in some if task["name"] == name), 0)


def _flush(bench: Bench) -> None:
    """Everything the broker holds is gone while work waits in it; all that is due and all events must be rung again."""
    stack = bench.stack
    bench.slow("lentune", "PUT", "/projects/by-procore/", 4, WAITING)
    numbers = [bench.project() for _ in range(WAITING)]
    wait_for(lambda: len(stack.rows(DUE)) >= WAITING // 2, 30, "nothing is due")
    stack.forget()
    at, began = stack.rows("SELECT clock_timestamp() AS t")[0]["t"], time.monotonic()
    due = [row["id"] for row in stack.rows(DUE)]
    events = [row["id"] for row in stack.rows("SELECT id FROM event WHERE state = 'received'")]
    wait_for(lambda: not stack.rows(NOT_RUNG, due, at, at, events, at)[0]["n"], DEADLINE, "not everything was rung again")
    bench.measured |= {"rung_after_flush": round(time.monotonic() - began, 1), "due_at_flush": len(due) + len(events)}
    bench.quick()
    wait_for(lambda: bench.arrived(numbers), DEADLINE, "what the broker forgot did not arrive")
    bench.measured["arrived_after_flush"] = round(time.monotonic() - began, 1)


def _postgres(bench: Bench) -> None:
    """An immediate restart; the clock starts when Postgres answers again."""
    stack = bench.stack
    wait_for(lambda: stack.busy() <= 1, DEADLINE, "not calm before Postgres is restarted")
    before = stack.pids()["postgres"]
    os.kill(before, signal.SIGQUIT)
    wait_for(lambda: stack.pids()["postgres"] not in (0, before), 60, "Postgres was not started again")
    began = time.monotonic()
    number = bench.project()
    wait_for(lambda: bench.arrived([number]), DEADLINE, "nothing arrived after Postgres was back")
    bench.measured["work_after_postgres"] = round(time.monotonic() - began, 2)


if __name__ == "__main__":
    shown(run(with_killed="--short" not in sys.argv))
