"""Our objects as Lentune's calls: one upsert each, anchored on the Procore id, which the server keeps unique (B.1)."""

from collections.abc import Callable, Mapping
from typing import Any

from connectors.calls import Answer, NotUnderstood, Request, WrongCompany
from connectors.lentune import rows
from connectors.plan import Done, Plan, Step
from objects.plain import digest
from objects.problem import Problem

Held = dict[str, Any]
#: "as" -> the list's address (contract B.2).
RESOURCES = {
    "project": "/projects", "cost_type": "/cost-types", "master_cost_code": "/master-cost-codes",
    "project_cost_code": "/projects/{project_id}/cost-codes", "purchase_order": "/purchase-orders",
    "subcontract": "/subcontracts", "variation": "/variations",
}
#: Parts of what is held that are not parts of the body; a cost code's project stands in the address.
NOT_SENT = frozenset({"as", "matched", "total", "external"})
#: Refusals that mean the same under the names our checks use. All others but these are `lentune_rejected`.
CODES = {
    "po_number_not_unique": "po_number_not_unique", "description_missing": "description_missing",
    "schedule_of_values_empty": "schedule_of_values_empty", "line_description_missing": "line_description_missing",
    "line_value_missing": "line_value_missing", "cost_code_not_on_budget": "cost_code_not_on_budget",
    "cost_code_not_synced": "cost_code_not_synced", "project_stage_not_allowed": "project_stage_not_allowed",
    "project_unknown": "project_not_synced", "po_master_is_lentune": "po_master_is_lentune",
    "po_sync_disabled": "po_sync_disabled", "both_po_masters_refused": "both_po_masters_refused",
    "external_key_taken": "lentune_key_taken", "supplier_ambiguous": "supplier_ambiguous",
    "stale_version": "changed_meanwhile", "invoice_already_posted": "already_posted",
    "invoice_not_approved": "invoice_not_approved", "invoice_project_missing": "invoice_project_missing",
    "invoice_cost_code_missing": "invoice_cost_code_missing",
    "cost_code_without_cost_type": "cost_code_without_cost_type", "allocation_not_complete": "allocation_not_complete",
}
#: Warnings that our checks give as well, before sending.
WARNINGS = frozenset({"supplier_blank", "branch_unmatched"})


def explained(held: Held) -> Callable[[Answer], Problem]:
    """The problem behind a problem document (RFC 9457): its own code where we know it, else its text as received."""

    def explain(answer: Answer) -> Problem:
        body = answer.body if isinstance(answer.body, dict) else {}
        values = {**described(held), "reason": answer.reason or f"status {answer.status}"}
        if answer.status == 403 and body.get("code") in (None, "forbidden"):
            return Problem("permission_missing", values)
        return Problem(CODES.get(str(body.get("code")), "lentune_rejected"), values)

    return explain


def upsert(held: Held, remote_id: str | None, key: str) -> Plan:
    """One PUT of the whole state. Repeating it is harmless: the anchor makes it the same record."""
    anchor, name = held["external"], held["as"]
    body = {part: value for part, value in held.items() if part not in NOT_SENT}
    if name == "project_cost_code":
        del body["project_id"]
    body["external"] = {**anchor, "content_hash": digest(held).hex()}
    path = RESOURCES[name].format(project_id=held.get("project_id"))
    request = Request("PUT", f"{path}/by-procore/{anchor['procore_company_id']}/{anchor['procore_id']}", body=body)
    done = yield Step(
        name=name, request=request, key=key, read=reader(held), explain=explained(held), repeatable=True,
        amount=held.get("total"),
    )
    return done


def supplier_match(held: Held, remote_id: str | None, key: str) -> Plan:
    """Nothing is written: the supplier of equal name is the vendor's other side (L-35)."""
    yield from ()
    return Done(held["supplier_id"], held["code"] or None)


def reader(held: Held) -> Callable[[Answer], Done]:
    """Reads the record back: it must be anchored on what was sent, and count the same to the cent."""

    def read(answer: Answer) -> Done:
        row, name = answer.body, held["as"]
        if not isinstance(row, dict):
            raise NotUnderstood(name, "the answer is not a record")
        check_anchor(row, held["external"], name)
        if "total" in held and rows.amount(row, "total", name) != rows.amount(held, "total", name):
            raise NotUnderstood(f"{name}.total", f"{row['total']} is not what was sent, {held['total']}")
        record_id = rows.ident(row, "id", name)
        if name in ("purchase_order", "subcontract"):
            record_id = f"{name}:{record_id}"
        number = row.get("number") or row.get("code")
        return Done(record_id, None if number is None else str(number), str(row.get("version") or "") or None,
                    warnings_of(row, held), lines_of(row))

    return read


def check_anchor(row: Mapping[str, Any], anchor: Mapping[str, Any], path: str) -> None:
    """Raises WrongCompany or NotUnderstood unless the record carries the anchor it was sent with."""
    there = row.get("external")
    if not isinstance(there, dict):
        raise NotUnderstood(f"{path}.external", "is missing")
    if str(there.get("procore_company_id")) != anchor["procore_company_id"]:
        raise WrongCompany(f"{path}.external", f"the answer belongs to Procore company {there.get('procore_company_id')}")
    if str(there.get("procore_id")) != anchor["procore_id"]:
        raise NotUnderstood(f"{path}.external", f"the answer is about {there.get('procore_id')}")


def warnings_of(row: Mapping[str, Any], held: Held) -> tuple[Problem, ...]:
    """B.1: accepted with doubts. What we have no name for is passed on as text."""
    found = []
    for one in row.get("warnings") or []:
        code, reason = str(one.get("code")), str(one.get("message", ""))
        named = code if code in WARNINGS else "lentune_warning"
        found.append(Problem(named, {**described(held), "code": code, "reason": reason}))
    return tuple(found)


def described(held: Held) -> dict[str, str]:
    """Values that sentences about a refusal or warning may use."""
    return {
        "number": held.get("number") or held.get("code") or "", "system": "Lentune",
        "name": held.get("description") or held.get("title") or "", "supplier": held.get("supplier_name") or "none",
        "region": held.get("region") or "", "stage": held.get("stage") or "",
    }


def lines_of(row: Mapping[str, Any]) -> dict[str, Any]:
    """Lentune's line id -> Procore's: an invoice names the one and is posted against the other (L-18)."""
    lines = [line for line in row.get("lines") or [] if isinstance(line, dict)]
    return {"lines": {str(line.get("id")): str(line.get("external_line_id")) for line in lines}} if lines else {}


PLANS: Mapping[str, Callable[[Held, str | None, str], Plan]] = {
    **dict.fromkeys(RESOURCES, upsert), "supplier_match": supplier_match,
}
