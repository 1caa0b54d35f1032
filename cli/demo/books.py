"""The pretend systems' own books at the end, row by row against what the data set says must stand in them."""

from collections.abc import Mapping, Sequence
from typing import Any

Row = Mapping[str, Any]
#: System -> kind in its own words -> rows.
Books = Mapping[str, Mapping[str, Sequence[Row]]]


def differences(holds: Books, expected: Books) -> list[str]:
    """Every expected row stands there once with all the values it names, and a kind that is listed holds nothing else."""
    found = []
    for system, kinds in expected.items():
        for kind, wanted in kinds.items():
            rows = list(holds.get(system, {}).get(kind, ()))
            for row in wanted:
                fitting = [one for one in rows if _fits(one, row)]
                if len(fitting) == 1:
                    rows.remove(fitting[0])
                else:
                    found.append(f"{kind} in {system}: {_told(row)} expected once, found {len(fitting)} times")
            names = list(dict.fromkeys(name for row in wanted for name in row))
            found += [f"{kind} in {system}: nobody expected {_told({n: row.get(n) for n in names})}" for row in rows]
    return found


def _fits(row: Row, wanted: Row) -> bool:
    return all(row.get(name) == value for name, value in wanted.items())


def _told(row: Row) -> str:
    return ", ".join(f"{name} {value}" for name, value in row.items())
