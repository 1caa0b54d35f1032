"""The one sign-in that is tried before anything is stored: its secrets and token are held in memory only."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from connectors.ports import Token, Window


@dataclass
class Trial:
    """CredentialStore and Budget of a trial."""

    given: Mapping[str, str] = field(repr=False)
    held: Token | None = field(default=None, repr=False)

    def secrets(self) -> Mapping[str, str]:
        return self.given

    def token(self, fetch: Callable[[Mapping[str, str], Token | None], Token], refused: str | None = None) -> str:
        if self.held is None or self.held.access == refused:
            self.held = fetch(self.given, self.held)
        return self.held.access

    def take(self, urgent: bool = False) -> datetime | None:
        return None

    def seen(self, window: Window | None) -> None:
        """A trial is a handful of requests; the stored budget learns from the first scan."""
