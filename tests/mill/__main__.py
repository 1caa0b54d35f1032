"""The mill as a process of its own: python -m tests.mill run|replay, with an environment that is its alone."""

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from tests.mill.place import opened
from tests.mill.world import FIRST


def main() -> int:
    """Exit 0: nothing is wrong. 1: something is, or a path was never reached."""
    parser = argparse.ArgumentParser(prog="mill")
    parser.add_argument("what", choices=["run", "replay"])
    parser.add_argument("--ops", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--connection", default=FIRST, help="the system beside Procore")
    parser.add_argument("--campaign", type=Path)
    parser.add_argument("--script", type=Path, help="a script of {trouble, script} instead of a seed")
    parser.add_argument("--recorded", type=Path, help="a trace of real processes instead of a seed")
    parser.add_argument("--trace", type=Path)
    parser.add_argument("--no-shrink", action="store_true")
    options = parser.parse_args()
    with opened() as place:
        from tests.mill import product

        told = _run(place, product.install(), options) if options.what == "run" else _replay(place, product.install(), options)
    print(json.dumps(told), flush=True)
    return 1 if told["violations"] or told.get("paths_never_reached") else 0


def _run(place: Any, app: Any, options: argparse.Namespace) -> dict[str, Any]:
    from tests.mill import campaign

    return campaign.run(place, app, options.ops, options.seed, options.campaign, _say, options.connection)


def _replay(place: Any, app: Any, options: argparse.Namespace) -> dict[str, Any]:
    """A seed or a script once more, with its whole trace."""
    from tests.mill.machine import Once, run_seed

    if options.script is not None:
        given = json.loads(options.script.read_text())
        script = [(op, number) for op, number in given["script"]]
        told = Once(place, app, options.seed, options.connection).play(given["trouble"], script)
    elif options.recorded is not None:
        told = Once(place, app, options.seed).retold(options.recorded)
    else:
        told = run_seed(place, app, options.seed, shrink=not options.no_shrink, system=options.connection)
    if options.trace is not None:
        options.trace.write_text("\n".join(told.trace) + "\n")
    return {
        "seed": told.seed, "way": told.way, "hash": told.hash, "operations": told.ops, "trouble": told.trouble,
        "script": told.script, "violations": told.violations, "paths": told.paths,
    }  # fmt: skip


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
