"""Which addresses given to us by an outside system may be asked: public ones over https, and the connection's own host."""

import socket
from ipaddress import ip_address
from urllib.parse import urlsplit


class NotAllowed(ValueError):
    """An address that an outside system named is not one we go to."""


def allowed(url: str, base_url: str) -> None:
    """Raises NotAllowed for a private address, after its name was resolved, unless it is the connection's own host (F55)."""
    there, own = urlsplit(url), urlsplit(base_url)
    host = there.hostname or ""
    if host == (own.hostname or "") and there.scheme == own.scheme:
        return
    if there.scheme != "https" or not host:
        raise NotAllowed(f"{there.scheme}://{host} is not https")
    try:
        found = {info[4][0] for info in socket.getaddrinfo(host, there.port or 443, type=socket.SOCK_STREAM)}
    except OSError as error:
        raise NotAllowed(f"{host} has no address") from error
    closed = sorted(str(one) for one in found if not ip_address(one).is_global)
    if closed:
        raise NotAllowed(f"{host} is {closed[0]}, an address inside a network")
