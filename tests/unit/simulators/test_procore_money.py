"""Commitments, variations, invoices, payments and direct costs: what Procore computes and what it refuses."""

from typing import Any

import pytest

from tests.unit.simulators.procore_calls import Caller, Json


@pytest.fixture
def procore() -> Caller:
    return Caller()


class Work:
    """A project's ids, for requests."""

    def __init__(self, procore: Caller) -> None:
        self.procore, self.project = procore, procore.project()
        codes = procore.get(f"/rest/v1.0/projects/{self.project}/work_breakdown_structure/wbs_codes")
        self.codes = {row["flat_code"]: row["id"] for row in codes}
        self.periods = procore.get(f"/rest/v1.0/projects/{self.project}/billing_periods")
        self.vendor = procore.get("/rest/v1.0/vendors", company_id="4100")[0]["id"]

    def lines(self, contract: Json, kind: str = "work_order_contracts") -> list[Json]:
        found: list[Json] = self.procore.get(f"/rest/v1.0/{kind}/{contract['id']}/line_items", project_id=self.project)
        return found

    def invoice(self, contract: Json, line: int, amount: str, period: int | None = None, **fields: Any) -> Any:
        item = {"item_type": "contract_item", "line_item_id": line, "work_completed_this_period": amount}
        requisition = {"period_id": period or self.periods[0]["id"], "items": [item], **fields}
        body = {"project_id": self.project, "commitment_id": contract["id"], "requisition": requisition}
        return self.procore.call("POST", "/rest/v1.1/requisitions", body)


@pytest.fixture
def work(procore: Caller) -> Work:
    return Work(procore)


def test_lists_carry_no_lines_and_show_does(procore: Caller, work: Work) -> None:
    header = procore.contract("PO-1001-01")
    assert "line_items" not in header and header["grand_total"] == "60000.00"
    shown = procore.get(f"/rest/v1.0/purchase_order_contracts/{header['id']}", project_id=work.project)
    assert [line["amount"] for line in shown["line_items"]] == ["60000.00"]
    assert shown["line_items"][0]["wbs_code"]["flat_code"] == "03-300.M"
    # The same id under the other kind of contract is nothing.
    assert procore.call("GET", f"/rest/v1.0/work_order_contracts/{header['id']}", project_id=work.project).status == 404


def test_an_approved_schedule_of_values_is_locked(procore: Caller, work: Work) -> None:
    header = procore.contract("SC-1001-01")
    path = f"/rest/v1.0/work_order_contracts/{header['id']}"
    line = work.lines(header)[0]["id"]
    body = {"project_id": work.project, "line_item": {"amount": "1"}}
    assert procore.call("PATCH", f"{path}/line_items/{line}", body).status == 422
    new = {"project_id": work.project, "line_item": {"amount": "1", "wbs_code_id": work.codes["05-100.S"]}}
    assert procore.call("POST", f"{path}/line_items", new).status == 422
    assert procore.call("DELETE", path, project_id=work.project).status == 422
    other = {"project_id": work.project, "work_order_contract": {"vendor_id": work.vendor}}
    assert procore.call("PATCH", path, other).status == 422
    draft = {"project_id": work.project, "work_order_contract": {"status": "Draft"}}
    assert procore.call("PATCH", path, draft).status == 200
    assert procore.call("PATCH", f"{path}/line_items/{line}", body).status == 200
    assert procore.contract("SC-1001-01")["grand_total"] == "1.00"


def test_sync_gives_one_verdict_per_row_and_finds_by_external_id(procore: Caller, work: Work) -> None:
    path = "/rest/v1.0/purchase_order_contracts/sync"
    rows = [
        {"origin_id": "L-1", "number": "PO-9", "title": "One", "vendor_id": work.vendor},
        {"origin_id": "L-2", "number": "PO-9", "title": "Taken number"},
        {"id": 1, "title": "Nobody"},
        {"origin_id": "L-3", "status": "Paid"},
    ]
    answer = procore.call("PATCH", path, {"project_id": work.project, "updates": rows}).json()
    assert [entity["origin_id"] for entity in answer["entities"]] == ["L-1"]
    assert [sorted(row["errors"]) for row in answer["errors"]] == [["number"], ["id"], ["status"]]
    again = procore.call("PATCH", path, {"project_id": work.project, "updates": [{"origin_id": "L-1", "title": "Two"}]}).json()
    assert again["entities"][0]["id"] == answer["entities"][0]["id"] and again["entities"][0]["title"] == "Two"
    assert procore.core.ledger.entries[-1]["effect"] == "updated"
    many = {"project_id": work.project, "updates": [{"title": "x"}] * 1001}
    assert procore.call("PATCH", path, many).status == 413


def test_an_external_id_is_unique_in_its_type_and_company(procore: Caller, work: Work) -> None:
    body = {"project_id": work.project, "purchase_order_contract": {"number": "PO-7", "origin_id": "x"}}
    assert procore.call("POST", "/rest/v1.0/purchase_order_contracts", body).status == 201
    body["purchase_order_contract"]["number"] = "PO-8"
    refused = procore.call("POST", "/rest/v1.0/purchase_order_contracts", body)
    assert refused.status == 422 and refused.json()["errors"] == {"origin_id": ["has already been taken"]}
    subcontract = {"project_id": work.project, "work_order_contract": {"number": "SC-8", "origin_id": "x"}}
    assert procore.call("POST", "/rest/v1.0/work_order_contracts", subcontract).status == 201
    procore.core.options["origin_clash_status"] = 409
    assert procore.call("POST", "/rest/v1.0/purchase_order_contracts", body).status == 409


def test_a_deleted_contract_is_seen_only_when_asked_for(procore: Caller, work: Work) -> None:
    procore.act("delete_commitment", number="PO-1001-01")
    path = "/rest/v1.0/purchase_order_contracts"
    assert procore.get(path, project_id=work.project) == []
    gone = procore.get(path, project_id=work.project, filters__include_deleted="only")
    assert gone[0]["number"] == "PO-1001-01" and gone[0]["deleted_at"]


def test_a_variation_changes_the_contract_once_it_is_approved(procore: Caller, work: Work) -> None:
    lines = [{"code": "05-100", "type": "S", "amount": "1500.50", "description": "More"}]
    procore.act("create_variation", commitment="SC-1001-01", number="001", title="More steel", lines=lines, status="pending")
    header = procore.contract("SC-1001-01")
    assert (header["approved_change_orders"], header["pending_change_orders"]) == ("0.00", "1500.50")
    procore.act("set_variation_status", commitment="SC-1001-01", number="001", status="approved")
    header = procore.contract("SC-1001-01")
    assert (header["grand_total"], header["revised_contract"]) == ("180000.00", "181500.50")
    path = f"/rest/v1.0/projects/{work.project}/commitment_change_orders"
    answer = procore.call("GET", path)
    assert "Total" not in answer.headers and answer.json()[0]["status"] == "approved"
    order = answer.json()[0]["id"]
    v2 = f"/rest/v2.0/companies/4100/projects/{work.project}/commitment_change_orders/{order}/line_items"
    assert procore.get(v2)["data"][0]["wbs_code_id"] == str(work.codes["05-100.S"])
    assert procore.call("POST", v2, {"wbs_code_id": str(work.codes["05-100.S"]), "amount": "1"}).status == 422


def test_an_invoice_is_numbered_and_computed(procore: Caller, work: Work) -> None:
    contract = procore.contract("SC-1001-01")
    line = work.lines(contract)[0]["id"]
    invoice = work.invoice(contract, line, "45000.00", invoice_number="INV-1", origin_id="inv-1").json()
    assert invoice["number"] == 1 and invoice["total_claimed_amount"] == "45000.00"
    assert invoice["percent_complete"] == "25.00%" and invoice["items"][0]["scheduled_value"] == "180000.00"
    assert procore.contract("SC-1001-01")["total_requisitions_amount"] == "45000.00"
    procore.act("add_billing_period", project="1001", start="2026-12-01", end="2026-12-31", due="2027-01-20")
    second = procore.get(f"/rest/v1.0/projects/{work.project}/billing_periods")[1]["id"]
    later = work.invoice(contract, line, "5000.00", period=second).json()
    assert later["number"] == 2 and later["items"][0]["work_completed_from_previous_application"] == "45000.00"
    found = procore.get("/rest/v1.1/requisitions", project_id=work.project, filters__origin_id="inv-1")
    assert [row["id"] for row in found] == [invoice["id"]] and "items" not in found[0]


def test_a_server_that_keeps_nothing_single_takes_the_same_invoice_twice(procore: Caller, work: Work) -> None:
    contract = procore.contract("SC-1001-01")
    line = work.lines(contract)[0]["id"]
    first = work.invoice(contract, line, "10.00", origin_id="inv-1")
    assert (first.status, work.invoice(contract, line, "10.00", origin_id="inv-1").status) == (201, 422)
    procore.core.options["keeps_invoices_single"] = False
    again = work.invoice(contract, line, "10.00", origin_id="inv-1")
    assert again.status == 201 and again.json()["id"] != first.json()["id"]
    found = procore.get("/rest/v1.1/requisitions", project_id=work.project, filters__origin_id="inv-1")
    assert len(found) == 2


def test_an_invoice_needs_an_open_period_an_approved_commitment_and_a_free_place(procore: Caller, work: Work) -> None:
    contract = procore.contract("SC-1001-01")
    line = work.lines(contract)[0]["id"]
    procore.act("set_commitment_status", number="SC-1001-01", status="Out For Signature")
    assert work.invoice(contract, line, "1").json()["errors"] == {"commitment_id": ["must be at approved status"]}
    procore.act("set_commitment_status", number="SC-1001-01", status="Approved")
    assert work.invoice(contract, line, "1").status == 201
    assert "period_id" in work.invoice(contract, line, "1").json()["errors"]
    procore.act("close_billing_period", project="1001", start="2026-11-01")
    order = procore.contract("PO-1001-01")
    refused = work.invoice(order, work.lines(order, "purchase_order_contracts")[0]["id"], "1")
    assert refused.status == 422 and refused.json()["errors"] == {"period_id": ["must be an open billing period"]}


@pytest.mark.parametrize(
    ("prevent", "allow", "status"), [(True, True, 422), (True, False, 422), (False, False, 422), (False, True, 201)]
)
def test_over_billing_needs_both_settings(procore: Caller, work: Work, prevent: bool, allow: bool, status: int) -> None:
    procore.act("set_overbilling", project="1001", prevent=prevent, allow=allow)
    contract = procore.contract("SC-1001-01")
    assert work.invoice(contract, work.lines(contract)[0]["id"], "180000.01").status == status


def test_a_refused_change_of_an_invoice_changes_nothing(procore: Caller, work: Work) -> None:
    contract = procore.contract("SC-1001-01")
    invoice = work.invoice(contract, work.lines(contract)[0]["id"], "100.00").json()
    items = [{"id": invoice["items"][0]["id"], "item_type": "contract_item", "work_completed_this_period": "180000.01"}]
    body = {"project_id": work.project, "commitment_id": contract["id"], "requisition": {"items": items}}
    path = f"/rest/v1.1/requisitions/{invoice['id']}"
    assert procore.call("PATCH", path, body).status == 422
    assert procore.get(path, project_id=work.project)["total_claimed_amount"] == "100.00"
    bulk = {"requisition_items": [{**items[0], "work_completed_this_period": "250.00"}]}
    path0 = f"/rest/v1.0/requisitions/{invoice['id']}/bulk_item_update"
    answer = procore.call("PATCH", path0, bulk, project_id=work.project)
    assert answer.status == 200 and answer.body == b""
    assert procore.get(path, project_id=work.project)["total_claimed_amount"] == "250.00"


def test_only_the_latest_open_invoice_can_be_deleted(procore: Caller, work: Work) -> None:
    contract = procore.contract("SC-1001-01")
    invoice = work.invoice(contract, work.lines(contract)[0]["id"], "100.00").json()
    path = f"/rest/v1.1/requisitions/{invoice['id']}"
    procore.act("approve_requisition", commitment="SC-1001-01", number=1)
    assert procore.call("DELETE", path, project_id=work.project).status == 422
    procore.act("approve_requisition", commitment="SC-1001-01", number=1, status="draft")
    assert procore.call("DELETE", path, project_id=work.project).status == 200
    assert procore.contract("SC-1001-01")["total_requisitions_amount"] == "0.00"


def test_an_approved_package_is_added_to_an_invoice(procore: Caller, work: Work) -> None:
    lines = [{"code": "05-100", "type": "S", "amount": "800.00", "description": "More"}]
    order = procore.act("create_variation", commitment="SC-1001-01", number="001", title="V", lines=lines)
    package = procore.get(f"/rest/v1.0/projects/{work.project}/commitment_change_orders/{order}")["legacy_package_id"]
    contract = procore.contract("SC-1001-01")
    invoice = work.invoice(contract, work.lines(contract)[0]["id"], "100.00").json()
    path = f"/rest/v1.0/requisitions/{invoice['id']}"
    query = {"commitment_id": contract["id"], "project_id": work.project, "change_order_package_id": package}
    items = procore.call("POST", f"{path}/add_change_order_package", **query).json()
    assert items[0]["change_order_package_id"] == package
    bill = {"id": items[0]["id"], "item_type": "change_order_item", "work_completed_this_period": "300.00"}
    assert procore.call("PATCH", f"{path}/bulk_item_update", {"requisition_items": [bill]}, project_id=work.project).status == 200
    assert procore.get(f"/rest/v1.1/requisitions/{invoice['id']}", project_id=work.project)["total_claimed_amount"] == "400.00"


def test_payments_lower_the_balance_and_an_external_id_fixes_them(procore: Caller, work: Work) -> None:
    contract = procore.contract("SC-1001-01")
    scope = {"project_id": work.project, "contract_id": contract["id"]}
    body = {**scope, "contract_payment": {"amount": "80000.00", "date": "2026-12-20", "origin_id": "pay-1"}}
    payment = procore.call("POST", "/rest/v1.0/contract_payments", body).json()
    header = procore.contract("SC-1001-01")
    assert (header["total_payments"], header["remaining_balance_outstanding"]) == ("80000.00", "100000.00")
    path = f"/rest/v1.0/contract_payments/{payment['id']}"
    assert procore.call("PATCH", path, {**scope, "contract_payment": {"amount": "1"}}).status == 422
    assert procore.call("DELETE", path, **scope).status == 422
    assert procore.call("PATCH", path, {**scope, "contract_payment": {"origin_id": None}}).status == 200
    assert procore.call("DELETE", path, **scope).status == 200


def test_a_direct_cost_is_whole_or_not_at_all(procore: Caller, work: Work) -> None:
    path = f"/rest/v1.1/projects/{work.project}/direct_costs"
    line: Json = {"wbs_code_id": work.codes["01-100.L"], "manual_amount": 845.05, "origin_id": "l-1"}
    cost: Json = {"direct_cost_type": "invoice", "vendor_id": work.vendor, "invoice_number": "I-1", "origin_id": "d-1"}
    bad = {"direct_cost": {**cost, "line_items": [line, {"wbs_code_id": 1, "manual_amount": 1}]}}
    assert procore.call("POST", path, bad).status == 422
    assert procore.get(path) == []
    made = procore.call("POST", path, {"direct_cost": {**cost, "line_items": [line, {**line, "origin_id": "l-2"}]}}).json()
    assert made["grand_total"] == "1690.10" and made["line_items_count"] == 2
    (listed,) = procore.get(path, filters__origin_id="d-1")
    assert "line_items" not in listed and listed["vendor"] == "Pacific Concrete Ltd"
    assert procore.call("POST", path, {"direct_cost": {**cost, "line_items": [line] * 101}}).status == 422
    rows = {"updates": [{"origin_id": "d-1", "status": "approved"}, {"origin_id": "d-9", "direct_cost_type": "invoice"}]}
    synced = procore.call("PATCH", f"/rest/v1.0/projects/{work.project}/direct_costs/sync", rows).json()
    assert synced["entities"][0]["status"] == "approved" and "vendor_id" in synced["errors"][0]["errors"]


def test_a_locked_budget_refuses_changes(procore: Caller, work: Work) -> None:
    rows = procore.get("/rest/v1.0/budget_views/9001/detail_rows", project_id=work.project)
    assert [row["original_budget_amount"] for row in rows] == ["50000.00", "100000.00", "200000.00"]
    one = procore.get(
        "/rest/v1.0/budget_views/9001/detail_rows", project_id=work.project, **{"budget_line_item_id[]": rows[1]["id"]}
    )
    assert [row["cost_code"] for row in one] == ["03-300 - Cast in Place"]
    path = f"/rest/v1.1/budget_line_items/{rows[0]['id']}"
    body = {"project_id": work.project, "budget_line_item": {"original_budget_amount": 5}}
    procore.call("POST", f"/rest/v1.0/projects/{work.project}/budget/lock")
    assert procore.call("PATCH", path, body).status == 422
    procore.call("DELETE", f"/rest/v1.0/projects/{work.project}/budget/lock")
    assert procore.call("PATCH", path, body).json()["original_budget_amount"] == 5
