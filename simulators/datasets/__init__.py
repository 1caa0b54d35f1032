"""The data sets that the simulators build themselves from; both systems read the same file."""

from pathlib import Path
from typing import Any

import yaml

from simulators.datasets import large

FOLDER = Path(__file__).parent
LARGE_DEFAULT = 10_000


class UnknownDataset(Exception):
    """There is no data set of that name."""


def load(name: str, seed: int = 1, objects: int = LARGE_DEFAULT) -> dict[str, Any]:
    """The data set as plain values; `objects` and `seed` matter to `large` only. Raises UnknownDataset."""
    if name == "large":
        return large.generate(objects, seed)
    path = FOLDER / f"{name}.yaml"
    if not name.isidentifier() or not path.is_file():
        raise UnknownDataset(f"no data set {name!r}; known: {', '.join(names())}")
    loaded: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
    return loaded


def names() -> list[str]:
    """Every data set there is."""
    return sorted([path.stem for path in FOLDER.glob("*.yaml")] + ["large"])
