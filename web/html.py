"""Templates: one environment, the filters for money and time, and how a page is answered."""

import re
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from fastapi import Request
from fastapi.responses import HTMLResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined, pass_context
from jinja2.runtime import Context
from markupsafe import Markup, escape

from settings.environment import environment
from sync import views
from sync.names import SYSTEMS, system_word
from sync.views.records import text_of
from sync.views.sentence import counted
from sync.views.words import kind_word, kinds_word, state_word
from web.people import Visitor, theme_of

HERE = Path(__file__).parent
MINUS = "\N{MINUS SIGN}"
#: The silhouettes of icons.svg whose names differ from the state's.
STATE_ICONS = {"awaiting_approval": "approval", "needs_attention": "attention", "source_deleted": "deleted"}


@cache
def templates() -> Environment:
    """Read once per process; a name that a page forgot to give is an error, not an empty text."""
    made = Environment(
        loader=FileSystemLoader(HERE / "templates"), autoescape=True, undefined=StrictUndefined, trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters.update(
        amount=amount, money=money, sums=sums, moment=moment, clock=clock, ago=ago, until=until, n=_n, day=day_of,
        decimal=Decimal, words=words, size=size,
    )
    made.globals.update(
        kind_word=kind_word, kinds_word=kinds_word, state_word=state_word, system_word=system_word, counted=counted,
        state_icon=_state_icon, problem_text=text_of,
    )
    return made


def page(request: Request, name: str, who: Visitor, /, status: int = 200, **context: Any) -> HTMLResponse:
    """A page inside the frame."""
    frame = views.frame(who.company_id)
    text = templates().get_template(name).render(
        frame=frame, zone=_zone(frame.time_zone), now=datetime.now(UTC), me=who.person, csrf=who.csrf, theme=who.theme,
        path=request.url.path, here=_here(request), flower_url=environment().flower_url, **context,
    )
    return HTMLResponse(text, status)


def door(request: Request, name: str, /, status: int = 200, **context: Any) -> HTMLResponse:
    """A page before anybody is signed in."""
    text = templates().get_template(name).render(theme=theme_of(request), zone=UTC, now=datetime.now(UTC), **context)
    return HTMLResponse(text, status)


def amount(value: Decimal | None, sign: bool = False) -> str:
    """1,234.50 with a true minus; `sign` puts a plus before what is above zero."""
    if value is None:
        return ""
    return f"{value:{'+' if sign and value else ''},.2f}".replace("-", MINUS)


def money(value: Decimal | None, currency: str, sign: bool = False) -> Markup:
    """An amount with its currency before it."""
    if value is None:
        return Markup("")
    return Markup('<span class="cur">{}</span> {}').format(currency, amount(value, sign))


def sums(value: dict[str, Decimal]) -> Markup:
    """Several currencies, one amount each."""
    return Markup(", ").join(money(each, currency) for currency, each in value.items())


@pass_context
def moment(context: Context, value: datetime | None) -> Markup:
    """`today 09:31`, `yesterday 16:12`, `12 Feb 09:31`, in the company's time zone."""
    if value is None:
        return Markup("")
    local, today = value.astimezone(context["zone"]), context["now"].astimezone(context["zone"]).date()
    days = (today - local.date()).days
    named = {0: "today", 1: "yesterday", -1: "tomorrow"}.get(days)
    shown = f"{named or _day(local.date(), today)} {local:%H:%M}"
    return _time(local, shown)


@pass_context
def clock(context: Context, value: datetime | None) -> Markup:
    """`10:42:07`."""
    return _time(value.astimezone(context["zone"]), f"{value.astimezone(context['zone']):%H:%M:%S}") if value else Markup("")


@pass_context
def day_of(context: Context, value: datetime) -> str:
    """`Today, 19 November 2026`: the heading of a day in a story."""
    local = value.astimezone(context["zone"]).date()
    today = context["now"].astimezone(context["zone"]).date()
    return f"{'Today, ' if local == today else ''}{local.day} {local:%B %Y}"


@pass_context
def ago(context: Context, value: datetime | None) -> Markup:
    """`18 min`, `3 h`, `2 d`: how long it has been."""
    return _time(value.astimezone(context["zone"]), _span(context["now"] - value)) if value else Markup("")


@pass_context
def until(context: Context, value: datetime | None) -> Markup:
    """`in 71 min`, or `now` when it is over."""
    if value is None:
        return Markup("")
    left = value - context["now"]
    return _time(value.astimezone(context["zone"]), f"in {_span(left)}" if left > timedelta(0) else "now")


def _state_icon(state: str) -> str:
    return f"state-{STATE_ICONS.get(state, state)}"


def words(name: str) -> str:
    """A name in code as people read it: `project_is_in_lentune` is "Project is in Lentune"."""
    plain = name.replace("_", " ")
    for system, written in SYSTEMS.items():
        plain = re.sub(rf"\b{system.replace('_', ' ')}\b", written, plain, flags=re.IGNORECASE)
    return plain[:1].upper() + plain[1:]


def _n(value: int) -> str:
    return f"{value:,}"


def size(value: int) -> str:
    """`820 kB`, `1.4 MB`: bytes as people read them."""
    if value < 1000:
        return f"{value} bytes"
    return f"{value / 1000:,.0f} kB" if value < 1_000_000 else f"{value / 1_000_000:,.1f} MB"


def _span(span: timedelta) -> str:
    seconds = max(int(span.total_seconds()), 0)
    if seconds < 90:
        return f"{seconds} s"
    if seconds < 90 * 60:
        return f"{seconds // 60} min"
    return f"{seconds // 3600} h" if seconds < 36 * 3600 else f"{seconds // 86400} d"


def _day(day: date, today: date) -> str:
    return f"{day.day} {day:%b}" + ("" if day.year == today.year else f" {day.year}")


def _time(value: datetime, shown: str) -> Markup:
    return Markup('<time datetime="{}">{}</time>').format(value.isoformat(timespec="seconds"), escape(shown))


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):  # a name that this machine does not know
        return ZoneInfo("UTC")


def _here(request: Request) -> str:
    """This page with its filters, to come back to."""
    return request.url.path + (f"?{request.url.query}" if request.url.query else "")
