"""Records as rows of a table and as JSON, the same from every command."""

from collections.abc import Mapping, Sequence
from typing import Any

from cli.output import Output
from sync.views import RecordRow, system_word

COLUMNS = ("id", "kind", "number", "name", "project", "amount", "state")


def called(row: RecordRow, parent: str = "") -> str:
    """ "Variation 001 of SC-1001-01"."""
    return f"{row.kind_word} {row.number or row.source_id}" + (f" of {parent}" if parent else "")


def row_plain(row: RecordRow, parent: str = "") -> dict[str, Any]:
    """As JSON shows a record in lists."""
    return {
        "id": row.id,
        "kind": row.kind,
        "number": row.number,
        "of": parent,
        "name": row.name,
        "project": row.project,
        "vendor": row.vendor,
        "connection": row.system,
        "direction": row.direction,
        "source_id": row.source_id,
        "state": row.state,
        "state_word": row.state_word,
        "why": row.why,
        "problems": [{"code": p.code, "title": p.title} for p in row.problems],
        "currency": row.currency,
        "here": row.here,
        "there": row.there,
        "version": row.version,
        "remote_id": row.remote_id,
        "remote_number": row.remote_number,
        "state_since": row.state_since,
        "due_at": row.due_at,
    }


def show_rows(out: Output, rows: Sequence[RecordRow], parents: Mapping[int, str]) -> None:
    """One line a record: what it is, its money, how it stands and why."""
    out.table(
        COLUMNS,
        [
            (f"#{row.id}", row.kind_word, _number(row, parents.get(row.id, "")), row.name, row.project, _money(row), _state(row))
            for row in rows
        ],
        right=("amount",),
        styles=[row.state for row in rows],
    )


def money(currency: str, amount: object) -> str:
    """ "NZD 1,234.50"."""
    return f"{currency} {amount:,.2f}"


def direction(row: RecordRow) -> str:
    """ "Procore to Lentune"."""
    return f"{system_word(row.source)} to {system_word(row.target)}"


def _number(row: RecordRow, parent: str) -> str:
    return f"{parent}/{row.number}" if parent and row.kind == "variation" else row.number or row.source_id


def _money(row: RecordRow) -> str:
    return money(row.currency, row.here) if row.here is not None else ""


def _state(row: RecordRow) -> str:
    """The state and, where something stands against it, the problem's own sentence."""
    return f"{row.state_word.partition(':')[0]}: {row.problems[0].title}" if row.problems else row.state_word
