"""POST /webhooks/{system}/{address}: verify a delivery, store it durably, answer. Kept thin: it is the hot path."""

import asyncio
import json
import re
import time
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from prometheus_client import Counter, Histogram
from starlette.datastructures import Headers
from starlette.types import Receive, Scope, Send

from connectors.registry import all_connectors, connector
from web.addresses import Addresses
from web.inbox import Delivery, Inbox, NotStorable, Unavailable

LARGEST_BODY = 256 * 1024  # bytes
READ_SECONDS = 5.0
DEEPEST = 20
LONGEST_EVENT_ID = 255

answered = Counter("sitebooks_webhooks_total", "Webhook deliveries by system and answer", ["system", "status"])
ack_seconds = Histogram(
    "sitebooks_webhook_seconds", "From a webhook's last byte to its answer",
    buckets=(0.002, 0.005, 0.01, 0.03, 0.1, 0.5, 2),
)


#: code -> HTTP status, what is wrong
REFUSALS = {
    "webhook_method": (405, "Deliveries are sent by POST."),
    "webhook_unknown": (404, "No connection listens at this address."),
    "webhook_signature": (401, "The secret or signature does not fit this address."),
    "webhook_too_large": (413, f"A delivery may have at most {LARGEST_BODY} bytes."),
    "webhook_too_slow": (408, f"The delivery was not complete after {READ_SECONDS:.0f} s."),
    "webhook_malformed": (400, "The body is not a JSON object that can be stored."),
    "webhook_too_deep": (400, f"The body is nested more than {DEEPEST} deep."),
    "webhook_without_id": (400, "The body does not say which event it is."),
    "database_unavailable": (503, "The delivery could not be stored. Send it again."),
}


class Refused(Exception):
    """A delivery is not accepted, for a reason of REFUSALS."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code
        self.status, self.title = REFUSALS[code]


class Webhooks:
    """The ASGI endpoint. 202 only after the commit; every refusal has its own status (see REFUSALS)."""

    def __init__(self, addresses: Addresses, inbox: Inbox) -> None:
        self.addresses, self.inbox = addresses, inbox

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        system = "unknown"
        try:
            if scope["method"] != "POST":
                raise Refused("webhook_method")
            hook = await self._hook(scope["path"])
            system = hook.system
            headers = Headers(raw=scope["headers"])
            body = await _read(headers, receive)
            if body is None:
                return
            started = time.perf_counter()
            if connector(system).verify(body, headers, hook.secrets, datetime.now(UTC)) is not None:
                raise Refused("webhook_signature")
            event_id, text = _understood(system, body)
            await self._store(Delivery(hook.company_id, hook.connection_id, system, event_id, text))
            ack_seconds.observe(time.perf_counter() - started)
            answered.labels(system, "202").inc()
            await _answer(send, 202, b"", ())
        except Refused as refused:
            answered.labels(system, str(refused.status)).inc()
            await _refuse(send, refused)

    async def _hook(self, path: str) -> Any:
        parts = path.split("/")
        if len(parts) != 4 or not parts[3]:
            raise Refused("webhook_unknown")
        try:
            hook = await self.addresses.find(parts[3])
        except Unavailable:
            raise Refused("database_unavailable") from None
        if hook is None or hook.system != parts[2] or hook.system not in all_connectors():
            raise Refused("webhook_unknown")
        return hook

    async def _store(self, delivery: Delivery) -> None:
        try:
            await self.inbox.store(delivery)
        except NotStorable:
            raise Refused("webhook_malformed") from None
        except Unavailable:
            raise Refused("database_unavailable") from None


async def _read(headers: Headers, receive: Receive) -> bytes | None:
    """The whole body; None when the sender went away. Reading stops at the limit, whatever Content-Length said."""
    length = headers.get("content-length", "0")
    if length.isdecimal() and int(length) > LARGEST_BODY:
        raise Refused("webhook_too_large")
    parts, size = [], 0
    try:
        async with asyncio.timeout(READ_SECONDS):
            while True:
                message = await receive()
                if message["type"] != "http.request":
                    return None
                parts.append(message.get("body", b""))
                size += len(parts[-1])
                if size > LARGEST_BODY:
                    raise Refused("webhook_too_large")
                if not message.get("more_body"):
                    return parts[0] if len(parts) == 1 else b"".join(parts)
    except TimeoutError:
        raise Refused("webhook_too_slow") from None


def _no_such_number(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")


#: Escapes of JSON: whole surrogate pairs, halves of one, NUL, all others.
_ESCAPES = re.compile(
    r"\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|(?P<half>\\u[dD][89a-fA-F][0-9a-fA-F]{2})|(?P<nul>\\u0000)|\\."
)


def _storable(text: str) -> str:
    """The same without what jsonb cannot hold, as `objects.text.clean` keeps text. A supplier's name with a NUL in it
    must not refuse a doorbell: it would be sent again for days, and others may wait behind it (reliability F45)."""
    return _ESCAPES.sub(lambda found: "" if found["nul"] else r"\ufffd" if found["half"] else found[0], text)


_decoder = json.JSONDecoder(parse_float=Decimal, parse_constant=_no_such_number)


def _understood(system: str, body: bytes) -> tuple[str, str]:
    """The event's id and the body as text for jsonb. Raises Refused."""
    try:
        text = body.decode()
        text = _storable(text) if "\\u" in text else text
        event = _decoder.decode(text)
    except (ValueError, RecursionError):
        raise Refused("webhook_malformed") from None
    if not isinstance(event, dict):
        raise Refused("webhook_malformed")
    # as many brackets as that are needed to be that deep, so most bodies need no walk
    if body.count(b"{") + body.count(b"[") > DEEPEST and _deeper_than(event, DEEPEST):
        raise Refused("webhook_too_deep")
    try:
        event_id = connector(system).event_id(event)
        event_id.encode()  # half a surrogate pair goes into no database
    except (KeyError, TypeError, ValueError):
        raise Refused("webhook_without_id") from None
    if not event_id or len(event_id) > LONGEST_EVENT_ID:
        raise Refused("webhook_without_id")
    return event_id, text


def _deeper_than(value: object, levels: int) -> bool:
    layer = [value]
    for _ in range(levels):
        layer = [
            child for parent in layer if isinstance(parent, dict | list)
            for child in (parent.values() if isinstance(parent, dict) else parent)
        ]
    return any(isinstance(rest, dict | list) for rest in layer)


async def _refuse(send: Send, refused: Refused) -> None:
    problem = {"type": "about:blank", "status": refused.status, "code": refused.code, "title": refused.title}
    headers = [(b"content-type", b"application/problem+json")]
    if refused.status == 503:
        headers.append((b"retry-after", b"5"))
    if refused.status in (408, 413):
        headers.append((b"connection", b"close"))  # the rest of the body is not read
    if refused.status == 405:
        headers.append((b"allow", b"POST"))
    await _answer(send, refused.status, json.dumps(problem).encode(), headers)


async def _answer(send: Send, status: int, body: bytes, headers: Any) -> None:
    length = (b"content-length", str(len(body)).encode())
    await send({"type": "http.response.start", "status": status, "headers": [*headers, length]})
    await send({"type": "http.response.body", "body": body})
