"""How the story must end: every record's state, problem, warning and target as the data set says, nothing else."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import text

from models import session
from sync import problems


@dataclass(frozen=True)
class Found:
    """A record as it stands at the end; `of` is its commitment's number, `target` what it became there. What is only
    information is no warning."""

    kind: str
    number: str
    of: str
    direction: str
    state: str
    problems: tuple[str, ...]
    warnings: tuple[str, ...]
    target: str

    def __str__(self) -> str:
        return f"{self.kind} {self.number}" + (f" of {self.of}" if self.of else "")


@dataclass
class Ending:
    """What was compared. `differences` are sentences; `problems` and `missing` as the JSON document has them."""

    differences: list[str] = field(default_factory=list)
    problems: list[dict[str, Any]] = field(default_factory=list)
    missing: list[dict[str, Any]] = field(default_factory=list)
    kinds: dict[str, dict[str, int]] = field(default_factory=dict)

    @property
    def as_expected(self) -> bool:
        """Everything is as the data set says."""
        return not (self.differences or self.missing) and all(problem["expected"] for problem in self.problems)


def ending(found: Sequence[Found], expected: Mapping[str, Any]) -> Ending:
    """Compares every record with what is expected of it."""
    end, wanted = Ending(), dict(expected)
    counts = wanted.pop("counts", {})
    wanted.pop("books", None)  # judged in books.py
    for one in found:
        states = end.kinds.setdefault(one.kind, {})
        states[one.state] = states.get(one.state, 0) + 1
    rows = {id(one): _row_of(one, wanted.get(one.kind, ())) for one in found}
    for one in found:
        _judge(end, one, rows[id(one)], listed=one.kind in wanted)
    for kind, listed in wanted.items():
        for row in listed:
            matched = [one for one in found if one.kind == kind and rows[id(one)] is row]
            if len(matched) != 1:
                end.differences.append(f"{kind} {row['number']}: expected once, found {len(matched)} times")
                end.missing += (
                    [{"code": code, "kind": kind, "number": row["number"]} for code in _codes(row)] if not matched else []
                )
    for kind, states in counts.items():
        if end.kinds.get(kind, {}) != states:
            end.differences.append(f"{kind}: expected {_told(states)}, found {_told(end.kinds.get(kind, {}))}")
    return end


def _row_of(one: Found, rows: Sequence[Mapping[str, Any]]) -> Mapping[str, Any] | None:
    for row in rows:
        if (
            row["number"] == one.number
            and row.get("commitment", one.of) == one.of
            and row.get("direction", one.direction) == one.direction
        ):
            return row
    return None


def _judge(end: Ending, one: Found, row: Mapping[str, Any] | None, listed: bool) -> None:
    """One record against its row; a record of a kind that is listed must have one."""
    if row is None and listed:
        end.differences.append(f"{one}: nobody expected it ({one.state})")
    wanted = row or {}
    if row is not None and one.state != row["state"]:
        end.differences.append(f"{one}: expected {row['state']}, found {one.state}{_because(one)}")
    if "target" in wanted and one.target != wanted["target"]:
        end.differences.append(f"{one}: expected to become a {wanted['target']}, became {one.target or 'nothing'}")
    # why something is no part of the sync is no problem of anybody's
    for name, codes in (("problem", () if one.state == "ignored" else one.problems), ("warning", one.warnings)):
        named = _named(wanted, name)
        for code, times in Counter(codes).items():
            end.problems += [_problem(one, code, name == "warning", code in named)] * times
        end.missing += [{"code": code, "kind": one.kind, "number": one.number} for code in named if code not in codes]


def _problem(one: Found, code: str, warning: bool, expected: bool) -> dict[str, Any]:
    return {"code": code, "number": one.number, "expected": expected, "kind": one.kind, "of": one.of, "warning": warning}


def _codes(row: Mapping[str, Any]) -> list[str]:
    return [code for name in ("problem", "warning") for code in _named(row, name)]


def _named(row: Mapping[str, Any], name: str) -> list[str]:
    """One code or a list of them."""
    value = row.get(name, [])
    return [value] if isinstance(value, str) else list(value)


def _because(one: Found) -> str:
    return f" ({', '.join(one.problems)})" if one.problems else ""


def _told(states: Mapping[str, int]) -> str:
    return ", ".join(f"{n} {state}" for state, n in sorted(states.items())) or "none"


def records(company_id: int, system: str) -> list[Found]:
    """Every record of the connections asked for."""
    with session(company_id) as db:
        rows = db.execute(
            text("""
            SELECT r.*, coalesce(r.held->>'as', '') AS target,
                coalesce(nullif(s.data->>'commitment_number', ''), c.number, '') AS of
            FROM sync_record r JOIN connection n ON n.id = r.connection_id
            JOIN connection site ON site.system = 'procore'
            LEFT JOIN snapshot s ON r.kind = 'variation' AND s.kind = r.kind AND s.source_id = r.source_id
                AND s.connection_id = CASE r.direction WHEN 'to_procore' THEN r.connection_id ELSE site.id END
            LEFT JOIN snapshot c ON c.connection_id = s.connection_id AND c.kind = 'commitment'
                AND c.source_id = s.data->>'commitment_id'
            WHERE (:system = '' OR n.system = :system) ORDER BY r.kind, r.number, r.id
        """),
            {"system": system},
        )
        return [
            Found(
                row.kind,
                row.number or row.source_id,
                row.of,
                row.direction,
                row.state,
                tuple(p["code"] for p in row.problems),
                tuple(w["code"] for w in row.warnings if problems.text(w["code"], w["values"]).severity != "info"),
                row.target,
            )
            for row in rows
        ]
