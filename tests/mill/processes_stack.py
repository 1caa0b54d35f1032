"""A whole company in real processes, for the mill: its systems and tables as seen from outside, its processes by id."""

import json
import os
import urllib.error
import urllib.request
from contextlib import suppress
from pathlib import Path
from typing import Any

import psycopg
import redis
from celery import Celery
from kombu import Connection
from psycopg.rows import dict_row

from tests.worker.running import Up, family

#: Seconds, with the ratios of production. Scans are rare: webhooks and the sweep move things, and healing asks for a scan.
TIMES = {
    "REQUEST_SECONDS": "3", "SOFT_LIMIT_SECONDS": "5", "HARD_LIMIT_SECONDS": "6", "LEASE_SECONDS": "7",
    "QUARANTINE_SECONDS": "3", "SWEEP_SECONDS": "1", "RERING_SECONDS": "1", "RECHECK_SECONDS": "600",
    "VISIBILITY_SECONDS": "14", "SCAN_SECONDS": "3600", "SECOND_LOOK_SECONDS": "5",
}  # fmt: skip
QUEUES = ("interactive", "bulk", "maintenance")
#: What is on its way: due, claimed, in doubt, or an event nobody settled.
_BUSY = """
    SELECT (SELECT count(*) FROM sync_record WHERE state IN ('pending', 'sending', 'checking')
        OR lease_until > clock_timestamp() OR due_at <= clock_timestamp())
    + (SELECT count(*) FROM event WHERE state = 'received') AS n
"""


class Refused(Exception):
    """A person cannot do that now; the text says why."""


class Stack:
    """One running `up`; `company` is the id of its only company."""

    def __init__(self, run: Up, failpoints: Path) -> None:
        self.run, self.failpoints = run, failpoints
        self.company = int(run.ready["company_id"])
        connected = {row["system"] for row in self.rows("SELECT system FROM connection")}
        self.urls = {name: told["url"] for name, told in run.ready["simulators"].items() if name in connected}
        self.broker_url = run.ready["broker_url"]
        self.app = Celery(broker=self.broker_url, set_as_current=False)
        if self.on_valkey:
            self.app.conf.broker_transport_options = {"global_keyprefix": "sitebooks:"}

    @property
    def on_valkey(self) -> bool:
        return bool(self.broker_url.startswith("redis"))

    def close(self) -> None:
        self.app.close()

    # the outside systems

    def sim(self, system: str, path: str, body: Any = None, method: str = "") -> Any:
        """One call of a simulator's control surface. Raises Refused when a person could not do that either."""
        return self._call(f"{self.urls[system]}/_sim/{path}", body, method, {})

    def act(self, system: str, action: str, args: dict[str, Any]) -> Any:
        return self.sim(system, "act", {"action": action, "args": args})

    def state(self, system: str) -> dict[str, list[dict[str, Any]]]:
        """What it holds by kind; rows that were deleted there are left out."""
        kinds = self.sim(system, "state")["kinds"]
        return {kind: [row for row in rows if not row.get("deleted_at")] for kind, rows in kinds.items()}

    # our own surface

    def api(self, method: str, path: str, body: Any = None) -> Any:
        """As a person's program would. Raises Refused."""
        token = {"Authorization": f"Bearer {self.run.ready['api_token']}"}
        return self._call(f"{self.run.ready['web']}/api/v1{path}", body, method, token)

    def rows(self, statement: str, *values: Any) -> list[dict[str, Any]]:
        """The owner's view of the tables."""
        with psycopg.connect(self.run.ready["database_url"], row_factory=dict_row, connect_timeout=5) as db:
            return db.execute(statement, values or None).fetchall()

    def busy(self) -> int:
        """Records and events that are on their way."""
        return int(self.rows(_BUSY)[0]["n"])

    def half_an_hour(self) -> None:
        """As if it had passed: everything that is held is looked at again."""
        with psycopg.connect(self.run.ready["database_url"]) as db:
            db.execute("UPDATE sync_record SET due_at = clock_timestamp(), rung_at = NULL WHERE state = 'held'")

    def read_everything(self) -> None:
        """The night's whole reading of both systems, list by list."""
        from connectors.registry import connector

        for system in self.urls:
            for kind in connector(system).scans:
                asked = [self.company, system, kind, True]
                self.app.send_task("sitebooks.scan.read", args=asked, queue="bulk", ignore_result=True)

    # processes

    def pids(self) -> dict[str, Any]:
        """As ready.json says now: a process that was started again has a new one."""
        self.run.ready = json.loads(self.run.ready_file.read_text())
        found: dict[str, Any] = self.run.ready["pids"]
        return found

    def children(self) -> list[int]:
        """The pool children of all workers, oldest first."""
        return sorted(pid for worker in self.pids()["worker"] for pid in family(worker) - {worker})

    # the broker

    def forget(self) -> None:
        """Everything the broker holds is gone."""
        if self.on_valkey:
            broker = redis.Redis.from_url(self.broker_url, socket_timeout=5)
            broker.flushall()
            broker.close()
            return
        with Connection(self.broker_url) as connection:
            for name in QUEUES:
                with suppress(*connection.channel_errors), connection.channel() as channel:
                    channel.queue_purge(name)

    # failpoints

    def arm(self, name: str, what: str) -> None:
        """The next process that gets there does `what`."""
        (self.failpoints / f"{name}.taken").unlink(missing_ok=True)
        part = self.failpoints / f".{name}"
        part.write_text(what)
        part.rename(self.failpoints / name)

    def taken(self, name: str) -> int:
        """The process that got there; 0 when none did yet."""
        mark = self.failpoints / f"{name}.taken"
        return int(mark.read_text()) if mark.exists() else 0

    def disarm(self) -> None:
        """No failpoint waits any more; the marks of those that were reached stay."""
        for path in self.failpoints.iterdir():
            if path.suffix != ".taken":
                path.unlink(missing_ok=True)

    @staticmethod
    def _call(url: str, body: Any, method: str, headers: dict[str, str]) -> Any:
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(
            url, data, {"Content-Type": "application/json", **headers}, method=method or ("POST" if data else "GET")
        )
        try:
            with urllib.request.urlopen(request, timeout=15) as answer:
                return json.loads(answer.read() or b"null")
        except urllib.error.HTTPError as error:
            if error.code < 500:
                raise Refused(f"{error.code} {error.read()[:300].decode(errors='replace')}") from None
            raise


def broker_of(number: int) -> dict[str, str]:
    """The environment that chooses the broker: every second stack runs on RabbitMQ where RABBITMQ_URL names one."""
    rabbit = os.environ.get("RABBITMQ_URL", "")
    return {"BROKER_URL": rabbit} if rabbit and number % 2 else {}
