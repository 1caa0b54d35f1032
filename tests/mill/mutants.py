"""Tests the judges: each deliberate bug must be caught by the deterministic mill within so many seeds."""

import json
import os
import subprocess
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any

from tests.mill.mutants_child import SOUND
from tests.mill.mutants_list import BY_NAME, MUTANTS, Mutant

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "mutants.md"
#: Seeds within which each must be caught (reliability section 5), and steps of each before it is healed and judged.
SEEDS, LENGTH = 200, 250
#: A seed takes a few on a calm machine; a bug may make it endless.
SECONDS_A_SEED, SECONDS_AT_LEAST = 60, 600


@dataclass(frozen=True, slots=True)
class Caught:
    """What became of one mutant. `seed` 0: none of the seeds caught it."""

    mutant: str
    wrong: str
    seed: int
    said: str
    played: int
    seconds: float

    @property
    def oracle(self) -> str:
        """The id of the invariant that spoke."""
        return self.said.partition(":")[0] if self.seed else "-"


def run(names: Sequence[str] = (), seeds: Iterable[int] | None = None, length: int = LENGTH) -> list[Caught]:
    """One process per mutant, which plays the seeds until one fails; a line is printed for each as it ends."""
    wanted = [BY_NAME[name] for name in names] if names else list(MUTANTS)
    played = list(seeds) if seeds is not None else list(range(1, SEEDS + 1))
    found = []
    for mutant in wanted:
        one = _tried(mutant, played, length)
        found.append(one)
        said = f"seed {one.seed}: {one.said.splitlines()[0][:140]}" if one.seed else f"not caught in {one.played} seeds"
        print(f"{one.mutant:<38} {one.seconds:6.1f} s  {said}", flush=True)
    caught = sum(1 for one in found if one.seed)
    print(f"{caught} of {len(found)} deliberate bugs were caught")
    return found


def _tried(mutant: Mutant, seeds: Sequence[int], length: int) -> Caught:
    """A seed that fails in the sound product too proves nothing: the next ones are played."""
    left, played, seconds = list(seeds), 0, 0.0
    while left:
        told = _played(mutant.name, left, length, mutant.connection)
        played, seconds = played + told["played"], seconds + told["seconds"]
        if told["seed"] and not _fails_anyway(told["seed"], length, mutant.connection):
            return Caught(mutant.name, mutant.wrong, told["seed"], told["said"], played, round(seconds, 1))
        left = left[told["played"]:]
    return Caught(mutant.name, mutant.wrong, 0, "", played, round(seconds, 1))


@cache
def _fails_anyway(seed: int, length: int, connection: str) -> bool:
    told = _played(SOUND, [seed], length, connection)
    if told["seed"]:
        print(f"seed {seed} fails in the sound product: {told['said'][:200]}", flush=True)
    return bool(told["seed"])


def _played(name: str, seeds: Sequence[int], length: int, connection: str) -> dict[str, Any]:
    """Raises RuntimeError when the process itself fails: a mutant that was never put in proves nothing."""
    command = [sys.executable, "-P", "-m", "tests.mill.mutants_child", name, str(length), ",".join(map(str, seeds))]
    command.append(connection)
    done = subprocess.run(
        command, cwd=ROOT, env=_environment(), capture_output=True, text=True,
        timeout=SECONDS_A_SEED * len(seeds) + SECONDS_AT_LEAST, check=False,
    )  # fmt: skip
    if done.returncode:
        raise RuntimeError(f"mutant {name}: its process ended with {done.returncode}:\n{done.stderr[-3000:]}")
    told: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return told


def _environment() -> dict[str, str]:
    """Nothing that would give the child other times or addresses than its own."""
    from settings.environment import Environment

    ours = {name.upper() for name in Environment.model_fields}
    return {k: v for k, v in os.environ.items() if k not in ours} | {"PYTHONPATH": str(ROOT), "PYTHONHASHSEED": "0"}


def table(found: Sequence[Caught], before: Mapping[str, str] = MappingProxyType({})) -> str:
    """As the docs show it. `before`: lines of an earlier page, for bugs that were not tried this time."""
    lines = {}
    for one in found:
        seed = one.seed or f"not caught in {one.played}"
        lines[one.mutant] = f"| `{one.mutant}` | {seed} | {one.oracle} | {one.wrong} |"
    names = [mutant.name for mutant in MUTANTS if mutant.name in {*before, *lines}] or list(lines)
    head = ["| deliberate bug | caught by seed | what spoke | what is wrong |", "| --- | --- | --- | --- |"]
    return "\n".join([*head, *(lines.get(name) or before[name] for name in names)]) + "\n"


def _lines_of(page: Path) -> dict[str, str]:
    """The lines of the page as it is, by the name of their bug."""
    lines = page.read_text(encoding="utf-8").splitlines() if page.exists() else []
    return {line.split("`")[1]: line for line in lines if line.startswith("| `")}


def write_page(found: Sequence[Caught], page: Path = PAGE) -> None:
    """The page of the docs, from a run; lines of bugs that it did not try stay as the run before left them."""
    known = {mutant.name for mutant in MUTANTS}
    rows = table(found, {name: line for name, line in _lines_of(page).items() if name in known})
    lines = rows.splitlines()[2:]
    caught = sum(1 for line in lines if "| not caught" not in line)
    page.write_text(
        "# Testing the judges: deliberate bugs\n\n"
        "Each line is a bug put into the product while its process starts (`tests/mill/mutants_list.py`; no file is\n"
        f"changed). The [mill](mill.md) then plays seeds 1, 2, 3 ... of {LENGTH} steps each, until one fails; a seed that fails\n"
        f"in the sound product too does not count. A bug that {SEEDS} seeds do not show would be a hole in the judges or in\n"
        "what the mill does. The page is written by the command itself, a line by the run that tried it last:\n\n"
        "    SITEBOOKS_WRITE_DOCS=1 ./sitebooks mill mutants [NAMES]\n\n"
        f"Caught: {caught} of {len(lines)}.\n\n" + rows,
        encoding="utf-8",
    )


def documented(found: Sequence[Caught]) -> None:
    """Writes the page where that was asked for."""
    if os.environ.get("SITEBOOKS_WRITE_DOCS") == "1":
        write_page(found)


def main(arguments: Sequence[str]) -> None:
    """python -m tests.mill.mutants [--json FILE] [NAME ...]: all of them, or those named."""
    names = list(arguments)
    target = names.pop(1) if names[:1] == ["--json"] else ""
    names = names[1:] if target else names
    found = run(names)
    if target:
        Path(target).write_text(json.dumps([asdict(one) for one in found], indent=1))
    documented(found)


if __name__ == "__main__":
    main(sys.argv[1:])
