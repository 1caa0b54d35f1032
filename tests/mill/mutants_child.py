"""python -m tests.mill.mutants_child NAME LENGTH SEED,... CONNECTION: plays seeds with one bug put in; says what caught it."""

import json
import sys
import time
from collections.abc import Callable
from typing import Any

from tests.mill import mutants_hook
from tests.mill.mutants_list import BY_NAME
from tests.mill.place import opened

#: In place of a name: the product as it is.
SOUND = "sound"


def main(name: str, length: str, seeds: str, connection: str) -> None:
    """Prints one JSON line: the seed that failed (0 for none), what was said, how many were played."""
    mutant = BY_NAME.get(name)
    if mutant is not None:
        mutants_hook.install(mutant)
    elif name != SOUND:
        raise LookupError(f"no mutant {name}")
    seed, said, played = 0, "", 0
    began = time.monotonic()
    with opened() as place:
        from tests.mill import product
        from tests.mill.machine import run_seed

        app = product.install()
        for number in map(int, seeds.split(",")):
            played += 1
            said = _judged(lambda: run_seed(place, app, number, int(length), shrink=False, system=connection))  # noqa: B023
            if said:
                seed = number
                break
    if mutant is not None and not mutants_hook.loaded(mutant):
        raise mutants_hook.Stale(f"{name}: {mutant.module} was never imported")
    print(json.dumps({"seed": seed, "said": said, "played": played, "seconds": round(time.monotonic() - began, 1)}))


def _judged(play: Callable[[], Any]) -> str:
    """What was found first; a product that falls over before anybody can judge it was noticed as well."""
    try:
        told = play()
    except Exception as error:
        return f"crash: {type(error).__name__}: {error}"
    return told.violations[0] if told.violations else ""


if __name__ == "__main__":
    main(*sys.argv[1:])
