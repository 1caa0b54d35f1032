"""A connection's settings: refused as a whole or stored as a whole, mirrored where the outside system holds them too."""

import json
from typing import Any

from pydantic import ValidationError
from sqlalchemy import text

from connectors.ports import Client
from connectors.registry import connector
from models import session
from objects.outcome import Outcome
from objects.plain import digest
from objects.problem import on_settings
from settings import address
from sync import clients, one_route, records
from sync.company import load
from sync.records import Rung
from sync.refusal import Refused
from sync.stops import STOPS


def save(company_id: int, system: str, values: dict[str, Any], actor: str) -> Rung:
    """Checks, sends the mirrored part there first, then stores what was answered. Raises Refused; nothing is stored then."""
    declared = connector(system)
    with session(company_id) as db:
        company = load(db, company_id)
        row = db.execute(text("SELECT * FROM connection WHERE system = :s FOR UPDATE"), {"s": system}).one()
    wanted = {**row.settings, **values}
    model = _checked(system, wanted)
    if any(wanted.get(name) != row.settings.get(name) for name in address.NAMES):
        # else whoever may change settings could have the stored credentials sent to a host of their own
        raise Refused("settings_refused", "The address is changed by connecting again, with its credentials: sitebooks connect")
    with session(company_id) as db:
        one_route.unless_two(db, company_id, system, wanted)
    version = row.mirror_version
    if declared.save_settings is not None and declared.read_settings is not None:
        client, body = clients.client(company, system, urgent=True), model.model_dump(mode="json")
        key = f"settings-{row.id}-{version}-{digest(body).hex()[:16]}"
        mirrored, version = mirror(client, system, body, version, key)
        values = {**values, **mirrored}
    return _store(company_id, system, values, version, actor)


def mirror(
    client: Client, system: str, body: dict[str, Any], version: str | None, key: str
) -> tuple[dict[str, Any], str | None]:
    """Sends what the system itself holds; gives that as it stands there now, with its version. Raises Refused, CallFailed."""
    declared = connector(system)
    if declared.save_settings is None or declared.read_settings is None:
        return {}, version
    answer = declared.save_settings(client, body, version or "", key)
    if answer.outcome in (Outcome.refused, Outcome.not_applied):
        raise Refused(_code(answer.body), answer.reason or "the system did not take the settings")
    mirrored, version = declared.read_settings(client)  # after a lost answer, too: what stands there is what counts
    if answer.outcome is Outcome.uncertain and any(body.get(name) != value for name, value in mirrored.items()):
        raise Refused("system_unavailable", answer.reason or "the system did not take the settings")
    return mirrored, version


def fetch(company_id: int, system: str, actor: str) -> Rung:
    """Takes over what the outside system holds. Raises CallFailed when it cannot be read."""
    declared = connector(system)
    if declared.read_settings is None:
        return {}
    with session(company_id) as db:
        company = load(db, company_id)
        stored = db.execute(text("SELECT settings, mirror_version FROM connection WHERE system = :s"), {"s": system}).one()
    mirrored, version = declared.read_settings(clients.client(company, system, urgent=True))
    wanted = {**stored.settings, **mirrored}
    if wanted == stored.settings and version == stored.mirror_version:
        return {}
    return _store(company_id, system, mirrored, version, actor)


def unblock(company_id: int, system: str) -> Rung:
    """A person has connected again: what waited for the sign-in goes on."""
    with session(company_id) as db:
        db.execute(
            text("""
            UPDATE connection SET blocked_code = NULL, blocked_at = NULL, blocked_reason = NULL
            WHERE system = :s AND blocked_code <> ALL(:stops)
        """),
            {"s": system, "stops": list(STOPS)},
        )
        return records.release(db, [on_settings()])


def _store(company_id: int, system: str, values: dict[str, Any], version: str | None, actor: str) -> Rung:
    """Only what was given is changed, on what stands there by now: two who save different fields at once lose nothing."""
    with session(company_id) as db:
        before = db.execute(text("SELECT settings FROM connection WHERE system = :s FOR UPDATE"), {"s": system}).scalar_one()
        wanted = {**before, **values}
        _checked(system, wanted)
        db.execute(
            text("""
            UPDATE connection SET settings = CAST(:v AS jsonb), settings_version = settings_version + 1, mirror_version = :m
            WHERE system = :s
        """),
            {"v": json.dumps(wanted), "m": version, "s": system},
        )
        if before == wanted:
            return {}
        changed = {k: wanted[k] for k in wanted if before.get(k) != wanted[k]}
        records.write_history(db, company_id, None, actor, f"settings.{system}", {k: before.get(k) for k in changed}, changed)
        return records.by_kind(
            db.execute(
                text("""
            UPDATE sync_record SET due_at = clock_timestamp(), rung_at = clock_timestamp()
            WHERE connection_id = (SELECT id FROM connection WHERE system = :s)
              AND state IN ('held', 'ignored', 'needs_attention', 'awaiting_approval', 'pending') RETURNING kind, id
        """),
                {"s": system},
            )
        )


def _checked(system: str, values: dict[str, Any]) -> Any:
    try:
        return connector(system).settings.model_validate(values)
    except ValidationError as error:
        first = error.errors()[0]
        code = first["type"] if first["type"] not in ("value_error",) else "settings_refused"
        raise Refused(code, "; ".join(str(e["msg"]).removeprefix("Value error, ") for e in error.errors())) from None


def _code(body: Any) -> str:
    return str(body.get("code", "settings_refused")) if isinstance(body, dict) else "settings_refused"


__all__ = ["Refused", "fetch", "mirror", "save", "unblock"]
