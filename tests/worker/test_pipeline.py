"""Real workers, real broker, simulators over HTTP: webhooks to both sides, a broker emptied, a worker killed, bells doubled."""

import json
import os
import signal
import sys
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import psycopg
import pytest
import redis
from celery import Celery
from psycopg.rows import dict_row

from tests.worker.running import Up, alive, family, up, wait_for

pytestmark = [pytest.mark.worker, pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")]

#: Seconds, with the ratios of production; scans so rare that only webhooks and the sweep move anything.
TIMES = {
    "REQUEST_SECONDS": "3", "SOFT_LIMIT_SECONDS": "5", "HARD_LIMIT_SECONDS": "6", "LEASE_SECONDS": "7", "QUARANTINE_SECONDS": "3",
    "SWEEP_SECONDS": "1", "RERING_SECONDS": "1", "RECHECK_SECONDS": "5", "VISIBILITY_SECONDS": "14", "SCAN_SECONDS": "3600",
}  # fmt: skip


class Running:
    """The stack, its systems and its tables, as a person with a terminal sees them."""

    def __init__(self, run: Up) -> None:
        self.run = run
        self.url = {name: told["url"] for name, told in run.ready["simulators"].items()}
        self.app = Celery(broker=run.ready["broker_url"], set_as_current=False)
        self.app.conf.broker_transport_options = {"global_keyprefix": "sitebooks:"}
        self.company = run.ready["company_id"]

    def sim(self, system: str, path: str, body: Any = None, method: str = "") -> Any:
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(
            self.url[system] + path, data, {"Content-Type": "application/json"}, method=method or ("POST" if data else "GET")
        )
        with urllib.request.urlopen(request, timeout=10) as answer:
            return json.loads(answer.read() or b"null")

    def act(self, system: str, action: str, **args: Any) -> Any:
        return self.sim(system, "/_sim/act", {"action": action, "args": args})

    def state(self, system: str, kind: str) -> list[dict[str, Any]]:
        return list(self.sim(system, "/_sim/state")["kinds"].get(kind, []))

    def ledger(self, system: str, **having: Any) -> list[dict[str, Any]]:
        wanted = {"actor": "client", **having}
        return [e for e in self.sim(system, "/_sim/ledger") if all(e[k] == v for k, v in wanted.items())]

    def rows(self, statement: str, *values: Any) -> list[dict[str, Any]]:
        with psycopg.connect(self.run.ready["database_url"], row_factory=dict_row) as db:
            return db.execute(statement, values).fetchall()

    def record(self, kind: str, number: str) -> dict[str, Any]:
        found = self.rows("SELECT * FROM sync_record WHERE kind = %s AND number = %s", kind, number)
        return found[0] if found else {}

    def send(self, name: str, *args: Any, queue: str = "interactive") -> None:
        self.app.send_task(name, args=list(args), queue=queue, ignore_result=True)

    def busy_children(self, name: str) -> list[int]:
        """Pool children that run a task of this name now."""
        found = self.app.control.inspect(timeout=0.5).active() or {}
        return [task["worker_pid"] for some in found.values() for task in some if task["name"] == name]

    def quiet(self) -> bool:
        """Nothing due, nothing being done, every event settled."""
        found = self.rows("""
            SELECT (SELECT count(*) FROM sync_record WHERE due_at <= clock_timestamp() OR lease_until IS NOT NULL
                OR state IN ('pending', 'sending', 'checking'))
            + (SELECT count(*) FROM event WHERE state = 'received') AS n""")
        return bool(found[0]["n"] == 0)


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    folder: Path = tmp_path_factory.mktemp("pipeline")
    for above in (folder, *folder.parents[:2]):  # as root, Postgres's own user must be able to walk there
        above.chmod(0o755)
    with up(folder / "data", "--dataset", "small", **TIMES) as started:
        running = Running(started)
        wait_for(lambda: running.record("commitment", "SC-1001-01").get("state") == "synced", 40, "the first load did not arrive")
        wait_for(running.quiet, 20, "the first load did not end")
        yield running
        running.app.close()


def test_what_a_person_does_on_one_side_is_on_the_other_by_its_webhook(stack: Running) -> None:
    stack.act("procore", "create_project", number="1009", name="Wharf", stage="Course of Construction", region="Auckland")
    there = wait_for(lambda: [p for p in stack.state("lentune", "projects") if p["code"] == "1009"], 20, "no project in Lentune")
    assert there[0]["description"] == "Wharf"
    stack.act("lentune", "create_invoice", number="INV-1", supplier="Pacific Concrete Ltd", date="2026-11-10", project="1001",
              lines=[{"code": "03-300", "type": "M", "net": "12.34", "description": "Sand"}])  # fmt: skip
    cost = wait_for(lambda: stack.state("procore", "direct_costs"), 20, "no direct cost in Procore")
    wait_for(lambda: stack.record("invoice", "INV-1").get("state") == "synced", 20, "the invoice did not end")
    cost = stack.state("procore", "direct_costs")
    assert [(c["invoice_number"], c["grand_total"], c["status"]) for c in cost] == [("INV-1", "12.34", "approved")]
    assert stack.rows("SELECT count(*) AS n FROM scan_cursor WHERE kind = 'invoice'")[0]["n"] <= 1, "no pass ran meanwhile"


def test_a_broker_that_forgets_everything_loses_nothing(stack: Running) -> None:
    """Emptied while messages wait in it and while tasks run: every change is carried out, by the sweep."""
    wait_for(stack.quiet, 20, "not quiet before")
    broker = redis.Redis.from_url(stack.run.ready["broker_url"])
    slow = {
        "on": "request",
        "action": "delay",
        "seconds": 0.7,
        "times": 8,
        "match": {"method": "PUT", "path": "/projects/by-procore"},
    }
    stack.sim("lentune", "/_sim/faults", slow)
    numbers, lost = [f"20{n:02}" for n in range(8)], 0
    for number in numbers:
        stack.act(
            "procore", "create_project", number=number, name=f"Yard {number}", stage="Course of Construction", region="Auckland"
        )
    wait_for(lambda: broker.llen("sitebooks:interactive"), 10, "nothing ever waited in the broker")
    for _ in range(20):
        lost += broker.llen("sitebooks:interactive")
        broker.flushall()
    broker.close()
    assert lost > 0 and not stack.quiet(), "the test is about nothing"

    def there() -> bool:
        return set(numbers) <= {p["code"] for p in stack.state("lentune", "projects")}

    wait_for(there, 40, "not every change arrived after the broker was emptied")
    created = [e["key"] for e in stack.ledger("lentune", kind="project", effect="created")]
    assert len(created) == len(set(created)) == 2 + len(numbers)
    wait_for(stack.quiet, 30, "not quiet after")


def test_messages_that_come_twice_late_and_at_once_change_nothing(stack: Running) -> None:
    wait_for(stack.quiet, 20, "not quiet before")
    kinds: dict[str, list[int]] = {}
    for row in stack.rows("SELECT id, kind FROM sync_record ORDER BY id"):
        kinds.setdefault(row["kind"], []).append(row["id"])
    events = [row["id"] for row in stack.rows("SELECT id FROM event")]
    before = len(stack.sim("procore", "/_sim/ledger")), len(stack.sim("lentune", "/_sim/ledger"))
    with psycopg.connect(stack.run.ready["database_url"]) as db:
        db.execute("UPDATE sync_record SET due_at = clock_timestamp() WHERE state = 'synced'")
    for _ in range(5):
        for kind, ids in kinds.items():
            stack.send(f"sitebooks.{kind}.sync", stack.company, ids[:50])
        stack.send("sitebooks.inbox.process", stack.company, events)
    wait_for(stack.quiet, 40, "not quiet after")
    assert (len(stack.sim("procore", "/_sim/ledger")), len(stack.sim("lentune", "/_sim/ledger"))) == before
    assert {r["state"] for r in stack.rows("SELECT DISTINCT state FROM sync_record")} <= {"synced", "ignored", "held"}


def test_ten_beats_at_once_make_one_pass(stack: Running) -> None:
    """Each tick claims its slot in Postgres: a second beat, or a late one, changes nothing."""
    wait_for(stack.quiet, 20, "not quiet before")
    asked = "GET /rest/v1.1/projects"

    def count() -> int:
        return int(stack.sim("procore", "/_sim/requests/count").get(asked, 0))

    with psycopg.connect(stack.run.ready["database_url"]) as db:
        db.execute("DELETE FROM schedule_slot WHERE schedule LIKE 'changes:%'")
    before = count()
    with ThreadPoolExecutor(5) as many:
        list(
            many.map(
                lambda _: stack.app.send_task("sitebooks.maintenance.pass", args=["changes"], queue="maintenance"), range(10)
            )
        )
    wait_for(lambda: count() > before, 20, "no pass at all")
    wait_for(lambda: not stack.busy_children("sitebooks.maintenance.pass"), 20, "the beats' messages are still there")
    wait_for(stack.quiet, 30, "not quiet after")
    slots = stack.rows("SELECT schedule, count(*) AS n FROM schedule_slot WHERE schedule LIKE 'changes:%%' GROUP BY schedule")
    assert [s["n"] for s in slots] == [1, 1], "one for each connection"
    assert count() == before + 1


def test_a_worker_killed_in_the_middle_of_a_create_makes_exactly_one(stack: Running) -> None:
    """Carried out in Procore, and the process that waits for the answer gets SIGKILL: looked up later, not sent again."""
    wait_for(stack.quiet, 30, "not quiet before")
    stack.sim(
        "procore",
        "/_sim/faults",
        {
            "on": "request",
            "action": "delay",
            "seconds": 2.5,
            "times": 1,
            "match": {"method": "POST", "path": "/rest/v1.1/requisitions"},
        },
    )
    stack.act("lentune", "create_invoice", number="INV-2", supplier="Pacific Concrete Ltd", date="2026-11-10", order="PO-1001-01",
              lines=[{"order_line": 1, "net": "500.00", "description": "Concrete"}])  # fmt: skip
    wait_for(lambda: stack.state("procore", "requisitions"), 20, "the create was not sent")
    child = wait_for(lambda: stack.busy_children("sitebooks.invoice.sync"), 5, "nobody runs it")[0]
    assert child in family(stack.run.process.pid)
    os.kill(child, signal.SIGKILL)
    wait_for(lambda: not alive({child}), 5, "it still lives")
    one = stack.rows("SELECT id FROM sync_record WHERE kind = 'invoice' AND state = 'sending'")[0]["id"]

    seen = set()

    def ended() -> bool:
        found = stack.rows("SELECT state, attempt FROM sync_record WHERE id = %s", one)[0]
        if tuple(found.values()) not in seen:  # Lentune lends an invoice for 300 s to each try, also to the one that died
            seen.add(tuple(found.values()))
            stack.sim("lentune", "/_sim/clock", {"advance_seconds": 301})
        return found["state"] == "synced"

    wait_for(ended, 40, f"the invoice did not end: {stack.rows('SELECT * FROM sync_record WHERE id = %s', one)}")
    assert "checking" in {state for state, _ in seen}, "in doubt, until it was looked up"
    assert len(stack.ledger("procore", kind="requisitions", effect="created")) == 1
    assert [(r["invoice_number"], r["total_claimed_amount"]) for r in stack.state("procore", "requisitions")] == [
        ("INV-2", "500.00")
    ]
    attempts = stack.rows("SELECT * FROM attempt WHERE record_id = %s ORDER BY id", one)
    assert len([a for a in attempts if a["ended_at"] is None]) == 1, "the try that died says so by never having ended"
