"""The Sage Paperless simulator: a stand-in that speaks the adapter contract (docs/contracts/sage_paperless.md, parts B, C)."""

from typing import Any

from simulators.kit.clock import Clock
from simulators.sage_paperless.core import SagePaperless


def load(dataset: str | dict[str, Any] = "demo", seed: int = 1, clock: Clock | None = None, **options: Any) -> SagePaperless:
    """The simulator's core. Options: see DEFAULT_OPTIONS in site.py."""
    return SagePaperless(clock, dataset, seed, **options)
