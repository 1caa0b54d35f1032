"""The checks of `sitebooks doctor`, grouped by what they look at."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

Mark = Literal["ok", "warn", "fail"]


@dataclass(frozen=True)
class Finding:
    """One check: what was looked at, how it stands, what to do where it does not."""

    group: str
    name: str
    mark: Mark
    said: str
    fix: str = ""


Findings = Iterator[Finding]


def found(group: str, name: str, good: bool, said: str, fix: str, otherwise: Mark = "fail") -> Finding:
    """A finding from a fact; `otherwise` is its mark where the fact does not hold."""
    return Finding(group, name, "ok", said) if good else Finding(group, name, otherwise, said, fix)
