"""In-memory stand-ins for what a client is given: its credentials and its share of the rate limit."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta

from connectors.ports import Token, Window

Fetch = Callable[[Mapping[str, str], Token | None], Token]


class MemoryStore:
    """CredentialStore of one test. `fetched` counts sign-ins and refreshes."""

    def __init__(self, secrets: Mapping[str, str], clock: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._secrets, self.clock = secrets, clock
        self.held: Token | None = None
        self.fetched = 0

    def secrets(self) -> Mapping[str, str]:
        return self._secrets

    def token(self, fetch: Fetch, refused: str | None = None) -> str:
        held = self.held
        ends = self.clock() + timedelta(seconds=60)
        if held is None or held.access == refused or held.expires_at <= ends:
            self.held = held = fetch(self._secrets, held)
            self.fetched += 1
        return held.access


class MemoryBudget:
    """Budget of one test: unlimited unless `until` is set; keeps what the answers said."""

    def __init__(self) -> None:
        self.until: datetime | None = None
        self.taken = 0
        self.windows: list[Window] = []

    def take(self, urgent: bool = False) -> datetime | None:
        self.taken += self.until is None
        return self.until

    def seen(self, window: Window | None) -> None:
        if window is not None:
            self.windows.append(window)
