"""Signed webhooks of the adapters that we propose (Lentune B.7, Sage Paperless B.8): who sent one, and what it is known by."""

import hashlib
import hmac
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from connectors.calls import NotUnderstood

#: A signature is dated, and this is how far its time may be from ours.
WINDOW = timedelta(seconds=300)


def event_id(event: Mapping[str, Any]) -> str:
    """What a delivery is known by when it comes again. Raises NotUnderstood."""
    value = event.get("event_id")
    if not isinstance(value, str) or not 1 <= len(value) <= 100:
        raise NotUnderstood("event_id", f"{value!r} does not identify an event")
    return value


def verify(body: bytes, headers: Mapping[str, str], secrets: Sequence[str], now: datetime) -> str | None:
    """None, or why the sender is not believed: X-Signature is `t=<unix seconds>,v1=<hex HMAC-SHA256 of "t.body">`."""
    given = next((value for name, value in headers.items() if name.lower() == "x-signature"), "")
    parts = dict(part.strip().partition("=")[::2] for part in given.split(","))
    moment, claimed = parts.get("t", ""), parts.get("v1", "")
    if not (moment.isascii() and moment.isdigit() and len(moment) <= 12 and claimed):
        return "no usable X-Signature header"
    # every secret is compared, so that time tells nothing
    matches = [hmac.compare_digest(claimed.encode(), signature(secret, moment, body).encode()) for secret in secrets]
    if not any(matches):
        return "the signature does not fit the body"
    if abs(now.timestamp() - int(moment)) > WINDOW.total_seconds():
        return f"the signature is more than {WINDOW.seconds} seconds old"
    return None


def signature(secret: str, moment: str, body: bytes) -> str:
    """Hex HMAC-SHA256 over the seconds as text, a full stop and the body's bytes."""
    return hmac.new(secret.encode(), moment.encode() + b"." + body, hashlib.sha256).hexdigest()
