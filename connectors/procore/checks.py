"""Procore checks its own rules when it is written to; here its refusals are recognised and named, one per line."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from connectors.calls import Answer
from connectors.procore.client import sentence
from objects.problem import Problem, on_any, on_snapshot


@dataclass(frozen=True, slots=True)
class Refusal:
    """A refusal with a name of its own: told by the field Procore blames, or else by its words.

    The texts are not published and their status is inferred (contract sections 11.11 and 13), so words come second.
    """

    code: str
    requirement: str
    fields: re.Pattern[str]
    words: re.Pattern[str]
    waits_for: Callable[[Mapping[str, Any]], tuple[str, ...]]

    def fits(self, field: str, said: str) -> bool:
        return bool(self.fields.search(field) or self.words.search(said))


def _until_period(held: Mapping[str, Any]) -> tuple[str, ...]:
    return (on_any("procore", "billing_period", held["project_id"]),)


def _until_commitment(held: Mapping[str, Any]) -> tuple[str, ...]:
    return (on_snapshot("procore", "commitment", held["commitment_id"]),)


def _words(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern, re.IGNORECASE)


#: In the order in which they are tried.
INVOICE_REFUSALS = (
    Refusal("no_open_billing_period", "L-24", _words(r"period"), _words(r"billing period|period is closed"),
            _until_period),
    Refusal("commitment_not_approved", "L-26", _words(r"^(commitment|contract)(_id|_status)?$"),
            _words(r"(commitment|contract).*\bapproved\b"), _until_commitment),
    Refusal("over_billing", "L-25", _words(r"work_completed|total_completed|scheduled_value"),
            _words(r"over[- ]?bill|100 ?%|exceed|scheduled value"), _until_commitment),
)


def refused(held: Mapping[str, Any]) -> Callable[[Answer], Problem]:
    """Names any refusal: a missing permission, else Procore's text as received."""
    return lambda answer: _unnamed(answer, held)


def invoice_refused(held: Mapping[str, Any]) -> Callable[[Answer], Problem]:
    """Names the refusal of a commitment invoice (L-24 to L-26)."""
    return lambda answer: _invoice(answer, held)


def blamed(body: Any) -> list[tuple[str, str]]:
    """Field and message of everything an error body says, nested items included; "" where no field is named."""
    if isinstance(body, str):
        return [("", body)]
    if isinstance(body, list):
        return [pair for item in body for pair in blamed(item)]
    if not isinstance(body, dict):
        return []
    return [
        ("" if field in ("errors", "error", "message", "base") and not inner else inner or field, said)
        for field, value in body.items() for inner, said in blamed(value)
    ]


def _invoice(answer: Answer, held: Mapping[str, Any]) -> Problem:
    if answer.status in (400, 409, 422):
        pairs = blamed(answer.body)
        for refusal in INVOICE_REFUSALS:
            if any(refusal.fits(field, said) for field, said in pairs):
                values = {"number": str(held.get("number", "")), "text": answer.reason}
                return Problem(refusal.code, values, refusal.waits_for(held))
    return _unnamed(answer, held)


def _unnamed(answer: Answer, held: Mapping[str, Any]) -> Problem:
    text = answer.reason or sentence(answer.body) or f"status {answer.status}"
    values = {"system": "Procore", "number": str(held.get("number", "")), "text": text, "reason": text}
    return Problem("permission_missing" if answer.status == 403 else "procore_rejected", values)
