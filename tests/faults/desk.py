"""What rows about doubtful writes share: what was really sent, a person who asks again, and Lentune's short lending."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any
from urllib.error import HTTPError

from tests.faults.stand import CLAIMS, Stand, ask


class Traffic:
    """Requests that one system got since this was made, by its own log."""

    def __init__(self, site: Stand, system: str) -> None:
        self.site, self.system = site, system
        self.after = max((entry["seq"] for entry in self._log(0)), default=0)

    def of(self, method: str, path: str) -> list[dict[str, Any]]:
        """Those with this method whose path matches, oldest first."""
        return [e for e in self._log(self.after) if e["method"] == method and re.search(path, e["path"])]

    def _log(self, after: int) -> list[dict[str, Any]]:
        return list(self.site.http(self.system, f"/_sim/requests?after={after}"))


def seconds_between(first: dict[str, Any], second: dict[str, Any]) -> float:
    """Of two log entries."""
    return (datetime.fromisoformat(second["at"]) - datetime.fromisoformat(first["at"])).total_seconds()


def person(site: Stand, what: str, record_id: int, **body: Any) -> None:
    """A person does this with a record, by the API: retry, approve, reject ...; once more while a worker has it."""
    headers = {"Authorization": f"Bearer {site.ready['api_token']}"}

    def done() -> bool:
        try:
            ask(f"{site.web}/api/v1/records/{record_id}/{what}", body or None, "POST", headers)
        except HTTPError as error:
            if error.code != 409:
                raise
            return False
        return True

    site.wait(done, 10, f"{what} is refused")


@contextmanager
def lent_shortly(site: Stand) -> Iterator[None]:
    """Lentune lends an invoice for 300 s, a third of the quarantine; here for as small a part of the row's."""
    site.http("lentune", "/_sim/options", {"lease_seconds": 1})
    try:
        yield
    finally:
        site.http("lentune", "/_sim/options", CLAIMS)
