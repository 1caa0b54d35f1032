"""The Procore configuration that the vault itself holds: read it, save it as a whole (contract B.3, S-36)."""

from typing import Any

from connectors.calls import Answer, NotUnderstood, Request
from connectors.ports import Client
from connectors.sage_paperless.client import own
from objects.outcome import Outcome
from settings.sage_paperless import MIRRORED, SagePaperlessSettings

PATH = "/procore-configuration"


def read_settings(client: Client) -> tuple[dict[str, Any], str]:
    """The vault's fields by our names, and their version. A vault that holds no company yet has none, nor has a folder."""
    vault = own(client)
    if vault.settings.transport != "rest":
        return {}, ""
    answer = vault.read(Request("GET", PATH))
    if not isinstance(answer.body, dict):
        raise NotUnderstood("procore-configuration", "not an object")
    version = answer.headers.get("etag", "")
    if answer.body.get("procore_company_id") is None:
        return {}, version
    missing = [theirs for theirs in MIRRORED.values() if theirs not in answer.body]
    if missing:
        raise NotUnderstood(f"procore-configuration.{missing[0]}", "is missing")
    return {ours: answer.body[theirs] for ours, theirs in MIRRORED.items()}, version


def save_settings(client: Client, values: dict[str, Any], version: str, key: str) -> Answer:
    """All or nothing. 409: another vault holds the company (S-16); 422: a rule of the vault's; 412: changed there meanwhile."""
    vault = own(client)
    if vault.settings.transport != "rest":
        return Answer(Outcome.confirmed)
    wanted = SagePaperlessSettings.model_validate(values).mirrored() | {"procore_company_id": vault.company}
    headers = {"If-Match": version or "*", "Idempotency-Key": key}
    return vault.send(Request("PUT", PATH, body=wanted, headers=headers))
