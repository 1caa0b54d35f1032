"""A named reason why something cannot go on, or deserves a look. Its texts stand in the catalogue under its code."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Problem:
    """`code` is its name in a problems.yaml; `values` fill the sentence; `waits_for` names what would clear it."""

    code: str
    values: Mapping[str, str] = field(default_factory=dict)
    waits_for: tuple[str, ...] = ()


def on_link(kind: str, source_id: str) -> str:
    """Waits until this object stands on the other side."""
    return f"link:{kind}:{source_id}"


def on_remote(kind: str, remote_id: str) -> str:
    """Waits until some object of ours becomes this record of the other side."""
    return f"remote:{kind}:{remote_id}"


def on_snapshot(system: str, kind: str, source_id: str) -> str:
    """Waits until this object is read again and differs."""
    return f"seen:{system}:{kind}:{source_id}"


def on_any(system: str, kind: str, project_id: str = "") -> str:
    """Waits until any object of the kind (in that project) is new or differs."""
    return f"any:{system}:{kind}:{project_id}"


def on_settings() -> str:
    """Waits until a setting of the connection changes."""
    return "settings"
