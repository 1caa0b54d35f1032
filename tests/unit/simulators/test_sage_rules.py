"""Configuration rules (B.3) and import behaviours (B.4) of the Sage Paperless simulator, row by row."""

from typing import Any

import pytest

from simulators.kit.actions import BadAction
from tests.unit.simulators.sage_calls import BOUNDARY, Caller, Json, document, invoice, manual, multipart

pytestmark = pytest.mark.unit
QUEUE, ROUTE, MANUAL = (
    "automated_import_into_queue", "automated_import_and_auto_route_with_queue_failover", "manual_import",
)  # fmt: skip


@pytest.fixture
def caller() -> Caller:
    return Caller()


def saved(caller: Caller) -> Json:
    """What the vault holds, by the simulator's own state."""
    return next(row for row in caller.core.state()["configurations"] if row["vault_id"] == caller.vault)


# B.3


def test_another_bridge_shows_no_procore_part(caller: Caller) -> None:
    caller.use("intacct")
    for path in ("/procore-connection", "/procore-configuration", "/import-candidates"):
        assert caller.refused(caller.send("GET", path)) == (404, "not_found")
    assert caller.refused(caller.configure()) == (422, "bridge_not_supported")
    assert caller.refused(caller.send("POST", "/procore-connection")) == (422, "bridge_not_supported")
    assert caller.get("/vaults/intacct")["procore_available"] is False


def test_without_a_licence_nothing_opens(caller: Caller) -> None:
    caller.use("unlicensed")
    assert caller.refused(caller.send("GET", "/procore-connection")) == (403, "procore_licence_required")
    assert caller.refused(caller.configure()) == (403, "procore_licence_required")


def test_cloud_sync_must_have_run_before(caller: Caller) -> None:
    caller.use("nosync")
    assert caller.refused(caller.configure(import_behaviour=MANUAL)) == (422, "cloud_sync_not_running")
    assert caller.refused(caller.send("POST", "/procore-connection")) == (422, "cloud_sync_not_running")


def test_a_vault_that_is_not_connected(caller: Caller) -> None:
    assert caller.send("DELETE", "/procore-connection").status == 204
    assert caller.get("/procore-connection") == {
        "state": "not_established", "authorise_url": None, "connected_as": None, "companies": [],
    }  # fmt: skip
    assert caller.refused(caller.configure()) == (422, "procore_not_connected")
    assert caller.refused(caller.form("POST", "/invoices", *_with())) == (422, "procore_not_connected")


def _with(**changes: Any) -> tuple[Json, bytes]:
    return invoice(**changes)


def test_a_company_of_another_vault_is_refused_by_name_and_nothing_is_saved(caller: Caller) -> None:
    before = saved(caller)
    answer = caller.configure(procore_company_id="4190", queue_id="q-check")
    assert caller.refused(answer) == (409, "company_already_bound")
    assert "Kauri Civil (Sage 100)" in answer.json()["detail"] and saved(caller) == before
    companies = caller.get("/procore-connection")["companies"]
    assert [(c["procore_company_id"], c["bound_to_vault_id"]) for c in companies] == [("4100", None), ("4190", "sage100")]


@pytest.mark.parametrize("behaviour", [QUEUE, ROUTE])
def test_automated_import_needs_a_queue_that_exists(caller: Caller, behaviour: str) -> None:
    assert caller.refused(caller.configure(import_behaviour=behaviour, queue_id=None)) == (422, "queue_required")
    assert caller.refused(caller.configure(import_behaviour=behaviour, queue_id="q-none")) == (422, "queue_unknown")


def test_automated_import_needs_cloud_sync_and_manual_import_does_not(caller: Caller) -> None:
    caller.act("stop_cloud_sync")
    assert caller.refused(caller.configure(import_behaviour=ROUTE)) == (422, "cloud_sync_not_running")
    assert caller.configure(import_behaviour=MANUAL, queue_id=None).status == 200
    caller.act("start_cloud_sync")
    caller.act("take_licence", licence="cloud_sync")
    assert caller.refused(caller.configure(import_behaviour=QUEUE, queue_id="q-ap")) == (422, "cloud_sync_licence_required")


@pytest.mark.parametrize("action", ["stop_job", "remove_job"])
def test_payments_need_the_job(caller: Caller, action: str) -> None:
    caller.act(action)
    assert caller.refused(caller.configure(create_payments_in_procore=True)) == (422, "backfill_job_not_running")
    assert saved(caller)["create_payments_in_procore"] is False
    caller.act("start_job")
    assert caller.configure(create_payments_in_procore=True).json()["create_payments_in_procore"] is True


def test_the_default_behaviour_and_the_version(caller: Caller) -> None:
    caller.use("sage100")
    answer = caller.configure(procore_company_id="4190", import_behaviour="left out", queue_id="q-ap")
    assert answer.json()["import_behaviour"] == QUEUE
    stale = caller.send("PUT", "/procore-configuration", answer.json(), headers={"if-match": '"1"'})
    assert caller.refused(stale) == (412, "stale_version")
    assert caller.refused(caller.send("PUT", "/procore-configuration", answer.json())) == (400, "validation_failed")
    unknown = caller.configure(import_behaviour="by hand")
    assert caller.refused(unknown) == (400, "validation_failed")


# B.4


def test_into_the_queue(caller: Caller) -> None:
    caller.subscribe("invoice.imported", "invoice.validation_failed")
    row = caller.imported()
    assert (row["placement"], row["queue_id"], row["status"], row["failover_reason"]) == ("queue", "q-ap", "unprocessed", None)
    assert row["validation"] == {"passed": True, "findings": []} and row["read_only"] and row["gross"] == "1000.00"
    assert [e["effect"] for e in caller.ledger("invoices")] == ["created"] and caller.ledger("invoices")[0]["key"] == "470001"
    assert [d.subject for d in caller.deliver()] == ["invoice.imported"]
    shown = caller.send("GET", f"/invoices/{row['id']}/document")
    assert shown.body == invoice()[1] and shown.headers["Content-Type"] == "application/pdf"
    assert caller.get("/queues")["data"][0]["waiting"] == 1


def test_auto_route_and_its_two_ways_back_to_the_queue(caller: Caller) -> None:
    caller.subscribe("invoice.routed", "invoice.queue_failover", "invoice.validation_failed", "invoice.imported")
    caller.configure(import_behaviour=ROUTE)
    routed = caller.imported()
    assert (routed["placement"], routed["status"]) == ("routed", "pending")
    assert routed["routing"][0]["reviewers"] == ["mere@kauri.example"]
    invalid = caller.imported(procore_invoice_id="470002", vendor="Southern Steel Limited")
    assert (invalid["placement"], invalid["failover_reason"], invalid["queue_id"]) == ("queue", "validation_failed", "q-ap")
    alone = caller.imported(procore_invoice_id="470003", vendor="Pacific Concrete Ltd", commitment_number="PO-1001-01")
    assert (alone["placement"], alone["failover_reason"]) == ("queue", "reviewer_missing") and alone["validation"]["passed"]
    assert [d.subject for d in caller.deliver()] == [
        "invoice.routed", "invoice.queue_failover", "invoice.queue_failover", "invoice.validation_failed",
    ]  # fmt: skip
    caller.act("set_rules", rules=[{"name": "All", "reviewers": ["tane@kauri.example"]}])
    again = caller.send("POST", f"/invoices/{alone['id']}/route")
    assert (again.status, again.json()["placement"], again.json()["status"]) == (200, "routed", "pending")
    caller.act("approve_invoice", invoice=alone["id"])
    assert caller.refused(caller.send("POST", f"/invoices/{alone['id']}/route")) == (409, "invoice_not_unprocessed")


def test_manual_import_fills_the_open_screen_and_works_without_cloud_sync(caller: Caller) -> None:
    caller.use("sage100")
    caller.act("stop_cloud_sync", vault="sage100")
    answer = caller.form("POST", "/invoices", manual())
    assert (answer.status, answer.json()["placement"], answer.json()["document"]) == (201, "open_entry_screen", None)
    assert caller.refused(caller.send("GET", f"/invoices/{answer.json()['id']}/document")) == (404, "not_found")
    meta, content = invoice()
    carried = meta | {"mode": "manual", "procore_company_id": "4190"}
    assert caller.refused(caller.form("POST", "/invoices", carried, content)) == (422, "attachment_not_allowed_for_manual")
    assert caller.refused(caller.form("POST", "/invoices", manual(), content)) == (422, "attachment_not_allowed_for_manual")
    picked = caller.act("pick_invoice", vault="sage100", invoice=manual(procore_invoice_id="470009"))
    assert picked["import_mode"] == "manual" and caller.ledger("invoices")[-1]["actor"] == "person"


def test_the_mode_is_that_of_the_vault(caller: Caller) -> None:
    answer = caller.form("POST", "/invoices", manual() | {"procore_company_id": "4100"})
    assert caller.refused(answer) == (422, "import_behaviour_mismatch")
    caller.use("sage100")
    meta, content = invoice(procore_company_id="4190")
    assert caller.refused(caller.form("POST", "/invoices", meta, content)) == (422, "import_behaviour_mismatch")


@pytest.mark.parametrize("status", ["draft", "under_review", "approved_as_noted", "pending_owner_approval"])
def test_only_approved_invoices(caller: Caller, status: str) -> None:
    meta, content = invoice(procore_status=status)
    assert caller.refused(caller.form("POST", "/invoices", meta, content)) == (422, "procore_status_not_approved")
    with pytest.raises(BadAction, match="procore_status_not_approved"):
        caller.act("pick_invoice", vault="sage100", invoice=manual(procore_status=status))
    assert caller.ledger("invoices") == []


def test_automated_import_stops_with_cloud_sync(caller: Caller) -> None:
    caller.act("stop_cloud_sync")
    answer = caller.form("POST", "/invoices", *_with())
    assert caller.refused(answer) == (503, "cloud_sync_not_running") and answer.headers["Retry-After"] == "60"
    caller.act("start_cloud_sync")
    assert caller.imported()["id"] == "inv-000001"


def test_an_attachment_is_needed(caller: Caller) -> None:
    meta, _ = invoice(document=None)
    assert caller.refused(caller.form("POST", "/invoices", meta)) == (422, "attachment_required")
    meta, _ = invoice()
    assert caller.refused(caller.form("POST", "/invoices", meta)) == (422, "attachment_required")
    listed = caller.get("/import-candidates")["data"]
    assert [(row["procore_invoice_id"], row["paperless_status"], row["last_error"].split(":")[0]) for row in listed] == [
        ("470001", None, "attachment_required")
    ]
    caller.imported()
    row = caller.get("/import-candidates")["data"][0]
    assert (row["paperless_status"], row["last_error"], row["amount"]) == ("unprocessed", None, "1000.00")


def test_a_docusign_document_is_listed_and_never_joined(caller: Caller) -> None:
    meta, content = invoice()
    meta["document"]["parts"][0]["source"] = "docusign"
    assert caller.refused(caller.form("POST", "/invoices", meta, content)) == (422, "docusign_not_allowed")
    excluded = [{"name": "Signed.pdf", "reason": "docusign_not_accessible"}]
    row = caller.imported(document=document(content, 2, excluded=excluded))
    assert row["document"]["excluded"] == excluded


def test_the_document_is_the_one_pdf_that_was_announced(caller: Caller) -> None:
    meta, content = invoice()
    wrong: list[tuple[Json, tuple[bytes, ...]]] = [
        (meta, (content, content)),
        (meta, (content[:-10],)),
        (meta, (b"GIF89a" + content,)),
        (meta, (content.replace(b"page 1", b"page 9"),)),
        (meta | {"document": document(content, 3)}, (content,)),
        (meta | {"document": document(content, 2) | {"parts": [meta["document"]["parts"][0] | {"pages": 1}]}}, (content,)),
        (meta | {"document": document(content, 2) | {"parts": [meta["document"]["parts"][0] | {"first_page": 2}]}}, (content,)),
    ]
    for sent, contents in wrong:
        assert caller.refused(caller.form("POST", "/invoices", sent, *contents)) == (422, "document_must_be_single_pdf")
    assert caller.ledger("invoices") == []


def test_a_form_must_be_whole(caller: Caller) -> None:
    meta, content = invoice()
    head = {"content-type": f"multipart/form-data; boundary={BOUNDARY}", "idempotency-key": "key-form-1"}
    cut = multipart(meta, content)[:-20]
    assert caller.refused(caller.raw("POST", "/invoices", cut, head)) == (400, "validation_failed")
    assert caller.refused(caller.send("POST", "/invoices", meta)) == (400, "validation_failed")
    assert caller.refused(caller.form("POST", "/invoices", meta | {"net": "1000"}, content)) == (400, "validation_failed")
    assert caller.refused(caller.form("POST", "/invoices", meta | {"extra": 1}, content)) == (400, "validation_failed")
    assert caller.refused(caller.form("POST", "/invoices", meta | {"procore_company_id": "4190"}, content))[0] == 400
