"""sitebooks mill: randomized runs of the whole system, one seed one run; the same judges as the fault matrix."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from cli.exits import UNEXPECTED, wrong_usage
from cli.options import AsJson

ROOT = Path(__file__).resolve().parents[2]
Connection = Annotated[str, typer.Option(help="The system beside Procore: lentune or sage_paperless.")]
Campaign = Annotated[Path | None, typer.Option(help="Keep seeds and counts in this folder, and go on from what is there.")]


def register(app: typer.Typer) -> None:
    group = typer.Typer(no_args_is_help=True, help="Randomized runs: people, workers, kills and faults; judged by ledgers.")
    group.command("run")(run)
    group.command("replay")(replay)
    group.command("mutants")(mutants)
    app.add_typer(group, name="mill")


def run(
    ops: Annotated[int, typer.Option(help="Operations of the deterministic layer.")] = 2000,
    seed: Annotated[int, typer.Option(help="The first seed; the next ones follow.")] = 1,
    kills: Annotated[int, typer.Option(help="Instead: so many kills of real processes.")] = 0,
    connection: Connection = "lentune",
    campaign: Campaign = None,
    as_json: AsJson = False,
) -> None:
    """Run seeds until so many operations were done. Exit 1 when an invariant does not hold or a path was never reached."""
    _in_checkout()
    _driven(connection)
    if kills and connection != "lentune":
        raise wrong_usage("Kills of real processes drive Lentune only.", "Leave --connection out.", "not_driven")
    if kills:
        told = _killing(kills, seed, campaign)
    else:
        folder = ["--campaign", str(campaign.resolve())] if campaign else []
        told = _child("run", "--ops", str(ops), "--seed", str(seed), "--connection", connection, *folder)
    print(json.dumps(told, indent=1, default=str) if as_json else "\n".join(_lines(told)))
    if told["violations"] or told.get("paths_never_reached"):
        raise typer.Exit(UNEXPECTED)


def replay(
    seed: Annotated[int, typer.Argument(help="The seed that failed.")] = 1,
    script: Annotated[Path | None, typer.Option(help="A script (trouble and steps) instead of a seed.")] = None,
    recorded: Annotated[Path | None, typer.Option(help="The trace of a run of real processes instead of a seed.")] = None,
    trace: Annotated[Path | None, typer.Option(help="Write everything that happened to this file.")] = None,
    connection: Connection = "lentune",
    shrink: Annotated[bool, typer.Option(help="Look for the shortest run that fails, five minutes at most.")] = True,
    as_json: AsJson = False,
) -> None:
    """Run one seed again, the same to the last step, and show the shortest script that fails."""
    _in_checkout()
    _driven(connection)
    options = ["--seed", str(seed), "--connection", connection] + ([] if shrink else ["--no-shrink"])
    for name, path in (("--script", script), ("--recorded", recorded), ("--trace", trace)):
        options += [name, str(path.resolve())] if path else []
    told = _child("replay", *options)
    print(json.dumps(told, indent=1) if as_json else "\n".join(_lines(told)))
    if told["violations"]:
        raise typer.Exit(UNEXPECTED)


def mutants(
    names: Annotated[list[str] | None, typer.Argument(metavar="[NAMES]", help="Which; all of them without a name.")] = None,
    seeds: Annotated[int, typer.Option(help="Seeds within which each must be caught.")] = 200,
) -> None:
    """Put deliberate bugs into the product, one at a time, and show which seed and which judge caught each.

    With SITEBOOKS_WRITE_DOCS=1 the page of the docs is written from it.
    """
    _in_checkout()
    from tests.mill import mutants as judged

    found = judged.run(names or [], range(1, seeds + 1))
    judged.documented(found)
    if not all(one.seed for one in found):
        raise typer.Exit(UNEXPECTED)


def _in_checkout() -> None:
    """Raises Failure where there are no tests, or not what they need."""
    try:
        import hypothesis  # noqa: F401

        import tests.mill  # noqa: F401
    except ModuleNotFoundError:
        raise wrong_usage("There is no mill here.", "Run it by ./sitebooks in a checkout.", "no_checkout") from None


def _driven(connection: str) -> None:
    """Raises Failure for a system that the mill does not drive: it has no file there."""
    if not (ROOT / "tests" / "mill" / f"world_{connection}.py").exists():
        raise wrong_usage(f"The mill does not drive {connection}.", "See --help for the systems that it does.", "not_driven")


def _killing(kills: int, seed: int, folder: Path | None) -> dict[str, Any]:
    from tests.mill import processes

    told: dict[str, Any] = processes.run(kills, seed, folder)
    return told


def _child(*arguments: str) -> dict[str, Any]:
    """The mill lives in a process whose clock, broker and network are its own. Raises Failure when it breaks down."""
    from settings.environment import Environment

    ours = {name.upper() for name in Environment.model_fields}
    environment = {k: v for k, v in os.environ.items() if k not in ours} | {"PYTHONHASHSEED": "0", "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-P", "-m", "tests.mill", *arguments]
    done = subprocess.run(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True, check=False)
    try:
        told: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    except (IndexError, ValueError):
        raise wrong_usage(f"The mill ended with {done.returncode} and said nothing.", "See above.", "mill_broke") from None
    return told


def _lines(told: dict[str, Any]) -> list[str]:
    """For people: counts, speed, paths, and for a failure the script and the command to see it again."""
    counted = {k: v for k, v in told.items() if isinstance(v, int | float | str) and not isinstance(v, bool)}
    lines = [f"{name.replace('_', ' '):<24} {value}" for name, value in counted.items()]
    lines += [f"  {count:>8}  {path}" for path, count in told.get("paths", {}).items()]
    lines += [f"never reached: {path}" for path in told.get("paths_never_reached", [])]
    lines += [f"VIOLATION  {said}" for said in told["violations"]]
    for failed in told.get("failed", [told] if told["violations"] and "script" in told else []):
        steps = " ".join(f"{op}:{number}" for op, number in failed["script"])
        lines.append(f"seed {failed['seed']}, shortest script found (trouble {failed['trouble']}): {steps}")
    return lines + [f"replay: {command}" for command in told.get("replay", [])]
