"""The Lentune simulator under our client, what a flow may know in memory, and a driver of plans that keeps nothing."""

import json
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

import httpx

import simulators
from connectors.lentune.client import LentuneClient, connect
from connectors.lentune.flows import FLOWS
from connectors.plan import Done, Plan
from connectors.registry import connector
from objects.known import Link
from objects.outcome import Outcome
from objects.problem import Problem
from objects.text import folded
from settings.lentune import LentuneSettings
from simulators.kit.clock import Clock
from tests.contracts.checker import check_request
from tests.fakes import MemoryBudget, MemoryStore
from tests.transport import SimulatorTransport

START = datetime(2026, 11, 20, 8, 0, tzinfo=UTC)
COMPANY, KEY = "4100", "ABCDEFGHIJKLMNO"
ADDRESS = "http://127.0.0.1:8702"
PREFIX = "/adapter/lentune/v1"


class Refused(Exception):
    """A step was refused; `problem` is what its explain made of it."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.code)
        self.problem = problem


class MemoryKnown:
    """objects.known.Known over dictionaries; tests fill them with `linked` and `saw`."""

    site_company_id = COMPANY

    def __init__(self, **settings: Any) -> None:
        given = {"procore_purchase_order": True, "project_stages": ["Course of Construction"],
                 "accounting_route": "project_via_procore_overhead_direct", "auto_push_invoices": True,
                 "rounding_tolerance": "0.02"} | settings
        self.settings: Any = LentuneSettings(base_url=ADDRESS, **given)
        self.links: dict[tuple[str, str], Link] = {}
        self.seen: dict[tuple[str, str, str], Any] = {}
        self.numbers: dict[tuple[str, str], list[str]] = {}

    def linked(self, kind: str, source_id: str, remote_id: str | None, **data: Any) -> None:
        state = "synced" if remote_id else "pending"
        self.links[kind, source_id] = Link(kind, source_id, remote_id, None, state, data=data)

    def saw(self, system: str, kind: str, *objects: Any) -> None:
        for obj in objects:
            self.seen[system, kind, obj.source_id] = obj

    def link(self, kind: str, source_id: str) -> Link | None:
        return self.links.get((kind, source_id))

    def linked_from(self, kind: str, remote_id: str) -> Link | None:
        return next((one for (k, _), one in self.links.items() if k == kind and one.remote_id == remote_id), None)

    def snapshot(self, system: str, kind: str, source_id: str) -> Any | None:
        return self.seen.get((system, kind, source_id))

    def find(self, system: str, kind: str, project_id: str | None = None, name: str | None = None) -> list[Any]:
        found = [obj for (s, k, _), obj in self.seen.items() if (s, k) == (system, kind)]
        found = [obj for obj in found if project_id is None or obj.project_id == project_id]
        return [obj for obj in found if name is None or folded(obj.name) == folded(name)]

    def others_numbered(self, kind: str, number: str, source_id: str) -> list[str]:
        return [other for other in self.numbers.get((kind, number), []) if other != source_id]


class LentuneWorld:
    """One simulator, one client; every request is held against the contract's document."""

    def __init__(self, dataset: str | dict[str, Any] = "small", **settings: Any) -> None:
        self.clock = Clock(START)
        self.core = simulators.load("lentune", dataset=dataset, clock=self.clock, rate_per_minute=0)
        self.transport = SimulatorTransport(self.core, checked)
        self.store = MemoryStore(self.core.credentials, self.clock.now)
        self.client: LentuneClient = connect(
            LentuneSettings(base_url=ADDRESS, **settings), self.store, MemoryBudget(), company=COMPANY,
            transport=self.transport, clock=self.clock.now,
        )
        self.readers = connector("lentune").readers

    def act(self, action: str, **args: Any) -> Any:
        return self.core.act(action, args)

    def state(self, kind: str) -> list[dict[str, Any]]:
        return list(self.core.state()[kind])

    def row(self, kind: str, **fields: Any) -> dict[str, Any]:
        [found] = [row for row in self.state(kind) if all(row[name] == value for name, value in fields.items())]
        return found

    def read(self, kind: str, since: datetime | None = None, project_id: str | None = None) -> list[Any]:
        pages = self.readers[kind].pages(self.client, project_id, since)
        return [obj for page in pages for obj in page.objects]

    def write(self, held: dict[str, Any], remote_id: str | None = None, key: str = KEY) -> Done:
        """Carries a plan of Lentune's out. Raises Refused."""
        return self.drive(connector("lentune").plans[held["as"]](held, remote_id, key))

    def drive(self, plan: Plan) -> Done:
        try:
            step = next(plan)
            while True:
                step = plan.send(self.take(step))
        except StopIteration as end:
            return end.value

    def take(self, step: Any) -> Done:
        """One step."""
        answer = self.client.send(step.request)
        if answer.outcome is not Outcome.confirmed:
            raise Refused(step.explain(answer))
        return step.read(answer)

    def take_all(self, steps: Iterable[Any]) -> list[Done]:
        return [self.take(step) for step in steps]


def checked(request: httpx.Request) -> None:
    """The request is one the contract's document allows."""
    if request.url.path.startswith(PREFIX):
        body = json.loads(request.content) if request.content else None
        path = request.url.path.removeprefix(PREFIX)
        check_request("lentune", request.method, path, body, dict(request.url.params))


def flow(kind: str, direction: str = "from_procore") -> Any:
    return next(one for one in FLOWS if (one.kind, one.direction) == (kind, direction))


def codes(one: Any, obj: Any, known: MemoryKnown) -> list[str]:
    """Codes of all checks that do not hold, in their order."""
    return [problem.code for check in one.checks if (problem := check.run(obj, known))]
