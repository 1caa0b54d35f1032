"""A company with its connections, as one run of the engine sees them."""

from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError
from sqlalchemy import Connection

from connectors.flow import Flow
from connectors.registry import all_connectors, connector
from models import text


@dataclass(frozen=True, slots=True)
class Connected:
    """One connection. `settings` is the model of settings/<system>.py, or None with the reason in `refused`."""

    id: int
    system: str
    enabled: bool
    settings: Any
    version: int
    blocked_code: str | None
    refused: str = ""
    blocked_reason: str = ""


@dataclass(frozen=True, slots=True)
class Company:
    """`site_id` is Procore's id of the company; `salt` makes its keys its own."""

    id: int
    name: str
    site_id: str
    currency: str
    time_zone: str
    salt: bytes
    connections: dict[str, Connected]

    def flows_from(self, system: str, kind: str) -> list[tuple[Connected, Flow]]:
        """The flows that an object of this kind, read from this system, takes part in, each with its connection.

        Also of a connection that is switched off: its records are made and wait, so that nothing is missed meanwhile.
        """
        return [
            (connected, flow)
            for name, connected in self.connections.items()
            for flow in connector(name).flows
            if flow.source == system and flow.kind == kind
        ]

    def off(self, system: str) -> str:
        """The connection whose being switched off stops this one: its own, or Procore's, which is in everything. Empty: none."""
        off = (name for name in (system, "procore") if name in self.connections and not self.connections[name].enabled)
        return next(off, "")

    def by_id(self, connection_id: int) -> Connected:
        """Raises KeyError."""
        for connected in self.connections.values():
            if connected.id == connection_id:
                return connected
        raise KeyError(connection_id)


def load(db: Connection, company_id: int) -> Company:
    """Two rows and more, one statement. Raises LookupError when there is no such company."""
    rows = db.execute(
        text("""
        SELECT c.id, c.name, c.site_id, c.currency, c.time_zone, c.salt,
               n.id AS connection_id, n.system, n.enabled, n.settings, n.settings_version, n.blocked_code,
               n.blocked_reason
        FROM company c LEFT JOIN connection n ON n.company_id = c.id WHERE c.id = :id ORDER BY n.id
    """),
        {"id": company_id},
    ).all()
    if not rows:
        raise LookupError(f"there is no company {company_id}")
    first = rows[0]
    connections = {r.system: _connected(r) for r in rows if r.system in all_connectors()}
    return Company(first.id, first.name, first.site_id, first.currency, first.time_zone, bytes(first.salt), connections)


def block(db: Connection, system: str) -> None:
    """The sign-in was refused: everything of this connection waits until a person has connected it again (F36)."""
    db.execute(
        text("""
        UPDATE connection SET blocked_code = 'reconnect_needed', blocked_at = clock_timestamp()
        WHERE system = :s AND blocked_code IS NULL
    """),
        {"s": system},
    )


def _connected(row: Any) -> Connected:
    settings, refused = _validated(row.connection_id, row.system, row.settings)
    return Connected(
        row.connection_id, row.system, row.enabled, settings, row.settings_version, row.blocked_code, refused,
        row.blocked_reason or "",
    )  # fmt: skip


#: Connection -> settings as stored, as a model, and why they were refused: the same stored values are validated once.
_known: dict[tuple[int, str], tuple[Any, Any, str]] = {}


def _validated(connection_id: int, system: str, stored: Any) -> tuple[Any, str]:
    known = _known.get((connection_id, system))
    if known is None or known[0] != stored:
        try:
            known = stored, connector(system).settings.model_validate(stored), ""
        except ValidationError as error:
            known = stored, None, "; ".join(str(e["msg"]) for e in error.errors())
        _known[connection_id, system] = known
    return known[1], known[2]
