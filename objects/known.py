"""What a rule may look at besides its object: links, snapshots and settings, never the network."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol


@dataclass(frozen=True, slots=True)
class Link:
    """One of our objects and what it became on the other side; `data` is what its last confirmed write left there.

    `doubtful`: a write of it may stand there, and nobody knows yet.
    `begun`: so may some part of it; what it is written as does not change any more.
    `gone`: all that it was before and that vanished there, when a person has asked that it be written anew.
    """

    kind: str
    source_id: str
    remote_id: str | None
    remote_number: str | None
    state: str
    number: str = ""
    data: Mapping[str, Any] = field(default_factory=dict)
    gone: tuple[str, ...] = ()
    doubtful: bool = False
    begun: bool = False


class Known(Protocol):
    """Filled by `sync.known` with one query per batch; connectors only read it."""

    @property
    def settings(self) -> Any:
        """The connection's settings, an instance of the model in settings/<system>.py."""

    @property
    def site_company_id(self) -> str:
        """Procore's id of the company."""

    def link(self, kind: str, source_id: str) -> Link | None:
        """What this object became, or None when it has no record yet."""

    def linked_from(self, kind: str, remote_id: str) -> Link | None:
        """The object of ours that became this record."""

    def snapshot(self, system: str, kind: str, source_id: str) -> Any | None:
        """The object as last read from that system, or None."""

    def find(self, system: str, kind: str, project_id: str | None = None, name: str | None = None) -> list[Any]:
        """Objects as last read, all of a project or all of a name (compared as `objects.text.folded`)."""

    def about(self, system: str, kind: str, invoice_id: str) -> list[Any]:
        """Objects as last read that name this invoice, such as its payments."""

    def others_numbered(self, kind: str, number: str, source_id: str) -> list[str]:
        """Source ids of other live objects of this kind and direction that carry the same number."""
