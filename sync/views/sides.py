"""Both sides of a record next to each other: what was read at the source, what the target holds or will hold."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Literal

from sqlalchemy import Connection, text

from models.states import RecordState
from objects.money import NotMoney, amount_or_none, text_of
from objects.text import same_name
from sync.views.records import RecordRow

Mark = Literal["equal", "becomes", "differs", "unknown"]
Plain = Mapping[str, Any]

#: Label, where the source's objects keep it, where the plans of the targets keep it.
FIELDS: tuple[tuple[str, tuple[str, ...], tuple[str, ...]], ...] = (
    ("Number", ("number",), ("number", "code", "invoice_number", "origin_code")),
    ("Description", ("name",), ("title", "name", "description")),
    ("Supplier", ("vendor_name", "supplier_name"), ("supplier_name", "vendor_name", "supplier", "vendor")),
    ("Status", ("source_status", "status"), ("status",)),
    ("Stage", ("stage",), ("stage",)),
    ("Region", ("region",), ("branch", "branch_name", "region")),
    ("Cost type", ("cost_type",), ("cost_type", "cost_type_code")),
    ("Sub job", ("sub_job",), ("sub_job",)),
    ("Commitment", ("commitment_number", "order_id"), ("commitment_number", "order_number", "commitment_id")),
    ("Date", ("date",), ("date", "invoice_date", "billing_date")),
    ("Due date", ("due_date",), ("due_date",)),
    ("Retention, %", ("retainage_percent",), ("retention_percent", "retainage_percent")),
)


@dataclass(frozen=True, slots=True)
class Field:
    """One field on both sides, as text; None: that side does not have it."""

    label: str
    here: str | None
    there: str | None
    mark: Mark


@dataclass(frozen=True, slots=True)
class Line:
    """One line on both sides. `there` is None while the target does not hold it."""

    position: int
    code: str
    description: str
    here: Decimal | None
    there: Decimal | None
    mark: Mark


def fields_of(row: RecordRow, data: Plain | None, held: Plain | None, agreed: bool) -> tuple[Field, ...]:
    """The fields that either side has, money last."""
    data, held = data or {}, _sent(held)
    found = [Field("Project", row.project or None, None, "unknown")] if row.project and row.kind != "project" else []
    for label, ours, theirs in FIELDS:
        here, there = _first(data, ours), _first(held, theirs)
        if here is not None or there is not None:
            found.append(Field(label, here, there, _mark(here, there)))
    lines = data.get("lines")
    if isinstance(lines, Sequence) and lines:
        sent = held.get("lines")
        count = str(len(sent)) if isinstance(sent, Sequence) and sent else None
        found.append(Field("Lines", str(len(lines)), count, _mark(str(len(lines)), count)))
    if row.here is not None or row.there is not None:
        found.append(_amount(row, agreed))
    return tuple(found)


def lines_of(db: Connection, row: RecordRow, data: Plain | None, held: Plain | None, agreed: bool) -> tuple[Line, ...]:
    """The source's lines, each beside the line of the plan made from it."""
    lines = (data or {}).get("lines") or ()
    sent = _sent(held).get("lines") or ()
    codes = _codes(db, [_code_id(line) for line in lines])
    found = []
    for n, line in enumerate(lines):
        here = _money(line, ("amount", "net"))
        there = _money(sent[n], ("amount", "net")) if n < len(sent) and isinstance(sent[n], Mapping) else None
        there = there if row.remote_id or agreed or row.state == RecordState.awaiting_approval else None
        mark: Mark = "unknown" if there is None else "equal" if here == there else "differs"
        code = line.get("code") or codes.get(_code_id(line), "")
        found.append(Line(n + 1, code, line.get("description") or "", here, there, mark))
    return tuple(found)


def _sent(held: Plain | None) -> Plain:
    """What is sent in one piece with a file stands below, under `metadata`."""
    held = held or {}
    return {**(held.get("metadata") or {}), **held}


def _amount(row: RecordRow, agreed: bool) -> Field:
    if row.state == RecordState.awaiting_approval and row.here is not None:  # what is about to be sent
        return Field("Amount", text_of(row.here), text_of(row.here), "equal")
    here = text_of(row.here) if row.here is not None else None
    there = text_of(row.there) if row.there is not None else None
    if row.there is None:
        return Field("Amount", here, there, "unknown" if not agreed else "becomes")
    return Field("Amount", here, there, "equal" if row.here == row.there else "differs")


def _mark(here: str | None, there: str | None) -> Mark:
    """A text that differs was translated on the way; only money and counts of lines can differ."""
    if here is None or there is None:
        return "unknown"
    return "equal" if same_name(here, there) else "becomes"


def _first(data: Plain, names: Sequence[str]) -> str | None:
    for name in names:
        value = data.get(name)
        if isinstance(value, Mapping):
            value = " ".join(str(v) for k, v in value.items() if k in ("number", "code", "name") and v)
        if value not in (None, "") and not isinstance(value, list | tuple):
            return str(value)
    return None


def _money(line: Plain, names: Sequence[str]) -> Decimal | None:
    for name in names:
        try:
            amount = amount_or_none(line.get(name))
        except NotMoney:  # a quantity or a text under this name
            continue
        if amount is not None:
            return amount
    return None


def _code_id(line: Plain) -> str:
    return line.get("budget_code_id") or line.get("cost_code_id") or ""


def _codes(db: Connection, ids: Sequence[str]) -> dict[str, str]:
    """Budget code id -> its number."""
    rows = db.execute(text("""
        SELECT source_id, number FROM snapshot WHERE kind = 'budget_code' AND source_id = ANY(:ids)
    """), {"ids": sorted({i for i in ids if i})})
    return {row.source_id: row.number for row in rows}
