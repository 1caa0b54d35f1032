"""A simulated Procore under our client, for the tests of this folder: every request is held against the contract."""

import json
from dataclasses import dataclass, field
from typing import Any

import httpx

import simulators
from connectors.calls import Answer
from connectors.plan import Done, Plan, Step
from connectors.procore.client import ProcoreClient, connect
from objects.outcome import Outcome
from objects.problem import Problem
from settings.procore import ProcoreSettings
from simulators.kit.http import Request
from tests.contracts.checker import check_request
from tests.fakes import MemoryBudget, MemoryStore
from tests.transport import SimulatorTransport


@dataclass
class Site:
    """A simulator with a client on it."""

    simulator: Any
    client: ProcoreClient
    transport: SimulatorTransport

    def act(self, action: str, **args: Any) -> Any:
        """What a person would do in Procore."""
        return self.simulator.act(action, args)

    def fault(self, **rule: Any) -> None:
        """Adds a fault (see the simulators' control surface)."""
        self.simulator.handle(Request("POST", "/_sim/faults", [], {}, json.dumps(rule).encode()))

    def ids(self, kind: str, name: str = "number") -> dict[str, str]:
        """What the company's list of a kind holds: name -> source id."""
        from connectors.procore.reading import READERS

        pages = READERS[kind].pages(self.client, None, None)
        return {getattr(obj, name): obj.source_id for page in pages for obj in page.objects}


@dataclass
class Carried:
    """How a plan ended, and every step with what came of it."""

    done: Done | None = None
    problem: Problem | None = None
    outcome: Outcome = Outcome.confirmed
    steps: list[tuple[str, str]] = field(default_factory=list)
    warnings: list[Problem] = field(default_factory=list)


def site(dataset: Any = "demo", settings: dict[str, Any] | None = None, **options: Any) -> Site:
    """A simulator with its first company's client. Limits are off unless asked for."""
    return on(simulators.load("procore", dataset=dataset, **{"hourly": 0, "spike": 0, **options}), settings)


def on(simulator: Any, settings: dict[str, Any] | None = None, secrets: dict[str, str] | None = None) -> Site:
    """A client on a simulator that is there already."""
    keys = simulator.credentials
    transport = SimulatorTransport(simulator, against_contract)
    known = {"base_url": "http://127.0.0.1:8701", "company_id": str(keys["company_id"]), **(settings or {})}
    keys = {"client_id": keys["client_id"], "client_secret": keys["client_secret"], **(secrets or {})}
    store = MemoryStore(keys, simulator.clock.now)
    client = connect(ProcoreSettings(**known), store, MemoryBudget(), transport=transport, clock=simulator.clock.now)
    return Site(simulator, client, transport)


def against_contract(request: httpx.Request) -> None:
    """Every request that we send is one that the contract's document allows."""
    if request.url.path.startswith("/oauth/"):
        return
    body = json.loads(request.content) if request.content else None
    check_request("procore", request.method, request.url.path, body, dict(request.url.params.multi_items()))


def carry_out(client: ProcoreClient, plan: Plan) -> Carried:
    """Drives a plan as the engine does, without its memory: stops at the first step that is not confirmed."""
    carried = Carried()
    try:
        step = next(plan)
        while True:
            found = step.look(client) if step.look_first and step.look else None
            done = found if found is not None else _send(client, step, carried)
            carried.steps.append((step.name, "found" if found is not None else carried.outcome.value))
            if done is None:
                return carried
            carried.warnings += done.warnings
            step = plan.send(done)
    except StopIteration as end:
        carried.done = end.value
    return carried


def _send(client: ProcoreClient, step: Step, carried: Carried) -> Done | None:
    answer: Answer = client.send(step.batch.merge([step]) if step.batch else step.request)
    if step.batch:
        [answer] = step.batch.split(answer, [step])
    carried.outcome = answer.outcome
    if answer.outcome is Outcome.confirmed:
        return step.read(answer)
    carried.problem = step.explain(answer) if answer.outcome is Outcome.refused else None
    return None
