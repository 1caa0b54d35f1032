"""What a new data folder is given after the first start: the demo company, connected to the running simulators."""

import json
import urllib.request
from datetime import timedelta
from typing import Any

from cli.pretending import USUAL
from sync import connections, settings, views
from sync.tokens import ensure_user, new_token
from tasks import publish, scan

ACTOR = "set-up"


def connect_simulators(ready: dict[str, Any], connection: str | None = None) -> dict[str, Any]:
    """Connects Procore and one accounting system, the data set's own unless one is named, to one company, once per data
    folder, and starts the first reading.

    Returns what to add to ready.json: company_id, api_token, and sign_in, a link that works once.
    """
    stands = ready["simulators"]
    known = connections.companies()
    told = story(stands["procore"]["url"])
    site_id = str(stands["procore"]["credentials"]["company_id"])
    company_id = known[0][0] if known else connections.new_company(told["company"]["name"], site_id)
    chosen = told["sitebooks"] or {}
    for system in ("procore", connection or next(iter(chosen), USUAL)):
        connect(company_id, system, stands[system], chosen.get(system) or {})
    return people(company_id, ready["web"])


def story(url: str) -> dict[str, Any]:
    """The pretend company's name, and what its people have chosen in our settings of each connection, as its data set tells."""
    with urllib.request.urlopen(f"{url}/_sim/story", timeout=10) as answer:
        told: dict[str, Any] = json.load(answer)
    return told


def connect(company_id: int, system: str, stand: dict[str, Any], own: dict[str, Any]) -> None:
    """One connection as a person would make it: address, credentials, mirrored settings, webhooks, then the first pass.

    What people have set since it was made first stays.
    """
    earlier = views.connection(company_id, system)
    values = {**(own if earlier is None else earlier.settings), "base_url": stand["url"]}
    credentials = {name: str(value) for name, value in stand["credentials"].items()}
    connections.connect(company_id, system, values, credentials)
    publish.ring_all(company_id, settings.fetch(company_id, system, ACTOR))
    if own and earlier is None:  # after the fetch, so that what the system itself holds is changed there first
        publish.ring_all(company_id, settings.save(company_id, system, own, ACTOR))
    connections.subscribe(company_id, system)
    publish.ring_all(company_id, connections.catch_up(company_id, system))
    scan.start(company_id, system)


def people(company_id: int, web: str) -> dict[str, Any]:
    """An administrator who may sign in by a link that works once, and a token for scripts."""
    ensure_user(company_id, "admin", "admin")
    token = new_token(company_id, "admin", "api", ["read", "approve", "admin"], timedelta(days=30))
    link = new_token(company_id, "admin", "sign_in", [], timedelta(days=1))
    return {"company_id": company_id, "api_token": token, "sign_in": f"{web}/sign-in/{link}"}
