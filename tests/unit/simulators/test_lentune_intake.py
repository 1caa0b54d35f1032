"""What Lentune takes from Procore and what it refuses: projects, codes, suppliers, commitments, variations."""

import json

import pytest

from simulators.kit.http import Request
from tests.unit.simulators.lentune_calls import (
    BASE,
    Caller,
    Json,
    by_procore,
    external,
    line,
    order_body,
    project_body,
    subcontract_body,
)

pytestmark = pytest.mark.unit
ORDER, SUBCONTRACT = by_procore("purchase-orders", "21"), by_procore("subcontracts", "31")


@pytest.fixture
def caller() -> Caller:
    return Caller()


@pytest.fixture
def project(caller: Caller) -> Json:
    return caller.project()


@pytest.fixture
def code(caller: Caller, project: Json) -> Json:
    caller.cost_type("M", "1")
    return caller.cost_code(project, "03-300", "41", cost_type_code="M")


def test_a_project_in_another_stage_stays_out_but_one_inside_stays_in(caller: Caller) -> None:
    path = by_procore("projects", "11")
    assert caller.refused("PUT", path, project_body(stage="Bidding")) == (422, "project_stage_not_allowed")
    caller.project()
    assert caller.put(path, project_body(stage="Completed"), 200)["stage"] == "Completed"


def test_branch_by_region_name(caller: Caller) -> None:
    assert caller.project(region=" auckland ")["warnings"] == []
    unmatched = caller.project("1002", "12", region="Northland")
    assert (unmatched["branch_id"], unmatched["warnings"][0]["code"]) == (None, "branch_unmatched")
    without = caller.project("1003", "13", region=None)
    assert (without["branch_id"], without["warnings"]) == (None, [])


def test_equal_hash_writes_nothing(caller: Caller) -> None:
    path = by_procore("projects", "11")
    body = project_body(external=external("project", "11", "aaa"))
    first = caller.put(path, body)
    again = caller.send("PUT", path, body)
    assert (again.status, again.headers["Content-Unchanged"]) == (200, "true")
    assert [entry["effect"] for entry in caller.core.ledger.entries] == ["created"]
    changed = caller.send("PUT", path, project_body(description="New", external=external("project", "11", "bbb")))
    assert (changed.json()["version"], changed.headers["ETag"]) == ("2", '"2"')
    assert changed.json()["id"] == first["id"]


def test_without_hash_the_content_counts(caller: Caller) -> None:
    path = by_procore("projects", "11")
    body = project_body()
    caller.put(path, body)
    later = body | {"external": body["external"] | {"procore_updated_at": "2026-11-20T09:00:00Z"}}
    assert caller.send("PUT", path, later).headers["Content-Unchanged"] == "true"


def test_a_stale_if_match_is_refused(caller: Caller, project: Json) -> None:
    # The document has no 412 here, so this one goes past the checker.
    headers = {"authorization": f"Bearer {caller.token}", "idempotency-key": "key-if-match", "if-match": '"9"'}
    body = json.dumps(project_body(description="New")).encode()
    sent = Request("PUT", BASE + by_procore("projects", "11"), [], headers, body)
    assert caller.core.handle(sent).status == 412


def test_a_taken_project_code_is_a_clash(caller: Caller, project: Json) -> None:
    clash = caller.refused("PUT", by_procore("projects", "12"), project_body("1001", "12"))
    assert clash == (409, "external_key_taken")


def test_what_lentune_had_already_is_linked_not_doubled() -> None:
    caller = Caller("demo")
    yard = caller.get("/projects", code="YARD")["data"][0]
    path, body = by_procore("projects", "99"), project_body("YARD", "99")
    assert caller.refused("PUT", path, body) == (409, "external_key_taken")
    caller.act("link_project", project="YARD", procore_id="99")
    assert caller.put(path, body, 200)["id"] == yard["id"]
    code = caller.get(f"/projects/{yard['id']}/cost-codes")["data"][0]
    same = {"code": "99-100", "description": "Sundry", "on_budget": True, "cost_type_code": "M",
            "external": external("cost_code", "5")}  # fmt: skip
    linked = caller.put(by_procore(f"projects/{yard['id']}/cost-codes", "5"), same, 200)
    assert (linked["id"], linked["on_budget"]) == (code["id"], True)


def test_young_records_can_be_hidden_from_lists(caller: Caller) -> None:
    caller.project()
    caller.core.faults.add({"on": "request", "action": "read_lag", "seconds": 10})
    assert caller.everything("/projects") == []
    assert caller.refused("GET", by_procore("projects", "11")) == (404, "not_found")
    caller.clock.advance(10)
    assert len(caller.everything("/projects")) == 1


def test_a_deleted_project_comes_back_with_its_id(caller: Caller, project: Json) -> None:
    caller.act("delete_project", project="1001")
    again = caller.put(by_procore("projects", "11"), project_body(), 200)
    assert (again["id"], again["deleted_at"]) == (project["id"], None)


def test_cost_types_and_suppliers_match_what_is_there(caller: Caller) -> None:
    known = caller.get("/suppliers", description=" pacific concrete LTD")["data"][0]
    body = {"description": "Pacific Concrete Ltd", "external": external("vendor", "7")}
    assert caller.put(by_procore("suppliers", "7"), body, 200)["id"] == known["id"]
    other = body | {"external": external("vendor", "8")}
    assert caller.refused("PUT", by_procore("suppliers", "8"), other) == (409, "external_key_taken")
    for _ in range(2):
        caller.act("create_supplier", name="Twin Ltd")
    twins = {"description": "Twin Ltd", "external": external("vendor", "9")}
    assert caller.refused("PUT", by_procore("suppliers", "9"), twins) == (409, "supplier_ambiguous")


def test_master_cost_codes(caller: Caller) -> None:
    path = by_procore("master-cost-codes", "3")
    body = {"code": "03-300", "description": "Concrete", "external": external("cost_code", "3")}
    assert caller.put(path, body)["active"] is True
    unknown = body | {"cost_type_code": "Z"}
    assert caller.refused("PUT", path, unknown) == (422, "validation_failed")
    assert len(caller.everything("/master-cost-codes")) == 1


def test_a_sub_job_code_is_an_ordinary_code_of_the_project(caller: Caller, project: Json, code: Json) -> None:
    sub_job = {"procore_sub_job_id": "77", "code": "B", "name": "Building B"}
    stored = caller.cost_code(
        project, "B.03-300", "41", cost_type_code="M", sub_job=sub_job, description="Building B - Concrete",
        external=external("sub_job_cost_code", "41"),
    )  # fmt: skip
    assert (stored["from_sub_job"], stored["sub_job"], stored["project_id"]) == (True, sub_job, project["id"])
    assert stored["id"] != code["id"]
    assert len(caller.everything(f"/projects/{project['id']}/cost-codes", on_budget="true")) == 2
    assert caller.everything(f"/projects/{project['id']}/cost-codes", on_budget="false") == []


def test_a_code_stands_once_per_project_and_cost_type(caller: Caller, project: Json, code: Json) -> None:
    path = by_procore(f"projects/{project['id']}/cost-codes", "42")
    same = {"code": "03-300", "description": "x", "on_budget": True, "cost_type_code": "M",
            "external": external("cost_code", "42")}  # fmt: skip
    assert caller.refused("PUT", path, same) == (409, "external_key_taken")
    assert caller.put(path, same | {"cost_type_code": None})["cost_type_id"] is None
    elsewhere = by_procore("projects/prj-999999/cost-codes", "43")
    assert caller.refused("PUT", elsewhere, same) == (404, "project_unknown")


def test_a_purchase_order_arrives(caller: Caller, project: Json, code: Json) -> None:
    order = caller.put(ORDER, order_body(project, [line(code, "60.10"), line(code, "-0.15", "2")]))
    assert (order["total"], order["origin"], order["warnings"]) == ("59.95", "procore", [])
    assert order["supplier_id"] == caller.get("/suppliers")["data"][0]["id"]
    changed = caller.put(ORDER, order_body(project, [line(code, "61.00")]), 200)
    assert changed["lines"][0]["id"] == order["lines"][0]["id"]
    assert caller.get(f"/purchase-orders/{order['id']}")["version"] == "2"
    assert caller.get("/purchase-orders", origin="lentune")["data"] == []
    assert caller.refused("GET", "/purchase-orders/po-999999") == (404, "not_found")


@pytest.mark.parametrize(
    ("changes", "refusal"),
    [
        ({"number": ""}, (422, "po_number_not_unique")),
        ({"number": None, "description": ""}, (422, "po_number_not_unique")),
        ({"description": " "}, (422, "description_missing")),
        ({"lines": []}, (422, "schedule_of_values_empty")),
        ({"project_id": "prj-999999"}, (422, "project_unknown")),
        ({"number": "x" * 61}, (400, "validation_failed")),
        ({"currency": "nz"}, (400, "validation_failed")),
    ],
)
def test_the_gate_on_headers(caller: Caller, project: Json, code: Json, changes: Json, refusal: tuple[int, str]) -> None:
    assert caller.refused("PUT", ORDER, order_body(project, [line(code)]) | changes) == refusal


@pytest.mark.parametrize(
    ("changes", "refusal"),
    [
        ({"description": ""}, (422, "line_description_missing")),
        ({"amount": None}, (422, "line_value_missing")),
        ({"amount": None, "description": ""}, (422, "line_description_missing")),
        ({"amount": "12.5"}, (400, "validation_failed")),
        ({"amount": 12.5}, (400, "validation_failed")),
        ({"cost_code_id": "pcc-999999"}, (422, "cost_code_not_synced")),
    ],
)
def test_the_gate_on_lines(caller: Caller, project: Json, code: Json, changes: Json, refusal: tuple[int, str]) -> None:
    body = order_body(project, [line(code), line(code, line_id="2", **changes)])
    assert caller.refused("PUT", ORDER, body) == refusal
    if refusal[0] == 422:
        assert caller.refused("PUT", SUBCONTRACT, subcontract_body(project, body["lines"])) == refusal


def test_a_refusal_names_every_field(caller: Caller, project: Json, code: Json) -> None:
    body = order_body(project, [line(code, description=""), line(code, amount=None)], description="")
    problem = caller.send("PUT", ORDER, body).json()
    assert problem["requirement"] == "L-29"
    assert [(error["path"], error["code"]) for error in problem["field_errors"]] == [
        ("/description", "description_missing"),
        ("/lines/0/description", "line_description_missing"),
        ("/lines/1/amount", "line_value_missing"),
    ]


def test_a_code_not_on_the_budget_holds_the_commitment_back(caller: Caller, project: Json, code: Json) -> None:
    late = caller.cost_code(project, "09-900", "42", on_budget=False)
    body = subcontract_body(project, [line(code), line(late, line_id="2")])
    assert caller.refused("PUT", SUBCONTRACT, body) == (422, "cost_code_not_on_budget")
    path = by_procore(f"projects/{project['id']}/cost-codes", "42")
    on_budget = {"code": "09-900", "description": "Paint", "on_budget": True, "external": external("cost_code", "42")}
    caller.put(path, on_budget, 200)
    assert caller.put(SUBCONTRACT, body)["module"] == "payment_claims"


def test_a_number_is_unique_in_the_tenant(caller: Caller, project: Json, code: Json) -> None:
    caller.put(ORDER, order_body(project, [line(code)]))
    other = order_body(project, [line(code)], "22")
    assert caller.refused("PUT", by_procore("purchase-orders", "22"), other) == (409, "po_number_not_unique")


def test_an_unknown_supplier_is_left_blank_until_a_person_fills_it(caller: Caller, project: Json, code: Json) -> None:
    body = order_body(project, [line(code)], supplier_name="Tasman Scaffolding Limited")
    order = caller.put(ORDER, body)
    assert (order["supplier_id"], order["warnings"][0]["code"]) == (None, "supplier_blank")
    filled = caller.act("set_order_supplier", number="PO-1", supplier="Southern Steel Ltd")
    assert filled["warnings"] == []
    again = caller.put(ORDER, body | {"description": "More concrete"}, 200)
    assert (again["supplier_id"], again["warnings"]) == (filled["supplier_id"], [])


def test_a_subcontract_is_not_a_purchase_order(caller: Caller, project: Json, code: Json) -> None:
    body = order_body(project, [line(code)], external=external("work_order_contract", "21"))
    assert caller.refused("PUT", ORDER, body) == (422, "subcontract_belongs_in_payment_claims")


def test_variations_sum_up_on_their_subcontract(caller: Caller, project: Json, code: Json) -> None:
    subcontract = caller.put(SUBCONTRACT, subcontract_body(project, [line(code)]))
    parent = {"kind": "subcontract", "id": subcontract["id"]}

    def variation(procore_id: str, amount: str, status: str) -> Json:
        return {"number": procore_id, "title": "Bracing", "status": status, "parent": parent,
                "lines": [line(code, amount)], "external": external("change_order", procore_id)}  # fmt: skip

    caller.put(by_procore("variations", "51"), variation("51", "8750.00", "approved"))
    caller.put(by_procore("variations", "52"), variation("52", "-2100.50", "Approved"))
    caller.put(by_procore("variations", "53"), variation("53", "4400.00", "pending"))
    assert caller.get("/subcontracts")["data"][0]["variations_total"] == "6649.50"
    assert len(caller.everything("/variations")) == 3
    lost = variation("54", "1.00", "approved") | {"parent": {"kind": "subcontract", "id": "sub-999999"}}
    assert caller.refused("PUT", by_procore("variations", "54"), lost) == (422, "validation_failed")


def test_pulling_can_be_switched_off(caller: Caller, project: Json, code: Json) -> None:
    caller.act("set_settings", settings={"pull_subcontracts": False, "pull_variations": False})
    assert caller.refused("PUT", SUBCONTRACT, subcontract_body(project, [line(code)])) == (403, "forbidden")
    assert caller.refused("PUT", by_procore("variations", "51"), {}) == (403, "forbidden")


def test_payment_claims_against_a_subcontract(caller: Caller, project: Json, code: Json) -> None:
    subcontract = caller.put(SUBCONTRACT, subcontract_body(project, [line(code)]))
    caller.act("create_payment_claim", subcontract="SC-1", reference="C1", claimed="50.00", status="received")
    claim = caller.get("/payment-claims", subcontract_id=subcontract["id"])["data"][0]
    assert (claim["claimed"], claim["status"]) == ("50.00", "received")
    caller.act("approve_payment_claim", reference="C1", amount="45.00")
    assert caller.get("/payment-claims", status="approved")["data"][0]["approved_amount"] == "45.00"
