"""Connecting a real system: its secrets asked for, its sign-in tried before anything is stored, its webhooks registered."""

import getpass
import logging
import os
import sys
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from pydantic import BaseModel, ValidationError

from cli.exits import REFUSED, Failure, wrong_usage
from connectors.flow import Looked
from connectors.registry import connector
from models import session
from settings.environment import environment
from sync import clients, connections, problems, settings, tokens, views
from sync.company import load
from sync.trial import Trial

log = logging.getLogger("sitebooks.connect")

#: Procore shows the code to the person instead of sending the browser somewhere (contract section 2).
SHOWN_CODE = "urn:ietf:wg:oauth:2.0:oob"
SIGN_IN_LINK = timedelta(days=1)


def needed(system: str, values: Mapping[str, Any]) -> Sequence[str]:
    """Names of the secrets that a connection with these settings signs in with. Raises Failure for settings that cannot stand."""
    return connector(system).secrets(model_of(system, values))


def ask_secrets(system: str, names: Sequence[str]) -> dict[str, str]:
    """From the environment (PROCORE_CLIENT_ID ...), else from a hidden prompt; never from arguments. Raises Failure."""
    found = {}
    for name in names:
        variable = f"{system}_{name}".upper()
        value = os.environ.get(variable, "")
        if not value and sys.stdin.isatty():
            value = getpass.getpass(f"{system} {name.replace('_', ' ')} (not shown): ").strip()
        if not value:
            fix = f"Set {variable}, or run it on a terminal."
            raise wrong_usage(f"The {name.replace('_', ' ')} of {system} is missing.", fix, "secret_missing")
        found[name] = value
    return found


def consent(values: Mapping[str, Any], secrets: dict[str, str], state: str) -> dict[str, str]:
    """Procore only: a person lets the app in with a browser and types the code that Procore shows. Raises Failure."""
    from connectors.procore.client import consent_url
    from settings.procore import ProcoreSettings

    print("Open this address, let the app in, and copy the code it shows:", file=sys.stderr)
    print(consent_url(ProcoreSettings.model_validate(values), secrets["client_id"], SHOWN_CODE, state), file=sys.stderr)
    return {**secrets, **ask_secrets("procore", ["code"]), "grant": "authorization_code", "redirect_uri": SHOWN_CODE}


def model_of(system: str, values: Mapping[str, Any]) -> BaseModel:
    """The settings as their model. Raises Failure naming the field that cannot stand."""
    try:
        made: BaseModel = connector(system).settings.model_validate(values)
    except ValidationError as error:
        said = "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}".removeprefix(": ") for e in error.errors())
        fields = ", ".join(connector(system).settings.model_fields)
        raise Failure("settings_refused", said, f"Settings of {system}: {fields}.", REFUSED) from None
    return made


def try_out(
    system: str, values: Mapping[str, Any], secrets: Mapping[str, str], site_id: str
) -> tuple[Trial, int, Sequence[Looked]]:
    """Signs in and reads the first page of the first list; gives the trial, how many rows it had, and what else must hold
    there. Raises CallFailed, and Failure for what must be put right before anything can be set (S-01, S-02, S-08)."""
    declared, trial = connector(system), Trial(secrets)
    reader = next(declared.readers[kind] for kind in declared.scans if declared.readers[kind].scope == "company")
    client = declared.connect(
        model_of(system, values),
        trial,
        trial,
        company=site_id,
        seconds=environment().request_seconds,
        urgent=True,
        transport=clients.transports.get(system),
    )
    try:
        page = next(iter(reader.pages(client, None, None)), None)
        looked = declared.probe(client) if declared.probe else ()
    finally:
        client.close()
    for one in looked:
        if one.stops and one.problem is not None:
            said = problems.text(one.problem.code, one.problem.values)
            raise Failure(one.problem.code, f"{said.title}. {said.cause}", " ".join(said.fix), REFUSED)
    return trial, len(page.objects) if page else 0, looked


def store(
    company_id: int,
    system: str,
    values: dict[str, Any],
    chosen: dict[str, Any],
    secrets: dict[str, str],
    trial: Trial,
    actor: str,
) -> list[str] | None:
    """Keeps what was tried out and starts the first reading; gives what rings, None when webhooks cannot reach us.

    `chosen` are the settings among `values` that a person named now. Raises CallFailed and settings.Refused; running it
    again goes on where it stopped.
    """
    from tasks import publish, scan

    # a code and a refresh token work once: what the trial was given is what is kept
    connections.connect(company_id, system, values, secrets, trial.held)
    publish.ring_all(company_id, settings.unblock(company_id, system))
    with session(company_id) as db:
        off = load(db, company_id).off(system)
    if off:
        said = f"The new credentials are kept. The connection with {views.system_word(off)} is switched off."
        raise Failure("switched_off", said, f"sitebooks connections on {off}", REFUSED)
    publish.ring_all(company_id, settings.fetch(company_id, system, actor))
    if chosen:  # after the fetch, so that what the system itself holds is changed there first
        publish.ring_all(company_id, settings.save(company_id, system, chosen, actor))
    covered = connections.subscribe(company_id, system)
    publish.ring_all(company_id, connections.catch_up(company_id, system), queue="bulk")
    scan.start(company_id, system)
    return covered


def known_company(asked: str) -> int | None:
    """The company of this id or name, if there is one."""
    found = [i for i, name in connections.companies() if asked in (str(i), name) or asked.casefold() == name.casefold()]
    return found[0] if len(found) == 1 else None


def stored(company_id: int | None, system: str, currency: str) -> dict[str, Any]:
    """What an earlier connection was set to; a first one has the company's currency."""
    if company_id is None:
        return {"currency": currency}
    earlier = views.connection(company_id, system)
    if earlier is not None:
        return dict(earlier.settings)
    with session(company_id) as db:
        return {"currency": load(db, company_id).currency}


def site_of(company_id: int) -> str:
    """Procore's id of the company."""
    with session(company_id) as db:
        return load(db, company_id).site_id


def sign_in_link(company_id: int, name: str) -> str:
    """A link for an administrator that works once, for one day."""
    tokens.ensure_user(company_id, name, "admin")
    made = tokens.new_token(company_id, name, "sign_in", (), SIGN_IN_LINK)
    return f"{environment().public_url.rstrip('/')}/sign-in/{made}"
