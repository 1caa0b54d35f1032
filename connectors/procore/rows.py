"""Procore's sync actions (section 8): many rows in one request, always answered 200, one verdict per row."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from connectors.calls import Answer, NotUnderstood, Request
from connectors.plan import Batch, Done, Step
from connectors.procore.client import sentence
from objects.outcome import Outcome
from objects.problem import Problem

#: Rows in one sync request; above it Procore answers 413.
MOST_ROWS = 1000
#: Lines in one step, so that a request stays well under a minute (reliability F53).
LINES_PER_STEP = 100

Row = Mapping[str, Any]


def sync_step(
    name: str, path: str, rows: Sequence[Row], read: Callable[[list[Row]], Done],
    explain: Callable[[Answer], Problem], *, key: str, scope: Mapping[str, Any] | None = None,
    params: Mapping[str, str] | None = None, amount: str | None = None, together: int = MOST_ROWS,
) -> Step:
    """One step of a sync action. `read` is given the step's own rows as Procore holds them now, in the order sent.

    `scope` is what the body carries besides the rows; `together` is how many such steps fit one request. Rows are found
    again by their origin id, else by their id, which is why the step may be repeated.
    """
    names = [row_name(row) for row in rows]
    endpoint = f"{path} {sorted((scope or {}).items())}"
    return Step(
        name=name, key=key, amount=amount, explain=explain, repeatable=True,
        request=Request("PATCH", path, params or {}, {**(scope or {}), "updates": [dict(row) for row in rows]}),
        read=lambda answer: read(own_rows(answer, names)),
        batch=Batch(endpoint, together, merge, split),
    )


def row_name(row: Row) -> str:
    """What a row is recognised by in the answer; an id counts before an origin id, as in Procore."""
    return f"id:{row['id']}" if row.get("id") is not None else f"origin:{row.get('origin_id')}"


def merge(steps: Sequence[Step]) -> Request:
    """One request with the rows of all steps; a row that two steps ask for alike is sent once."""
    rows: dict[str, Row] = {}
    for step in steps:
        rows |= {row_name(row): row for row in step.request.body["updates"]}
    first = steps[0].request
    return replace(first, body={**first.body, "updates": list(rows.values())})


def split(answer: Answer, steps: Sequence[Step]) -> list[Answer]:
    """The verdict on each step of a request that was answered."""
    if answer.outcome is not Outcome.confirmed:
        return [answer] * len(steps)
    body = answer.body if isinstance(answer.body, dict) else {}
    held, refused = _by_name(body.get("entities")), _by_name(body.get("errors"))
    return [_verdict(answer, step.request.body["updates"], held, refused) for step in steps]


def own_rows(answer: Answer, names: Sequence[str]) -> list[Row]:
    """A step's rows as Procore holds them. Raises NotUnderstood when one is missing: its outcome is unknown."""
    body = answer.body if isinstance(answer.body, dict) else {}
    held = _by_name(body.get("entities"))
    missing = [name for name in names if name not in held]
    if missing:
        raise NotUnderstood("entities", f"no answer for {', '.join(missing[:3])}")
    return [held[name] for name in names]


def _verdict(answer: Answer, rows: Sequence[Row], held: Mapping[str, Row], refused: Mapping[str, Row]) -> Answer:
    names = [row_name(row) for row in rows]
    both = [name for name in names if name in refused and name in held]
    if both:
        return replace(answer, outcome=Outcome.uncertain, reason=f"the answer names {both[0]} as done and as refused")
    errors = [refused[name] for name in names if name in refused]
    if errors:
        reason = "; ".join(dict.fromkeys(sentence({"errors": error.get("errors")}) for error in errors))
        return replace(answer, outcome=Outcome.refused, status=422, body={"errors": errors}, reason=reason[:500])
    if not all(name in held for name in names):
        reason = "the answer names some of the rows neither as done nor as refused"
        return replace(answer, outcome=Outcome.uncertain, reason=reason)
    return replace(answer, body={"entities": [held[name] for name in names]})


def _by_name(records: object) -> dict[str, Row]:
    """Every record under its id and under its origin id: either may have been what was asked for."""
    found: dict[str, Row] = {}
    for record in records if isinstance(records, list) else []:
        if isinstance(record, dict):
            for field, mark in (("origin_id", "origin"), ("id", "id")):
                if record.get(field) is not None:
                    found.setdefault(f"{mark}:{record[field]}", record)
    return found
