"""The address of an outside system: https, or this machine itself; secrets are sent there, so nothing else may pass."""

from ipaddress import ip_address
from urllib.parse import urlsplit

#: Settings that say where credentials and documents are sent; changed by connecting again only.
NAMES = ("base_url", "login_url", "transport", "folder", "vault_id")


def bare_address(value: str, whose: str) -> str:
    """Scheme, host and port without a slash at the end. Raises ValueError with a sentence about `whose` address."""
    try:
        parts = urlsplit(value)
        host, _port = parts.hostname or "", parts.port
    except ValueError:
        raise ValueError(f"{whose} is not an address") from None
    if parts.username is not None or parts.password is not None:
        raise ValueError(f"{whose} holds no user and no password: those are asked for by sitebooks connect")
    if parts.scheme != "https" and not (parts.scheme == "http" and _this_machine(host)):
        raise ValueError(f"{whose} starts with https://")
    if not host or parts.query or parts.fragment:
        raise ValueError(f"{whose} is only https:// and a host")
    return value.rstrip("/")


def _this_machine(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
