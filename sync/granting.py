"""Grant Access: a person signs in at the other system with a browser and lets us in (S-11 to S-14)."""

import json
import secrets as random
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import text

from connectors.calls import CallFailed
from connectors.flow import Consent
from connectors.ports import Client, Token
from connectors.registry import all_connectors
from models import session
from settings.secret_values import remember
from sync import clients, connections, settings
from sync.company import Company, load
from sync.records import Rung, merge, write_history
from sync.refusal import Refused, one_vault
from sync.secrets import decrypt, encrypt
from sync.tokens import Person, digest
from sync.trial import Trial

#: The code lives ten minutes (contract section 2), and a person has to find their password first.
LASTS = timedelta(minutes=15)
#: Beside what was granted, these of the credentials are kept; the code was used up.
KEPT = ("client_id", "client_secret")
PATIENCE_SECONDS = 10.0


class Misused(LookupError):
    """The state that came back belongs to no sign-in of this person: used already, too old, or somebody else's."""


@dataclass(frozen=True, slots=True)
class Choice:
    """A company that can be picked. `chosen`: it is the one that is used now."""

    id: str
    name: str
    chosen: bool


def consent_of(system: str) -> Consent:
    """Raises LookupError for a system that no person signs in to."""
    declared = all_connectors().get(system)
    if declared is None or declared.consent is None:
        raise LookupError(f"nobody signs in to {system}")
    return declared.consent


def begin(person: Person, system: str, redirect_uri: str, base_url: str = "", given: Mapping[str, str] | None = None) -> str:
    """Where the browser goes now. `given` are our app's id and secret, unless they are stored. Raises Refused."""
    consent, declared, state = consent_of(system), all_connectors()[system], random.token_urlsafe(32)
    remember(state)
    with session(person.company_id) as db:
        row = db.execute(text("""
            SELECT n.settings, c.secrets FROM connection n LEFT JOIN credential c ON c.connection_id = n.id WHERE n.system = :s
        """), {"s": system}).first()  # fmt: skip
        known = decrypt(row.secrets) if row is not None and row.secrets is not None else {}
        values = dict(row.settings) if row is not None else {"base_url": base_url} if base_url else {}
        secrets = {name: (given or {}).get(name, "").strip() or known.get(name, "") for name in KEPT}
        if not all(secrets.values()):
            raise Refused("secret_missing", "The app's client id and client secret are needed before access can be granted.")
        model = _model(declared.settings, values)
        db.execute(text("DELETE FROM access_grant WHERE expires_at < clock_timestamp() OR token_id = :t"), {"t": person.token_id})
        db.execute(
            text("""
            INSERT INTO access_grant (company_id, system, token_id, hash, settings, secrets, redirect_uri, expires_at)
            VALUES (:c, :s, :t, :h, CAST(:v AS jsonb), :e, :r, clock_timestamp() + :lasts)
        """),
            {
                "c": person.company_id, "s": system, "t": person.token_id, "h": digest(state), "v": json.dumps(values),
                "e": encrypt(secrets), "r": redirect_uri, "lasts": LASTS,
            },
        )  # fmt: skip
    return consent.address(model, secrets["client_id"], redirect_uri, state)


def finish(person: Person, system: str, state: str, code: str) -> str:
    """The browser is back with a code: it becomes tokens, which are stored. Gives who let us in, as named there.

    Raises Misused, Refused, CallFailed; nothing is stored then.
    """
    consent, begun = consent_of(system), _take(person, system, state)
    remember(code)
    given = {**begun.secrets, "grant": "authorization_code", "code": code, "redirect_uri": begun.redirect_uri}
    trial = Trial(given)
    model = _model(all_connectors()[system].settings, begun.settings)
    client = all_connectors()[system].connect(
        model, trial, trial, company="", seconds=PATIENCE_SECONDS, urgent=True, transport=clients.transports.get(system)
    )
    try:
        name = consent.person(client)
    finally:
        client.close()
    if trial.held is None:
        raise LookupError("no token was given")
    _keep(person, system, begun, trial.held, name)
    return name


def give_up(person: Person, system: str, state: str) -> None:
    """The person did not let us in: the state is used up. Raises Misused."""
    _take(person, system, state)


def choices(company_id: int, system: str) -> list[Choice]:
    """The companies that whoever let us in may use. Raises CallFailed, Refused when nobody has."""
    consent, company = consent_of(system), _company(company_id, system)
    with _asking(company, system) as client:
        return [Choice(one, name, one == company.site_id) for one, name in consent.companies(client)]


def pick(company_id: int, system: str, site_id: str, actor: str) -> Rung:
    """Saves the company as a whole, or nothing. Raises Refused and CallFailed.

    Another one than before only while nothing was read: what two companies hold is never mixed.
    """
    consent, company = consent_of(system), _company(company_id, system)
    with _asking(company, system) as client:
        names = dict(consent.companies(client))
    if site_id not in names:
        raise Refused("company_unknown", "Pick one of the companies in the list.")
    _lets_us_in(company, system, site_id, names[site_id])
    with one_vault(), session(company_id) as db:
        if site_id != company.site_id and db.execute(text("SELECT 1 FROM snapshot LIMIT 1")).first():
            said = f"Company {company.site_id} has been read already. Another company needs a company of its own here."
            raise Refused("company_in_use", said)
        db.execute(text("UPDATE company SET site_id = :s"), {"s": site_id})  # from here on the database holds S-15
        # told to the others inside this transaction on purpose: what they refuse leaves nothing of ours behind (S-16)
        told = [other for other in company.connections if other != system and _tell(company, other, site_id)]
        db.execute(text("UPDATE connection SET settings_version = settings_version + 1"))
        before = {"company": company.site_id} if company.site_id else None
        after = {"company": site_id, "name": names[site_id]}
        write_history(db, company_id, None, actor, f"company.{system}", before, after, "")
    rung = settings.unblock(company_id, system)
    for other in told:
        merge(rung, settings.fetch(company_id, other, actor))
    return rung


def _lets_us_in(company: Company, system: str, site_id: str, name: str) -> None:
    """Reads one page of the first list. Raises Refused where even that is not allowed."""
    declared = all_connectors()[system]
    kind = next(kind for kind in declared.scans if declared.readers[kind].scope == "company")
    with _asking(company, system, site_id) as client:
        try:
            next(iter(declared.readers[kind].pages(client, None, None)), None)
        except CallFailed as error:
            said = f"{name} does not let us in: {error.answer.reason or error}. Nothing was saved."
            raise Refused("permission_missing", said, "Install the app in that company, then pick it again.") from None


def _tell(company: Company, system: str, site_id: str) -> bool:
    """A system that holds the company itself is asked to hold this one; whether it was. Raises Refused, CallFailed."""
    declared, connected = all_connectors()[system], company.connections[system]
    if site_id == company.site_id or declared.read_settings is None or not connected.enabled or connected.settings is None:
        return False
    client = clients.fresh(company, system, PATIENCE_SECONDS, site_id)
    try:
        _, version = declared.read_settings(client)
        settings.mirror(client, system, connected.settings.model_dump(mode="json"), version, f"company-{site_id}-{version}")
    finally:
        client.close()
    return True


@dataclass(frozen=True, slots=True)
class _Begun:
    settings: dict[str, Any]
    secrets: dict[str, str]
    redirect_uri: str


def _take(person: Person, system: str, state: str) -> _Begun:
    """Only once, only in time, only by the session that began it; another company's is not even visible."""
    remember(state)
    with session(person.company_id) as db:
        row = db.execute(
            text("""
            DELETE FROM access_grant WHERE hash = :h AND system = :s AND token_id = :t
            RETURNING settings, secrets, redirect_uri, expires_at > clock_timestamp() AS lasts
        """),
            {"h": digest(state), "s": system, "t": person.token_id},
        ).first()
    if row is None or not row.lasts:
        raise Misused("this sign-in was used already, is too old, or was begun by somebody else")
    return _Begun(row.settings, decrypt(row.secrets), row.redirect_uri)


def _keep(person: Person, system: str, begun: _Begun, token: Token, name: str) -> None:
    credentials = {**{key: begun.secrets[key] for key in KEPT}, "grant": "authorization_code"}
    connections.connect(person.company_id, system, begun.settings, credentials, token)
    with session(person.company_id) as db:
        db.execute(
            text("UPDATE connection SET granted_at = clock_timestamp(), granted_by = :by, granted_as = :name WHERE system = :s"),
            {"by": person.name, "name": name, "s": system},
        )
        write_history(db, person.company_id, None, person.name, f"granted.{system}", None, {"as": name}, "")


def _company(company_id: int, system: str) -> Company:
    with session(company_id) as db:
        company = load(db, company_id)
        granted = db.scalar(text("SELECT granted_at FROM connection WHERE system = :s"), {"s": system})
    if granted is None or company.connections[system].settings is None:
        # a service account is installed in one company, and is asked nothing without its name (contract section 3)
        raise Refused("not_connected", "No person has granted access yet, so there is no list of companies.", "Grant access.")
    return company


@contextmanager
def _asking(company: Company, system: str, site_id: str = "") -> Iterator[Client]:
    """Bound to this company, or to none."""
    client = clients.fresh(company, system, PATIENCE_SECONDS, site_id)
    try:
        yield client
    finally:
        client.close()


def _model(model: type[Any], values: Mapping[str, Any]) -> Any:
    try:
        return model.model_validate(values)
    except ValueError as error:
        raise Refused("settings_refused", f"The address cannot stand: {error}") from None
