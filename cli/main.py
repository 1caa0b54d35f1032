"""The sitebooks command: finds the modules of cli/commands, gives each its place, and turns every failure into an answer."""

import importlib
import json
import os
import pkgutil
import sys

import typer

import cli.commands
from cli.exits import INTERRUPTED, Failure, failure_of, unexpected
from settings.secret_values import blank, blank_in

app = typer.Typer(
    name="sitebooks",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


@app.callback()
def sitebooks() -> None:
    """Keeps Procore and the accounting systems in agreement."""


def load_commands() -> None:
    """Import cli/commands/*.py in name order; each module calls register(app) with its own command or group."""
    if app.registered_commands or app.registered_groups:
        return
    for found in pkgutil.iter_modules(cli.commands.__path__):
        importlib.import_module(f"cli.commands.{found.name}").register(app)


def main() -> None:
    """One command. Ends the process with its exit code, see cli/exits.py."""
    load_commands()
    try:
        app(prog_name="sitebooks")
    except SystemExit as ended:
        if ended.code == INTERRUPTED:
            print("Interrupted. Nothing is lost: run the command again to go on.", file=sys.stderr)
        raise
    except Exception as error:
        if os.environ.get("SITEBOOKS_TRACE"):
            raise
        sys.exit(_failed(failure_of(error) or unexpected(error), "--json" in sys.argv))


def _failed(failure: Failure, as_json: bool) -> int:
    if as_json:
        print(json.dumps(blank_in(failure.plain()), indent=1, default=str))
    print(blank("\n".join(failure.lines())), file=sys.stderr)
    return failure.exit_code
