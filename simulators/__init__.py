"""Stand-ins of the outside systems that speak their real interfaces; they import nothing of the product."""

from importlib import import_module
from typing import Any

from simulators.kit.clock import Clock
from simulators.kit.simulator import Simulator

SYSTEMS = ("procore", "lentune", "sage_paperless")


def load(
    system: str, dataset: str | dict[str, Any] = "demo", seed: int = 1, clock: Clock | None = None, **options: Any
) -> Simulator:
    """One simulator's core, for use in process. Raises LookupError for a system that has none."""
    if system not in SYSTEMS:
        raise LookupError(f"no simulator {system!r}; known: {', '.join(SYSTEMS)}")
    simulator: Simulator = import_module(f"simulators.{system}").load(dataset=dataset, seed=seed, clock=clock, **options)
    return simulator
