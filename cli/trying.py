"""Trying a connection: settings, sign-in, one reading, mirrored settings. Reads only."""

import time
from dataclasses import dataclass

from connectors.calls import CallFailed, NotUnderstood, SignInRefused, Unavailable
from connectors.registry import connector
from models import session
from sync import clients
from sync.company import Company, load
from sync.views import kinds_word


@dataclass(frozen=True)
class Tried:
    """`ms`: one reading from the first byte sent to the last understood. `code` is a catalogue code, "" when all is well."""

    system: str
    ok: bool
    said: str
    ms: int = 0
    rows: int = 0
    code: str = ""
    mirror: str = ""  # a difference between our copy of the settings and theirs


def try_all(company_id: int, system: str = "") -> list[Tried]:
    """Every connection that is switched on, or the one named."""
    with session(company_id) as db:
        company = load(db, company_id)
    return [
        try_one(company, name) for name, one in company.connections.items() if system in ("", name) and (one.enabled or system)
    ]


def try_one(company: Company, system: str) -> Tried:
    """Signs in and reads the first page of the first list. Never raises for what the system or its settings say."""
    connected, declared = company.connections[system], connector(system)
    if connected.settings is None:
        return Tried(system, False, f"its settings cannot stand: {connected.refused}", code="settings_refused")
    kind = next(kind for kind in declared.scans if declared.readers[kind].scope == "company")
    began = time.monotonic()
    try:
        client = clients.client(company, system, urgent=True)
        page = next(iter(declared.readers[kind].pages(client, None, None)), None)
        took = int((time.monotonic() - began) * 1000)
        mirror = _mirror(company, system)
    except SignInRefused as error:
        return Tried(system, False, f"the sign-in was refused: {error.answer.reason or error}", code="reconnect_needed")
    except clients.SwitchedOff as error:
        return Tried(system, False, str(error), code="switched_off")
    except Unavailable as error:
        return Tried(system, False, f"it does not answer: {error.answer.reason or error}", code="system_unreachable")
    except CallFailed as error:
        return Tried(system, False, str(error), code="permission_missing")
    except NotUnderstood as error:
        return Tried(system, False, f"its answer cannot be understood: {error}", code="not_understood")
    rows = len(page.objects) if page else 0
    return Tried(system, True, f"signed in and read {rows} {kinds_word(kind).lower()} in {took} ms", took, rows, mirror=mirror)


def _mirror(company: Company, system: str) -> str:
    declared = connector(system)
    if declared.read_settings is None:
        return ""
    theirs, _ = declared.read_settings(clients.client(company, system, urgent=True))
    ours = company.connections[system].settings.model_dump(mode="json")
    return ", ".join(sorted(name for name, value in theirs.items() if ours.get(name) != value))
