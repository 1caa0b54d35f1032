"""Connections: making one, subscribing to its webhooks, and listing all of them for the schedule."""

import json
import secrets
from dataclasses import dataclass
from typing import Any

from sqlalchemy import text

from connectors.registry import connector
from models import session, unscoped
from settings.environment import environment
from sync import clients
from sync.clients import budget_row
from sync.company import load
from sync.secrets import decrypt, encrypt


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


def connect(company_id: int, system: str, settings: dict[str, Any], credentials: dict[str, str]) -> int:
    """A connection with its credentials, its unguessable address and its secret. Raises pydantic.ValidationError."""
    connector(system).settings.model_validate(settings)
    with session(company_id) as db:
        made: int = db.execute(
            text("""
            INSERT INTO connection (company_id, system, settings, hook_address, hook_secrets)
            VALUES (:p, :s, CAST(:v AS jsonb), :a, :h)
            ON CONFLICT (company_id, system) DO UPDATE SET settings = connection.settings || excluded.settings,
                settings_version = connection.settings_version + 1, blocked_code = NULL RETURNING id
        """),
            {
                "p": company_id,
                "s": system,
                "v": json.dumps(settings),
                "a": secrets.token_urlsafe(24),
                "h": encrypt([secrets.token_urlsafe(32)]),
            },
        ).scalar_one()
        db.execute(
            text("""
            INSERT INTO credential (company_id, connection_id, secrets) VALUES (:p, :c, :s)
            ON CONFLICT (company_id, connection_id) DO UPDATE
                SET secrets = excluded.secrets, token = NULL, token_expires_at = NULL
        """),
            {"p": company_id, "c": made, "s": encrypt(credentials)},
        )
        budget_row(db, company_id, made, learn=system == "procore")
    return made


def subscribe(company_id: int, system: str) -> list[str]:
    """Registers our webhook address there, once; gives what it covers. What it does not cover is polled."""
    with session(company_id) as db:
        company = load(db, company_id)
        row = db.execute(text("SELECT hook_address, hook_secrets FROM connection WHERE system = :s"), {"s": system}).one()
    url = f"{environment().public_url.rstrip('/')}/webhooks/{system}/{row.hook_address}"
    covered = connector(system).subscribe(clients.client(company, system, urgent=True), url, decrypt(row.hook_secrets)[0])
    with session(company_id) as db:
        db.execute(
            text("UPDATE connection SET covered = CAST(:c AS jsonb) WHERE system = :s AND covered <> CAST(:c AS jsonb)"),
            {"c": json.dumps(covered), "s": system},
        )
    return covered
