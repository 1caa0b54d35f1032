"""A request to an outside system and its answer, as values."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from objects.outcome import Outcome


@dataclass(frozen=True, slots=True)
class Upload:
    """A document that goes with the body, as multipart: the body in `body_field`, the file in `field`.

    `sha256` names its content and the file in the client's folder; the file is read while it is sent. Empty: the form has
    the body alone.
    """

    sha256: str
    filename: str
    field: str = "document"
    body_field: str = "metadata"
    content_type: str = "application/pdf"


@dataclass(frozen=True, slots=True)
class Request:
    """`path` starts with a slash and holds no secret; `body` is sent as JSON with decimals as they stand."""

    method: str
    path: str
    params: Mapping[str, str] = field(default_factory=dict)
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)
    upload: Upload | None = None

    def __str__(self) -> str:
        return f"{self.method} {self.path}"


@dataclass(frozen=True, slots=True)
class Answer:
    """`body` is parsed JSON (decimals exact) or None; `reason` is a sentence for people; `retry_at` when it said when;
    `text` is what came when it was not JSON, without secrets and clipped."""

    outcome: Outcome
    status: int | None = None
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)
    reason: str = ""
    retry_at: datetime | None = None
    text: str = ""


class CallFailed(Exception):
    """A read did not succeed."""

    def __init__(self, request: Request, answer: Answer) -> None:
        super().__init__(f"{request}: {answer.status or 'no answer'} {answer.reason}".strip())
        self.request, self.answer = request, answer


class Unavailable(CallFailed):
    """The system cannot answer now; the same read may succeed later (`answer.retry_at` when it said when)."""


class NotFound(CallFailed):
    """404: absent, or not visible to this sign-in."""


class Forbidden(CallFailed):
    """403: a permission is missing or the app was disconnected."""


class SignInRefused(CallFailed):
    """The credentials or the refresh token are not accepted: a person must connect again."""


class NotUnderstood(ValueError):
    """An answer lacks or distorts a field that money or identity depends on; `path` says which."""

    def __init__(self, path: str, reason: str) -> None:
        super().__init__(f"{path}: {reason}")
        self.path, self.reason = path, reason


class WrongCompany(NotUnderstood):
    """An answer names another company than the client is bound to. Nothing of it may be used."""
