"""Redis as kombu speaks it, but that bytes in a queue which are no message are dropped, not the worker that reads them."""

import base64
from typing import Any

from kombu.transport import TRANSPORT_ALIASES
from kombu.transport.redis import Channel, Transport


class NotAMessage(ValueError):
    """Bytes that nobody of ours put there."""


def install() -> None:
    """From now on connections to redis:// and rediss:// of this process are of this kind."""
    place = f"{__name__}:ReadingTransport"
    TRANSPORT_ALIASES.update(redis=place, rediss=place)


class ReadingChannel(Channel):
    """kombu takes a message off the queue and reads it; what it raises then would end the worker."""

    def _brpop_read(self, **options: Any) -> Any:
        transport = self.connection
        transport.read = False
        try:
            return super()._brpop_read(**options)
        except ValueError as error:  # no JSON, no text, or no message
            if transport.read:
                raise  # it was read: this is a defect of what was done with it
            from workers.odd_messages import note

            note("message_unreadable", "", f"{type(error).__name__}: {str(error)[:200]}")
            return True


class ReadingTransport(Transport):
    """`read` tells the channel that what it took was a message."""

    Channel = ReadingChannel
    read = False

    def _deliver(self, message: Any, queue: str) -> None:
        check(message)
        self.read = True
        super()._deliver(message, queue)


def check(message: Any) -> None:
    """The parts without which kombu and Celery fail in places that end the worker. Raises ValueError."""
    parts = message if isinstance(message, dict) else {}
    headers, properties = parts.get("headers"), parts.get("properties")
    if not isinstance(headers, dict) or not isinstance(properties, dict) or "delivery_tag" not in properties:
        raise NotAMessage("it has not the form of a message")
    if "task" in headers and not (isinstance(headers["task"], str) and isinstance(headers.get("id"), str)):
        raise NotAMessage("its task has no name or no id")
    if properties.get("body_encoding") == "base64":
        base64.b64decode(parts.get("body") or "", validate=True)
