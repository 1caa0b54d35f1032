"""Finds what an earlier try may have left in Procore, where no sync action keeps a record single."""

import hashlib
from collections.abc import Callable, Mapping
from typing import Any

from connectors.plan import Done
from connectors.ports import Client
from connectors.procore.client import own
from connectors.procore.shapes import ident
from objects.problem import Problem
from objects.text import clean, folded, same_name


def requisition_left(held: Mapping[str, Any], key: str) -> Callable[[Client], Done | None]:
    """By our origin id, else by the commitment and the supplier's invoice number, in whatever period it was put.

    One that carries somebody else's origin id is another integration's, and no answer to our question.
    """

    def look(client: Client) -> Done | None:
        procore, path = own(client), "/rest/v1.1/requisitions"
        project = {"project_id": held["project_id"]}
        for record in procore.all(path, {**project, "filters[origin_id]": key}):
            if record.get("origin_id") == key:
                return _requisition(record, ())
        commitment = held["commitment_id"].rpartition(":")[2]
        for record in procore.all(path, {**project, "filters[commitment_id]": commitment}):
            if folded(record.get("invoice_number") or "") == folded(held["number"]) and not record.get("origin_id"):
                values = {"number": held["number"], "remote_number": str(record.get("number") or record.get("id"))}
                return _requisition(record, (Problem("invoice_already_in_procore", values),))
        return None

    return look


def vendor_left(name: str, company_id: str) -> Callable[[Client], Done | None]:
    """By our origin id, else an active company vendor of exactly this name (L-35)."""

    def look(client: Client) -> Done | None:
        procore, path, origin = own(client), "/rest/v1.0/vendors", vendor_origin(name)
        for record in procore.all(path, {"company_id": company_id, "filters[origin_id]": origin}):
            if record.get("origin_id") == origin:
                return Done(ident(record, "vendors"))
        for record in procore.all(path, {"company_id": company_id, "filters[search]": name}):
            if same_name(clean(record.get("name")), name) and record.get("is_active") is not False:
                return Done(ident(record, "vendors"))
        return None

    return look


def vendor_origin(name: str) -> str:
    """The origin id of a vendor we create. Two invoices of one unknown supplier must not make two vendors of it."""
    return f"sitebooks-{hashlib.sha256(folded(name).encode()).hexdigest()[:20]}"


def _requisition(record: Mapping[str, Any], warnings: tuple[Problem, ...]) -> Done:
    number = record.get("number")
    return Done(
        ident(record, "requisition"), None if number is None else str(number), record.get("updated_at"), warnings,
        {"items": {}},
    )
