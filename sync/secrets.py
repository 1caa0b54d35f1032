"""Secrets at rest: JSON encrypted with the first key of SECRET_KEY, readable with any of them (rotation)."""

import json
from functools import cache
from typing import Any

from cryptography.fernet import Fernet, InvalidToken, MultiFernet

from settings.environment import environment
from settings.secret_values import remember


class WrongKey(RuntimeError):
    """No key of SECRET_KEY opens a stored secret: put the old key back behind the new one."""


@cache
def _box() -> MultiFernet:
    return MultiFernet([Fernet(key) for key in environment().secret_keys()])


def encrypt(value: Any) -> bytes:
    """JSON-ready data as an encrypted token. From now on no log line shows it."""
    return _box().encrypt(json.dumps(remember(value)).encode())


def decrypt(token: bytes) -> Any:
    """The data again, remembered likewise. Raises WrongKey."""
    try:
        return remember(json.loads(_box().decrypt(bytes(token))))
    except InvalidToken:
        raise WrongKey("a stored secret cannot be opened with SECRET_KEY") from None


def under_first_key(token: bytes) -> bool:
    """Whether the first key of SECRET_KEY opens it."""
    try:
        Fernet(environment().secret_keys()[0]).decrypt(bytes(token))
    except InvalidToken:
        return False
    return True


def under_new_key(token: bytes) -> bytes:
    """The same data encrypted with the first key. Raises WrongKey."""
    try:
        return _box().rotate(bytes(token))
    except InvalidToken:
        raise WrongKey("a stored secret cannot be opened with SECRET_KEY") from None
