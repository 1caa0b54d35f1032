"""A backlog against Procore's limits: what four worker processes use of the allowance, and what they send when it is used up."""

import os
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from math import ceil
from typing import Any

import psycopg

from tests.benchmarks.object import _connect
from tests.benchmarks.stand import Simulated, Stand, shown, stand, wait

OBJECTS, WORKERS, QUEUES = 90, 4, "interactive,bulk,maintenance"
#: Requests in 10 s, requests in an "hour", and how long such an hour is here.
SPIKE, HOURLY, HOUR_SECONDS, SPIKE_SECONDS = 25, 80, 40.0, 10.0
#: Long enough for a second hour, and not on the edge of a window.
SECONDS = 68.0
#: An answer that says that a window is used up is known to all workers after this; requests under way may still arrive.
KNOWN_SECONDS = 0.25
#: What differs: seconds that Procore's clock is ahead, and whether a 429 says Retry-After or only when the window ends.
#: The clock that is behind comes first: put back later, it would leave windows open that end minutes ahead.
CASES: dict[str, tuple[float, bool]] = {
    "clock behind": (-600, False), "with Retry-After": (0, True), "only the reset": (0, False), "clock ahead": (600, False),
}  # fmt: skip


@dataclass
class Window:
    """As Procore keeps it: begins with the first request after the last one ended."""

    size: int
    seconds: float
    begins: float = 0.0
    used: int = 0
    refused: int = 0
    full_at: float = 0.0


@dataclass
class Judged:
    """A request log, held against the limits."""

    windows: dict[str, list[Window]] = field(default_factory=lambda: {"spike": [], "hour": []})
    known_closed: int = 0
    accepted: int = 0

    def add(self, at: float, status: int) -> None:
        present = [self._open("spike", at), self._open("hour", at)]
        if status != 429:
            self.accepted += 1
            for window in present:
                window.used += 1
                window.full_at = at if window.used == window.size else window.full_at
            return
        full = [window for window in present if window.used >= window.size] or present[:1]
        full[-1].refused += 1
        self.known_closed += at > min(window.full_at for window in full) + KNOWN_SECONDS

    def _open(self, name: str, at: float) -> Window:
        windows = self.windows[name]
        if not windows or at >= windows[-1].begins + windows[-1].seconds:
            size, seconds = (SPIKE, SPIKE_SECONDS) if name == "spike" else (HOURLY, HOUR_SECONDS)
            windows.append(Window(size, seconds, at))
        return windows[-1]


def run() -> dict[str, Any]:
    """Share of all that the windows let in; the cases in turn, the worst counts."""
    with stand() as made:
        company, site, db = _prepared(made)
        cases = {name: _case(company, site, db, *case) for name, case in CASES.items()}
    used = min(case["used"] for case in cases.values())
    return {
        "name": "limits", "ours": used, "anchor": 1.0, "ratio": used,
        "unit": f"share of Procore's allowance used under backlog, worst case (anchor: all of it); "
                f"{SPIKE} in {SPIKE_SECONDS:.0f} s and {HOURLY} in {HOUR_SECONDS:.0f} s, {WORKERS} worker processes",
        "detail": {
            "sent_into_a_window_known_to_be_closed": sum(case["known_closed"] for case in cases.values()),
            "most_429_in_a_window": max(case["most_429_in_a_window"] for case in cases.values()),
            "cases": cases, "cores": os.cpu_count(),
        },
    }  # fmt: skip


def _prepared(made: Stand) -> tuple[int, Simulated, psycopg.Connection[Any]]:
    """Everything in agreement while there are no limits."""
    site = made.simulator("procore", "hourly=0", "spike=0", objects=OBJECTS)
    books = made.simulator("lentune", "rate_per_minute=0", objects=OBJECTS)
    made.web()
    from sync import connections

    made.worker(QUEUES, children=WORKERS)
    # its sweep rings for what is due again when the window has passed
    made.start("workers.start", "beat", "--pidfile=", "-s", str(made.folder / "beat.db"))
    company = connections.new_company("Benchmark", str(site.credentials["company_id"]))
    _connect(company, site, books)
    db: psycopg.Connection[Any] = psycopg.connect(
        made.servers.administrator_url.rsplit("/", 1)[0] + "/sitebooks", autocommit=True
    )
    loaded = "SELECT count(*) FROM sync_record WHERE kind = 'commitment' AND state = 'synced'"
    wait(lambda: db.execute(loaded).fetchone() == (OBJECTS,), 300, "the first load did not end")
    return company, site, db


def _case(company: int, site: Simulated, db: psycopg.Connection[Any], skew: float, retry_after: bool) -> dict[str, Any]:
    """As for a new connection: nothing is known of the limits. Orders are to be read again and again, each by one request."""
    site.control("POST", "clock", {"advance_seconds": skew})
    limits = {"spike": SPIKE, "hourly": HOURLY, "hour_seconds": HOUR_SECONDS, "retry_after": retry_after}
    site.control("POST", "options", limits)
    db.execute("UPDATE budget SET learn = true, spike_limit = NULL, hour_limit = NULL, shut_until = NULL, probe_until = NULL")
    last = max((entry["seq"] for entry in site.control("GET", "requests")), default=0)
    _ring(company, db)
    began = wait(lambda: _asked(site, last), 60, "nothing was asked for")[0]["at"]
    end = time.monotonic() + SECONDS
    while time.monotonic() < end:
        time.sleep(2)
        _ring(company, db)
    log = [entry for entry in _asked(site, last) if _seconds(entry["at"]) - _seconds(began) <= SECONDS]
    site.control("POST", "options", {"spike": 0, "hourly": 0})
    site.control("POST", "clock", {"advance_seconds": -skew})
    db.execute("UPDATE budget SET learn = false, spike_limit = NULL, hour_limit = NULL, shut_until = NULL")
    return _told(log)


def _ring(company: int, db: psycopg.Connection[Any]) -> None:
    from tasks import publish

    rows = db.execute(
        "UPDATE sync_record SET stale_at = clock_timestamp(), due_at = clock_timestamp(), rung_at = clock_timestamp() "
        "WHERE kind = 'commitment' AND due_at IS NULL RETURNING id"
    ).fetchall()
    publish.ring(company, "commitment", [number for (number,) in rows])


def _asked(site: Simulated, after: int) -> list[dict[str, Any]]:
    """Requests that count, so far; a sign-in does not."""
    found = site.control("GET", f"requests?after={after}")
    return [entry for entry in found if "/oauth/" not in entry["path"]]


def _told(log: Sequence[dict[str, Any]]) -> dict[str, Any]:
    judged = Judged()
    for entry in log:
        judged.add(_seconds(entry["at"]), entry["status"])
    first = _seconds(log[0]["at"])
    return {
        "used": round(judged.accepted / possible(SECONDS), 3), "accepted": judged.accepted, "possible": possible(SECONDS),
        "known_closed": judged.known_closed, "refused": sum(entry["status"] == 429 for entry in log),
        "most_429_in_a_window": max(window.refused for group in judged.windows.values() for window in group),
        "windows": {
            name: [{"after_s": round(w.begins - first, 2), "used": w.used, "refused": w.refused} for w in group]
            for name, group in judged.windows.items()
        },
    }  # fmt: skip


def possible(seconds: float) -> int:
    """What fits into the windows that can have begun by then, of either kind: more than any client can send."""
    return min(ceil(seconds / SPIKE_SECONDS) * SPIKE, ceil(seconds / HOUR_SECONDS) * HOURLY)


def _seconds(at: str) -> float:
    return datetime.fromisoformat(at).timestamp()


if __name__ == "__main__":
    shown(run())
