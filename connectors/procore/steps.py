"""The steps that several of Procore's plans are made of, and how their answers are read back."""

from collections.abc import Callable, Generator, Iterator, Mapping, Set
from dataclasses import replace
from typing import Any

from connectors.calls import Answer, NotUnderstood, Request
from connectors.plan import Done, Step
from connectors.procore.looking import vendor_left, vendor_origin
from connectors.procore.rows import LINES_PER_STEP, MOST_ROWS, Row, sync_step
from connectors.procore.shapes import ident, money
from objects.money import amount_of, text_of, total
from objects.problem import Problem

Held = dict[str, Any]


def vendor_step(held: Held, why: Callable[[Answer], Problem]) -> Step:
    """Creates the company vendor of an unknown supplier. It looks first: people may have renamed it by now."""
    origin = vendor_origin(held["vendor_name"])
    warning = Problem("vendor_created", {"vendor": held["vendor_name"], "number": held["number"]})

    def read(rows: list[Row]) -> Done:
        return Done(ident(rows[0], "vendors"), warnings=(warning,))

    step = sync_step(
        "vendor", "/rest/v1.0/vendors/sync", [{"origin_id": origin, "name": held["vendor_name"]}], read, why,
        key=origin, scope={"company_id": int(held["company_id"])},
    )
    look = vendor_left(held["vendor_name"], held["company_id"])
    return replace(step, look=look, look_first=True, repeatable=False)


def line_steps(
    path: str, held: Held, key: str, row: Callable[[int, Mapping[str, Any]], Row],
    why: Callable[[Answer], Problem], params: Mapping[str, str] | None = None,
) -> Generator[Step, Done, list[tuple[str, str]]]:
    """The lines in parts of a hundred. Returns each line's `ref` (else its place) and the id it got."""
    rows = [row(n, line) for n, line in enumerate(held["lines"], 1)]
    refs = [str(line.get("ref") or n) for n, line in enumerate(held["lines"], 1)]
    left: list[tuple[str, str]] = []
    for part, start in enumerate(range(0, len(rows), LINES_PER_STEP), 1):
        sent = rows[start:start + LINES_PER_STEP]
        done = yield sync_step(
            f"lines-{part}", path, sent, lines_left, why, key=f"{key}-lines-{part}", params=params,
            together=MOST_ROWS // LINES_PER_STEP,
        )
        left += zip(refs[start:start + LINES_PER_STEP], done.data["ids"], strict=True)
    return left


def lines_left(rows: list[Row]) -> Done:
    """The ids of the lines of one step, in the order sent."""
    ids = [ident(row, "line_items") for row in rows]
    return Done(ids[0], data={"ids": ids})


def stale_lines(
    path: str, held: Held, key: str, header: Done, why: Callable[[Answer], Problem],
    params: Mapping[str, str] | None = None,
) -> Iterator[Step]:
    """Deletes lines that we wrote for an earlier version and that are gone at the source. Other people's lines stay."""
    wanted = {line_key(key, n, line) for n, line in enumerate(held["lines"], 1)}
    for origin, line_id in header.data["lines"]:
        if origin.startswith(f"{key}-") and origin not in wanted:
            request = Request("DELETE", f"{path}/{line_id}", params or {})
            yield Step(f"delete-{line_id}", request, origin, lambda answer: Done(""), why, repeatable=True)


def line_key(key: str, n: int, line: Mapping[str, Any]) -> str:
    """A line's origin id: the record's key, and the line's own name at its source or else its place."""
    return f"{key}-{line.get('ref') or n}"


def held_total(held: Held) -> str:
    """The sum of the lines, as text."""
    return text_of(total(amount_of(line["amount"]) for line in held["lines"]))


def header_reader(key: str, project_id: str, expected: str | None = None) -> Callable[[list[Row]], Done]:
    """Reads a document's header back; with `expected`, a total that differs from ours becomes a warning."""

    def read(rows: list[Row]) -> Done:
        record = rows[0]
        remote_id = ident(record, "entities")
        if str(record.get("origin_id")) != key:
            raise NotUnderstood("entities.origin_id", f"{record.get('origin_id')!r} is not our key")
        theirs = (record.get("project") or {}).get("id")
        if theirs is not None and str(theirs) != project_id:
            raise NotUnderstood("entities.project", f"{theirs} is not the project it was written to")
        there = money(record.get("grand_total"), "entities.grand_total")
        warnings: tuple[Problem, ...] = ()
        if expected is not None and there is not None and text_of(there) != expected:
            values = {"there": text_of(there), "here": expected}
            warnings = (Problem("total_differs_in_procore", values),)
        lines = [[str(line.get("origin_id") or ""), str(line["id"])] for line in record.get("line_items") or []]
        return Done(remote_id, version=record.get("updated_at"), warnings=warnings, data={"lines": lines})

    return read


def requisition_reader(key: str, commitment_id: int, wanted: Set[str] = frozenset()) -> Callable[[Answer], Done]:
    """Reads an invoice back and makes sure that it is the one asked for and has an item for each line `wanted`."""

    def read(answer: Answer) -> Done:
        record = answer.body if isinstance(answer.body, dict) else {}
        remote_id = ident(record, "requisition")
        if record.get("commitment_id") not in (None, commitment_id):
            raise NotUnderstood("requisition.commitment_id", f"{record['commitment_id']} is not {commitment_id}")
        if record.get("origin_id") not in (None, key):
            raise NotUnderstood("requisition.origin_id", f"{record['origin_id']!r} is not our key")
        items = {
            str(item["line_item_id"]): str(item["id"])
            for item in record.get("items") or [] if item.get("line_item_id") is not None
        }
        missing = sorted(wanted - set(items))
        if missing:
            raise NotUnderstood("requisition.items", f"no item for line {', '.join(missing)} of the commitment")
        number = record.get("number")
        return Done(
            remote_id, None if number is None else str(number), record.get("updated_at"), data={"items": items}
        )

    return read
