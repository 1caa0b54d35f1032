"""The mill with real processes: seeded people and faults, processes killed again and again, healed, judged by ledgers."""

import json
import shutil
import tempfile
import time
import urllib.error
from collections import Counter
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

import psycopg

from tests.mill.processes_breaks import POINTS, Breaks
from tests.mill.processes_heal import heal, settle
from tests.mill.processes_people import Act, People, do
from tests.mill.processes_stack import TIMES, Refused, Stack, broker_of
from tests.mill.processes_trace import Trace
from tests.oracles import OverHttp, broken
from tests.worker.running import up, wait_for

#: Kills between two judgements, and before a new stack with new data is started.
ROUND, STACK = 10, 40
#: Seconds the first load may take.
LOAD_SECONDS = 90
#: In proportion to our lease as Lentune's 300 s are to 180.
LENT_SECONDS = 12
#: What a person's program meets while the web process is dead, or Postgres behind it.
AWAY = (urllib.error.URLError, ConnectionError, TimeoutError, psycopg.OperationalError)


@dataclass
class Told:
    """What a run comes to."""

    seed: int
    kills: Counter[str] = field(default_factory=Counter)
    breaks: Counter[str] = field(default_factory=Counter)
    acts: Counter[str] = field(default_factory=Counter)
    refused: int = 0
    rounds: int = 0
    heal_seconds: list[float] = field(default_factory=list)
    violations: list[str] = field(default_factory=list)
    brokers: Counter[str] = field(default_factory=Counter)

    def as_dict(self, seconds: float, folder: Path) -> dict[str, Any]:
        done = sum(self.acts.values())
        return {
            "seed": self.seed, "kills": self.kills.total(), "killed": dict(self.kills), "breaks": dict(self.breaks),
            "acts": done, "refused": self.refused, "acted": dict(self.acts), "rounds": self.rounds,
            "slowest_heal_seconds": round(max(self.heal_seconds, default=0.0), 1), "brokers": dict(self.brokers),
            "violations": self.violations, "seconds": round(seconds, 1), "trace": str(folder),
        }  # fmt: skip


def run(kills: int, seed: int, folder: Path | None = None) -> dict[str, Any]:
    """So many processes killed, judged after every tenth. `folder` keeps the traces and lets a later call go on.

    The answer's `violations` are sentences of the judges; none means that nothing was doubled, lost or mixed.
    """
    began = time.monotonic()
    kept = folder or Path(tempfile.mkdtemp(prefix="sitebooks-mill-", dir="/var/tmp"))
    kept.mkdir(parents=True, exist_ok=True)
    told = Told(seed)
    done = _done_before(kept, seed)
    while told.kills.total() + done < kills and not told.violations:
        number = (told.kills.total() + done) // STACK
        trace = Trace(kept / f"seed-{seed}-stack-{number}-{int(time.time())}.jsonl")
        before = told.kills.total()
        try:
            _one_stack(told, min(kills - done, (number + 1) * STACK - done), Random(f"{seed}:{number}"), number, trace)
        finally:
            trace.close()
            _write_down(kept, seed, told.kills.total() - before, told.violations)
    return told.as_dict(time.monotonic() - began, kept)


def _one_stack(told: Told, until: int, random: Random, number: int, trace: Trace) -> None:
    """A fresh company on a fresh stack, until so many kills are told."""
    with _stack(number) as stack:
        told.brokers["valkey" if stack.on_valkey else "rabbitmq"] += 1
        sight = OverHttp(stack.company, stack.urls, stack.run.ready["database_url"])
        driver = Driver(stack, told, random, trace)
        try:
            while told.kills.total() < until and not told.violations:
                driver.round(min(until, told.kills.total() + ROUND))
                told.violations += broken(sight)
                told.rounds += 1
                trace.note("judged", {}, "; ".join(told.violations) or "nothing is wrong")
        except AssertionError as error:  # it never became quiet: liveness
            told.violations.append(f"I2: {error}")
            trace.note("judged", {}, str(error))
        finally:
            driver.breaks.wake(everybody=True)
            sight.close()


@contextmanager
def _stack(number: int) -> Any:
    folder = Path(tempfile.mkdtemp(prefix="sitebooks-mill-stack-", dir="/var/tmp"))
    folder.chmod(0o755)  # Postgres's own user must be able to walk there
    points = folder / "failpoints"
    points.mkdir()
    try:
        with up(folder / "data", "--dataset", "small", FAILPOINTS=str(points), **TIMES, **broker_of(number)) as started:
            stack = Stack(started, points)
            stack.sim("lentune", "options", {"lease_seconds": LENT_SECONDS})
            stack.sim("procore", "options", {"keeps_invoices_single": False})  # only our protocol prevents a second one
            try:
                wait_for(lambda: len(stack.state("lentune")["cost_codes"]) >= 3, LOAD_SECONDS, "the first load did not come")
                settle(stack, LOAD_SECONDS)
                yield stack
            finally:
                stack.close()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@dataclass
class Driver:
    """Acts and breaks in turn, as the seed says."""

    stack: Stack
    told: Told
    random: Random
    trace: Trace

    def __post_init__(self) -> None:
        self.people, self.breaks = People(self.stack, self.random), Breaks(self.stack, self.random)
        mode = {"invoice": "manual"} if self.random.random() < 0.3 else {}
        self.trace.note("began", {"approval": mode, "broker": self.stack.broker_url.partition(":")[0]})
        self.stack.api("PUT", "/connections/lentune/settings", {"approval": mode})

    def round(self, until: int) -> None:
        """Chaos until so many kills are told; then everything is mended, and quiet is waited for."""
        while self.told.kills.total() < until:
            self.breaks.wake()
            for _ in range(self.random.randrange(1, 4)):
                self._act()
            if self.random.random() < 0.6:
                self._break()
            self._kill()
        began = time.monotonic()
        self.trace.note("heal", {})
        heal(self.stack, self.breaks)
        self.told.heal_seconds.append(time.monotonic() - began)

    def _act(self, only: str = "") -> None:
        act: Act = ("", {})
        try:
            act = self.people.next(only)
            if not act[0]:
                return
            do(self.stack, act)
        except Refused as refused:
            self.told.refused += 1
            self.trace.note(*act, f"refused: {refused}")
        except AWAY as error:
            self.trace.note(*act, f"refused: nobody answered ({type(error).__name__})")
        else:
            self.told.acts[act[0]] += 1
            self.trace.note(*act)

    def _break(self) -> None:
        name, args = self.breaks.other()
        self.trace.note(name, args)
        self.breaks.do(name, args)
        self.told.breaks[args.get("action", name)] += 1

    def _kill(self) -> None:
        what = self.breaks.next_kill()
        if what in POINTS:
            self.breaks.arm(what)
            self._act(POINTS[what])
            died = self.breaks.reached(what)
        else:
            time.sleep(self.random.random() * 0.5)  # at any moment of what was just set going
            died = self.breaks.kill(what)
        if died:
            self.told.kills[what] += 1
            self.trace.note("kill", {"what": what})


def _done_before(folder: Path, seed: int) -> int:
    """Kills of this seed that earlier calls made and judged. Raises ValueError when they found something."""
    path = folder / "kills.jsonl"
    lines = [json.loads(text) for text in path.read_text().splitlines()] if path.exists() else []
    mine = [line for line in lines if line["seed"] == seed]
    if wrong := [sentence for line in mine for sentence in line["violations"]]:
        raise ValueError(f"seed {seed} found this before: {'; '.join(wrong)}")
    return sum(line["kills"] for line in mine)


def _write_down(folder: Path, seed: int, kills: int, violations: list[str]) -> None:
    with (folder / "kills.jsonl").open("a") as file:
        file.write(json.dumps({"seed": seed, "kills": kills, "violations": violations}) + "\n")
