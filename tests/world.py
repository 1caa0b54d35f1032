"""A whole company in one process: both simulators, real Postgres, the real engine, and a bell that rings at once."""

from typing import Any

from sqlalchemy import text

import simulators
from connectors.registry import connector
from models import session, unscoped
from settings.environment import environment
from simulators.kit.clock import Clock
from simulators.kit.http import Request
from sync import clients, connections, engine, inbox, records, scan, sweep, unread
from sync.records import Rung, merge
from sync.secrets import decrypt
from tests.contracts.checker import check_request
from tests.transport import SimulatorTransport

#: Rounds of ringing after which a world that is still not quiet is a failure.
#: As if quarantines, pauses between looks and the time in which a lost try may still arrive had passed.
DOUBTS_OVER = text(
    "UPDATE write SET uncertain_until = clock_timestamp(), lands_until = lands_until - interval '1 hour', looked_at = NULL"
    " WHERE state IN ('uncertain', 'sending', 'confirmed', 'abandoned')"
)
MOST_ROUNDS = 60


class World:
    """`procore` and `lentune` are the simulators' cores. People act through `act`; `settle` lets everything happen."""

    def __init__(self, company: int, dataset: str | dict[str, Any] = "small", settings: dict[str, Any] | None = None) -> None:
        self.company = company
        self.clock = Clock()
        self.procore = simulators.load("procore", dataset=dataset, clock=self.clock, hourly=0, spike=0)
        self.lentune = simulators.load("lentune", dataset=dataset, clock=self.clock, rate_per_minute=0)
        self.simulators = {"procore": self.procore, "lentune": self.lentune}
        self.transports = {name: SimulatorTransport(core, _checked(name)) for name, core in self.simulators.items()}
        clients.transports.update(self.transports)
        for name, core in self.simulators.items():
            own = (settings or {}) if name == "lentune" else {}
            connections.connect(company, name, {"base_url": "http://127.0.0.1", **own}, _text(core.credentials))
        with session(company) as db:
            db.execute(text("UPDATE company SET site_id = :s"), {"s": str(self.procore.credentials["company_id"])})
        self._settings()
        for name in self.simulators:
            connections.subscribe(company, name)

    def close(self) -> None:
        clients.close_all()
        clients.transports.clear()

    # people

    def act(self, system: str, action: str, **args: Any) -> Any:
        """What a person does there, by its page's own action."""
        body = _json({"action": action, "args": args})
        answer = self.simulators[system].handle(Request("POST", "/_sim/act", [], {"content-type": "application/json"}, body))
        assert answer.status < 300, answer.body
        return answer.json() if hasattr(answer, "json") else answer.body

    # the machinery, in one thread

    def scan(self, *systems: str, full: bool = False) -> None:
        """A scheduled pass of each system, list by list in its declared order, the bells it rings answered in between."""
        for system in systems or ("procore", "lentune"):
            for kind in connector(system).scans:
                reader = connector(system).readers[kind]
                for project in scan.projects(self.company, system) if reader.scope == "project" else [None]:
                    self.run(scan.scan(self.company, system, kind, project, full).rung)

    def run(self, rung: Rung) -> None:
        """Answers bells, and those that ring meanwhile, until none is left."""
        for _ in range(MOST_ROUNDS):
            if not rung:
                return
            kind = next(iter(rung))
            ids = rung.pop(kind)
            result = engine.run(self.company, ids)
            merge(rung, result.released)
            for wanted in result.unread:
                merge(rung, unread.read(self.company, wanted))
            for system, project in result.opened:
                for each in connector(system).scans:
                    if connector(system).readers[each].scope == "project":
                        merge(rung, scan.scan(self.company, system, each, project).rung)
        raise AssertionError(f"bells keep ringing: {rung}")

    def deliver(self) -> int:
        """The simulators' webhooks arrive at our inbox as if through the endpoint; gives how many."""
        count = 0
        for system, core in self.simulators.items():
            while deliveries := core.tick():
                for delivery in deliveries:
                    self._receive(system, delivery)
                    core.delivered(delivery, 202)
                    count += 1
        return count

    def _receive(self, system: str, delivery: Any) -> None:
        declared, address = connector(system), delivery.url.rsplit("/", 1)[1]
        with unscoped() as db:
            hook = db.execute(text("SELECT * FROM sitebooks_hook(:a)"), {"a": address}).one()
        headers = {k.lower(): v for k, v in delivery.headers.items()}
        refused = declared.verify(delivery.body, headers, decrypt(hook.secrets), self.clock.now())
        assert refused is None, refused
        body = _parsed(delivery.body)
        with unscoped() as db:
            ids = [
                r.id
                for r in db.execute(
                    text("""
                SELECT id FROM sitebooks_ingest(ARRAY[:p], ARRAY[:c], ARRAY[:s], ARRAY[:e], ARRAY[CAST(:b AS jsonb)])
            """),
                    {
                        "p": hook.company_id,
                        "c": hook.connection_id,
                        "s": system,
                        "e": declared.event_id(body),
                        "b": delivery.body.decode(),
                    },
                )
            ]
        rung, lists = inbox.process(self.company, ids)
        self.run(rung)
        for name, kind, project in lists:
            for each in (kind, "budget_code"):
                self.run(scan.scan(self.company, name, each, project).rung)

    def settle(self) -> None:
        """Webhooks, bells and everything due, until nothing happens any more."""
        for _ in range(MOST_ROUNDS):
            happened = self.deliver()
            rung: Rung = {}
            for company, kind, ids in sweep.due():
                if company == self.company:
                    merge(rung, {kind: ids})
            if not happened and not rung:
                return
            self.run(rung)
        raise AssertionError("the world does not become quiet")

    def sync(self) -> None:
        """Everything both systems hold, to the end."""
        self.scan()
        self.settle()

    # looking

    def records(self, kind: str | None = None) -> list[Any]:
        with session(self.company) as db:
            return list(
                db.execute(text("SELECT * FROM sync_record WHERE CAST(:k AS text) IS NULL OR kind = :k ORDER BY id"), {"k": kind})
            )

    def record(self, kind: str, number: str) -> Any:
        found = [r for r in self.records(kind) if r.number == number]
        assert len(found) == 1, f"{kind} {number}: {[(r.number, r.state) for r in self.records(kind)]}"
        return found[0]

    def states(self, kind: str) -> dict[str, str]:
        return {r.number: r.state for r in self.records(kind)}

    def problems(self, kind: str, number: str) -> list[str]:
        return [p["code"] for p in self.record(kind, number).problems]

    def state(self, system: str, kind: str, **having: Any) -> list[dict[str, Any]]:
        """What a system really holds of a kind (its own words), by its own account; deleted rows are left out."""
        answer = self.simulators[system].handle(Request("GET", "/_sim/state", [], {}, b""))
        rows = _parsed(answer.body)["kinds"].get(kind, [])
        return [r for r in rows if not r.get("deleted_at") and all(r.get(k) == v for k, v in having.items())]

    def one(self, system: str, kind: str, **having: Any) -> dict[str, Any]:
        """The only such row."""
        found = self.state(system, kind, **having)
        assert len(found) == 1, f"{len(found)} {kind} in {system} with {having}"
        return found[0]

    def ledger(self, system: str, **having: Any) -> list[dict[str, Any]]:
        """What changed there, oldest first; by default what we did, not what people did."""
        wanted = {"actor": "client", **having}
        return [e for e in self._entries(system) if all(e[k] == v for k, v in wanted.items())]

    def _entries(self, system: str) -> list[dict[str, Any]]:
        return list(_parsed(self.simulators[system].handle(Request("GET", "/_sim/ledger", [], {}, b"")).body))

    def duplicates(self) -> list[tuple[str, str, str]]:
        """(system, kind, key) under which we left more than one object that nobody has deleted since."""
        found = []
        for system in self.simulators:
            live: dict[tuple[str, str], set[str]] = {}
            gone = {(e["kind"], e["remote_id"]) for e in self._entries(system) if e["effect"] == "deleted"}
            for entry in self.ledger(system, effect="created"):
                if (entry["kind"], entry["remote_id"]) not in gone:
                    live.setdefault((entry["kind"], entry["key"]), set()).add(entry["remote_id"])
            found += [(system, *key) for key, ids in live.items() if len(ids) > 1]
        return found

    def fault(self, system: str, **spec: Any) -> None:
        """Breaks something there, in the form of POST /_sim/faults."""
        answer = self.simulators[system].handle(
            Request("POST", "/_sim/faults", [], {"content-type": "application/json"}, _json(spec))
        )
        assert answer.status == 201, answer.body

    def mend(self) -> None:
        """No faults any more, and what waits for its time is due."""
        for core in self.simulators.values():
            core.faults.clear()
        self.due_now()

    def save(self, **values: Any) -> None:
        """A person saves settings of the Lentune connection in our console; everything they concern happens."""
        from sync import settings

        self.run(settings.save(self.company, "lentune", values, "test"))
        self.settle()

    def here(self) -> None:
        """This world's systems are the ones that are reached, where a test has several worlds."""
        clients.close_all()
        clients.transports.update(self.transports)

    def shown(self, kind: str, number: str) -> Any:
        """What people are told of a record: its `sync.why.Why`."""
        from sync import why

        return why.explain(self.company, self.record(kind, number).id)

    def due_now(self) -> None:
        """Makes everything that waits for a time due, as if it had come."""
        with session(self.company) as db:
            db.execute(text("UPDATE sync_record SET due_at = clock_timestamp(), rung_at = NULL WHERE due_at IS NOT NULL"))
        self.settle()

    def _settings(self) -> None:
        from sync import settings

        settings.fetch(self.company, "lentune", "test")


def _checked(system: str) -> Any:
    def check(request: Any) -> None:
        if "json" not in request.headers.get("content-type", "json"):
            return  # sign-in is a form; the connectors' own tests look at it
        check_request(
            system, request.method, request.url.path, request.read() and _parsed(request.read()), dict(request.url.params)
        )

    return check


def _text(credentials: dict[str, Any]) -> dict[str, str]:
    return {k: str(v) for k, v in credentials.items()}


def _json(value: Any) -> bytes:
    import json

    return json.dumps(value, default=str).encode()


def _parsed(body: bytes) -> Any:
    import json

    return json.loads(body)


__all__ = ["World", "environment", "records"]
