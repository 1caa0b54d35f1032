"""What a client needs from us and cannot know: its sign-in, its share of the rate limit. `sync.clients` implements both."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

from connectors.calls import Answer, Request


@dataclass(frozen=True, slots=True)
class Token:
    """An access token, when it ends (UTC), and the single-use refresh token that came with it, if any."""

    access: str
    expires_at: datetime
    refresh: str | None = None


class CredentialStore(Protocol):
    """Secrets and tokens of one connection, kept encrypted. One refresher at a time across all processes."""

    def secrets(self) -> Mapping[str, str]:
        """What a person entered (client id and secret, tenant ...)."""

    def token(self, fetch: Callable[[Mapping[str, str], Token | None], Token], refused: str | None = None) -> str:
        """A valid access token. `fetch(secrets, old)` is called under a row lock when there is none, it ends within a
        minute, or it is the `refused` one; what it returns is committed before anybody uses it."""


@dataclass(frozen=True, slots=True)
class Window:
    """What an answer's headers said of a limit: size of the window, requests left, and when it starts anew (UTC)."""

    limit: int
    remaining: int
    reset_at: datetime


class Budget(Protocol):
    """The allowance of one credential, shared by all workers."""

    def take(self, urgent: bool = False) -> datetime | None:
        """None: send one request now. Otherwise the time (UTC) to come back. Never sleeps."""

    def seen(self, window: Window | None) -> None:
        """What an answer said of the limit, None when it said nothing; it travels with the next take and only lowers
        what is left."""


class Client(Protocol):
    """One connection's client: bound to one company, refuses an answer that names another."""

    system: str
    #: The outside system's id of the company (Procore company, Lentune tenant).
    company: str

    def send(self, request: Request) -> Answer:
        """One request, one outcome; never raises for what the outside does. Used for every write."""

    def get(self, path: str, params: Mapping[str, str] | None = None) -> Any:
        """The body of a successful read. Raises CallFailed's subclasses."""

    def close(self) -> None:
        """Gives its connections back."""


@runtime_checkable
class Files(Protocol):
    """A client of a system whose objects have files attached."""

    def addresses(self, obj: Any) -> Mapping[str, str]:
        """Attachment id -> where it can be fetched for a while, by what the system lists now. Raises CallFailed's subclasses."""

    def download(self, url: str, into: Path, most: int, until: float | None = None) -> int:
        """As connectors.http.HttpClient.download."""
