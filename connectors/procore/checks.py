"""Procore checks its own rules when it is written to; here its refusals are recognised and named, one per line."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from connectors.calls import Answer
from connectors.procore.client import sentence
from objects.problem import Problem, on_any, on_settings, on_snapshot

Held = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Refusal:
    """A refusal with a name of its own. `said` is looked for in "field: message" of everything that is blamed.

    The texts are not published and their status is inferred (contract sections 11.11 and 13), so the field counts as
    much as the words.
    """

    code: str
    requirement: str
    said: re.Pattern[str]
    waits_for: Callable[[Held], tuple[str, ...]]


def _until_period(held: Held) -> tuple[str, ...]:
    return (on_any("procore", "billing_period", held["project_id"]),)


def _until_commitment(held: Held) -> tuple[str, ...]:
    return (on_snapshot("procore", "commitment", held["commitment_id"]),)


def _until_settings(held: Held) -> tuple[str, ...]:
    return (on_settings(),)


def _words(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern, re.IGNORECASE | re.DOTALL)


#: In the order in which they are tried: a message about a line's amount may well speak of "this period".
INVOICE_REFUSALS = (
    Refusal("over_billing", "L-25", _words(r"over[- ]?bill|100 ?%|exceed|scheduled[_ ]value"), _until_commitment),
    Refusal("commitment_not_approved", "L-26", _words(r"\b(commitment|contract)(_\w+)?\b.*\b(approved|status)\b"),
            _until_commitment),
    Refusal("period_already_invoiced", "L-24", _words(r"\b(billing[_ ])?period(_id)?\b.*\balready\b"), _until_period),
    Refusal("no_open_billing_period", "L-24", _words(r"\b(billing[_ ])?period(_id)?\b"), _until_period),
)

#: Of a payment: what people must switch on in the project before it can stand there (Y-05 to Y-08).
PAYMENT_REFUSALS = (
    Refusal("invoice_export_off", "Y-06", _words(r"export subcontractor invoices"), _until_settings),
    Refusal("payments_issued_off", "Y-08", _words(r"payments issued"), _until_settings),
    Refusal("erp_tool_off", "Y-05", _words(r"\berp integrations?\b"), _until_settings),
    Refusal("commitments_tool_off", "Y-07", _words(r"\bcommitments? tool\b"), _until_settings),
)


def refused(held: Held) -> Callable[[Answer], Problem]:
    """Names any refusal: a missing permission, else Procore's text as received."""
    return lambda answer: _unnamed(answer, held)


def invoice_refused(held: Held) -> Callable[[Answer], Problem]:
    """Names the refusal of a commitment invoice (L-24 to L-26)."""
    return lambda answer: _invoice(answer, held)


def payment_refused(held: Held) -> Callable[[Answer], Problem]:
    """Names the refusal of a payment whose project lacks a tool or a tab."""
    return lambda answer: _named(answer, held, PAYMENT_REFUSALS) if answer.status == 403 else _unnamed(answer, held)


#: What a document is called for people.
CALLED = {"direct_cost": "invoice", "commitment_invoice": "invoice", "purchase_order": "commitment"}
#: A sync action's word on a row whose id, or whose document's id, it does not know (section 8; the text is inferred).
UNKNOWN_ID = _words(
    r"^(id|direct_cost_id|\w*contract_id): .*(not found|exist|deleted)|\b(direct cost|contract)\b.* not found"
)


def gone(held: Held, otherwise: Callable[[Answer], Problem]) -> Callable[[Answer], Problem]:
    """Names the refusal of a change made by id: the document is not there any more."""

    def explain(answer: Answer) -> Problem:
        if answer.status == 404 or (answer.status == 422 and any(map(UNKNOWN_ID.search, blamed(answer.body)))):
            values = {"system": "Procore", "kind": CALLED[held["as"]], "number": str(held.get("number", ""))}
            return Problem("vanished_at_target", values)
        return otherwise(answer)

    return explain


def blamed(body: Any, field: str = "") -> list[str]:
    """"field: message" for everything an error body says, nested ones included."""
    if isinstance(body, str):
        return [f"{field}: {body}" if field else body]
    if isinstance(body, list):
        return [said for item in body for said in blamed(item, field)]
    if not isinstance(body, dict):
        return []
    envelope = ("errors", "error", "message", "base", "details")
    return [said for name, value in body.items() for said in blamed(value, field if name in envelope else name)]


def _invoice(answer: Answer, held: Held) -> Problem:
    return _named(answer, held, INVOICE_REFUSALS) if answer.status in (400, 409, 422) else _unnamed(answer, held)


def _named(answer: Answer, held: Held, refusals: tuple[Refusal, ...]) -> Problem:
    for refusal in refusals:
        if any(refusal.said.search(said) for said in blamed(answer.body)):
            values = {"number": str(held.get("number", "")), "text": answer.reason}
            return Problem(refusal.code, values, refusal.waits_for(held))
    return _unnamed(answer, held)


def _unnamed(answer: Answer, held: Held) -> Problem:
    text = answer.reason or sentence(answer.body) or f"status {answer.status}"
    values = {"system": "Procore", "number": str(held.get("number", "")), "text": text, "reason": text}
    return Problem("permission_missing" if answer.status == 403 else "procore_rejected", values)
