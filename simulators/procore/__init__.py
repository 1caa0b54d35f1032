"""The simulated Procore: its REST interface, sign-in, limits, webhooks and what people do in it."""

from typing import Any

from simulators.kit.clock import Clock
from simulators.procore.core import Procore


def load(dataset: str | dict[str, Any] = "demo", seed: int = 1, clock: Clock | None = None, **options: Any) -> Procore:
    """A Procore built from the data set."""
    return Procore(clock=clock, dataset=dataset, seed=seed, **options)
