"""What the vault is told: which Procore payment was made of a payment of its own (S-34)."""

from collections.abc import Iterable
from datetime import UTC, datetime

from connectors.calls import Answer, NotUnderstood, Request
from connectors.flow import Verdict
from connectors.plan import Done, Step
from connectors.sage_paperless.client import code_of
from objects.payment import Payment
from objects.problem import Problem


def receipt(obj: Payment, verdict: Verdict, key: str) -> Iterable[Step]:
    """Once per payment: the vault refuses another one than it was told first. Of what it wrote itself it knows."""
    ours = verdict.held.get("as") == "contract_payment"
    if not ours or verdict.problems or not verdict.remote_id or obj.receipt == verdict.remote_id:
        return
    body = {
        "procore_payment_id": verdict.remote_id, "procore_commitment_id": str(verdict.held.get("contract_id")).rpartition(":")[2],
        "written_at": datetime.now(UTC).isoformat(timespec="seconds"),
    }  # fmt: skip
    yield Step(
        name=f"receipt {verdict.remote_id}", side="source", key=f"{key}-receipt", repeatable=True,
        request=Request("PUT", f"/payments/{obj.source_id}/procore-receipt", body=body,
                        headers={"Idempotency-Key": f"{key}-receipt-{verdict.run_id}"}),
        read=lambda answer: _noted(answer, obj.source_id), explain=lambda answer: _refused(obj, answer),
    )  # fmt: skip


def _noted(answer: Answer, payment_id: str) -> Done:
    row = answer.body if isinstance(answer.body, dict) else {}
    if row.get("id") != payment_id:
        raise NotUnderstood("procore-receipt.id", f"{row.get('id')!r} is not the payment reported on, {payment_id}")
    return Done(payment_id)


def _refused(obj: Payment, answer: Answer) -> Problem:
    text = answer.reason or code_of(answer) or f"status {answer.status}"
    return Problem("paperless_rejected", {"number": obj.number or obj.source_id, "text": text})
