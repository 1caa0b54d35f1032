"""Lists: filters that the contract names, pages, and the headers that go with them."""

from collections.abc import Callable, Iterable
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import Any
from urllib.parse import urlencode

from simulators.kit.http import Request, Response
from simulators.procore.errors import Refused
from simulators.procore.store import Row

Filter = Callable[[Row, list[str]], bool]


def equal(name: str) -> Filter:
    """filters[name]=value, several values in any of the three array spellings."""
    return lambda row, wanted: str(row.get(name)) in wanted


def nested(name: str, inner: str) -> Filter:
    """A filter on the id inside an object."""
    return lambda row, wanted: str((row.get(name) or {}).get(inner)) in wanted


def text(name: str) -> Filter:
    """A filter that compares text without regard to case."""
    return lambda row, wanted: str(row.get(name) or "").lower() in [value.lower() for value in wanted]


def boolean(name: str) -> Filter:
    return lambda row, wanted: str(bool(row.get(name))).lower() == wanted[0].lower()


def within(name: str) -> Filter:
    """A range of times or dates, both ends included: 2026-01-01T00:00:00Z...2026-01-31T00:00:00Z."""

    def inside(row: Row, wanted: list[str]) -> bool:
        first, last = bounds(wanted[0])
        value = row.get(name)
        return value is not None and first <= value <= last

    return inside


@lru_cache(maxsize=256)
def bounds(wanted: str) -> tuple[str, str]:
    """Both ends as comparable UTC text. Raises 400."""
    first, dots, last = wanted.strip('"').partition("...")
    if not dots:
        last = first
    try:
        return _moment(first, end=False), _moment(last, end=True)
    except ValueError as error:
        raise Refused(400, {"filters": [f"{wanted} is not a range of dates"]}) from error


def _moment(wanted: str, end: bool) -> str:
    if len(wanted) == 10:
        day = datetime.combine(date.fromisoformat(wanted), datetime.min.time(), UTC)
        moment = day + timedelta(days=1) - timedelta(seconds=1) if end else day
    else:
        # A plus sign that was not escaped arrives as a space.
        moment = datetime.fromisoformat(wanted.replace(" ", "+"))
        moment = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def wanted_values(request: Request, name: str) -> list[str]:
    """filters[x]=a, filters[x][]=a&..., filters[x]=a,b and filters[x]=[a,b] all mean the same."""
    values: list[str] = []
    for key in (f"filters[{name}]", f"filters[{name}][]"):
        for raw in request.qall(key):
            inner = raw[1:-1] if raw.startswith("[") and raw.endswith("]") else raw
            values += [part.strip().strip('"') for part in inner.split(",")] if name != "name" else [inner]
    return [value for value in values if value != ""]


def select(request: Request, rows: Iterable[Row], filters: dict[str, Filter]) -> list[Row]:
    """The rows that pass; a filter that the list has not is ignored, as the real one does."""
    active = [(test, values) for name, test in filters.items() if (values := wanted_values(request, name))]
    if not active:
        return list(rows)
    return [row for row in rows if all(test(row, values) for test, values in active)]


def page(
    request: Request, rows: list[Row], show: Callable[[Row], Any], default: int = 100, ceiling: int = 2000
) -> tuple[list[Any], dict[str, str]]:
    """One page, shown, and its headers; a page past the end is empty."""
    number, size = _number(request, "page", 1), min(_number(request, "per_page", default), ceiling)
    last = max(1, -(-len(rows) // size))
    shown = [show(row) for row in rows[(number - 1) * size : number * size]]
    return shown, {"Total": str(len(rows)), "Per-Page": str(size), "Link": _links(request, number, last, size)}


def answer(request: Request, rows: list[Row], show: Callable[[Row], Any], default: int = 100, ceiling: int = 2000) -> Response:
    """A v1 list: a bare array."""
    shown, headers = page(request, rows, show, default, ceiling)
    return Response.of(200, shown, headers)


def answer_v2(request: Request, rows: list[Row], show: Callable[[Row], Any]) -> Response:
    """A v2 list: wrapped, ten a page unless asked, a hundred at most."""
    shown, headers = page(request, rows, show, default=10, ceiling=100)
    return Response.of(200, {"data": shown}, headers)


def _number(request: Request, name: str, default: int) -> int:
    given = request.q(name)
    if given is None:
        return default
    if not given.isdigit() or int(given) < 1:
        raise Refused(400, {name: ["is invalid"]})
    return int(given)


def _links(request: Request, number: int, last: int, size: int) -> str:
    base = f"http://{request.headers.get('host', 'localhost')}{request.path}"
    kept = [(name, value) for name, value in request.query if name not in ("page", "per_page")]
    wanted = {"first": 1, "last": last}
    if number > 1:
        wanted["prev"] = min(number - 1, last)
    if number < last:
        wanted["next"] = number + 1
    return ", ".join(
        f'<{base}?{urlencode([*kept, ("page", at), ("per_page", size)])}>; rel="{name}"' for name, at in wanted.items()
    )
