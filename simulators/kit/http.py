"""Requests and responses as plain data, so that a simulator's core needs no socket."""

import json
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Literal
from urllib.parse import parse_qsl


class BadJson(Exception):
    """The body is not JSON."""


@dataclass(frozen=True, slots=True)
class Request:
    """One HTTP request; header names are lower case, the path has no query."""

    method: str
    path: str
    query: list[tuple[str, str]] = field(default_factory=list)
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""

    def json(self) -> Any:
        """The body with numbers as Decimal; an empty body is an empty object. Raises BadJson."""
        if not self.body:
            return {}
        try:
            return json.loads(self.body, parse_float=Decimal)
        except (ValueError, UnicodeDecodeError) as error:
            raise BadJson(str(error)) from error

    def form(self) -> dict[str, str]:
        """The body as an HTML form's fields."""
        return dict(parse_qsl(self.body.decode("utf-8", "replace"), keep_blank_values=True))

    def q(self, name: str, default: str | None = None) -> str | None:
        """The first query value of that name."""
        for key, value in self.query:
            if key == name:
                return value
        return default

    def qall(self, name: str) -> list[str]:
        """Every query value of that name, in order."""
        return [value for key, value in self.query if key == name]


def plain(value: object) -> object:
    """What JSON has no type for: amounts become numbers, times become ISO 8601 with Z."""
    if isinstance(value, Decimal):
        return float(value)
    if isinstance(value, datetime):
        return value.isoformat().replace("+00:00", "Z")
    if isinstance(value, date):
        return value.isoformat()
    raise TypeError(f"{type(value).__name__} cannot be sent as JSON")


@dataclass(slots=True)
class Response:
    """One answer. The core never sleeps: the shell waits `delay_seconds` before sending it."""

    status: int
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    delay_seconds: float = 0.0
    rate: int = 0  # bytes of the body a second; 0 is as fast as it goes

    @classmethod
    def of(cls, status: int, obj: object, headers: dict[str, str] | None = None) -> "Response":
        """A JSON answer."""
        body = json.dumps(obj, default=plain, separators=(",", ":")).encode()
        return cls(status, {"Content-Type": "application/json; charset=utf-8", **(headers or {})}, body)

    @classmethod
    def html(cls, status: int, text: str, headers: dict[str, str] | None = None) -> "Response":
        """A page for people."""
        return cls(status, {"Content-Type": "text/html; charset=utf-8", **(headers or {})}, text.encode())

    def json(self) -> Any:
        """The body as the client would parse it (numbers as Decimal)."""
        return json.loads(self.body, parse_float=Decimal) if self.body else None


@dataclass(frozen=True, slots=True)
class Cut:
    """The connection dies: before or after the work was done, in the answer (after `kept` bytes of its body), or by a reset."""

    kind: Literal["before", "after", "truncate", "reset"]
    response: Response | None = None
    kept: int = 0
