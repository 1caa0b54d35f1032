"""The run as a Hypothesis state machine: one seed is one run, and a failing one is shrunk to a short script."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

from hypothesis import HealthCheck, Phase, Verbosity, assume, seed, settings
from hypothesis import strategies as st
from hypothesis.errors import FlakyFailure
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule, run_state_machine_as_test

from tests.mill import faults
from tests.mill.place import Place
from tests.mill.retelling import retell
from tests.mill.run import Broken, Run, drawn_shape
from tests.mill.settling import settle, verdict
from tests.mill.world import FIRST, named

#: How often each step is drawn. The first is what a step shrinks to.
WEIGHTS = {
    "work": 38, "part": 13, "resume": 10, "kill": 5, "hooks": 12, "act": 22, "decide": 4, "pass": 6, "lose": 2, "web": 1,
    "push": 1, "moment": 12, "meddle": 4,
}  # fmt: skip
STEPS = [name for name, weight in WEIGHTS.items() for _ in range(weight)]
#: Steps of one run before it is healed; healing takes about as many again.
LENGTH = 500
LARGEST = 99_999
Script = list[tuple[str, int]]


@dataclass
class Told:
    """What became of a seed. `script`: the steps of the shortest failing run found, with its `trouble`."""

    seed: int
    connection: str = FIRST
    way: str = ""
    hash: str = ""
    steps: dict[str, int] = field(default_factory=dict)
    paths: dict[str, int] = field(default_factory=dict)
    acts: int = 0
    refused: int = 0
    violations: list[str] = field(default_factory=list)
    trouble: int = 0
    script: Script = field(default_factory=list)
    trace: list[str] = field(default_factory=list)

    @property
    def ops(self) -> int:
        return sum(self.steps.values())


class Once:
    """Runs scripts on a place; `told` is what the last one came to."""

    def __init__(self, place: Place, app: Any, seed_number: int, system: str = FIRST) -> None:
        self.place, self.app, self.seed, self.world = place, app, seed_number, named(system)
        self.told = Told(seed_number, system)
        self.failed: Told | None = None
        self.executed = 0

    def begin(self, trouble: int) -> Run:
        random = Random(trouble)
        return Run(self.place, self.app, faults.draw(random, self.world), drawn_shape(random, self.world))

    def end(self, run: Run, trouble: int, script: Script, found: list[str]) -> None:
        """Keeps what the run came to. Raises Broken when anything is wrong."""
        if not found:
            found = self._judged(run)
        self.executed += 1
        self.told = Told(
            self.seed, self.world.system, run.world.way, run.trace_hash(), dict(run.steps), dict(run.paths),
            run.acted.total(), run.refused, found, trouble, script, run.lines,
        )  # fmt: skip
        run.close()
        if found:
            self.failed = self.told
            raise Broken("\n".join(found))

    def _judged(self, run: Run) -> list[str]:
        try:
            settle(run)
            return verdict(run)
        except Broken as broken:
            return str(broken).splitlines()
        finally:
            run.count_paths()

    def play(self, trouble: int, script: Script) -> Told:
        """A script given from outside: a shrunk one, or what real processes did."""
        return self._told(self.begin(trouble), trouble, script, lambda run: [run.do(op, number) for op, number in script])

    def retold(self, path: Path) -> Told:
        """What a trace of real processes says, in a calm run of one company."""
        shape = drawn_shape(Random(self.seed), self.world) | {"companies": 1, "loaded": True, "approval": "", "meddled": False}
        calm = {"level": "calm", "focus": [], "seed": self.seed, "requests": {}, "deliveries": {}}
        run = Run(self.place, self.app, calm, shape)
        return self._told(run, 0, [], lambda run: retell(run, path, self.seed))

    def _told(self, run: Run, trouble: int, script: Script, steps: Callable[[Run], Any]) -> Told:
        found = list[str]()
        try:
            steps(run)
        except Broken as broken:
            found = str(broken).splitlines()
        with suppress(Broken):
            self.end(run, trouble, script, found)
        return self.told


class Mill(RuleBasedStateMachine):
    """`trouble` settles what kind of run it is; each step is one operation and one number that settles its details."""

    once: Once

    def __init__(self) -> None:
        super().__init__()
        self.run: Run | None = None
        self.script: Script = []
        self.found: list[str] = []

    @initialize(trouble=st.integers(0, LARGEST))
    def begin(self, trouble: int) -> None:
        assume(trouble > 0)  # nought is the run in which nothing goes wrong and nobody does anything
        self.trouble = trouble
        self.run = self.once.begin(trouble)

    @rule(op=st.sampled_from(STEPS), number=st.integers(0, LARGEST))
    def step(self, op: str, number: int) -> None:
        assert self.run is not None
        self.script.append((op, number))
        try:
            self.run.do(op, number)
        except Broken as broken:
            self.found = str(broken).splitlines()
            raise

    def teardown(self) -> None:
        run, self.run = self.run, None
        if run is not None:
            self.once.end(run, self.trouble, self.script, self.found)


def run_seed(
    place: Place, app: Any, seed_number: int, length: int = LENGTH, shrink: bool = True, system: str = FIRST,
) -> Told:  # fmt: skip
    """One seed, one run; a failing one is run again and again, ever shorter, for at most five minutes."""
    once = Once(place, app, seed_number, system)

    def machine() -> Mill:
        made = Mill()
        made.once = once
        return made

    chosen = settings(
        max_examples=1, stateful_step_count=length, database=None, deadline=None, verbosity=Verbosity.quiet,
        phases=[Phase.generate, Phase.shrink] if shrink else [Phase.generate],
        suppress_health_check=list(HealthCheck), print_blob=False, report_multiple_bugs=False,
    )  # fmt: skip
    try:
        run_state_machine_as_test(seed(seed_number)(machine), settings=chosen)
    except (Broken, FlakyFailure) as error:
        told = once.failed or once.told
        if isinstance(error, FlakyFailure):
            told.violations.append(f"the run was not the same when it was run again: {error}")
        return told
    return once.told
