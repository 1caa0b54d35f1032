"""What real processes did and suffered (tests/mill/processes.py), told again to the deterministic run, one by one."""

from pathlib import Path
from random import Random
from typing import Any

from simulators.kit.actions import BadAction
from tests.mill import faults
from tests.mill.processes_replay import operations
from tests.mill.run import Run

#: Steps between two of them: real workers never rest.
BETWEEN = ("hooks", "work", "part", "work", "resume")


def retell(run: Run, path: Path, seed: int) -> None:
    """Every operation of a trace in its order, the workers' steps between them drawn from the seed. Raises Broken."""
    random = Random(seed)
    for op, args in operations(path):
        run.note(f"> retold {op} {args}")
        run.steps["retold"] += 1
        _one(run, op, args, random)
        for _ in range(random.randrange(1, 6)):
            run.do(random.choice(BETWEEN), random.randrange(100_000))


def _one(run: Run, op: str, args: dict[str, Any], random: Random) -> None:
    site = run.sites[0]
    place, _, action = op.partition(".")
    if place in site.simulators:
        try:
            site.act(place, action, **args)
        except BadAction as error:  # the other layer's workers had come further, or less far
            run.refused += 1
            run.note(f"  refused: {error}")
    elif place == "sitebooks":
        run.do("push" if action == "scan" else "decide", random.randrange(100_000))
    elif op == "fault":
        system = args.get("system", "procore")
        site.simulators[system].faults.add({name: value for name, value in args.items() if name != "system"})
    elif op in ("kill", "stop", "restart_postgres"):
        run.do("part" if op == "stop" else "kill", random.randrange(100_000))
    elif op in ("flush", "restart_broker"):
        run.do("lose", 0)
    elif op == "heal":
        faults.end(site)
    else:
        raise ValueError(f"nothing is known to be done for {op!r}")
