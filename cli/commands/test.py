"""sitebooks test: the tests, on a real Postgres and a real broker."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Annotated

import typer

ROOT = Path(__file__).resolve().parents[2]


#: Several files at once, each whole in one process.
SIDE_BY_SIDE = ["-n", "auto", "--maxprocesses", "4", "--dist", "loadfile", "--no-loadscope-reorder"]
#: Everything but what breaks real processes on purpose, row by row (`test tests/faults`), and what takes long.
WHOLE = [*SIDE_BY_SIDE, "-m", "not slow and not faults", "tests"]


def register(app: typer.Typer) -> None:
    app.command(
        "test",
        help="Run the tests; everything after `test` goes to pytest.",
        context_settings={"ignore_unknown_options": True, "allow_extra_args": True, "help_option_names": []},
    )(test)


def test(arguments: Annotated[list[str] | None, typer.Argument(metavar="[PYTEST ARGS]")] = None) -> None:
    """Run pytest from the checkout's root, so that tests and configuration are found from any folder."""
    command = [sys.executable, "-m", "pytest", *(arguments or WHOLE)]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    raise typer.Exit(subprocess.run(command, cwd=ROOT, env=environment, check=False).returncode)
