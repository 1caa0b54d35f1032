"""The intake gate of contract B.6 and what purchase orders and subcontracts have in common."""

from collections.abc import Iterable

from simulators.lentune.problems import FieldError, Refusal
from simulators.lentune.shapes import Json, total
from simulators.lentune.store import Row, Store

GATE_ORDER = (
    "po_number_not_unique", "description_missing", "schedule_of_values_empty", "line_description_missing",
    "line_value_missing", "cost_code_not_on_budget", "cost_code_not_synced",
)  # fmt: skip


def blank(value: object) -> bool:
    return value is None or (isinstance(value, str) and not value.strip())


def content_gate(body: Json | None) -> None:
    """L-28 to L-30, L-32, L-33 on the body as sent. Raises Refusal with the first code and every field."""
    if not isinstance(body, dict):
        return
    found = []
    if blank(body.get("number")):
        found.append(FieldError("/number", "po_number_not_unique", "is missing"))
    if blank(body.get("description")):
        found.append(FieldError("/description", "description_missing", "is missing"))
    lines = body.get("lines")
    if not lines:
        found.append(FieldError("/lines", "schedule_of_values_empty", "must hold at least one line"))
    for index, line in enumerate(lines if isinstance(lines, list) else []):
        if not isinstance(line, dict):
            continue
        if blank(line.get("description")):
            found.append(FieldError(f"/lines/{index}/description", "line_description_missing", "is missing"))
        if blank(line.get("amount")):
            found.append(FieldError(f"/lines/{index}/amount", "line_value_missing", "is missing"))
    refuse_first(found, status=422)


def refuse_first(found: list[FieldError], status: int = 0) -> None:
    """Refuse with the code that stands first in B.6, naming all fields."""
    if not found:
        return
    found.sort(key=lambda error: GATE_ORDER.index(error.code))
    sentence = "; ".join(f"{error.path} {error.message}" for error in found[:5])
    raise Refusal(found[0].code, f"The commitment cannot be taken: {sentence}.", status=status, field_errors=found)


def number_gate(store: Store, table: str, number: str, row: Row | None) -> None:
    """The number is unique in the tenant (L-28)."""
    holder = store.holder(table, number)
    if holder is not None and (row is None or holder["id"] != row["id"]):
        error = FieldError("/number", "po_number_not_unique", f"belongs to {holder['id']}")
        raise Refusal("po_number_not_unique", f"The number {number} belongs to {holder['id']}.", field_errors=[error])


def project_gate(store: Store, project_id: str) -> None:
    if store.find("projects", project_id) is None:
        error = FieldError("/project_id", "project_unknown", "is no project of this tenant")
        raise Refusal("project_unknown", f"No project {project_id} here.", status=422, field_errors=[error])


def code_gate(store: Store, project_id: str, lines: Iterable[Json], on_budget: bool = True) -> None:
    """Every line's cost code is here and on the budget (L-21, L-31). Nothing is stored when one is not."""
    found = []
    for index, line in enumerate(lines):
        code = store.find("cost_codes", line["cost_code_id"])
        path = f"/lines/{index}/cost_code_id"
        if code is None or code["project_id"] != project_id or not code["active"]:
            found.append(FieldError(path, "cost_code_not_synced", f"{line['cost_code_id']} is not here"))
        elif on_budget and not code["on_budget"]:
            found.append(FieldError(path, "cost_code_not_on_budget", f"{code['code']} is not on the budget"))
    refuse_first(found)


def build_lines(store: Store, lines: list[Json], before: list[Row]) -> list[Row]:
    """Lines as stored; a line known by its Procore id keeps its Lentune id and what was invoiced."""
    known = {line["external_line_id"]: line for line in before}
    built = []
    for line in lines:
        held = known.get(line["external_line_id"])
        built.append(
            {
                "id": held["id"] if held else f"ln-{store.number('line'):06d}",
                "external_line_id": line["external_line_id"],
                "cost_code_id": line["cost_code_id"],
                "description": line["description"],
                "quantity": line.get("quantity"),
                "unit": line.get("unit"),
                "amount": line["amount"],
                "invoiced_to_date": held["invoiced_to_date"] if held else "0.00",
            }
        )
    return built


def lines_total(lines: list[Row]) -> str:
    return total(line["amount"] for line in lines)
