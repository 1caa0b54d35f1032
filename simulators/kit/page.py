"""The page for people at /: what the system holds, and a plain form for each thing a person can do there."""

from html import escape
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

if TYPE_CHECKING:
    from simulators.kit.simulator import Simulator

# Rows of a table: enough to look round; the whole is at /_sim/state.
ROWS = 100
COLUMNS = 9

STYLE = """
:root { color-scheme: light dark; --line: #8884; --soft: #8882 }
body { font: 15px/1.5 system-ui, sans-serif; margin: 0 auto; max-width: 76rem; padding: 1.5rem }
h1 { font-size: 1.4rem; margin: 0 } h2 { font-size: 1.1rem; margin: 2rem 0 .5rem }
nav a { margin-right: .9rem; white-space: nowrap } nav b { margin-right: .9rem }
.scroll { overflow-x: auto } table { border-collapse: collapse; width: 100% }
th, td { text-align: left; padding: .3rem .7rem; border-bottom: 1px solid var(--line); vertical-align: top }
th { font-weight: 600; white-space: nowrap } td { max-width: 22rem; overflow-wrap: anywhere }
details { border: 1px solid var(--line); border-radius: 6px; padding: .4rem .8rem; margin: .4rem 0 }
summary { cursor: pointer } label { display: inline-block; margin: .4rem 1rem .4rem 0 }
input, textarea { font: inherit; display: block; padding: .25rem .4rem; min-width: 14rem }
button { font: inherit; padding: .3rem 1rem } .said { background: var(--soft); padding: .5rem .8rem }
"""


def link(kind: str | None = None, said: str | None = None) -> str:
    """The page's address with one kind open, or with a message."""
    query = {name: value for name, value in (("kind", kind), ("said", said)) if value}
    return "/" + (f"?{urlencode(query)}" if query else "")


def render(simulator: "Simulator", kind: str | None, said: str | None) -> str:
    """The whole page as HTML, without script."""
    kinds = simulator.state()
    shown = kind if kind in kinds else next((name for name, items in kinds.items() if items), "")
    title = f"{simulator.system.replace('_', ' ').title()} (simulator)"
    return (
        f"<!doctype html><html lang=en><meta charset=utf-8><meta name=viewport content='width=device-width'>"
        f"<title>{title}</title><style>{STYLE}</style><h1>{title}</h1>"
        f"<p>A stand-in that speaks the real interface. {len(simulator.ledger.entries)} changes so far.</p>"
        + (f"<p class=said>{escape(said)}</p>" if said else "")
        + "<h2>What it holds</h2><nav>"
        + "".join(_tab(name, len(items), name == shown) for name, items in kinds.items())
        + "</nav>"
        + _table(kinds.get(shown, []))
        + "<h2>What a person can do here</h2>"
        + "".join(_form(action) for action in simulator.actions.listed())
    )


def _tab(kind: str, count: int, current: bool) -> str:
    label = f"{escape(kind.replace('_', ' '))} ({count})"
    return f"<b>{label}</b>" if current else f"<a href='{escape(link(kind=kind))}'>{label}</a>"


def _table(items: list[dict[str, Any]]) -> str:
    if not items:
        return "<p>Nothing yet.</p>"
    columns = [name for name, value in items[0].items() if not isinstance(value, list | dict)][:COLUMNS]
    head = "".join(f"<th scope=col>{escape(name)}" for name in columns)
    rows = "".join("<tr>" + "".join(f"<td>{escape(_text(item.get(name)))}" for name in columns) for item in items[:ROWS])
    rest = f"<p>{len(items) - ROWS} more at /_sim/state.</p>" if len(items) > ROWS else ""
    return f"<div class=scroll><table><tr>{head}</tr>{rows}</table></div>{rest}"


def _text(value: object) -> str:
    return "" if value is None else str(value)


def _form(action: dict[str, Any]) -> str:
    name = escape(action["action"])
    fields = "".join(_field(argument) for argument in action["args"])
    return (
        f"<details><summary><b>{name}</b>: {escape(action['sentence'])}</summary>"
        f"<form method=post action=/_sim/act><input type=hidden name=action value='{name}'>"
        f"{fields}<p><button>Do it</button></p></form></details>"
    )


def _field(argument: dict[str, Any]) -> str:
    name = escape(argument["name"])
    required = " required" if argument["required"] else ""
    if argument["type"] == "json":
        box = f"<textarea name='{name}' rows=3 cols=60{required}></textarea>"
    else:
        box = f"<input name='{name}' value='{escape(_text(argument['default']))}'{required}>"
    return f"<label>{name}{box}</label>"
