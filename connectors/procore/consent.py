"""Grant Access: where a person signs in and lets us in, who they are, and the companies they let us into (section 2)."""

from collections.abc import Sequence

from connectors.calls import NotUnderstood
from connectors.flow import Consent
from connectors.ports import Client
from connectors.procore.client import consent_url, listed, own
from connectors.procore.shapes import ident


def person(client: Client) -> str:
    """Their login, as Procore shows it."""
    me = own(client).get("/rest/v1.0/me")
    if not isinstance(me, dict):
        raise NotUnderstood("me", "the answer is not a record")
    return str(me.get("login") or me.get("name") or me.get("id") or "")


def companies(client: Client) -> Sequence[tuple[str, str]]:
    """Those in use, by name. The list names no company, so it is asked before one is picked (S-14)."""
    path = "/rest/v1.0/companies"
    rows = [row for page in own(client).pages(path) for row in listed(page, path) if row.get("is_active", True)]
    return sorted(((ident(row, "company"), str(row.get("name") or "")) for row in rows), key=lambda one: (one[1], one[0]))


CONSENT = Consent(consent_url, person, companies)
