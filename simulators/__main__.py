"""python -m simulators SYSTEM: one simulator alone, in the foreground."""

import argparse
from typing import Any

import simulators
from simulators.kit import shell


def main() -> None:
    """Reads the command line and serves until stopped."""
    parser = argparse.ArgumentParser(prog="python -m simulators", description="Serve one simulated system on loopback.")
    parser.add_argument("system", choices=simulators.SYSTEMS)
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    parser.add_argument("--dataset", default="demo")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--objects", type=int, default=None, help="size of the data set 'large'")
    parser.add_argument("--option", action="append", default=[], metavar="NAME=VALUE", help="an option of the system")
    arguments = parser.parse_args()
    options: dict[str, Any] = dict(_option(text) for text in arguments.option)
    if arguments.objects is not None:
        options["objects"] = arguments.objects
    simulator = simulators.load(arguments.system, dataset=arguments.dataset, seed=arguments.seed, **options)
    shell.serve(simulator, arguments.port)


def _option(text: str) -> tuple[str, object]:
    name, _, value = text.partition("=")
    if value in ("true", "false"):
        return name, value == "true"
    return name, int(value) if value.lstrip("-").isdigit() else value


if __name__ == "__main__":
    main()
