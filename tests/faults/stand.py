"""The whole product as its users run it, with its outside systems simulated: what a test of faults can do and see there."""

import json
import os
import signal
import subprocess
import sys
import tempfile
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psycopg
import redis
from celery import Celery, chain
from psycopg.rows import dict_row

from connectors.registry import connector
from tests.faults.people import People
from tests.oracles import OverHttp
from tests.worker.running import Up, alive, family, up, wait_for
from workers.local.places import ROOT, Secrets

#: Seconds, in production's order; scans so rare that only webhooks and the sweep move anything, unless a row scans.
TIMES = {
    "REQUEST_SECONDS": "2", "SOFT_LIMIT_SECONDS": "4", "HARD_LIMIT_SECONDS": "5", "LEASE_SECONDS": "6", "QUARANTINE_SECONDS": "2",
    "SWEEP_SECONDS": "1", "RERING_SECONDS": "1", "RECHECK_SECONDS": "5", "VISIBILITY_SECONDS": "12", "SCAN_SECONDS": "3600",
    "SECOND_LOOK_SECONDS": "2", "HEARTBEAT_SECONDS": "5",
}  # fmt: skip
#: Lentune lends an invoice to one try for 300 s, a third of the quarantine: kept below our short one, too.
CLAIMS = {"lease_seconds": 2}
#: Records of a company that are on their way.
UNREST = """company_id = %s AND (due_at <= clock_timestamp() OR lease_until IS NOT NULL
    OR state IN ('pending', 'sending', 'checking'))"""
#: The processes whose last lines are shown with a failure.
LOGS = ("worker-interactive", "worker-bulk", "web")
#: All queues of the product, and the prefix that all its keys have in the broker.
QUEUES, PREFIX = ("interactive", "bulk", "maintenance"), "sitebooks:"


class Stand(People):
    """One running stack. `begin` marks the start of a row: ledgers and counts are given since then."""

    def __init__(self, run: Up, failpoints: Path) -> None:
        self.run, self.failpoints = run, failpoints
        ready = self.ready
        self.web, self.company, self.database_url = ready["web"], ready["company_id"], ready["database_url"]
        connected = {row["system"] for row in self.rows("SELECT system FROM connection WHERE company_id = %s", self.company)}
        self.url = {name: told["url"] for name, told in ready["simulators"].items() if name in connected}
        self.app = Celery(broker=ready["broker_url"], set_as_current=False)
        self.app.conf.broker_transport_options = {"global_keyprefix": PREFIX}
        self.broker = redis.Redis.from_url(ready["broker_url"])
        secrets = Secrets.of(run.folder)
        address = urlsplit(self.database_url)
        self.administrator_url = f"postgresql://postgres:{secrets.superuser}@127.0.0.1:{address.port}{address.path}"
        self.sight = OverHttp(self.company, self.url, self.database_url)
        self._seen = dict.fromkeys(self.url, 0)
        self._stopped: set[int] = set()

    def begin(self) -> None:
        """From here on, ledgers start anew."""
        self._seen = {name: len(self.http(name, "/_sim/ledger")) for name in self.url}

    def close(self) -> None:
        self.app.close()
        self.broker.close()
        self.sight.close()

    # processes

    @property
    def ready(self) -> dict[str, Any]:
        """What `up` wrote; pids in it follow every restart."""
        return dict(json.loads(self.run.ready_file.read_text()))

    @property
    def pids(self) -> dict[str, Any]:
        """worker (a list: interactive, bulk), beat, web, postgres, broker, simulators ..."""
        return dict(self.ready["pids"])

    def pool(self, worker: int = 0) -> set[int]:
        """The pool children of a worker: 0 is interactive, 1 bulk and maintenance."""
        parent = int(self.pids["worker"][worker])
        return family(parent) - {parent}

    def kill(self, pid: int, number: int = signal.SIGKILL, wait: bool = True) -> None:
        """One of the stack's own processes."""
        assert pid in family(self.run.process.pid), f"{pid} is not of this stack"
        os.kill(pid, number)
        if number == signal.SIGSTOP:
            self._stopped.add(pid)
        elif number == signal.SIGKILL and wait:
            wait_for(lambda: not alive({pid}), 5, f"{pid} still lives")

    def go_on(self, pid: int) -> None:
        """SIGCONT for a process that was stopped."""
        self._stopped.discard(pid)
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGCONT)

    def log(self, name: str) -> str:
        """What a process printed: worker-interactive, worker-bulk, beat, web, simulator-procore ..."""
        file = self.run.folder / "logs" / f"{name}.log"
        return file.read_text(errors="replace") if file.exists() else ""

    def told(self) -> str:
        """What its processes said last, and what does not rest: shown with a failure."""
        said = [f"{name}: {entry}" for name in LOGS for entry in self.log(name).splitlines()[-12:]]
        return "\n".join([*(str(row) for row in self.unrest()), *said])

    # failpoints

    def arm(self, failpoint: str, what: str = "kill", about: str = "") -> None:
        """The next process that reaches it, about this (`commitment SC-1`), does `what` (settings/failpoints.py)."""
        for left in (f"{failpoint}.taken", f"{failpoint}.new"):
            (self.failpoints / left).unlink(missing_ok=True)
        new = self.failpoints / f"{failpoint}.arming"
        new.write_text(f"{what}\n{about}\n")
        new.rename(self.failpoints / failpoint)

    def taken(self, failpoint: str, seconds: float = 20) -> int:
        """The process that took it, once it has."""
        there = self.failpoints / f"{failpoint}.taken"
        wait_for(there.exists, seconds, f"nobody reached {failpoint}")
        pid = int(there.read_text())
        there.unlink()
        if "stop" in _state_of(pid):
            self._stopped.add(pid)
        return pid

    # outside systems

    def http(self, system: str, path: str, body: Any = None, method: str = "") -> Any:
        """A request to a simulator; its control surface is /_sim/... Raises HTTPError."""
        return ask(self.url[system] + path, body, method)[1]

    def act(self, system: str, action: str, **args: Any) -> Any:
        """What a person does there, by its page's own action."""
        return self.http(system, "/_sim/act", {"action": action, "args": args})

    def fault(self, system: str, action: str, match: dict[str, Any] | None = None, **spec: Any) -> int:
        """Breaks something there, in the form of POST /_sim/faults; gives the fault's id."""
        return int(self.http(system, "/_sim/faults", {"on": "request", "action": action, "match": match or {}, **spec})["id"])

    def fired(self, system: str, fault: int) -> int:
        """How often this fault has struck."""
        return next(int(rule["fired"]) for rule in self.http(system, "/_sim/faults") if rule["id"] == fault)

    def mend(self) -> None:
        """No faults and failpoints any more; what was stopped goes on."""
        for name in self.url:
            self.http(name, "/_sim/faults", method="DELETE")
        for file in self.failpoints.iterdir():
            file.unlink(missing_ok=True)
        for pid in list(self._stopped):
            self.go_on(pid)

    def forget(self) -> None:
        """After a row that failed: what it left stopped is no concern of the next one."""
        self.change(
            "UPDATE connection SET blocked_code = NULL, blocked_at = NULL, blocked_reason = NULL WHERE company_id = %s",
            self.company,
        )
        self.change("UPDATE sync_record SET due_at = clock_timestamp(), rung_at = NULL WHERE state = 'held'")

    def state(self, system: str, kind: str, **having: Any) -> list[dict[str, Any]]:
        """What a system really holds of a kind (its own words); deleted rows are left out."""
        rows = self.http(system, "/_sim/state")["kinds"].get(kind, [])
        return [r for r in rows if not r.get("deleted_at") and all(r.get(k) == v for k, v in having.items())]

    def ledger(self, system: str, **having: Any) -> list[dict[str, Any]]:
        """What changed there since the row began; by default what we did, not what people did."""
        wanted = {"actor": "client", **having}
        entries = self.http(system, f"/_sim/ledger?after={self._seen[system]}")
        return [e for e in entries if all(e[k] == v for k, v in wanted.items())]

    def created(self, system: str, kind: str = "") -> list[dict[str, Any]]:
        """The creates among them: one kind's, or all."""
        return [e for e in self.ledger(system, effect="created") if not kind or e["kind"] == kind]

    def requests(self, system: str) -> dict[str, int]:
        """Requests so far by `METHOD /path`."""
        return dict(self.http(system, "/_sim/requests/count"))

    def advance(self, system: str, seconds: float) -> None:
        """Moves a system's clock."""
        self.http(system, "/_sim/clock", {"advance_seconds": seconds})

    # our own side

    def rows(self, statement: str, *values: Any) -> list[dict[str, Any]]:
        """From Postgres, as its owner, all companies."""
        with psycopg.connect(self.database_url, row_factory=dict_row) as db:
            return db.execute(statement, values).fetchall()

    def change(self, statement: str, *values: Any) -> None:
        with psycopg.connect(self.database_url) as db:
            db.execute(statement, values)

    def record(self, kind: str, number: str) -> dict[str, Any]:
        """This company's sync record, or {}."""
        found = self.rows(
            "SELECT * FROM sync_record WHERE company_id = %s AND kind = %s AND number = %s ORDER BY id",
            self.company, kind, number,
        )  # fmt: skip
        return found[0] if found else {}

    def codes(self, kind: str, number: str) -> list[str]:
        """The codes of its problems."""
        return [problem["code"] for problem in self.record(kind, number).get("problems", [])]

    def story(self, kind: str, number: str) -> list[str]:
        """The states its record went through, oldest first, from the history."""
        rows = self.rows("SELECT after FROM history WHERE record_id = %s ORDER BY id", self.record(kind, number).get("id", 0))
        return [row["after"]["state"] for row in rows if row["after"] and "state" in row["after"]]

    def writes(self, kind: str, number: str) -> list[dict[str, Any]]:
        """Its intended changes of outside systems, oldest first."""
        return self.rows("SELECT * FROM write WHERE record_id = %s ORDER BY id", self.record(kind, number).get("id", 0))

    def send(self, name: str, *args: Any, queue: str = "interactive", **options: Any) -> None:
        """A message to the workers."""
        self.app.send_task(name, args=list(args), queue=queue, ignore_result=True, **options)

    def scan(self, *systems: str, full: bool = False, kinds: Sequence[str] | None = None) -> None:
        """Starts a pass of each system (both), its lists one after another in their declared order."""
        for system in systems or self.url:
            links = [
                self.app.signature("sitebooks.scan.read", args=(self.company, system, kind, full), immutable=True, queue="bulk")
                for kind in connector(system).scans
                if kinds is None or kind in kinds
            ]
            chain(*links, app=self.app).apply_async()

    def waiting(self, *queues: str) -> int:
        """Messages in these queues (all of them)."""
        return sum(int(self.broker.llen(PREFIX + name)) for name in queues or QUEUES)

    def broker_answers(self) -> bool:
        with suppress(redis.RedisError):
            return bool(self.broker.ping())
        return False

    def get_web(self, path: str) -> int:
        """The status that our own web process answers; 0 when it does not."""
        return status(self.web + path)

    def person(self, what: str, kind: str, number: str, **body: Any) -> None:
        """What a person does with a record by our API: retry, approve, reject ..."""
        address = f"{self.web}/api/v1/records/{self.record(kind, number)['id']}/{what}"
        ask(address, body or None, "POST", {"Authorization": f"Bearer {self.ready['api_token']}"})

    def command(self, *arguments: str) -> Any:
        """`./sitebooks ...` beside this stack: the document that it wrote on stdout (give --json)."""
        keep = {k: v for k, v in os.environ.items() if k not in ("DATABASE_URL", "BROKER_URL", "SECRET_KEY")}
        here = {"DATA_DIR": str(self.run.folder), "PYTHONPATH": str(ROOT), **self.run.env}
        command = [sys.executable, "-P", "-m", "cli", *arguments]
        ran = subprocess.run(command, env=keep | here, capture_output=True, text=True, timeout=60, check=False)
        assert ran.stdout, ran.stderr
        return json.loads(ran.stdout)

    def busy(self, name: str) -> list[int]:
        """Pool children that run a task of this name now."""
        found = self.app.control.inspect(timeout=0.5).active() or {}
        return [task["worker_pid"] for some in found.values() for task in some if task["name"] == name]

    def quiet(self) -> bool:
        """Nothing due, nothing being done, every event settled, no message but beat's ticks."""
        found = self.rows(
            f"SELECT (SELECT count(*) FROM sync_record WHERE {UNREST})"
            " + (SELECT count(*) FROM event WHERE company_id = %s AND state = 'received') AS n",
            self.company, self.company,
        )  # fmt: skip
        return bool(found[0]["n"] == 0) and not self.waiting("interactive", "bulk") and not self.scanning()

    def scanning(self) -> bool:
        """A reading of this company's lists that a worker has in hand, or that waits there for its time."""
        heads = [json.loads(message)[0]["headers"] for message in self.broker.hvals(PREFIX + "unacked")]
        return any(h["task"].startswith("sitebooks.scan.") and h["argsrepr"].startswith(f"({self.company},") for h in heads)

    def looked_again(self) -> bool:
        """Whether every write has had its second look."""
        found = self.rows(
            "SELECT count(*) AS n FROM write WHERE company_id = %s AND state = 'confirmed' AND side = 'target'"
            " AND checked_at IS NULL", self.company,
        )  # fmt: skip
        return bool(found[0]["n"] == 0)

    def stops(self) -> list[str]:
        """Why writing of this company is stopped."""
        rows = self.rows("SELECT * FROM connection WHERE company_id = %s AND blocked_code IS NOT NULL", self.company)
        return [f"{row['system']}: {row['blocked_code']}: {row['blocked_reason']}" for row in rows]

    def unrest(self) -> list[dict[str, Any]]:
        """What keeps it from being quiet, to be shown with a failure."""
        return self.rows(
            f"SELECT kind, number, state, due_at, lease_until, problems FROM sync_record WHERE {UNREST}", self.company
        )

    def wait_quiet(self, seconds: float = 30) -> None:
        self.wait(self.quiet, seconds, "it does not become quiet")

    def wait(self, what: Callable[[], Any], seconds: float, why: str) -> Any:
        """The first true answer; a failure tells what is still under way."""
        try:
            return wait_for(what, seconds, why)
        except AssertionError as error:
            raise AssertionError(f"{error}: {self.unrest()}") from None

    def wait_state(self, kind: str, number: str, *states: str, seconds: float = 30) -> dict[str, Any]:
        """The record once it is in one of these states (synced)."""
        wanted = states or ("synced",)
        found: dict[str, Any] = {}

        def there() -> bool:
            found.update(self.record(kind, number))
            return found.get("state") in wanted

        try:
            wait_for(there, seconds, f"{kind} {number} is not {' or '.join(wanted)}")
        except AssertionError as error:
            shown = {k: found.get(k) for k in ("state", "problems", "waits_for", "due_at", "lease_until", "attempt")}
            raise AssertionError(f"{error}: {shown}") from None
        return found


def ask(url: str, body: Any = None, method: str = "", headers: dict[str, str] | None = None) -> tuple[int, Any]:
    """(status, JSON or text) of a request; `body` is JSON unless it is bytes. Raises HTTPError from 400 on."""
    data = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
    request = urllib.request.Request(
        url, data, {"Content-Type": "application/json", **(headers or {})}, method=method or ("GET" if data is None else "POST")
    )
    with urllib.request.urlopen(request, timeout=20) as answer:
        said = answer.read()
        return answer.status, json.loads(said or b"null") if "json" in answer.headers.get("Content-Type", "") else said.decode()


def status(url: str, body: Any = None, method: str = "", headers: dict[str, str] | None = None) -> int:
    """The status alone, whatever it is; 0 when nobody answers."""
    try:
        return ask(url, body, method, headers)[0]
    except urllib.error.HTTPError as error:
        return error.code
    except OSError:
        return 0


def _state_of(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/status").read_text().split("State:", 1)[1].splitlines()[0]
    except (FileNotFoundError, ProcessLookupError):
        return "gone"


@contextmanager
def home() -> Iterator[Path]:
    """A folder for servers' data. Not below pytest's own: every run shuts that to others, and Postgres's user must walk there."""
    with tempfile.TemporaryDirectory(prefix="sitebooks-faults-", dir="/var/tmp", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        folder.chmod(0o755)
        yield folder


@contextmanager
def opened(dataset: str = "small", **env: str) -> Iterator[Stand]:
    """A stack of its own, loaded and quiet; `env` changes or adds variables."""
    with home() as folder:
        failpoints = folder / "failpoints"
        failpoints.mkdir()
        with up(folder / "data", "--dataset", dataset, FAILPOINTS=str(failpoints), **{**TIMES, **env}) as started:
            stand = Stand(started, failpoints)
            stand.http("lentune", "/_sim/options", CLAIMS)
            try:
                if dataset == "small":
                    for number in ("SC-1001-01", "PO-1001-01"):
                        stand.wait_state("commitment", number, seconds=60)
                stand.wait_quiet(60)
                yield stand
            finally:
                stand.mend()
                stand.close()
