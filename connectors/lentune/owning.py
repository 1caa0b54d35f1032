"""The fields that are ours in Lentune, in a form in which what we send and what stands there can be compared."""

from collections.abc import Mapping
from typing import Any

from connectors import fields
from objects.money import text_of
from objects.plain import digest
from objects.text import clean

#: "as" -> the fields that an upsert sets and a record shows under the same name. Amounts and lines are added to these;
#: what Lentune matches by itself (supplier, branch) is compared apart, and everything else is Lentune's own.
FIELDS: dict[str, tuple[str, ...]] = {
    "project": ("code", "description", "stage", "region", "status", "delivery_address"),
    "cost_type": ("code", "description"),
    "master_cost_code": ("code", "description", "active"),
    "project_cost_code": ("code", "description", "on_budget", "sub_job"),
    "purchase_order": ("number", "description", "project_id", "status", "currency"),
    "subcontract": ("number", "description", "project_id", "status", "retention_percent"),
    "variation": ("number", "title", "status", "parent"),
}
AMOUNTS = {"project_cost_code": "budget_amount", "purchase_order": "total", "subcontract": "total", "variation": "total"}
LINE_FIELDS = ("cost_code_id", "description", "quantity", "unit")
#: What was matched for us and is overwritten by our next upsert: below "matched", and in the record.
MATCHED = ("supplier_id", "branch_id")


def owned(record: Mapping[str, Any], name: str) -> dict[str, str]:
    """Our fields of what is held, or of a record of Lentune's, as text. Raises NotUnderstood for what is no amount."""
    found = {field: _text(record.get(field)) for field in FIELDS[name]}
    if name in AMOUNTS:
        amount = fields.amount_or_none(record, AMOUNTS[name], name)
        found[AMOUNTS[name]] = "" if amount is None else text_of(amount)
    for n, line in enumerate(record.get("lines") or (), 1):
        called = f"line {line.get('external_line_id') or n}"
        found[f"{called} amount"] = text_of(fields.amount(line, "amount", f"{name}.{called}"))
        found |= {f"{called} {field}": _text(line.get(field)) for field in LINE_FIELDS}
    return found


def content_hash(held: Mapping[str, Any], over: str = "") -> str:
    """Of all that is held, and of our fields: the first says that there is nothing to do, the second that nobody has
    changed a field of ours since, whichever of our writes it was that stands there.

    `over` names a version that is to be written over although it carries our hash: an equal one would write nothing.
    """
    return f"{digest(dict(held)).hex()}{over and f'+{over}'}.{digest(owned(held, held['as'])).hex()}"


def holds(row: Mapping[str, Any], held: Mapping[str, Any]) -> bool:
    """Whether the record was last written with all that is held, over whatever stood there before."""
    left = str((row.get("external") or {}).get("content_hash") or "").partition(".")
    return f"{left[0].partition('+')[0]}.{left[2]}" == content_hash(held)


def untouched(row: Mapping[str, Any], name: str) -> bool:
    """Whether our fields stand as one of our own writes left them."""
    left = str((row.get("external") or {}).get("content_hash") or "").partition(".")[2]
    return left == digest(owned(row, name)).hex()


def _text(value: Any) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{key} {_text(value[key])}" for key in sorted(value))
    return str(value).lower() if isinstance(value, bool) else clean(value)
