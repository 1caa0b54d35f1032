"""The demo company played into the Lentune simulator by hand: every planted fault shows, and only those."""

import pytest

from simulators import datasets
from simulators.lentune.core import BASE, OPERATIONS
from tests.unit.simulators.lentune_calls import COMPANY, Caller, Json, by_procore, external
from tests.unit.simulators.lentune_document import operations

pytestmark = pytest.mark.unit
DEMO = datasets.load("demo")["procore"]
SUBCONTRACT_STATUS = {"Approved": "approved", "Draft": "draft", "Out For Signature": "draft"}
LENTUNE_REFUSES = {
    "SC-1001-04": "description_missing",
    "PO-1002-03": "schedule_of_values_empty",
    "PO-1002-04": "line_description_missing",
    "PO-1002-05": "line_value_missing",
    "PO-0900": "po_number_not_unique",
    "SC-1002-02": "cost_code_not_synced",
    "PO-1001-03": "cost_code_not_synced",
}
NOT_READY = {
    "INV-5010": "invoice_cost_code_missing", "INV-5011": "cost_code_without_cost_type",
    "INV-5012": "invoice_not_approved", "INV-5016": "invoice_project_missing",
}  # fmt: skip


def code_text(entry: Json) -> str:
    return f"{entry['sub_job']}.{entry['code']}" if entry.get("sub_job") else str(entry["code"])


class Carrier:
    """Carries the data set's Procore side over, as a connector would, with running Procore ids."""

    def __init__(self) -> None:
        self.caller = Caller("demo")
        self.projects: dict[str, Json] = {}
        self.codes: dict[tuple[str, str, str], str] = {}
        self.refused: dict[str, str] = {}
        self.next_id = 100
        for entry in DEMO["cost_types"]:
            self.caller.cost_type(entry["code"], self.procore_id())

    def procore_id(self) -> str:
        self.next_id += 1
        return str(self.next_id)

    def project(self, spec: Json) -> None:
        own = self.procore_id()
        stored = self.caller.project(spec["number"], own, region=spec["region"], description=spec["name"])
        self.projects[spec["number"]] = stored
        for entry in spec["budget"]:
            sub_job = entry.get("sub_job") and {
                "procore_sub_job_id": "1",
                "code": entry["sub_job"],
                "name": "Building B",
            }
            code = self.caller.cost_code(
                stored, code_text(entry), self.procore_id(), cost_type_code=entry["type"], sub_job=sub_job or None
            )
            self.codes[spec["number"], code_text(entry), entry["type"]] = code["id"]

    def commitment(self, spec: Json) -> None:
        own = self.procore_id()
        lines = [
            {"external_line_id": self.procore_id(), "amount": entry["amount"], "description": entry["description"],
             "cost_code_id": self.codes.get((spec["project"], code_text(entry), entry["type"]), "none")}
            for entry in spec["lines"]
        ]  # fmt: skip
        order = spec["type"] == "po"
        kind = "purchase_order_contract" if order else "work_order_contract"
        body = {"number": spec["number"], "description": spec["title"], "supplier_name": spec["vendor"],
                "project_id": self.projects[spec["project"]]["id"], "lines": lines, "external": external(kind, own),
                "status": SUBCONTRACT_STATUS[spec["status"]]}  # fmt: skip
        path = by_procore("purchase-orders" if order else "subcontracts", own)
        answer = self.caller.send("PUT", path, body)
        if answer.status >= 400:
            self.refused[spec["number"]] = answer.json()["code"]


def test_the_demo_company_played_by_hand() -> None:
    carrier = Carrier()
    for spec in DEMO["projects"][:3]:
        carrier.project(spec)
    for spec in DEMO["commitments"]:
        carrier.commitment(spec)
    carrier.caller.pass_time()
    assert carrier.refused == LENTUNE_REFUSES
    orders = carrier.caller.everything("/purchase-orders")
    assert [row["number"] for row in orders if row["warnings"]] == ["PO-1001-04"]
    projects = carrier.caller.everything("/projects")
    assert [row["code"] for row in projects if row["warnings"]] == ["1002"]
    held = {row["number"]: row for row in carrier.caller.core.state()["invoices"]}
    gaps = {number: row["posting_reason"].split()[-1] for number, row in held.items() if row["posting"]["state"] == "not_ready"}
    assert gaps == NOT_READY
    targets = {number: row["posting"]["target"] for number, row in held.items() if number not in NOT_READY}
    assert {number for number, target in targets.items() if target == "direct_cost"} == {
        "INV-5003", "INV-5004", "INV-5008", "INV-5014", "INV-5015",
    }  # fmt: skip
    assert [number for number, target in targets.items() if target == "accounting"] == ["INV-5009"]


def test_everything_documented_is_answered() -> None:
    documented = {(method, path) for _, path, method, _ in operations()}
    assert documented - {("GET", "/health")} == {(method, path) for method, path, _ in OPERATIONS}


def test_large_and_empty() -> None:
    caller = Caller("large", objects=50)
    assert len(caller.everything("/suppliers")) == 50
    caller.core.reset()
    caller.token = caller.sign_in().json()["access_token"]
    assert caller.get("/procore-companies")["data"] == []
    assert caller.refused("GET", f"/procore-companies/{COMPANY}/settings") == (404, "not_found")
    assert caller.core.router.match("GET", f"{BASE}/branches") is not None


def test_the_same_seed_gives_the_same_answers_and_a_rollback_restores() -> None:
    first, second = Carrier(), Carrier()
    first.project(DEMO["projects"][0])
    second.project(DEMO["projects"][0])
    assert first.caller.core.state() == second.caller.core.state()
    before = first.caller.core.state()
    first.caller.core.snapshot()
    first.project(DEMO["projects"][1])
    first.caller.core.rollback()
    assert first.caller.core.state() == before
