"""Lists: opaque cursor, limit up to 200, updated_since."""

import base64
import binascii
from collections.abc import Iterable
from datetime import datetime

from simulators.sage_paperless.problems import malformed
from simulators.sage_paperless.site import Answer, Call, Site
from simulators.sage_paperless.store import Row, public, stamp

DEFAULT_LIMIT, MAX_LIMIT = 50, 200


def limit_of(call: Call) -> int:
    text = call.query.get("limit", str(DEFAULT_LIMIT))
    if not text.isascii() or not text.isdigit() or not 1 <= int(text) <= MAX_LIMIT:
        raise malformed("/query/limit", f"must be a number from 1 to {MAX_LIMIT}")
    return int(text)


def start_of(call: Call) -> int:
    """How far the page before came."""
    cursor = call.query.get("cursor")
    if cursor is None:
        return 0
    try:
        name, position = base64.urlsafe_b64decode(cursor.encode()).decode().split(":")
        if name == "p" and position.isdigit():
            return int(position)
    except (binascii.Error, ValueError):
        pass  # answered below, as any other text that is no cursor of ours
    raise malformed("/query/cursor", "is not a cursor of this list")


def since_of(call: Call) -> str:
    text = call.query.get("updated_since")
    if text is None:
        return ""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        raise malformed("/query/updated_since", "must be an RFC 3339 time")
    return stamp(moment)


def choice(call: Call, name: str, *choices: str) -> str:
    """A filter's value, or an empty text."""
    value = call.query.get(name, "")
    if name in call.query and choices and value not in choices:
        raise malformed(f"/query/{name}", f"must be one of {', '.join(choices)}")
    return value


def listed(site: Site, call: Call, rows: Iterable[Row]) -> Answer:
    """One page of rows in the order of their creation."""
    limit, start, since = limit_of(call), start_of(call), since_of(call)
    found: list[Row] = []
    last, more = start, False
    for place, row in enumerate(rows, 1):
        number = row.get("_n", place)
        if number <= start or row.get("updated_at", since) < since:
            continue
        if site.visible and "created_at" in row and not site.visible(row["created_at"]):
            continue
        if len(found) == limit:
            more = True
            break
        found.append(public(row))
        last = number
    cursor = base64.urlsafe_b64encode(f"p:{last}".encode()).decode() if more else None
    return Answer(200, {"data": found, "next_cursor": cursor})
