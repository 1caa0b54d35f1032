"""What must stand on one side for what stands on the other: the shape of an expectation, and how states are indexed.

Written from the lines of docs' requirement table and the contracts, sharing no code with connectors/ or sync/.
"""

import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

Row = dict[str, Any]
State = dict[str, list[Row]]


@dataclass(slots=True)
class Expected:
    """One object of the source. `out`: why it is no part of the sync. `blocks`: problems that rightly hold it up.

    `fields` are those the source owns, as the other side should hold them; `there` is what stands there now.
    """

    kind: str
    direction: str
    source_id: str
    number: str
    project: str
    amount: Decimal = Decimal(0)
    fields: Row = field(default_factory=dict)
    there: list[Row] = field(default_factory=list)
    held: list[Row] = field(default_factory=list)  # `there` in the terms of `fields`
    there_amount: Decimal = Decimal(0)
    out: str = ""
    blocks: set[str] = field(default_factory=set)

    def __str__(self) -> str:
        return f"{self.kind} {self.number or self.source_id} ({self.source_id})"


def live(rows: Iterable[Row]) -> list[Row]:
    """Without tombstones."""
    return [row for row in rows if not row.get("deleted_at")]


def anchored(rows: Iterable[Row]) -> dict[str, list[Row]]:
    """Live rows of Lentune by the Procore id they name."""
    found: dict[str, list[Row]] = {}
    for row in live(rows):
        if row.get("external"):
            found.setdefault(str(row["external"]["procore_id"]), []).append(row)
    return found


def money(value: object) -> Decimal:
    """An amount as the systems write it; nothing is nothing."""
    return Decimal(str(value)) if value not in (None, "") else Decimal(0)


def written(value: Any) -> Any:
    """Text as it is taken over: composed (NFC), without NUL and space at its ends, half a character replaced (F45)."""
    if isinstance(value, str):
        whole = "".join("\ufffd" if 0xD800 <= ord(sign) <= 0xDFFF else sign for sign in value if sign != "\x00")
        return unicodedata.normalize("NFC", whole).strip()
    if isinstance(value, list | tuple):
        return [written(each) for each in value]
    return value


def folded(name: object) -> str:
    """Names are equal regardless of case and spacing (L-35, L-36)."""
    return " ".join(str(name or "").split()).casefold()


def settings_of(lentune: State) -> Row:
    """The connection's settings as Lentune holds them (P-01)."""
    linked = lentune.get("procore_companies") or []
    return dict(linked[0]["settings"]) if linked else {}
