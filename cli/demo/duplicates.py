"""Duplicates by the pretend systems' own books: our tables are never asked."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

#: Field names by which the systems call the same thing; the first that a row has counts.
NUMBER = ("invoice_number", "number", "reference")
AMOUNT = ("grand_total", "total", "total_claimed_amount", "gross", "amount")
DATE = ("billing_date", "direct_cost_date", "invoice_date", "date", "payment_date")
PARENT = ("commitment_id", "contract_id", "subcontract_id", "purchase_order_id", "project_number", "project_id", "supplier_id")

Row = Mapping[str, Any]


def by_ledger(entries: Iterable[Row]) -> list[str]:
    """More than one live record for one (company, kind, key)."""
    live: dict[tuple[str, str, str], set[str]] = defaultdict(set)
    keys: dict[tuple[str, str, str], str] = {}
    for entry in entries:
        company, kind, remote_id = entry["company"], entry["kind"], entry["remote_id"]
        if entry["effect"] == "created" and entry["key"]:
            live[company, kind, entry["key"]].add(remote_id)
            keys[company, kind, remote_id] = entry["key"]
        elif entry["effect"] == "deleted" and (company, kind, remote_id) in keys:
            live[company, kind, keys[company, kind, remote_id]].discard(remote_id)
    return [f"{kind} {key}: {', '.join(sorted(ids))}" for (_, kind, key), ids in sorted(live.items()) if len(ids) > 1]


def by_look(kinds: Mapping[str, Iterable[Row]]) -> list[str]:
    """More than one live record of one (kind, parent, number, amount, date), where rows have a number and an amount."""
    seen: dict[tuple[str, ...], list[str]] = defaultdict(list)
    for kind, rows in kinds.items():
        for row in rows:
            number, amount = _first(row, NUMBER), _first(row, AMOUNT)
            if number and amount and not row.get("deleted_at"):
                company = str(row.get("company_id", ""))
                seen[company, kind, _first(row, PARENT), number, amount, _first(row, DATE)].append(str(row.get("id")))
    return [
        f"{kind} {number} {amount}: {', '.join(ids)}" for (_, kind, _, number, amount, _), ids in seen.items() if len(ids) > 1
    ]


def _first(row: Row, names: Iterable[str]) -> str:
    return next((str(row[name]) for name in names if row.get(name) not in (None, "")), "")
