"""Our documents as ordered steps of Procore's calls. Each step can be repeated, or looks first (contract section 8)."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from decimal import Decimal
from typing import Any

from connectors.calls import Request
from connectors.plan import Done, Plan, Step
from connectors.procore.checks import gone, invoice_refused, refused
from connectors.procore.looking import requisition_left
from connectors.procore.rows import Row, sync_step
from connectors.procore.shapes import PURCHASE_ORDER
from connectors.procore.standing import direct_cost_there, order_there, requisition_there
from connectors.procore.steps import (
    Held,
    header_reader,
    held_total,
    line_key,
    line_steps,
    requisition_reader,
    stale_lines,
    vendor_step,
)
from objects.money import amount_of, text_of, total
from objects.problem import Problem


def direct_cost(held: Held, remote_id: str | None, key: str, version: str | None = None) -> Plan:
    """An invoice without an order (11.14): a draft, its lines, then approved; no part of it ever counts alone."""
    project, why = held["project_id"], gone(held, refused(held))
    vendor_id = held.get("vendor_id")
    warnings: tuple[Problem, ...] = ()
    if vendor_id is None and held.get("vendor") == "create":
        vendor = yield vendor_step(held, why)
        vendor_id, warnings = vendor.remote_id, vendor.warnings
    path = f"/rest/v1.0/projects/{project}/direct_costs"
    header: dict[str, Any] = {
        "origin_id": key, "direct_cost_type": "invoice", "status": "draft", "invoice_number": held["number"],
        "direct_cost_date": held["date"], "description": held["description"],
    }
    if vendor_id is not None:
        header["vendor_id"] = int(vendor_id)
    header |= _linked(remote_id)
    read = header_reader(key, project)
    step = sync_step("header", f"{path}/sync", [header], read, why, key=key, amount=held_total(held))
    draft = yield replace(step, undoes=True)

    def row(n: int, line: Mapping[str, Any]) -> Row:
        fields: dict[str, Any] = {
            "origin_id": line_key(key, n, line), "direct_cost_id": int(draft.remote_id),
            "wbs_code_id": int(line["wbs_code_id"]), "description": line["description"],
            "extended_type": "manual", "amount": amount_of(line["amount"]),
        }
        # a mapping that names a tax code by anything but its id in Procore says nothing that a line could carry
        tax = str(line.get("tax_code") or "")
        return fields | ({"tax_code_id": int(tax)} if tax.isdigit() else {})

    yield from line_steps(f"{path}/line_items/sync", held, key, row, why)
    yield from stale_lines(f"{path}/{draft.remote_id}/line_items", held, key, draft, why)
    approve = [{"id": int(draft.remote_id), "status": "approved"}]
    read = header_reader(key, project, held_total(held))
    step = sync_step("approve", f"{path}/sync", approve, read, why, key=key, amount=held_total(held))
    done = yield replace(step, lines=len(held["lines"]), verify=direct_cost_there(held, key))
    return Done(done.remote_id, held["number"], done.version, warnings + done.warnings)


def _linked(remote_id: str | None) -> dict[str, Any]:
    """A linked document is found by its id, which alone counts then (section 8): one that is gone is not made anew."""
    return {} if remote_id is None else {"id": int(remote_id.rpartition(":")[2])}


def commitment_invoice(held: Held, remote_id: str | None, key: str, version: str | None = None) -> Plan:
    """An invoice against a commitment (11.11). One POST carries it whole; there is no sync, so we look before."""
    billed: dict[str, Decimal] = {}
    for line in held["lines"]:
        billed[line["line_id"]] = billed.get(line["line_id"], Decimal(0)) + amount_of(line["amount"])
    if remote_id is not None:
        return (yield from _invoice_again(held, remote_id, key, billed))
    items = [
        {"item_type": "contract_item", "line_item_id": int(line_id), "work_completed_this_period": text_of(amount)}
        for line_id, amount in billed.items()
    ]
    return (yield Step(
        "invoice", Request("POST", "/rest/v1.1/requisitions", {"view": "items"}, _invoice_body(held, key, items)), key,
        requisition_reader(key, _commitment(held)), invoice_refused(held), look=requisition_left(held, key),
        look_first=True, amount=text_of(total(billed.values())), lines=_claiming(billed), verify=requisition_there(held),
    ))


def _invoice_again(held: Held, remote_id: str, key: str, billed: dict[str, Decimal]) -> Plan:
    """Both calls set what they name and add nothing, so they may be repeated."""
    why = gone(held, invoice_refused(held))
    path = f"/rest/v1.1/requisitions/{remote_id}"
    header = yield Step(
        "header", Request("PATCH", path, {"view": "items"}, _invoice_body(held, key, None)), key,
        requisition_reader(key, _commitment(held), billed.keys()), why, repeatable=True,
        amount=text_of(total(billed.values())),
    )
    items = [
        {"id": int(item_id), "item_type": "contract_item",
         "work_completed_this_period": text_of(billed.get(line_id, Decimal(0)))}
        for line_id, item_id in header.data["items"].items()
    ]
    bulk = Request(
        "PATCH", f"/rest/v1.0/requisitions/{remote_id}/bulk_item_update", {"project_id": held["project_id"]},
        {"requisition_items": items},
    )
    yield Step(
        "items", bulk, f"{key}-items", lambda answer: Done(remote_id), why, repeatable=True,
        amount=text_of(total(billed.values())), lines=_claiming(billed), verify=requisition_there(held),
    )
    return header


def _claiming(billed: Mapping[str, Decimal]) -> int:
    """Items of the invoice that will claim something."""
    return sum(1 for amount in billed.values() if amount)


def _invoice_body(held: Held, key: str, items: list[dict[str, Any]] | None) -> dict[str, Any]:
    """Approved at once: it was approved in the books, and an admin may set any status (11.11)."""
    fields: dict[str, Any] = {
        "period_id": int(held["period_id"]), "invoice_number": held["number"], "billing_date": held["date"],
        "origin_id": key, "status": "approved",
    }
    if items is not None:
        fields["items"] = items
    return {"project_id": int(held["project_id"]), "commitment_id": _commitment(held), "requisition": fields}


def _commitment(held: Held) -> int:
    return int(held["commitment_id"].rpartition(":")[2])


def purchase_order(held: Held, remote_id: str | None, key: str, version: str | None = None) -> Plan:
    """A purchase order raised in the books (P-07). As a draft its lines are open to change; then it gets its status."""
    why, scope = gone(held, refused(held)), {"project_id": int(held["project_id"])}
    path = f"/rest/v1.0/{PURCHASE_ORDER}s"
    header: dict[str, Any] = {
        "origin_id": key, "origin_code": held["number"], "number": held["number"], "title": held["title"],
        "status": "Draft", "accounting_method": "amount", "description": held.get("description") or "",
    }
    if held.get("vendor_id") is not None:
        header["vendor_id"] = int(held["vendor_id"])
    if held.get("date"):
        header["contract_date"] = held["date"]
    header |= _linked(remote_id)
    read = header_reader(key, held["project_id"])
    step = sync_step("header", f"{path}/sync", [header], read, why, key=key, scope=scope, amount=held_total(held))
    draft = yield replace(step, undoes=True)

    def row(n: int, line: Mapping[str, Any]) -> Row:
        known = {"quantity": line.get("quantity"), "uom": line.get("unit"), "unit_cost": line.get("unit_cost")}
        return {
            "origin_id": line_key(key, n, line), "wbs_code_id": int(line["wbs_code_id"]),
            "description": line["description"], "extended_type": "manual", "amount": line["amount"],
            **{name: value for name, value in known.items() if value},
        }

    lines = f"{path}/{draft.remote_id}/line_items"
    params = {"project_id": held["project_id"]}
    left = yield from line_steps(f"{lines}/sync", held, key, row, why, params)
    yield from stale_lines(lines, held, key, draft, why, params)
    status = [{"id": int(draft.remote_id), "status": held.get("status") or "Approved"}]
    read = header_reader(key, held["project_id"], held_total(held))
    step = sync_step("status", f"{path}/sync", status, read, why, key=key, scope=scope, amount=held_total(held))
    done = yield replace(step, lines=len(held["lines"]), verify=order_there(held, key))
    data = {"lines": dict(left)}
    return Done(f"{PURCHASE_ORDER}:{done.remote_id}", held["number"], done.version, done.warnings, data)


PLANS: dict[str, Callable[..., Plan]] = {
    "direct_cost": direct_cost, "commitment_invoice": commitment_invoice, "purchase_order": purchase_order,
}
