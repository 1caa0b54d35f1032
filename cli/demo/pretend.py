"""The pretend systems as the demo uses them beside their API: their story, what people do there, their own books."""

import json
import urllib.error
import urllib.request
from typing import Any

from cli.exits import UNEXPECTED, Failure

SECONDS = 30


class Pretend:
    """One simulator's control surface."""

    def __init__(self, system: str, url: str) -> None:
        self.system, self.url = system, url.rstrip("/")

    def story(self) -> dict[str, Any]:
        """What people will do, and how it must end."""
        told: dict[str, Any] = self._ask("/_sim/story")
        return told

    def act(self, action: str, args: dict[str, Any]) -> None:
        """What a person does there. Raises Failure when the person cannot."""
        self._ask("/_sim/act", {"action": action, "args": args})

    def ledger(self) -> list[dict[str, Any]]:
        """Every request that changed something, in order."""
        entries: list[dict[str, Any]] = self._ask("/_sim/ledger")
        return entries

    def holds(self) -> dict[str, list[dict[str, Any]]]:
        """Everything it holds, by kind in its own words."""
        kinds: dict[str, list[dict[str, Any]]] = self._ask("/_sim/state")["kinds"]
        return kinds

    def _ask(self, path: str, body: dict[str, Any] | None = None) -> Any:
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.url + path, data, {"Content-Type": "application/json"})
        try:
            with urllib.request.urlopen(request, timeout=SECONDS) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as error:
            said = error.read().decode(errors="replace")
            raise Failure(
                "demo_action",
                f"The pretend {self.system} refused {path} {body}: {said}",
                "The data set and the simulator do not fit together.",
                UNEXPECTED,
            ) from None
