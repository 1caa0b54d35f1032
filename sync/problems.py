"""The catalogue of problems: every code's cause, fix, owner and what happens next, from the problems.yaml files."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal

import yaml

import connectors
from objects.problem import Problem
from settings.secret_values import blank
from sync.names import SYSTEMS

HERE = Path(__file__).parent

#: Whether a problem closes: by a person's act here, once somebody removed its cause elsewhere, or with nobody's help.
Healing = Literal["never", "when_mended", "alone"]


@dataclass(frozen=True, slots=True)
class ProblemText:
    """One code's texts, filled in."""

    code: str
    severity: str
    healing: Healing
    owner: str
    title: str
    cause: str
    fix: tuple[str, ...]
    next: str
    requirement: str = ""

    @property
    def heals(self) -> bool:
        """Whether we notice by ourselves when its cause is gone."""
        return self.healing != "never"

    @property
    def to_mend(self) -> bool:
        """Whether its cause goes only when somebody does something, outside Sitebooks."""
        return self.healing == "when_mended"


class UnknownCode(KeyError):
    """A problem was raised that has no text in any problems.yaml."""


class _Blank(dict[str, str]):
    def __missing__(self, key: str) -> str:
        return "…"


@cache
def catalogue() -> dict[str, dict[str, Any]]:
    """Code -> entry as written. A code that stands twice is an error."""
    found: dict[str, dict[str, Any]] = {}
    for file in [HERE / "problems.yaml", *sorted(Path(connectors.__path__[0]).glob("*/problems.yaml"))]:
        for code, entry in yaml.safe_load(file.read_text()).items():
            if code in found:
                raise ValueError(f"{code} stands in two problems.yaml files")
            found[code] = entry
    return found


def has(code: str) -> bool:
    """Whether the code has texts."""
    return code in catalogue()


def text(code: str, values: Mapping[str, Any] | None = None) -> ProblemText:
    """The texts with their values filled in. Raises UnknownCode."""
    if not has(code):
        raise UnknownCode(code)
    entry, given = catalogue()[code], _Blank({k: _shown(k, str(v)) for k, v in (values or {}).items()})

    def fill(sentence: str) -> str:
        return re.sub(r"\{(\w+)\}", lambda m: given[m.group(1)], sentence)

    return ProblemText(
        code,
        entry["severity"],
        entry["heals"],
        entry["owner"],
        fill(entry["title"]),
        fill(entry["cause"]),
        tuple(fill(step) for step in entry["fix"]),
        fill(entry["next"]),
        entry.get("requirement", ""),
    )


def _shown(name: str, value: str) -> str:
    """A record keeps a system by its name in code."""
    return SYSTEMS.get(value, value) if name == "system" else value


def to_mend() -> list[str]:
    """The codes whose cause somebody has to remove outside Sitebooks."""
    return [code for code, entry in catalogue().items() if entry["heals"] == "when_mended"]


def blocks(problem: Problem) -> bool:
    """Whether the object cannot go on; warnings and information never hold anything up."""
    return text(problem.code).severity == "error"


def heals(problems: Iterable[Problem]) -> bool:
    """Whether all of them clear by themselves, so that nobody is needed."""
    return all(text(p.code).heals for p in problems)


def as_plain(problem: Problem) -> dict[str, Any]:
    """As a record keeps it. A value may be what an outside system said, and that may repeat what it was sent."""
    values = {name: blank(str(value)) for name, value in problem.values.items()}
    return {"code": problem.code, "values": values, "waits_for": list(problem.waits_for)}


def from_record(stored: Mapping[str, Any]) -> Problem:
    """From what a record keeps."""
    return Problem(stored["code"], stored["values"], tuple(stored["waits_for"]))
