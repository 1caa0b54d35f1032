"""Payments of the Sage Paperless simulator (B.7): what the job finds, by cursor, partial, void, and the receipts."""

import json

import pytest

from simulators.kit.actions import BadAction
from tests.unit.simulators.sage_calls import Caller, Json

pytestmark = pytest.mark.unit
RECEIPT = {"procore_payment_id": "480001", "procore_commitment_id": "400002", "written_at": "2026-11-20T09:00:00Z"}


@pytest.fixture
def caller() -> Caller:
    caller = Caller()
    caller.imported()
    return caller


def found(caller: Caller, **query: str) -> list[Json]:
    rows: list[Json] = caller.get("/payments", **query)["data"]
    return rows


def test_a_payment_is_seen_once_the_job_has_run(caller: Caller) -> None:
    caller.act("stop_job")
    caller.act("pay_invoice", invoice="470001")
    caller.core.tick()
    assert found(caller) == []
    caller.act("start_job")
    caller.core.tick()
    row = found(caller)[0]
    assert (row["id"], row["amount"], row["procore_invoice_id"], row["voided"]) == ("pay-000001", "950.00", "470001", False)
    shown = caller.get("/invoices/inv-000001")
    assert (shown["status"], shown["paid_total"], len(shown["payments"])) == ("paid", "950.00", 1), "retainage is not paid"
    assert [(e["key"], e["effect"]) for e in caller.ledger("payments")] == [("pay-000001", "created"), ("pay-000001", "action")]


def test_parts_and_a_void_come_by_cursor(caller: Caller) -> None:
    caller.subscribe("invoice.paid", "payment.voided")
    caller.act("pay_invoice", invoice="470001", amount="400.00", check="90001", method="electronic")
    assert [json.loads(d.body)["data"]["paid_total"] for d in caller.deliver()] == ["400.00"]
    assert caller.get("/invoices/inv-000001")["status"] == "exported"
    caller.act("pay_invoice", invoice="470001")
    caller.core.tick()
    rows = found(caller)
    assert [(row["check_number"], row["amount"]) for row in rows] == [("90001", "400.00"), ("10001", "550.00")]
    assert found(caller, after=rows[1]["cursor"]) == [] and found(caller, after=rows[0]["cursor"]) == [rows[1]]
    first = caller.get("/payments", limit="1")
    assert caller.get("/payments", limit="1", cursor=first["next_cursor"]) == {"data": [rows[1]], "next_cursor": None}
    caller.deliver()
    caller.act("void_payment", payment="90001")
    assert [(d.subject, json.loads(d.body)["resource_id"]) for d in caller.deliver()] == [("payment.voided", "pay-000001")]
    again = found(caller, after=rows[1]["cursor"])
    assert [(row["id"], row["voided"]) for row in again] == [("pay-000001", True)]
    shown = caller.get("/invoices/inv-000001")
    assert (shown["status"], shown["paid_total"]) == ("exported", "550.00")
    with pytest.raises(BadAction, match="void already"):
        caller.act("void_payment", payment="90001")


def test_a_corrected_payment_comes_again_under_its_id(caller: Caller) -> None:
    caller.act("pay_invoice", invoice="470001")
    caller.core.tick()
    before = found(caller)[0]
    caller.act("edit_payment", payment=before["id"], check="777", amount="900.00")
    caller.core.tick()
    after = found(caller, after=before["cursor"])
    assert [(row["id"], row["check_number"], row["amount"]) for row in after] == [(before["id"], "777", "900.00")]


def test_payments_that_cannot_go_back_are_listed(caller: Caller) -> None:
    caller.act("pay_other", amount="12.00")
    caller.act("pay_other", amount="13.00", procore_invoice_id="999999")
    caller.act("pay_invoice", invoice="470001", amount="5000.00")
    caller.core.tick()
    rows = found(caller)
    assert [(row["procore_invoice_id"], row["amount"]) for row in rows] == [
        (None, "12.00"), ("999999", "13.00"), ("470001", "5000.00"),
    ]  # fmt: skip
    assert len(found(caller, procore_invoice_id="470001")) == 1
    refused = caller.send("PUT", f"/payments/{rows[0]['id']}/procore-receipt", RECEIPT)
    assert caller.refused(refused) == (409, "invoice_not_from_procore")


def test_a_receipt_is_noted_once(caller: Caller) -> None:
    caller.act("pay_invoice", invoice="470001")
    assert caller.refused(caller.send("PUT", "/payments/pay-000001/procore-receipt", RECEIPT)) == (404, "not_found")
    caller.core.tick()
    for _ in range(2):
        assert caller.send("PUT", "/payments/pay-000001/procore-receipt", RECEIPT).json()["procore_payment_id"] == "480001"
    assert [(e["key"], e["remote_id"], e["actor"]) for e in caller.ledger("receipts")] == [("pay-000001", "480001", "client")]
    other = caller.send("PUT", "/payments/pay-000001/procore-receipt", RECEIPT | {"procore_payment_id": "480002"})
    assert caller.refused(other) == (409, "validation_failed")
    assert found(caller)[0]["procore_payment_id"] == "480001"


def test_an_invoice_that_does_not_pass_is_not_paid(caller: Caller) -> None:
    caller.imported(procore_invoice_id="470002", vendor="Nobody")
    with pytest.raises(BadAction, match="does not pass validation"):
        caller.act("pay_invoice", invoice="470002")
    with pytest.raises(BadAction, match="not a number"):
        caller.act("pay_invoice", invoice="470001", amount="much")


def test_no_list_without_connection_or_job(caller: Caller) -> None:
    caller.act("remove_job")
    assert caller.refused(caller.send("GET", "/payments")) == (422, "backfill_job_not_running")
    caller.act("lose_connection")
    assert caller.refused(caller.send("GET", "/payments")) == (422, "payments_not_enabled")
    assert caller.get("/procore-connection")["state"] == "lost"


def test_the_job_runs_at_its_own_pace() -> None:
    caller = Caller(backfill_seconds=600)
    caller.imported()
    caller.core.tick()
    caller.act("pay_invoice", invoice="470001")
    caller.clock.advance(599)
    caller.core.tick()
    assert found(caller) == []
    caller.clock.advance(1)
    caller.core.tick()
    assert len(found(caller)) == 1
