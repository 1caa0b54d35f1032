"""F30: answers that are cut off, are no JSON, or say nothing of what was made."""

from typing import Any

import pytest

from tests.faults.stand import Stand

pytestmark = pytest.mark.fault("F30")
PAGE: dict[str, Any] = {"status": 200, "headers": {"Content-Type": "text/html"}, "body": "<html>Please wait</html>"}
CONTRACT = {"method": "GET", "path": "/work_order_contracts/"}
UPSERT = {"method": "PUT", "path": "/subcontracts/"}
POSTED = {"method": "POST", "path": "/requisitions$"}
COSTS = {"method": "PATCH", "path": "/direct_costs/sync"}


def test_a_document_arrives_once_whatever_its_answers_look_like(site: Stand) -> None:
    """Read and upsert: cut off, a page of some proxy, and an answer without an id, one after the other."""
    pids = site.pids["worker"]
    faults = [
        ("procore", site.fault("procore", "truncate", CONTRACT, times=1)),
        ("procore", site.fault("procore", "status", CONTRACT, times=1, **PAGE)),
        ("lentune", site.fault("lentune", "truncate", UPSERT, times=1)),
        ("lentune", site.fault("lentune", "status", UPSERT, times=1, **PAGE)),
        ("lentune", site.fault("lentune", "mutate", UPSERT, times=1, change={"id": None})),
    ]
    numbers = [site.new_commitment() for _ in range(3)]
    for number in numbers:
        site.wait_state("commitment", number)
    assert all(site.fired(system, fault) for system, fault in faults), "not every fault was met"
    assert sorted(row["number"] for row in site.state("lentune", "subcontracts") if row["number"] in numbers) == sorted(numbers)
    assert len(site.created("lentune", "subcontract")) == len(numbers)
    assert site.pids["worker"] == pids, "no worker fell over it"


@pytest.mark.parametrize(
    ("action", "spec"), [("truncate", {}), ("mutate", {"change": {"id": None}}), ("status", PAGE)], ids=["cut", "no-id", "page"]
)
def test_a_create_nobody_can_read_is_looked_up(site: Stand, action: str, spec: dict[str, Any]) -> None:
    order = site.new_commitment()
    site.wait_state("commitment", order)
    site.fault("procore", action, POSTED, times=1, **spec)
    invoice = site.new_invoice(order)
    site.wait_state("invoice", invoice, "checking")
    site.wait_state("invoice", invoice, seconds=40)
    assert len(site.created("procore", "requisitions")) == 1
    assert len(site.state("procore", "requisitions", invoice_number=invoice)) == 1


def test_a_direct_cost_survives_all_of_them(site: Stand) -> None:
    for action, spec in (("truncate", {}), ("status", PAGE), ("mutate", {"change": {"entities": None}})):
        site.fault("procore", action, COSTS, times=1, **spec)
    invoice = site.new_invoice(net="12.34")
    site.wait_state("invoice", invoice, seconds=60)
    (cost,) = site.state("procore", "direct_costs", invoice_number=invoice)
    assert (cost["grand_total"], cost["status"]) == ("12.34", "approved")
    assert len(site.created("procore", "direct_costs")) == 1
