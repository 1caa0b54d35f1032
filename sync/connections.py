"""Connections: making one, subscribing to its webhooks, and listing all of them for the schedule."""

import json
import logging
import secrets
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit

from sqlalchemy import text

from connectors.ports import Token
from connectors.registry import connector
from models import session, unscoped
from objects import Object
from objects.plain import NotReadable, from_plain
from settings.environment import environment
from sync import clients, one_route, records
from sync.clients import budget_row
from sync.company import load
from sync.records import Rung, merge
from sync.refusal import one_vault
from sync.secrets import decrypt, encrypt
from sync.stops import STOPS

log = logging.getLogger("sitebooks.connect")


@dataclass(frozen=True, slots=True)
class Scheduled:
    """A connection as the schedule sees it."""

    id: int
    company_id: int
    system: str
    time_zone: str
    settings: dict[str, Any]


def scheduled() -> list[Scheduled]:
    """All connections that are switched on, of all companies."""
    with unscoped() as db:
        rows = db.execute(
            text("SELECT company_id, connection_id, system, time_zone, settings FROM sitebooks_connections()")
        ).all()
    return [Scheduled(r.connection_id, r.company_id, r.system, r.time_zone, r.settings) for r in rows]


def companies() -> list[tuple[int, str]]:
    """(id, name) of every company."""
    with unscoped() as db:
        return [(r.company_id, r.name) for r in db.execute(text("SELECT company_id, name FROM sitebooks_companies()"))]


def new_company(name: str, site_id: str, currency: str = "NZD", time_zone: str = "Pacific/Auckland") -> int:
    """Its id. Every company has a salt of its own, so that two never share a key."""
    with unscoped() as db:
        made: int = db.execute(
            text("SELECT sitebooks_new_company(:n, :s, :c, :z, :salt)"),
            {
                "n": name,
                "s": site_id,
                "c": currency,
                "z": time_zone,
                "salt": secrets.token_bytes(32),
            },
        ).scalar_one()
        return made


def connect(
    company_id: int, system: str, settings: dict[str, Any], credentials: dict[str, str], token: Token | None = None
) -> int:
    """A connection with its credentials, its unguessable address and its secret; `token` is one they already led to.

    Raises pydantic.ValidationError, and sync.refusal.Refused where it would break a rule between connections.
    """
    connector(system).settings.model_validate(settings)
    with one_vault(), session(company_id) as db:
        one_route.unless_two(db, company_id, system, settings)
        made: int = db.execute(
            text("""
            INSERT INTO connection (company_id, system, settings, hook_address, hook_secrets)
            VALUES (:p, :s, CAST(:v AS jsonb), :a, :h)
            ON CONFLICT (company_id, system) DO UPDATE SET settings = connection.settings || excluded.settings,
                settings_version = connection.settings_version + 1,
                blocked_code = CASE WHEN connection.blocked_code = ANY(:stops) THEN connection.blocked_code END
            RETURNING id
        """),
            {
                "p": company_id,
                "s": system,
                "v": json.dumps(settings),
                "stops": list(STOPS),
                "a": secrets.token_urlsafe(24),
                "h": encrypt([secrets.token_urlsafe(32)]),
            },
        ).scalar_one()
        db.execute(
            text("""
            INSERT INTO credential (company_id, connection_id, secrets, token, token_expires_at) VALUES (:p, :c, :s, :t, :e)
            ON CONFLICT (company_id, connection_id) DO UPDATE
                SET secrets = excluded.secrets, token = excluded.token, token_expires_at = excluded.token_expires_at
        """),
            {
                "p": company_id,
                "c": made,
                "s": encrypt(credentials),
                "t": token and encrypt([token.access, token.refresh]),
                "e": token and token.expires_at,
            },
        )
        budget_row(db, company_id, made, learn=system == "procore")
    return made


def subscribe(company_id: int, system: str, renew: bool = False) -> list[str] | None:
    """Registers our webhook address there, once; gives what it covers. What it does not cover is polled.

    With `renew` it is registered anew with the newest secret, where the system would otherwise keep the one it has.

    None: nothing was registered, because PUBLIC_URL is this machine itself and the system is elsewhere.
    """
    with session(company_id) as db:
        company = load(db, company_id)
        row = db.execute(text("SELECT hook_address, hook_secrets FROM connection WHERE system = :s"), {"s": system}).one()
    if not reachable(str(getattr(company.connections[system].settings, "base_url", ""))):
        log.warning("%s cannot reach %s: no webhooks, everything is polled", system, environment().public_url)
        return None
    url = f"{environment().public_url.rstrip('/')}/webhooks/{system}/{row.hook_address}"
    caller, secret = clients.client(company, system, urgent=True), decrypt(row.hook_secrets)[0]
    declared = connector(system)
    covered = declared.subscribe(caller, url, secret, renew=True) if renew else declared.subscribe(caller, url, secret)
    with session(company_id) as db:
        db.execute(
            text("UPDATE connection SET covered = CAST(:c AS jsonb) WHERE system = :s AND covered <> CAST(:c AS jsonb)"),
            {"c": json.dumps(covered), "s": system},
        )
    return covered


def catch_up(company_id: int, system: str) -> Rung:
    """Records for what was read before this system was connected: a scan only sees what has changed since."""
    rung: Rung = {}
    with session(company_id) as db:
        company = load(db, company_id)
        wanted = {(f.source, f.kind) for f in connector(system).flows if f.source != system and f.source in company.connections}
        for source, kind in sorted(wanted):
            stored_data = db.scalars(
                text("SELECT data FROM snapshot WHERE connection_id = :c AND kind = :k AND gone_at IS NULL ORDER BY id"),
                {"c": company.connections[source].id, "k": kind},
            )
            merge(rung, records.ensure(db, company, source, kind, list(_readable(kind, stored_data))))
    return rung


def _readable(kind: str, stored_data: Iterable[Any]) -> Iterator[Object]:
    """What an older release stored in another form is left to the nightly full reading."""
    for data in stored_data:
        try:
            yield from_plain(kind, data)
        except NotReadable as error:
            log.warning("a stored %s is read again by the next full scan: %s", kind, error)


def reachable(base_url: str) -> bool:
    """Whether a system at this address can reach our webhooks: not from elsewhere, when PUBLIC_URL is this machine itself."""
    return not _local(environment().public_url) or (bool(base_url) and _local(base_url))


def _local(url: str) -> bool:
    host = urlsplit(url).hostname or ""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
