"""Keys by which what we write can be found again: derived, short, printable, the same for ever."""

import base64
import hashlib
import hmac


def external_key(salt: bytes, direction: str, kind: str, source_id: str) -> str:
    """15 characters carrying 75 bits of HMAC-SHA256: fits the tightest field of any system (reliability 6.2)."""
    mac = hmac.new(salt, f"{direction}:{kind}:{source_id}".encode(), hashlib.sha256).digest()
    return base64.b32encode(mac)[:15].decode()
