"""The demo of every accounting system there is, one after the other: each has a company, servers and a process of its own."""

import json
import os
import subprocess
import sys
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from cli.exits import UNEXPECTED, Failure
from cli.output import Output
from workers.local.places import ROOT

#: Parts of a story's document that several stories have together.
JOINED = ("totals", "problems", "missing_problems", "differences")


def play_each(out: Output, systems: Sequence[str], seed: int) -> dict[str, Any]:
    """Plays them and gives one document, as of one demo. Raises Failure when one told nothing."""
    told = {}
    for system in systems:
        out.heading(f"The company on {system.replace('_', ' ').title()}")
        told[system] = _play(out, system, seed)
    return together(told)


def together(told: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """The stories' documents as one: counts and duplicates added up, lists one after the other."""
    kinds: dict[str, Counter[str]] = defaultdict(Counter)
    for one in told.values():
        for kind, states in one["kinds"].items():
            kinds[kind].update(states)
    return {
        "ok": all(one["ok"] for one in told.values()),
        "seconds": round(sum(one["seconds"] for one in told.values()), 1),
        "kinds": {kind: dict(states) for kind, states in kinds.items()},
        "duplicates": sum(one["duplicates"] for one in told.values()),
        **{part: [item for one in told.values() for item in one[part]] for part in JOINED},
        "connections": list(told),
    }


def _play(out: Output, system: str, seed: int) -> dict[str, Any]:
    command = [sys.executable, "-P", "-m", "cli", "demo", "--json", "--connection", system, "--seed", str(seed)]
    env = os.environ | {"PYTHONPATH": str(ROOT)}
    # what people read goes on as it comes, to where this command's own lines go
    ran = subprocess.run(command, env=env, stdout=subprocess.PIPE, stderr=out.console.file, text=True, check=False)
    try:
        said: dict[str, Any] = json.loads(ran.stdout)
    except ValueError:
        said = {}
    if "ok" not in said:
        unsaid = {"cause": f"The demo of {system} ended with {ran.returncode}.", "fix": "Its lines stand above."}
        error = said.get("error") or unsaid
        raise Failure("demo_failed", str(error["cause"]), str(error["fix"]), UNEXPECTED)
    return said
