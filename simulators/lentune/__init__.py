"""The Lentune simulator: a stand-in that speaks the proposed adapter contract (docs/contracts/lentune.md, part B)."""

from typing import Any

from simulators.kit.clock import Clock
from simulators.lentune.core import Lentune


def load(dataset: str | dict[str, Any] = "demo", seed: int = 1, clock: Clock | None = None, **options: Any) -> Lentune:
    """The simulator's core. Options: see DEFAULT_OPTIONS in tenant.py."""
    return Lentune(clock, dataset, seed, **options)
