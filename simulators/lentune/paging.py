"""Lists: opaque cursor, limit up to 200, updated_since with tombstones (contract B.1)."""

import base64
import binascii
from collections.abc import Callable
from itertools import islice

from simulators.lentune.problems import FieldError, Refusal
from simulators.lentune.shapes import parse_instant
from simulators.lentune.store import Row, stamp
from simulators.lentune.tenant import Answer, Call, Tenant

DEFAULT_LIMIT, MAX_LIMIT = 50, 200
Match = Callable[[Row], bool]
Render = Callable[[Row], Row]


def bad(name: str, message: str) -> Refusal:
    error = FieldError(f"/query/{name}", "invalid", message)
    return Refusal("validation_failed", f"{name} {message}.", field_errors=[error])


def limit_of(call: Call) -> int:
    text = call.query.get("limit", str(DEFAULT_LIMIT))
    if not text.isascii() or not text.isdigit() or not 1 <= int(text) <= MAX_LIMIT:
        raise bad("limit", f"must be a number from 1 to {MAX_LIMIT}")
    return int(text)


def start_of(call: Call) -> int:
    """Position after the last row of the page before: rows are only ever appended, so it stays valid."""
    cursor = call.query.get("cursor")
    if cursor is None:
        return 0
    try:
        name, position = base64.urlsafe_b64decode(cursor.encode()).decode().split(":")
        if name == "p" and position.isdigit():
            return int(position)
    except (binascii.Error, ValueError):
        pass  # answered below, as any other text that is no cursor of ours
    raise bad("cursor", "is not a cursor of this list")


def since_of(call: Call) -> str:
    text = call.query.get("updated_since")
    if text is None:
        return ""
    try:
        return stamp(parse_instant(text))
    except ValueError:
        raise bad("updated_since", "must be an RFC 3339 time") from None


def choice(call: Call, name: str, *choices: str) -> str:
    """A filter's value, or an empty text."""
    value = call.query.get(name, "")
    if name in call.query and choices and value not in choices:
        raise bad(name, f"must be one of {', '.join(choices)}")
    return value


def listed(
    tenant: Tenant, call: Call, table: str, matches: list[Match] | None = None, render: Render | None = None
) -> Answer:
    """One page of a table."""
    return page(tenant, call, tenant.store.tables[table], tenant.store.order[table], matches, render)


def page(
    tenant: Tenant,
    call: Call,
    rows: dict[str, Row],
    order: list[str],
    matches: list[Match] | None = None,
    render: Render | None = None,
) -> Answer:
    """One page in order of creation. Deleted rows appear only with updated_since."""
    limit, start, since = limit_of(call), start_of(call), since_of(call)
    found: list[Row] = []
    position, more = start, False
    for row_id in islice(order, start, None):
        row = rows[row_id]
        if wanted(tenant, row, since) and all(match(row) for match in matches or ()):
            if len(found) == limit:
                more = True
                break
            found.append(render(row) if render else row)
        position += 1
    cursor = base64.urlsafe_b64encode(f"p:{position}".encode()).decode() if more else None
    return Answer(200, {"data": found, "next_cursor": cursor})


def wanted(tenant: Tenant, row: Row, since: str) -> bool:
    if tenant.visible and "created_at" in row and not tenant.visible(row["created_at"]):
        return False
    if not since:
        return not row.get("deleted_at")
    # branches, companies and subscriptions carry no times: the filter cannot leave them out
    return bool(row.get("updated_at", since) >= since)
