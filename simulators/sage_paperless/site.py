"""The site at one moment, and one call to it: what every handler is given and what it answers."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from simulators.kit.delivery import Delivery
from simulators.sage_paperless.multipart import Parts
from simulators.sage_paperless.problems import Refusal, malformed
from simulators.sage_paperless.shapes import Json, Shape
from simulators.sage_paperless.store import Row, Store, Vault, public

DEFAULT_OPTIONS: dict[str, Any] = {
    "rate_per_minute": 600,  # per vault; 0 = no limit
    "burst": 25,
    "idempotency_days": 7,  # contract B.1
    "webhook_give_up_hours": 72,
    "backfill_seconds": 0,  # between two runs of the payment job; 0 = at every tick
    "folder": "",  # root of the drop folder; empty: there is none
    "importer_seconds": 0,  # between two looks of the importer; 0 = at every tick
    "heartbeat_seconds": 30,
    "export_seconds": 900,  # rows of paid notices that were not acknowledged are written again after this
}


@dataclass
class Answer:
    """Status, body (plain data, bytes of a document, or nothing) and headers of a reply."""

    status: int
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)
    content_type: str = "application/json"


@dataclass
class Site:
    """All vaults, the moment of the call, and how events leave."""

    store: Store
    now: datetime
    options: dict[str, Any]
    send: Callable[[Delivery], None]
    visible: Callable[[str], bool] | None = None  # given only while a read-lag fault hides what is young


@dataclass
class Call:
    """One request, already routed, signed in and limited."""

    method: str
    path: str
    params: dict[str, str]
    query: dict[str, str]
    headers: dict[str, str]
    vault: Vault
    content: Json | None = None
    parts: Parts | None = None

    def body(self, shape: Shape) -> Json:
        """The body in the given shape. Raises Refusal validation_failed."""
        return shape.require(self.content)


Handler = Callable[[Site, Call], Answer]


def record(row: Row, status: int = 200) -> Answer:
    """A row with its version as ETag."""
    return Answer(status, public(row), {"ETag": f'"{row["version"]}"'})


def check_version(call: Call, version: str) -> None:
    """If-Match against the version held. Raises Refusal stale_version (412), or 400 when it is missing."""
    given = call.headers.get("if-match")
    if given is None:
        raise malformed("/headers/If-Match", "is missing")
    if given.strip() != "*" and given.strip().removeprefix("W/").strip('"') != version:
        raise Refusal("stale_version", f"The version is {version}, the request was made for {given}.")


def procore_part(vault: Vault, write: bool) -> None:
    """Raises Refusal where the vault shows no Procore part (S-08), or has no licence for it (S-01)."""
    if not vault.supported:
        if write:
            raise Refusal("bridge_not_supported", f"Vault {vault.name} is bridged to {vault.bridge}.")
        raise Refusal("not_found", "There is no Procore part in this vault.")
    if not vault.licences["procore"]:
        raise Refusal("procore_licence_required", f"Vault {vault.name} has no Procore licence.")
