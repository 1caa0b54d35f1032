"""Problems grouped by cause: how many records and how much money each one holds up, and what to do about it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import Connection, text

from models import session
from models.states import RecordState
from objects.problem import Problem
from sync import problems
from sync.problems import ProblemText
from sync.views.records import text_of
from sync.views.words import HEALING, NEEDS_YOU, state_word

#: Records of these states have something standing against them.
OPEN = (*NEEDS_YOU, *HEALING)


#: What sends these is said of one document at a time, by whoever has looked.
ONE_BY_ONE = frozenset({"outcome_needs_person", "edited_on_both_sides"})

_TO_MEND = text("""
    SELECT count(*) FROM sync_record WHERE state = ANY(:healing)
        AND EXISTS (SELECT FROM jsonb_array_elements(problems) p WHERE p->>'code' = ANY(:codes))
""")


@dataclass(frozen=True, slots=True)
class ProblemGroup:
    """Records that one cause holds up. The text names what all of them share; `money` is per currency."""

    code: str
    state: str
    text: ProblemText
    records: int
    money: dict[str, Decimal]
    first_seen: datetime
    next_look: datetime | None
    sample: tuple[tuple[int, str, str], ...]  # (record id, kind, number) of the first few

    @property
    def needs_you(self) -> bool:
        """A person must act here; otherwise it closes by itself, at the latest when its cause was mended."""
        return self.state in NEEDS_YOU


    @property
    def one_by_one(self) -> bool:
        """Each has to be decided on its own page; asking for all of them only looks again."""
        return self.code in ONE_BY_ONE


@dataclass(frozen=True, slots=True)
class ProblemGroups:
    """All groups; a record with two problems stands in two of them but is counted once in the totals."""

    needs_you: tuple[ProblemGroup, ...]
    healing: tuple[ProblemGroup, ...]
    needs_you_records: int
    healing_records: int
    needs_you_money: dict[str, Decimal]
    healing_money: dict[str, Decimal]
    to_mend_records: int = 0  # of those healing: somebody has to do something outside Sitebooks

    @property
    def to_mend(self) -> tuple[ProblemGroup, ...]:
        """Those that close once somebody did something outside Sitebooks."""
        return tuple(g for g in self.healing if g.text.to_mend)

    def find(self, code: str, state: str = "") -> ProblemGroup | None:
        """The group of this code, those that need somebody first."""
        for group in (*self.needs_you, *self.healing):
            if group.code == code and state in ("", group.state):
                return group
        return None


def problem_groups(company_id: int) -> ProblemGroups:
    """The groups with most money first; of those that heal, the ones that somebody has to mend come first."""
    with session(company_id) as db:
        groups = _groups(db)
        counts, money = _totals(db)
        to_mend = db.scalar(_TO_MEND, {"healing": list(HEALING), "codes": problems.to_mend()})
    needs = tuple(g for g in groups if g.needs_you)
    return ProblemGroups(
        needs, tuple(sorted((g for g in groups if not g.needs_you), key=lambda g: not g.text.to_mend)),
        sum(n for state, n in counts.items() if state in NEEDS_YOU), sum(n for s, n in counts.items() if s in HEALING),
        _add(money, NEEDS_YOU), _add(money, HEALING), int(to_mend or 0),
    )


def _groups(db: Connection) -> list[ProblemGroup]:
    rows = db.execute(text("""
        SELECT r.state, coalesce(p->>'code', '') AS code, coalesce(r.currency, c.currency) AS currency,
            count(*) AS records, sum(r.amount) AS money, min(r.state_since) AS first_seen, min(r.due_at) AS next_look,
            (array_agg(r.id ORDER BY r.number, r.id))[1:3] AS ids,
            (array_agg(r.kind ORDER BY r.number, r.id))[1:3] AS kinds,
            (array_agg(coalesce(nullif(r.number, ''), r.source_id) ORDER BY r.number, r.id))[1:3] AS numbers
        FROM sync_record r JOIN company c ON c.id = r.company_id
        LEFT JOIN LATERAL jsonb_array_elements(r.problems) p ON true
        WHERE r.state = ANY(:open) GROUP BY 1, 2, 3 ORDER BY sum(r.amount) DESC NULLS LAST, count(*) DESC
    """), {"open": list(OPEN)}).all()
    shared = _shared_values(db)
    merged: dict[tuple[str, str], list[Any]] = {}
    for row in rows:
        merged.setdefault((row.code, row.state), []).append(row)
    return [_group(code, state, parts, shared.get((code, state), {})) for (code, state), parts in merged.items()]


def _shared_values(db: Connection) -> dict[tuple[str, str], dict[str, str]]:
    """What fills a group's sentences: what all its records have in common, else the first and how many more."""
    rows = db.execute(text("""
        SELECT r.state, p->>'code' AS code, v.key, min(v.value) || CASE WHEN count(DISTINCT v.value) > 1
            THEN ' and ' || count(DISTINCT v.value) - 1 || ' more' ELSE '' END AS value
        FROM sync_record r CROSS JOIN LATERAL jsonb_array_elements(r.problems) p
        CROSS JOIN LATERAL jsonb_each_text(p->'values') v
        WHERE r.state = ANY(:open) GROUP BY 1, 2, 3
    """), {"open": list(OPEN)})
    shared: dict[tuple[str, str], dict[str, str]] = {}
    for row in rows:
        shared.setdefault((row.code, row.state), {})[row.key] = row.value
    return shared


def _group(code: str, state: str, parts: Sequence[Any], shared: dict[str, str]) -> ProblemGroup:
    looks = [row.next_look for row in parts if row.next_look]
    sample = [one for row in parts for one in zip(row.ids, row.kinds, row.numbers, strict=True)]
    words = text_of(Problem(code, shared)) if code else _without_code(state)
    return ProblemGroup(
        code, state, words, sum(row.records for row in parts),
        {row.currency: row.money for row in parts if row.money is not None}, min(row.first_seen for row in parts),
        min(looks) if looks else None, tuple(sample[:3]),
    )


def _without_code(state: str) -> ProblemText:
    return ProblemText(
        "", "error", "alone" if state in HEALING else "never", "accountant", state_word(state), "Nothing more is known about it.",
        ("Open the record and look at what happened.",), "It is looked at again when it changes.",
    )


def _totals(db: Connection) -> tuple[dict[str, int], dict[str, dict[str, Decimal]]]:
    counts: dict[str, int] = {}
    money: dict[str, dict[str, Decimal]] = {}
    for row in db.execute(text("""
        SELECT r.state, coalesce(r.currency, c.currency) AS currency, count(*) AS n, sum(r.amount) AS amount
        FROM sync_record r JOIN company c ON c.id = r.company_id WHERE r.state = ANY(:open) GROUP BY 1, 2
    """), {"open": list(OPEN)}):
        counts[row.state] = counts.get(row.state, 0) + row.n
        if row.amount is not None:
            money.setdefault(row.state, {})[row.currency] = row.amount
    return counts, money


def _add(money: dict[str, dict[str, Decimal]], states: Sequence[RecordState]) -> dict[str, Decimal]:
    sums: dict[str, Decimal] = {}
    for state in states:
        for currency, amount in money.get(state, {}).items():
            sums[currency] = sums.get(currency, Decimal("0.00")) + amount
    return sums
