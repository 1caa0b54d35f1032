"""sitebooks simulate: one simulator alone, in the foreground."""

import os
import sys
from typing import Annotated

import typer


def register(app: typer.Typer) -> None:
    app.command("simulate")(simulate)


def simulate(
    system: Annotated[str, typer.Argument(help="procore, lentune, ...")],
    port: Annotated[int, typer.Option(help="0 takes a free one.")] = 0,
    dataset: Annotated[str, typer.Option(help="What it holds.")] = "demo",
    seed: Annotated[int, typer.Option(help="The same seed gives the same data.")] = 1,
) -> None:
    """Serve one simulator until Ctrl-C; prints its address and credentials as one JSON line when it listens."""
    arguments = ["--port", str(port), "--dataset", dataset, "--seed", str(seed)]
    # started by name: nothing of ours imports the simulators
    os.execv(sys.executable, [sys.executable, "-P", "-m", "simulators", system, *arguments])
