"""Deliveries as an outside system, or somebody who pretends to be one, sends them to a connection's webhook address."""

import http.client
import json
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import count
from typing import Any
from urllib.parse import urlsplit

from cryptography.fernet import Fernet

from connectors.procore.webhooks import authorization
from connectors.signed import signature
from tests.faults.stand import Stand
from workers.local.places import Secrets

#: Seconds until an answer counts as none; Procore itself gives up after 5.
PATIENCE = 20.0
_events = count(1)


@dataclass
class Hook:
    """One connection's address with its secret. `deliver` gives the status and the seconds it took."""

    stand: Stand
    system: str
    path: str = field(init=False)
    secret: str = field(init=False)

    def __post_init__(self) -> None:
        found = self.stand.rows(
            "SELECT hook_address, hook_secrets FROM connection WHERE company_id = %s AND system = %s",
            self.stand.company, self.system,
        )[0]  # fmt: skip
        self.path = f"/webhooks/{self.system}/{found['hook_address']}"
        key = Secrets.of(self.stand.run.folder).secret_key.split(",")[0]
        self.secret = json.loads(Fernet(key).decrypt(bytes(found["hook_secrets"])))[0]

    def headers(self, body: bytes, at: float | None = None) -> dict[str, str]:
        """What the real sender would send with this body, at this time (now)."""
        moment = str(int(at or time.time()))
        signed = {"X-Signature": f"t={moment},v1={signature(self.secret, moment, body)}"}
        return {"Content-Type": "application/json"} | (
            signed if self.system == "lentune" else {"Authorization": authorization(self.secret)}
        )

    def deliver(
        self, event: Mapping[str, Any] | bytes, headers: Mapping[str, str] | None = None, path: str = ""
    ) -> tuple[int, float]:
        body = event if isinstance(event, bytes) else json.dumps(event).encode()
        connection = http.client.HTTPConnection(urlsplit(self.stand.web).netloc, timeout=PATIENCE)
        began = time.monotonic()
        try:
            connection.request("POST", path or self.path, body, dict(headers if headers is not None else self.headers(body)))
            answer = connection.getresponse()
            answer.read()
            return answer.status, time.monotonic() - began
        finally:
            connection.close()

    def deliver_all(self, events: list[dict[str, Any]], rate: float = 0, senders: int = 16) -> list[tuple[int, float]]:
        """All of them, at most `rate` a second; each is sent at its time whether or not earlier ones were answered."""
        began = time.monotonic()

        def at_its_time(place: int) -> tuple[int, float]:
            if rate:
                time.sleep(max(0.0, began + place / rate - time.monotonic()))
            return self.deliver(events[place])

        with ThreadPoolExecutor(senders) as pool:
            return list(pool.map(at_its_time, range(len(events))))


def of_contract(
    contract_id: Any, project_id: Any, what: str = "update", resource: str = "Work Order Contracts"
) -> dict[str, Any]:
    """An event of Procore's about a contract, with an id of its own."""
    return {
        "ulid": f"01TEST{next(_events):020d}", "event_type": what, "resource_name": resource, "resource_id": contract_id,
        "project_id": project_id, "company_id": 4100, "api_version": "v3.0", "related_resources": [],
        "timestamp": "2026-11-01T00:00:00Z",
    }  # fmt: skip


def again(event: Mapping[str, Any]) -> dict[str, Any]:
    """The same event of Procore's under another id."""
    return {**event, "ulid": f"01TEST{next(_events):020d}"}


def asked(
    stand: Stand, system: str, after: int = 0, want: Callable[[dict[str, Any]], bool] = lambda _: True
) -> list[dict[str, Any]]:
    """The system's own log of the requests it got."""
    return [entry for entry in stand.http(system, f"/_sim/requests?after={after}") if want(entry)]


def last_asked(stand: Stand, system: str) -> int:
    """The number of the last request so far."""
    log = asked(stand, system)
    return int(log[-1]["seq"]) if log else 0
