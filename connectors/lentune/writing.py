"""Our objects as Lentune's calls: one upsert each, anchored on the Procore id, which the server keeps unique (B.1)."""

from collections.abc import Callable, Mapping
from typing import Any

from connectors import fields
from connectors.calls import Answer, NotUnderstood, Request
from connectors.lentune.owning import content_hash, untouched
from connectors.lentune.stale import compared
from connectors.lentune.standing import MONEY, RESOURCES, address, by_procore, check_anchor, read_back, source_form
from connectors.plan import ChangedThere, Done, Plan, Step
from objects.problem import Problem

Held = dict[str, Any]
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
        if answer.status == 410:
            return Problem("vanished_at_target", values)
        if answer.status == 403 and body.get("code") in (None, "forbidden"):
            return Problem("permission_missing", values)
        if any(wrong.get("path") == "/parent/id" for wrong in body.get("field_errors") or ()):
            return Problem("commitment_not_synced", values)  # it stood there and is gone
        return Problem(CODES.get(str(body.get("code")), "lentune_rejected"), values)

    return explain


def upsert(held: Held, remote_id: str | None, key: str, version: str | None = None) -> Plan:
    """One PUT of the whole state. Repeating it is harmless: the anchor makes it the same record.

    A record that is linked is only changed as we last saw it (B.1), and is never made anew by its update.
    """
    body = {part: value for part, value in held.items() if part not in NOT_SENT}
    if held["as"] == "project_cost_code":
        del body["project_id"]
    done = yield _put(held, body, remote_id, key, version if remote_id else None)
    return done


def _put(held: Held, body: Held, remote_id: str | None, key: str, version: str | None, over: str = "") -> Step:
    """The step for a version that stands there; None: nothing is linked yet, or no version was kept.

    `over`: the version that somebody else made and that is to be written over.
    """
    money = held["as"] in MONEY
    body = {**body, "external": {**held["external"], "content_hash": content_hash(held, over)}}
    headers = {"If-Match": f'"{version}"'} if version is not None else {}
    return Step(
        name=held["as"], key=key, read=reader(held), explain=explained(held), repeatable=True,
        request=Request("PUT", f"{address(held)}{by_procore(held)}", body=body, headers=headers),
        amount=held.get("total"), lines=len(held["lines"]) if money else None, verify=read_back(held) if money else None,
        on_stale=None if version is None or remote_id is None else compared(
            held, remote_id, lambda there: _put(held, body, remote_id, key, there, there), lambda row: done_of(row, held)
        ),
    )


def supplier_match(held: Held, remote_id: str | None, key: str, version: str | None = None) -> Plan:
    """Nothing is written: the supplier of equal name is the vendor's other side (L-35)."""
    yield from ()
    return Done(held["supplier_id"], held["code"] or None)


def reader(held: Held) -> Callable[[Answer], Done]:
    """Reads the record back: it must be anchored on what was sent, and count the same to the cent."""

    def read(answer: Answer) -> Done:
        if not isinstance(answer.body, dict):
            raise NotUnderstood(held["as"], "the answer is not a record")
        if answer.headers.get("content-unchanged") == "true" and not untouched(answer.body, held["as"]):
            # our write of an earlier try: equal by its hash, which a person's edit does not touch
            raise ChangedThere(_left(answer.body, held), "somebody changed it there after our write had arrived")
        return done_of(answer.body, held)

    return read


def done_of(row: Mapping[str, Any], held: Held) -> Done:
    """A record of Lentune's as what our write left. Raises NotUnderstood when it is not that."""
    left, name = _left(row, held), held["as"]
    if "total" in held and fields.amount(row, "total", name) != fields.amount(held, "total", name):
        raise NotUnderstood(f"{name}.total", f"{row['total']} is not what was sent, {held['total']}")
    return left


def _left(row: Mapping[str, Any], held: Held) -> Done:
    name = held["as"]
    check_anchor(row, held["external"], name)
    number = row.get("number") or row.get("code")
    return Done(
        source_form(name, fields.ident(row, "id", name)), None if number is None else str(number),
        str(row.get("version") or "") or None, warnings_of(row, held), {**lines_of(row), **_changed(row)},
    )


def _changed(row: Mapping[str, Any]) -> dict[str, Any]:
    """When it changed by Lentune's own clock: by this it is read back without its whole list."""
    return {"updated_at": row["updated_at"]} if isinstance(row.get("updated_at"), str) else {}


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
        "kind": str(held.get("as", "")).replace("_", " "),
        "name": held.get("description") or held.get("title") or "", "supplier": held.get("supplier_name") or "none",
        "region": held.get("region") or "", "stage": held.get("stage") or "",
    }


def lines_of(row: Mapping[str, Any]) -> dict[str, Any]:
    """Lentune's line id -> Procore's: an invoice names the one and is posted against the other (L-18)."""
    lines = [line for line in row.get("lines") or [] if isinstance(line, dict)]
    return {"lines": {str(line.get("id")): str(line.get("external_line_id")) for line in lines}} if lines else {}


PLANS: Mapping[str, Callable[..., Plan]] = {
    **dict.fromkeys(RESOURCES, upsert), "supplier_match": supplier_match,
}
