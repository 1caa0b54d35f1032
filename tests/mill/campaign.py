"""Many seeds one after the other: kept as JSON lines, so that a campaign goes on where it was left; counts and paths."""

import json
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

from tests.mill.machine import LENGTH, Told, run_seed
from tests.mill.place import Place
from tests.mill.world import FIRST, named

#: What a campaign of enough operations must have been through, whatever its system, beside what its system's own paths are;
#: one that was not is a generator that is too tame (I13).
MUST_REACH = (
    "uncertain, then found", "uncertain, then sent once more", "a second attempt", "a zombie went on after its lease",
    "a zombie's result was not stored", "a late write arrived", "somebody acted while a list was being read",
    "killed at before_commit", "killed at asking", "killed at answered", "killed at after_remote_write",
    "the broker forgot everything", "a message came twice", "a message was lost", "answered 401", "answered 429",
    "webhooks met no web process", "an unfinished plan was resumed",
)  # fmt: skip
ENOUGH = 20_000
REPLAY = "./sitebooks mill replay {seed}{connection}"


def run(
    place: Place, app: Any, ops: int, first: int, folder: Path | None, say: Callable[[str], None], system: str = FIRST,
) -> dict[str, Any]:  # fmt: skip
    """Seeds from `first` on until so many operations were done, those of an earlier part of the campaign counted in.

    One campaign drives one system.
    """
    done = [one for one in _before(folder) if one.get("connection", FIRST) == system]
    began, cpu, total = time.monotonic(), place.cpu_seconds(), sum(one["ops"] for one in done)
    seeds = {one["seed"] for one in done}
    here = 0
    number = first
    while total < ops and not any(one["violations"] for one in done):
        if number not in seeds:
            told, seconds = _timed(place, app, number, system)
            done.append(_kept(folder, told, seconds))
            total, here = total + told.ops, here + told.ops
            way = f" by {told.way}" if told.way else ""
            say(f"seed {number}{way}: {told.ops} operations, {told.ops / seconds:.0f}/s, {len(told.violations)} violations")
        number += 1
    return report(done, time.monotonic() - began, place.cpu_seconds() - cpu, here, system)


def _timed(place: Place, app: Any, number: int, system: str) -> tuple[Told, float]:
    began = time.monotonic()
    told = run_seed(place, app, number, system=system)
    return told, time.monotonic() - began


def _before(folder: Path | None) -> Iterator[dict[str, Any]]:
    """What earlier parts of the campaign did; a line cut short by a kill is done again."""
    path = folder / "seeds.jsonl" if folder else None
    for line in path.read_text().splitlines() if path and path.exists() else []:
        try:
            yield json.loads(line)
        except ValueError:
            continue


def _kept(folder: Path | None, told: Told, seconds: float) -> dict[str, Any]:
    one = asdict(told) | {"ops": told.ops, "seconds": round(seconds, 3), "length": LENGTH}
    trace = one.pop("trace")
    if not told.violations:
        one["script"] = []
    if folder is not None:
        folder.mkdir(parents=True, exist_ok=True)
        with (folder / "seeds.jsonl").open("a") as out:
            out.write(json.dumps(one) + "\n")
        if told.violations:
            (folder / f"seed-{told.seed}.trace").write_text("\n".join(trace) + "\n")
    return one | ({"trace": trace} if told.violations else {})


def report(done: list[dict[str, Any]], seconds: float, cpu: float, here: int, system: str) -> dict[str, Any]:
    """Sums of all seeds; the speed is that of this part."""
    connection = "" if system == FIRST else f" --connection {system}"
    paths: Counter[str] = Counter()
    for one in done:
        paths.update(one["paths"])
    acts = sum(one["acts"] for one in done)
    total = sum(one["ops"] for one in done)
    missed = [path for path in (*MUST_REACH, *named(system).reached) if not paths[path]] if total >= ENOUGH else []
    failed = [one for one in done if one["violations"]]
    return {
        "connection": system, "seeds": len(done), "first_seed": min((one["seed"] for one in done), default=None),
        "operations": total,
        "seconds": round(seconds, 1), "operations_per_second": round(here / seconds, 1) if seconds else 0.0,
        "operations_per_cpu_second": round(here / cpu, 1) if cpu else 0.0,
        "acts": acts, "refused_acts": sum(one["refused"] for one in done), "paths": dict(sorted(paths.items())),
        "paths_never_reached": missed, "violations": [said for one in failed for said in one["violations"]],
        "failed": [{k: one[k] for k in ("seed", "trouble", "script", "violations")} for one in failed],
        "replay": [REPLAY.format(seed=one["seed"], connection=connection) for one in failed],
    }  # fmt: skip
