"""Where nothing is written until a person has looked: whole systems that are stopped, and kinds held for being unusually many."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import Connection, text

from models import session
from sync import problems
from sync.names import system_word
from sync.stops import STOPS
from sync.views.words import kinds_word

#: Code -> what stands in bold; the systems are named once however many are stopped for it.
WORDS = {
    "duplicate_found": "Writing to {systems} is stopped: a document was found there more than once.",
    "rolled_back": "Writing to {systems} is stopped: it seems to have been put back to an earlier day.",
    "restored": "Nothing is written: this database was put back to an earlier day, or is a copy.",
    "switched_off": "{systems} is switched off: nothing is sent there or read from there.",
}
#: Procore is in everything.
ALL_OFF = "Procore is switched off: nothing is sent anywhere or read from anywhere."


@dataclass(frozen=True, slots=True)
class Stop:
    """One reason, with all systems it stops. `going_on`: a person may let it go on by a button."""

    code: str
    systems: tuple[str, ...]
    title: str
    reason: str
    fix: tuple[str, ...]
    since: datetime

    @property
    def going_on(self) -> bool:
        """After a restored database the links must be rebuilt first; what is off is switched on by an admin."""
        return self.code not in ("restored", "switched_off")


@dataclass(frozen=True, slots=True)
class Hold:
    """Records of one kind that wait because there were unusually many. `money` is per currency."""

    connection_id: int
    system: str
    kind: str
    records: int
    money: dict[str, Decimal]
    reason: str
    fix: tuple[str, ...]

    @property
    def kinds_word(self) -> str:
        """"Invoices"."""
        return kinds_word(self.kind)


def stopped(db: Connection) -> tuple[Stop, ...]:
    """The reasons for which whole systems are stopped, the oldest first."""
    rows = db.execute(
        text("""
        SELECT blocked_code, array_agg(system ORDER BY id) AS systems, min(blocked_at) AS since,
            string_agg(DISTINCT blocked_reason, '; ') AS reason
        FROM connection WHERE enabled AND blocked_code = ANY(:codes) GROUP BY 1 ORDER BY min(blocked_at)
    """),
        {"codes": list(STOPS)},
    )
    return (*_off(db), *(_stop(row) for row in rows))


def _off(db: Connection) -> tuple[Stop, ...]:
    """Connections that are switched off, Procore's first, with who did it and why."""
    rows = db.execute(
        text("""
        SELECT n.system, coalesce(h.at, n.created_at) AS since, h.actor, h.reason FROM connection n LEFT JOIN LATERAL (
            SELECT * FROM history WHERE company_id = n.company_id AND record_id IS NULL AND what = 'switched_off.' || n.system
            ORDER BY id DESC LIMIT 1
        ) h ON true WHERE NOT n.enabled ORDER BY n.system <> 'procore', n.id
    """)
    )
    return tuple(_switched_off(row) for row in rows)


def _switched_off(row: Any) -> Stop:
    title = ALL_OFF if row.system == "procore" else stop_words("switched_off", [row.system])
    said = ": ".join(part for part in (row.actor, row.reason) if part)
    fix = problems.text("switched_off", {"system": row.system}).fix
    return Stop("switched_off", (row.system,), title, f"By {said}" if said else "", fix, row.since)


def stop_words(code: str, systems: Sequence[str]) -> str:
    """The sentence about a stop; empty for a code that stops nothing as a whole."""
    return WORDS[code].format(systems=_and(systems)) if code in WORDS else ""


def holds(company_id: int) -> tuple[Hold, ...]:
    """Kinds that wait for being unusually many."""
    with session(company_id) as db:
        rows = db.execute(
            text("""
            SELECT r.connection_id, n.system, r.kind, coalesce(r.currency, c.currency) AS currency, count(*) AS records,
                sum(r.amount) AS money, max(p->'values'->>'reason') AS reason
            FROM sync_record r JOIN company c ON c.id = r.company_id JOIN connection n ON n.id = r.connection_id
            CROSS JOIN LATERAL jsonb_array_elements(r.problems) p
            WHERE r.state = 'awaiting_approval' AND p->>'code' = 'unusual_volume' GROUP BY 1, 2, 3, 4 ORDER BY 1, 3, 4
        """)
        ).all()
    groups: dict[tuple[int, str], list[Any]] = {}
    for row in rows:
        groups.setdefault((row.connection_id, row.kind), []).append(row)
    return tuple(_hold(parts) for parts in groups.values())


def _stop(row: Any) -> Stop:
    words = problems.text(row.blocked_code, {"system": _and(row.systems), "reason": row.reason or ""})
    return Stop(
        row.blocked_code, tuple(row.systems), stop_words(row.blocked_code, row.systems), row.reason or "", words.fix, row.since
    )


def _hold(parts: Sequence[Any]) -> Hold:
    first = parts[0]
    words = problems.text("unusual_volume", {"reason": first.reason})
    money = {part.currency: part.money for part in parts if part.money is not None}
    return Hold(
        first.connection_id, first.system, first.kind, sum(part.records for part in parts), money, first.reason or "", words.fix
    )


def _and(systems: Sequence[str]) -> str:
    return " and ".join(system_word(system) for system in systems)
