"""Which company and which connections a command works on, found in the running stack."""

import getpass
from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

from cli.attach import attach
from cli.exits import wrong_usage


@dataclass(frozen=True)
class Place:
    """`ready` is the stack's ready.json, empty when the environment names the servers. `systems`: connected, in order."""

    company_id: int
    company: str
    zone: ZoneInfo
    currency: str
    systems: tuple[str, ...]
    ready: dict[str, Any]

    def system(self, asked: str | None) -> str:
        """The connection's name as asked, "" for all. Raises Failure when it is not connected."""
        if asked and asked not in self.systems:
            there = ", ".join(self.systems) or "nothing"
            raise wrong_usage(f"{self.company} has no connection {asked}.", f"Connected: {there}.", "not_connected")
        return asked or ""


def enter(company: str | None, stack: dict[str, Any] | None = None) -> Place:
    """Finds the stack, unless it is given, and the company. Raises Failure, NothingRuns, and what the database raises."""
    ready = attach() if stack is None else stack
    # models alone, not sync.connections and sync.company: they import every client, and most commands only look
    from sqlalchemy import text

    from models import session, unscoped

    with unscoped() as db:
        known = [(row.company_id, row.name) for row in db.execute(text("SELECT company_id, name FROM sitebooks_companies()"))]
    company_id, name = _choose(known, company, ready)
    with session(company_id) as db:
        row = db.execute(
            text("""
            SELECT time_zone, currency, ARRAY(SELECT system FROM connection ORDER BY id) AS systems FROM company
        """)
        ).one()
    return Place(company_id, name, ZoneInfo(row.time_zone), row.currency, tuple(row.systems), ready)


def publish_from_here() -> None:
    """Loads the Celery app: call it before the first message is sent."""
    import workers.app  # noqa: F401


def actor() -> str:
    """Who did it, as the history shows it."""
    return f"{getpass.getuser()} (command line)"


def _choose(known: list[tuple[int, str]], asked: str | None, ready: dict[str, Any]) -> tuple[int, str]:
    if asked:
        found = [one for one in known if asked in (str(one[0]), one[1]) or asked.casefold() == one[1].casefold()]
        wanted = f"There is no company {asked}."
    else:
        found = known if len(known) == 1 else [one for one in known if one[0] == ready.get("company_id")]
        wanted = f"There are {len(known)} companies." if known else "There is no company yet."
    if len(found) == 1:
        return found[0]
    listed = ", ".join(f"{name} (--company {number})" for number, name in known)
    fix = f"Name one: {listed}." if known else "Connect one first; sitebooks up makes the demo company."
    raise wrong_usage(wanted, fix, "company_unclear", companies=[{"id": i, "name": n} for i, n in known])
