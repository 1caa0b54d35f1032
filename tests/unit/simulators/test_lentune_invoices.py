"""Invoices of the Lentune simulator: the clerk, the routing rules, posting claims and results."""

import pytest

from simulators.kit.actions import BadAction
from tests.unit.simulators.lentune_calls import (
    Caller,
    Json,
    by_procore,
    external,
    line,
    order_body,
    subcontract_body,
)

pytestmark = pytest.mark.unit
POSTED = {"result": "posted", "target": "commitment_invoice", "procore_id": "700", "run_id": "run-1"}
FAILED = {
    "result": "failed", "target": "commitment_invoice", "run_id": "run-1",
    "error": {"code": "over_billing", "message": "The invoice is over the billing amount.", "fix_hint": "Two settings.",
              "retryable": True, "blocked_on": "overbilling_settings"},
}  # fmt: skip


@pytest.fixture
def caller() -> Caller:
    """A project with a code, PO-1 and SC-1 in Lentune."""
    caller = Caller()
    project = caller.project()
    caller.cost_type("M", "1")
    code = caller.cost_code(project, "03-300", "41", cost_type_code="M")
    caller.put(by_procore("purchase-orders", "21"), order_body(project, [line(code), line(code, "50.00", "2")]))
    caller.put(by_procore("subcontracts", "31"), subcontract_body(project, [line(code)]))
    return caller


def entered(caller: Caller, number: str = "INV-1", **changes: object) -> Json:
    fields = {"supplier": "Pacific Concrete Ltd", "date": "2026-11-10", "order": "PO-1",
              "lines": [{"order_line": 1, "net": "40.00", "tax": "6.00"}]}  # fmt: skip
    invoice: Json = caller.act("create_invoice", number=number, **(fields | changes))
    return invoice


def shown(caller: Caller, number: str = "INV-1") -> Json:
    return next(row for row in caller.everything("/invoices") if row["number"] == number)


def test_an_invoice_with_an_order(caller: Caller) -> None:
    entered(caller)
    invoice = shown(caller)
    assert (invoice["status"], invoice["gross"], invoice["version"]) == ("approved", "46.00", "4")
    assert (invoice["posting"]["state"], invoice["posting"]["target"]) == ("ready", "commitment_invoice")
    order = caller.get("/purchase-orders")["data"][0]
    assert invoice["lines"][0]["purchase_order_line_id"] == order["lines"][0]["id"]
    assert [row["invoiced_to_date"] for row in order["lines"]] == ["40.00", "0.00"]
    assert caller.get(f"/invoices/{invoice['id']}") == invoice
    assert caller.get("/invoices", posting_state="ready", kind="project", project_id=order["project_id"])["data"]
    assert caller.get("/invoices", posting_state="posted")["data"] == []


def test_the_document_is_a_pdf(caller: Caller) -> None:
    invoice = entered(caller)
    path = invoice["document_url"].removeprefix("http://lentune.test/adapter/lentune/v1")
    assert caller.send("GET", path).body.startswith(b"%PDF-1.4")


@pytest.mark.parametrize(
    ("changes", "target", "reason"),
    [
        ({"order": "SC-1"}, "commitment_invoice", "B.4 step 4"),
        ({"order": None, "project": "1001", "lines": [{"code": "03-300", "type": "M", "net": "1"}]}, "direct_cost",
         "B.4 step 5"),
        ({"order": None, "kind": "overhead", "lines": [{"net": "1"}]}, "accounting", "B.4 step 1"),
        ({"order": None, "lines": [{"net": "1"}]}, "none", "B.4 step 2 invoice_project_missing"),
        ({"order": None, "project": "1001", "lines": [{"net": "1"}]}, "none", "B.4 step 2 invoice_cost_code_missing"),
        ({"order": None, "project": "1001", "lines": [{"code": "98", "type": None, "net": "1"}]}, "none",
         "B.4 step 2 cost_code_without_cost_type"),
        ({"status": "received"}, "none", "B.4 step 2 invoice_not_approved"),
    ],
)  # fmt: skip
def test_targets(caller: Caller, changes: Json, target: str, reason: str) -> None:
    entered(caller, **changes)
    held = caller.core.state()["invoices"][0]
    assert (held["posting"]["target"], held["posting_reason"]) == (target, reason)
    assert held["posting"]["state"] == ("not_ready" if target == "none" else "ready")


def test_neither_box_makes_everything_a_direct_cost(caller: Caller) -> None:
    entered(caller)
    caller.act("set_settings", settings={"procore_purchase_order": False})
    assert shown(caller)["posting"]["target"] == "direct_cost"
    assert caller.core.state()["invoices"][0]["posting_reason"] == "B.4 step 3"


def test_route_one_sends_overhead_through_procore(caller: Caller) -> None:
    entered(caller, order=None, kind="overhead", lines=[{"net": "1"}])
    caller.act("set_settings", settings={"accounting_route": "all_via_procore"})
    assert shown(caller)["posting"]["state"] == "not_ready"


def test_one_worker_at_a_time(caller: Caller) -> None:
    path = f"/invoices/{entered(caller)['id']}/posting-claims"
    taken = caller.send("POST", path, key="key-worker-1")
    assert (taken.json()["lease_seconds"], taken.json()["posting"]["state"]) == (300, "posting")
    assert caller.send("POST", path, key="key-worker-1").headers["Idempotency-Replayed"] == "true"
    assert caller.refused("POST", path) == (409, "stale_version")
    caller.clock.advance(300)
    assert shown(caller)["posting"]["state"] == "ready"
    assert caller.send("POST", path).json()["posting"]["attempts"] == 2


def test_claims_refuse_what_is_not_ready(caller: Caller) -> None:
    held = entered(caller, status="received")
    assert caller.refused("POST", f"/invoices/{held['id']}/posting-claims") == (422, "invoice_not_approved")
    gap = entered(caller, "INV-2", order=None, lines=[{"net": "1"}])
    assert caller.refused("POST", f"/invoices/{gap['id']}/posting-claims") == (422, "invoice_project_missing")
    assert caller.refused("POST", "/invoices/inv-999999/posting-claims") == (404, "not_found")


def test_posted_once(caller: Caller) -> None:
    invoice = entered(caller)
    path = f"/invoices/{invoice['id']}/posting-result"
    caller.send("POST", f"/invoices/{invoice['id']}/posting-claims")
    stored = caller.send("PUT", path, POSTED).json()["posting"]
    assert (stored["state"], stored["procore_id"], stored["attempts"]) == ("posted", "700", 1)
    entries = len(caller.core.ledger.entries)
    assert caller.send("PUT", path, POSTED | {"run_id": "run-2"}).status == 200
    assert len(caller.core.ledger.entries) == entries
    assert caller.refused("PUT", path, POSTED | {"procore_id": "701"}) == (409, "invoice_already_posted")
    assert caller.refused("PUT", path, FAILED) == (409, "invoice_already_posted")
    claims = f"/invoices/{invoice['id']}/posting-claims"
    assert caller.refused("POST", claims) == (409, "invoice_already_posted")


def test_a_failure_is_shown_and_can_be_tried_again(caller: Caller) -> None:
    invoice = entered(caller)
    path = f"/invoices/{invoice['id']}/posting-result"
    posting = caller.send("PUT", path, FAILED).json()["posting"]
    assert (posting["state"], posting["error"]["code"], posting["attempts"]) == ("failed", "over_billing", 1)
    assert caller.send("POST", f"/invoices/{invoice['id']}/posting-claims").json()["posting"]["error"] is None


@pytest.mark.parametrize(
    "result",
    [
        POSTED | {"procore_id": None},
        FAILED | {"error": None},
        FAILED | {"error": FAILED["error"] | {"message": "Over billed"}},
        FAILED | {"error": FAILED["error"] | {"code": "bad_luck"}},
        POSTED | {"result": "done"},
    ],
)
def test_results_that_make_no_sense(caller: Caller, result: Json) -> None:
    path = f"/invoices/{entered(caller)['id']}/posting-result"
    assert caller.refused("PUT", path, result) == (422, "validation_failed")


def test_a_result_for_an_invoice_never_approved(caller: Caller) -> None:
    path = f"/invoices/{entered(caller, status='received')['id']}/posting-result"
    assert caller.refused("PUT", path, POSTED) == (422, "invoice_not_approved")


def test_people_mend_invoices(caller: Caller) -> None:
    entered(caller, order=None, lines=[{"net": "1"}])
    caller.act("set_invoice_project", number="INV-1", project="1001")
    assert shown(caller)["posting"]["state"] == "not_ready"
    caller.act("code_invoice_line", number="INV-1", line=1, code="03-300", type="M")
    assert shown(caller)["posting"]["state"] == "ready"
    caller.act("hold_invoice", number="INV-1")
    assert shown(caller)["posting"]["state"] == "not_ready"
    caller.act("approve_invoice", number="INV-1")
    changed = caller.act("change_invoice", number="INV-1", net="2", tax="0.3")
    assert (changed["net"], changed["gross"]) == ("2.00", "2.30")
    assert caller.act("change_invoice", number="INV-1", gross="9.99")["gross"] == "9.99"
    for args, sentence in (
        ({"number": "INV-9"}, "no invoice INV-9"),
        ({"number": "INV-1", "line": 9}, "no line of that number"),
        ({"number": "INV-1", "net": "much"}, "not a number"),
    ):
        with pytest.raises(BadAction, match=sentence):
            caller.act("change_invoice", **args)
    with pytest.raises(BadAction, match="project 9 is not in Lentune"):
        caller.act("code_invoice_line", number="INV-1", line=1, project="9")


def test_a_failed_invoice_is_ready_again_once_edited(caller: Caller) -> None:
    path = f"/invoices/{entered(caller)['id']}/posting-result"
    caller.send("PUT", path, FAILED)
    caller.act("change_invoice", number="INV-1", net="30.00")
    posting = shown(caller)["posting"]
    assert (posting["state"], posting["error"]) == ("ready", None)
    assert caller.get("/purchase-orders")["data"][0]["lines"][0]["invoiced_to_date"] == "30.00"


def test_a_cost_type_given_later_makes_ready(caller: Caller) -> None:
    entered(caller, order=None, project="1001", lines=[{"code": "98-000", "type": None, "net": "1"}])
    caller.act("set_cost_type", project="1001", code="98-000", type="M")
    assert shown(caller)["posting"]["state"] == "ready"


def test_the_clerk_waits_for_what_an_invoice_names() -> None:
    caller = Caller("demo", burst=0)
    caller.pass_time()
    before = {row["number"]: row["status"] for row in caller.everything("/invoices")}
    assert {number for number, status in before.items() if status == "approved"} == {"INV-5008", "INV-5009", "INV-5016"}
    project = caller.project()
    caller.pass_time()
    states = {row["number"]: row for row in caller.everything("/invoices")}
    assert states["INV-5010"]["posting"]["state"] == "not_ready"
    assert states["INV-5010"]["lines"][0]["project_id"] == project["id"]
    assert states["INV-5011"]["status"] == "approved"
    caller.cost_type("L", "2")
    caller.cost_code(project, "01-100", "41", cost_type_code="L")
    caller.pass_time()
    states = {row["number"]: row for row in caller.everything("/invoices")}
    assert (states["INV-5003"]["status"], states["INV-5012"]["status"]) == ("approved", "received")
    assert (states["INV-5014"]["net"], states["INV-5014"]["gross"]) == ("1990.00", "2300.00")
    assert states["INV-5001"]["status"] == "received"
    by_person = [entry for entry in caller.core.ledger.entries if entry["kind"] == "invoice"]
    assert {entry["actor"] for entry in by_person} == {"person"}


def test_a_partly_allocated_invoice() -> None:
    caller = Caller("demo")
    project = caller.project()
    caller.cost_type("S", "2")
    code = caller.cost_code(project, "22-100", "41", cost_type_code="S")
    body = subcontract_body(project, [line(code)], number="SC-1001-03", external=external("work_order_contract", "31"))
    caller.put(by_procore("subcontracts", "31"), body)
    caller.pass_time()
    invoice = shown(caller, "INV-5013")
    assert invoice["posting"]["target"] == "commitment_invoice"
    assert [bool(row["purchase_order_line_id"]) for row in invoice["lines"]] == [True, False]
