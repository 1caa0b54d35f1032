"""What keeps each flow from writing anything twice, in words."""

from dataclasses import dataclass

from connectors.flow import Flow, Protection
from connectors.registry import all_connectors, flow_of
from sync.names import system_word
from sync.views.words import kind_order, kinds_word

#: Protection -> its short name, and what it means.
PROTECTION: dict[Protection, tuple[str, str]] = {
    "server_key": ("server key", "{target} itself refuses a second one with the same key"),
    "unique_rule": ("unique number", "{target} itself refuses a second one with the same number"),
    "look_first": ("looking first", "looked for in {target} by its key before it is created"),
    "none": ("nothing", "a doubtful outcome always goes to a person"),
}


@dataclass(frozen=True, slots=True)
class Protected:
    """One flow of one connection."""

    kind: str
    source: str
    target: str
    by: str
    words: str

    @property
    def kinds_word(self) -> str:
        """"Commitments"."""
        return kinds_word(self.kind)


def protections(system: str) -> tuple[Protected, ...]:
    """The flows of a connection with this system, in the order of dependence; none for one that is not known."""
    declared = all_connectors().get(system)
    flows = sorted(declared.flows, key=lambda flow: (flow.direction, kind_order(flow.kind))) if declared else []
    return tuple(_protected(flow) for flow in flows)


def protection_of(system: str, kind: str, direction: str) -> Protected | None:
    """That of one record's flow; None for a flow of another release."""
    try:
        return _protected(flow_of(system, kind, direction))
    except KeyError:
        return None


def _protected(flow: Flow) -> Protected:
    by, words = PROTECTION[flow.protected_by]
    return Protected(flow.kind, flow.source, flow.target, by, words.format(target=system_word(flow.target)))
