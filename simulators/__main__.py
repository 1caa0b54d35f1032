"""python -m simulators SYSTEM: one simulator alone, in the foreground."""

import argparse
from pathlib import Path
from typing import Any

import simulators
from simulators.kit import shell
from simulators.kit.keeper import Keeper

# Limits wide enough for a demo on one machine; tests load the cores with the limits they want.
STACK_OPTIONS: dict[str, dict[str, Any]] = {
    "procore": {"hourly": 36_000, "spike": 100},
    "lentune": {"rate_per_minute": 6_000, "burst": 200},
    "sage_paperless": {"rate_per_minute": 6_000, "burst": 200, "importer_seconds": 1, "export_seconds": 60},
}


def main() -> None:
    """Reads the command line and serves until stopped."""
    parser = argparse.ArgumentParser(prog="python -m simulators", description="Serve one simulated system on loopback.")
    parser.add_argument("system", choices=simulators.SYSTEMS)
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    parser.add_argument("--dataset", default="demo")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--objects", type=int, default=None, help="size of the data set 'large'")
    parser.add_argument("--state", type=Path, default=None, help="a file to keep its state in between runs")
    parser.add_argument("--option", action="append", default=[], metavar="NAME=VALUE", help="an option of the system")
    arguments = parser.parse_args()
    options = {**STACK_OPTIONS[arguments.system], **dict(_option(text) for text in arguments.option)}
    if arguments.system == "sage_paperless" and arguments.state:  # its drop folder lies beside its state
        options.setdefault("folder", str(arguments.state.with_suffix(".share")))
    if arguments.objects is not None:
        options["objects"] = arguments.objects
    simulator = simulators.load(arguments.system, dataset=arguments.dataset, seed=arguments.seed, **options)
    label = f"{arguments.system} {arguments.dataset} {arguments.seed} {arguments.objects}"
    keeper = Keeper(simulator, arguments.state, label) if arguments.state else None
    shell.serve(simulator, arguments.port, keeper)


def _option(text: str) -> tuple[str, object]:
    name, _, value = text.partition("=")
    if value in ("true", "false"):
        return name, value == "true"
    return name, int(value) if value.lstrip("-").isdigit() else value


if __name__ == "__main__":
    main()
