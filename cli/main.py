"""The sitebooks command: finds the modules of cli/commands and gives each its place."""

import importlib
import pkgutil
import sys

import typer

import cli.commands

UNEXPECTED = 1
INTERRUPTED = 130

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
    for found in pkgutil.iter_modules(cli.commands.__path__):
        importlib.import_module(f"cli.commands.{found.name}").register(app)


def main() -> None:
    load_commands()
    try:
        app(prog_name="sitebooks")
    except KeyboardInterrupt:
        print("Interrupted. Nothing is lost: run the command again to go on.", file=sys.stderr)
        sys.exit(INTERRUPTED)
