"""The words people read for kinds, systems and states; nowhere else are there any."""

from collections.abc import Iterable, Mapping
from typing import Any

from sqlalchemy import Connection, text

from models.states import WORDS, RecordState
from sync.names import system_word

#: Kind -> one, many. In the order in which they depend on each other.
KINDS: dict[str, tuple[str, str]] = {
    "project": ("Project", "Projects"),
    "sub_job": ("Sub job", "Sub jobs"),
    "vendor": ("Supplier", "Suppliers"),
    "cost_code": ("Cost code", "Cost codes"),
    "cost_type": ("Cost type", "Cost types"),
    "budget_code": ("Budget code", "Budget codes"),
    "commitment": ("Commitment", "Commitments"),
    "variation": ("Variation", "Variations"),
    "invoice": ("Invoice", "Invoices"),
    "payment": ("Payment", "Payments"),
    "billing_period": ("Billing period", "Billing periods"),
    "branch": ("Branch", "Branches"),
}

#: A person must act. `checking` belongs here for payments only, which are never sent again by themselves.
NEEDS_YOU = (RecordState.needs_attention, RecordState.conflict, RecordState.source_deleted)
HEALING = (RecordState.held, RecordState.checking)
#: What is not compared: one side is not meant to have it.
APART = (RecordState.ignored, RecordState.unlinked, RecordState.source_deleted)


class NotAPosition(ValueError):
    """The given place in a list is not where one of its pages ended."""


def number_of(after: str) -> int | None:
    """The place in a list that is ordered by ids; None: its start. Raises NotAPosition."""
    if not after:
        return None
    if not (after.isdecimal() and after.isascii() and len(after) < 19):
        raise NotAPosition(after)
    return int(after)


def kind_word(kind: str) -> str:
    """One of them: "Commitment"."""
    return KINDS[kind][0] if kind in KINDS else kind.replace("_", " ").capitalize()


def kinds_word(kind: str) -> str:
    """Many of them: "Commitments"."""
    return KINDS[kind][1] if kind in KINDS else kind_word(kind) + "s"


def kind_order(kind: str) -> int:
    """Its place in the order of dependence; unknown kinds last."""
    return list(KINDS).index(kind) if kind in KINDS else len(KINDS)


def state_word(state: str, waits_for: str = "") -> str:
    """"In both systems", "Held: waiting for budget code 05-310"."""
    if state not in RecordState.__members__:
        return state
    words = WORDS[RecordState(state)]
    return words.format(waits_for=waits_for) if waits_for else words.partition(":")[0]


def waiting_words(db: Connection, waits: Mapping[int, Iterable[str]]) -> dict[int, str]:
    """Record id -> what it waits for, in words, from the tokens of objects/problem.py; empty when it has no name."""
    tokens = {token for listed in waits.values() for token in listed}
    numbers = _numbers(db, {tuple(t.split(":", 3)[-2:]) for t in tokens if t.startswith(("link:", "remote:", "seen:"))})
    return {record_id: _all_waiting(list(listed), numbers) for record_id, listed in waits.items()}


def _all_waiting(tokens: list[str], numbers: Mapping[tuple[str, str], str]) -> str:
    """Empty where it cannot be named: then the problem's own sentence says more than "a budget code" would."""
    named = [token for token in tokens if not token.startswith("any:")]
    words = {_waiting(token, numbers) for token in named or tokens}
    return ", ".join(sorted(words)) if all(words) else ""


def _waiting(token: str, numbers: Mapping[tuple[str, str], str]) -> str:
    what, *rest = token.split(":", 3)
    if what == "settings" or not rest:
        return "a setting"
    if what == "any":
        return f"a {kind_word(rest[1]).lower()} in {system_word(rest[0])}"
    kind, source_id = token.removeprefix(f"{what}:").removeprefix(f"{rest[0]}:" if what == "seen" else "").split(":", 1)
    number = numbers.get((kind, source_id), "")
    return f"{kind_word(kind).lower()} {number}" if number else ""


def _numbers(db: Connection, wanted: set[Any]) -> dict[tuple[str, str], str]:
    """(kind, source id or remote id) -> number, as far as we have seen it."""
    if not wanted:
        return {}
    ids = sorted({pair[-1] for pair in wanted})
    rows = db.execute(text("""
        SELECT kind, source_id AS id, number FROM snapshot WHERE source_id = ANY(:ids) AND number <> ''
        UNION ALL SELECT kind, remote_id, number FROM sync_record WHERE remote_id = ANY(:ids) AND number <> ''
    """), {"ids": ids})
    return {(row.kind, row.id): row.number for row in rows}
