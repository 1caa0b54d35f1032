"""The settings that Lentune holds per Procore company (P-01): read them, save them, with the version they had."""

from typing import Any

from connectors.calls import Answer, NotUnderstood, Request
from connectors.lentune.client import own
from connectors.ports import Client
from settings.lentune import MIRRORED


def read_settings(client: Client) -> tuple[dict[str, Any], str]:
    """Lentune's fields and their version. Raises CallFailed's subclasses; 404 when the company is not linked."""
    answer = own(client).read(Request("GET", _path(client)))
    if not isinstance(answer.body, dict):
        raise NotUnderstood("settings", "not an object")
    missing = [name for name in MIRRORED[:5] if name not in answer.body]
    if missing:
        raise NotUnderstood(f"settings.{missing[0]}", "is missing")
    return {name: answer.body[name] for name in MIRRORED if name in answer.body}, answer.headers.get("etag", "")


def save_settings(client: Client, values: dict[str, Any], version: str, key: str) -> Answer:
    """Sends Lentune's own fields; it takes effect once saved (P-04). 412: changed there meanwhile; 422: refused."""
    body = {name: value for name, value in values.items() if name in MIRRORED}
    headers = {"If-Match": version, "Idempotency-Key": key}
    return client.send(Request("PUT", _path(client), body=body, headers=headers))


def _path(client: Client) -> str:
    return f"/procore-companies/{client.company}/settings"
