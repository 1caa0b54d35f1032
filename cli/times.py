"""Times for people: in the company's zone, with how long ago or until; and the times people type."""

import re
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

_UNITS = (("d", 86400), ("h", 3600), ("min", 60), ("s", 1))
_TYPED = {"s": "seconds", "m": "minutes", "min": "minutes", "h": "hours", "d": "days", "w": "weeks"}


def local(at: datetime | None, zone: ZoneInfo) -> str:
    """ "22 Nov 10:42:07 NZDT"; the year where it is not this one."""
    if at is None:
        return ""
    here = at.astimezone(zone)
    year = f" {here:%Y}" if here.year != datetime.now(zone).year else ""
    return f"{here.day} {here:%b}{year} {here:%H:%M:%S %Z}"


def ago(at: datetime | None, now: datetime | None = None) -> str:
    """ "8 s ago", "in 12 min"; empty for no time."""
    if at is None:
        return ""
    seconds = ((now or datetime.now(UTC)) - at).total_seconds()
    return f"{span(seconds)} ago" if seconds >= 0 else f"in {span(-seconds)}"


def span(seconds: float) -> str:
    """The largest unit that fits: "48 min"."""
    for unit, size in _UNITS:
        if seconds >= size:
            return f"{int(seconds // size)} {unit}"
    return "0 s"


def typed(text: str, zone: ZoneInfo) -> datetime:
    """ "2h", "30m", "2026-11-22", "2026-11-22T10:00": a moment, without a zone in the company's. Raises ValueError."""
    found = re.fullmatch(r"(\d+)\s*(s|m|min|h|d|w)", text.strip())
    if found:
        return datetime.now(UTC) - timedelta(**{_TYPED[found[2]]: int(found[1])})
    moment = datetime.fromisoformat(text.strip())
    return moment if moment.tzinfo else moment.replace(tzinfo=zone)
