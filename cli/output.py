"""Where a command's words go: people read them on the terminal; with --json one document goes to stdout, words to stderr."""

import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, is_dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from functools import cached_property
from typing import Any

#: Columns of a table that is not on a terminal: wide enough that nothing is folded, so that grep finds whole rows.
UNFOLDED = 240

STYLES = {
    "synced": "green",
    "held": "yellow",
    "pending": "blue",
    "sending": "blue",
    "awaiting_approval": "blue",
    "needs_attention": "red",
    "conflict": "red",
    "source_deleted": "red",
    "rejected": "yellow",
    "checking": "magenta",
    "ignored": "dim",
    "unlinked": "dim",
    "ok": "green",
    "warn": "yellow",
    "fail": "bold red",
}


class Output:
    """One command's answer. NO_COLOR and pipes are respected; nothing is ever read as markup."""

    def __init__(self, as_json: bool = False) -> None:
        self.as_json = as_json

    @cached_property
    def console(self) -> Any:
        """Rich, imported when there is something to say."""
        from rich.console import Console

        stream = sys.stderr if self.as_json else sys.stdout
        width = None if stream.isatty() else UNFOLDED
        return Console(file=stream, width=width, markup=False, highlight=False, emoji=False, soft_wrap=not stream.isatty())

    @property
    def live(self) -> bool:
        """Somebody watches: progress may move."""
        return bool(self.console.is_terminal)

    def say(self, line: str = "", style: str = "") -> None:
        """One line for people."""
        self.console.print(line, style=STYLES.get(style, style) or None)

    def heading(self, line: str) -> None:
        """Starts a part."""
        self.say()
        self.say(line, "bold")

    def bullet(self, line: str, mark: str = "-", style: str = "") -> None:
        """An indented line with a mark before it."""
        self.say(f"  {mark} {line}", style)

    def table(
        self, columns: Sequence[str], rows: Iterable[Sequence[Any]], right: Sequence[str] = (), styles: Sequence[str] = ()
    ) -> None:
        """A plain table; columns named in `right` are set to the right, `styles` colours whole rows."""
        from rich.table import Table
        from rich.text import Text

        made = Table(box=None, pad_edge=False, show_edge=False, header_style="bold")
        for column in columns:
            made.add_column(Text(column), justify="right" if column in right else "left", no_wrap=column in right)
        for n, row in enumerate(rows):
            style = styles[n] if n < len(styles) else ""
            made.add_row(*(Text(_cell(cell)) for cell in row), style=STYLES.get(style, style) or None)
        self.console.print(made)

    def document(self, data: Any) -> None:
        """The JSON document, when it was asked for."""
        if self.as_json:
            json.dump(plain(data), sys.stdout, indent=1, ensure_ascii=False)
            sys.stdout.write("\n")
            sys.stdout.flush()


def plain(value: Any) -> Any:
    """JSON-ready: amounts as text with two decimals, times as RFC 3339 UTC, hashes as hexadecimal."""
    if is_dataclass(value) and not isinstance(value, type):
        return plain(asdict(value))
    if isinstance(value, Mapping):
        return {str(name): plain(inner) for name, inner in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [plain(inner) for inner in value]
    if isinstance(value, Decimal):
        return f"{value:.2f}"
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, bytes | memoryview):
        return bytes(value).hex()
    return value


def _cell(value: Any) -> str:
    if value is None:
        return ""
    return f"{value:,.2f}" if isinstance(value, Decimal) else str(value)
