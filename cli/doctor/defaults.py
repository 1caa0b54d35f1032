"""Secrets that everybody knows: passwords of examples and of a fresh installation. They may only guard this machine."""

import base64
import binascii
import os
from collections.abc import Iterator
from ipaddress import ip_address
from urllib.parse import SplitResult, unquote, urlsplit

from cli.doctor import Findings, found
from settings.environment import environment

GROUP = "machine"
#: Compared in lower case. The names of servers and roles count as well, see `_known`.
KNOWN = {
    "", "admin", "change-me", "changeme", "default", "demo", "example", "guest", "password", "postgres", "root", "secret", "test",
}  # fmt: skip
#: Bytes of a key that are all different from chance; a key typed by hand or made of one character has far fewer.
FEWEST_BYTES = 12


def check() -> Findings:
    """Fails for each variable whose secret everybody knows, unless it only leads to this machine."""
    weak = list(_weak())
    said = f"{', '.join(weak)}: everybody knows it" if weak else "none is a known default"
    fix = "Set a random one: python -c 'import secrets; print(secrets.token_urlsafe(24))'"
    yield found(GROUP, "default secrets", not weak, said, fix)


def _weak() -> Iterator[str]:
    env = environment()
    for name, value in (("DATABASE_URL", env.database_url), ("BROKER_URL", env.broker_url)):
        if _known(value.get_secret_value()):
            yield name
    if any(_poor(key) for key in env.secret_key.get_secret_value().split(",") if key.strip()):
        yield "SECRET_KEY"
    user, _, password = os.environ.get("FLOWER_BASIC_AUTH", "").partition(":")
    if user and password.lower() in KNOWN | {user.lower()}:
        yield "FLOWER_BASIC_AUTH"


def _known(address: str) -> bool:
    try:
        parts = urlsplit(address)
        password = unquote(parts.password or "").lower()
    except ValueError:
        return False  # no address at all: connecting says so
    if not address or _here(parts):
        return False
    return password in KNOWN | {(parts.username or "").lower(), (parts.hostname or "").lower(), parts.path.strip("/").lower()}


def _here(parts: SplitResult) -> bool:
    host = parts.hostname or ""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host in ("", "localhost")  # a socket file has no host


def _poor(key: str) -> bool:
    try:
        return len(set(base64.urlsafe_b64decode(key.strip()))) < FEWEST_BYTES
    except (binascii.Error, ValueError):
        return False  # no key at all: the check of the secret key says so
