"""Tools of a project that its people switch off in the Procore simulator."""

import pytest

from simulators.kit.actions import BadAction
from tests.unit.simulators.procore_calls import Caller

pytestmark = pytest.mark.unit
SC = "SC-1001-01"
PAYMENTS, INVOICES, CONTRACTS = "/rest/v1.0/contract_payments", "/rest/v1.1/requisitions", "/rest/v1.0/work_order_contracts"


@pytest.fixture
def caller() -> Caller:
    caller = Caller()
    caller.act("create_requisition", commitment=SC, lines=[{"line": 1, "amount": "1000.00"}])
    return caller


def statuses(caller: Caller) -> dict[str, int]:
    """Of reading contracts, invoices and payments, and of payments by hand, of accounting, and of one for an invoice."""
    project = caller.project()
    [invoice] = caller.core.state()["requisitions"]
    scope = {"project_id": project, "contract_id": invoice["commitment_id"]}

    def paid(**fields: object) -> int:
        payment = {"date": "2026-11-19", "amount": "10.00", **fields}
        return caller.call("POST", PAYMENTS, {**scope, "contract_payment": payment}).status

    return {
        "contracts": caller.call("GET", CONTRACTS, project_id=project).status,
        "invoices": caller.call("GET", INVOICES, project_id=project).status,
        "payments": caller.call("GET", PAYMENTS, **scope).status,
        "by hand": paid(),
        "of accounting": paid(origin_id="pay-1"),
        "for an invoice": paid(origin_id="pay-2", requisition_id=invoice["id"]),
    }


@pytest.mark.parametrize(
    ("tool", "refused"),
    [
        ("commitments", {"contracts", "invoices", "payments", "by hand", "of accounting", "for an invoice"}),
        ("payments_issued", {"payments", "by hand", "of accounting", "for an invoice"}),
        ("erp_integrations", {"of accounting", "for an invoice"}),
        ("export_subcontractor_invoices", {"for an invoice"}),
    ],
)
def test_a_tool_that_is_off_refuses_what_needs_it_and_nothing_else(caller: Caller, tool: str, refused: set[str]) -> None:
    caller.act("set_tool", project="1001", tool=tool, on=False)
    assert {name for name, status in statuses(caller).items() if status == 403} == refused
    caller.act("set_tool", project="1001", tool=tool, on=True)
    assert set(statuses(caller).values()) <= {200, 201, 422}, "422: its external id stands already"


def test_an_unknown_tool_cannot_be_switched(caller: Caller) -> None:
    with pytest.raises(BadAction, match="no tool drawings"):
        caller.act("set_tool", project="1001", tool="drawings", on=False)
