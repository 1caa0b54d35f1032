"""What Lentune is told: that an invoice is being posted, what came of it (B.5), and what became of an order it raised."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from connectors.calls import Answer, NotUnderstood, Request
from connectors.flow import Verdict
from connectors.lentune.writing import described, explained
from connectors.plan import Done, Step
from objects.commitment import Commitment
from objects.invoice import Invoice
from objects.problem import Problem


@dataclass(frozen=True, slots=True)
class Reported:
    """How contract B.5 reports a code; its message and fix hint are the catalogue's title and first step."""

    retryable: bool
    blocked_on: str | None
    target: str = "none"


REPORTED = {
    "no_open_billing_period": Reported(True, "billing_period", "commitment_invoice"),
    "over_billing": Reported(True, "overbilling_settings", "commitment_invoice"),
    "commitment_not_approved": Reported(True, "commitment_approval", "commitment_invoice"),
    "no_procore_company_or_project": Reported(False, "project_link"),
    "invoice_project_missing": Reported(False, "invoice"),
    "invoice_cost_code_missing": Reported(False, "invoice"),
    "cost_code_without_cost_type": Reported(False, "cost_code"),
    "allocation_not_complete": Reported(False, "invoice", "commitment_invoice"),
    "procore_rejected": Reported(False, None),
    "procore_unavailable": Reported(True, "procore"),
}
#: Ours that mean: Procore could not be reached, or its answer is not known yet.
UNAVAILABLE = frozenset({"system_unavailable", "reconnect_needed", "outcome_uncertain", "permission_missing"})


def claim(obj: Invoice, key: str, attempt: int) -> Iterable[Step]:
    """Takes the invoice for posting; a second worker gets 409 (B.2). One that was posted is only brought up to date."""
    if obj.posting_state == "posted":
        return
    yield Step(
        name=f"claim {attempt}", side="source", key=f"{key}-claim-{attempt}", repeatable=True,
        request=Request("POST", f"/invoices/{obj.source_id}/posting-claims",
                        headers={"Idempotency-Key": f"{key}-claim-{attempt}"}),
        read=lambda answer: Done(obj.source_id), explain=lambda answer: claim_refused(obj, answer),
    )


def claim_refused(obj: Invoice, answer: Answer) -> Problem:
    """Held by another worker until its lease ends, unless Lentune names another reason."""
    problem = explained({"number": obj.number})(answer)
    if answer.status == 409 and problem.code != "already_posted":
        return Problem("posting_claimed_elsewhere", problem.values)
    return problem


def posting_result(obj: Invoice, verdict: Verdict, key: str) -> Iterable[Step]:
    """Posted or failed, told on success and failure alike. What stands in Procore is never reported as failed."""
    if obj.posting_state == "posted" and (verdict.problems or obj.posted_as not in (None, verdict.remote_id)):
        return  # it takes no second word (B.2): not a failure, and not another document
    body: dict[str, Any] = {"run_id": verdict.run_id, "procore_id": None, "error": None}
    target = str(verdict.held.get("as") or "none")
    if verdict.problems:
        code, error = posting_error(verdict.problems)
        target = REPORTED[code].target if target == "none" else target
        body |= {"result": "failed", "target": target, "error": error}
    else:
        body |= {"result": "posted", "target": target, "procore_id": verdict.remote_id}
    yield Step(
        name=f"posting-result {verdict.run_id}", side="source", key=f"{key}-{verdict.run_id}", repeatable=True,
        request=Request("PUT", f"/invoices/{obj.source_id}/posting-result", body=body,
                        headers={"Idempotency-Key": f"{key}-result-{verdict.run_id}"}),
        read=lambda answer: reported(answer, obj.source_id), explain=explained({"number": obj.number}),
    )


def posting_error(problems: tuple[Problem, ...]) -> tuple[str, dict[str, Any]]:
    """The problem Lentune's users should see first, as B.5 words it; ours without a code there goes as text."""
    first = next((p for p in problems if p.code in REPORTED), problems[0])
    code = first.code if first.code in REPORTED else "procore_unavailable" if first.code in UNAVAILABLE else "procore_rejected"
    title, fix = texts(first)
    how = REPORTED[code]
    message = first.values.get("text") if first.code == "procore_rejected" else title
    return code, {"code": code, "message": message or title, "fix_hint": fix, "retryable": how.retryable,
                  "blocked_on": how.blocked_on}


def texts(problem: Problem) -> tuple[str, str]:
    """Title and first step of the fix, filled in; what another system's catalogue holds is told by its reason."""
    entry = catalogue().get(problem.code)
    if entry is None:
        reason = problem.values.get("reason") or problem.values.get("text") or problem.code.replace("_", " ")
        return str(reason), "Look at the invoice in Sitebooks."
    values = {name: str(value) for name, value in problem.values.items()}
    return entry["title"].format_map(Blank(values)), entry["fix"][0].format_map(Blank(values))


class Blank(dict[str, str]):
    """A value that a sentence asks for and nobody gave."""

    def __missing__(self, name: str) -> str:
        return "…"


@cache
def catalogue() -> Mapping[str, Any]:
    """This folder's problems.yaml."""
    found: Mapping[str, Any] = yaml.safe_load(Path(__file__).with_name("problems.yaml").read_text(encoding="utf-8"))
    return found


def reported(answer: Answer, invoice_id: str) -> Done:
    """The answer is the invoice again."""
    row = answer.body if isinstance(answer.body, dict) else {}
    if row.get("id") != invoice_id:
        raise NotUnderstood("posting-result.id", f"{row.get('id')!r} is not the invoice reported on, {invoice_id}")
    return Done(invoice_id)


def link_order(obj: Commitment, verdict: Verdict, key: str) -> Iterable[Step]:
    """P-07: an order that was sent keeps the Procore id it became; only then may invoices be posted against it there."""
    if verdict.problems or not verdict.remote_id:
        return
    kind, _, procore_id = verdict.remote_id.rpartition(":")
    body = {
        "procore_company_id": verdict.held.get("company_id"), "procore_project_id": verdict.held.get("project_id"),
        "procore_id": procore_id, "procore_type": kind or "purchase_order_contract",
    }
    address = f"/purchase-orders/{obj.source_id.partition(':')[2]}/external-key"
    yield Step(
        name="external-key", side="source", key=f"{key}-link", repeatable=True,
        request=Request("PUT", address, body=body, headers={"If-Match": f'"{obj.version}"'}),
        read=lambda answer: Done(verdict.remote_id or ""), explain=explained(described({"number": obj.number})),
    )
