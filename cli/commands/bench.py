"""sitebooks bench: one benchmark, against its anchor in the same run."""

import importlib
import json
import pkgutil
import sys
from typing import Annotated, Any

import typer

from cli.exits import wrong_usage
from cli.options import AsJson


def register(app: typer.Typer) -> None:
    app.command("bench")(bench)


def bench(
    name: Annotated[str | None, typer.Argument(metavar="NAME", help="Which one; without a name they are listed.")] = None,
    as_json: AsJson = False,
) -> None:
    """Run tests/benchmarks/NAME.py and print {name, ours, anchor, ratio, unit, detail} as JSON."""
    names = _names()
    if name is None:
        print(json.dumps({"benchmarks": names}) if as_json else "\n".join(names))
        return
    if name not in names:
        raise wrong_usage(f"There is no benchmark {name}.", f"There are: {', '.join(names)}.", "unknown_benchmark")
    measured: dict[str, Any] = importlib.import_module(f"tests.benchmarks.{name}").run()
    json.dump(measured, sys.stdout, indent=1, default=str)
    sys.stdout.write("\n")


def _names() -> list[str]:
    """The modules that measure something. Raises Failure outside a checkout, where there are none."""
    try:
        import tests.benchmarks as there
    except ModuleNotFoundError:
        raise wrong_usage("There are no benchmarks here.", "Run it from a checkout.", "no_checkout") from None
    found = [one.name for one in pkgutil.iter_modules(there.__path__)]
    return sorted(name for name in found if _measures(there.__path__[0], name))


def _measures(folder: str, name: str) -> bool:
    from pathlib import Path

    return "\ndef run(" in (Path(folder) / f"{name}.py").read_text(encoding="utf-8")
