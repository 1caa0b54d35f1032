"""Real workers, real broker, simulators over HTTP: what people do on one side arrives on the other by its webhook.

What happens when workers, broker or database fail on the way stands in tests/faults.
"""

import sys
from collections.abc import Iterator

import pytest

from tests.faults.stand import Stand, opened

pytestmark = [pytest.mark.worker, pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")]


@pytest.fixture(scope="module")
def stack() -> Iterator[Stand]:
    with opened() as running:
        yield running


def test_what_a_person_does_on_one_side_is_on_the_other_by_its_webhook(stack: Stand) -> None:
    stack.act("procore", "create_project", number="1009", name="Wharf", stage="Course of Construction", region="Auckland")
    there = stack.wait(lambda: stack.state("lentune", "projects", code="1009"), 20, "no project in Lentune")
    assert there[0]["description"] == "Wharf"
    stack.act("lentune", "create_invoice", number="INV-1", supplier="Pacific Concrete Ltd", date="2026-11-10", project="1001",
              lines=[{"code": "03-300", "type": "M", "net": "12.34", "description": "Sand"}])  # fmt: skip
    stack.wait_state("invoice", "INV-1", seconds=20)
    cost = stack.state("procore", "direct_costs")
    assert [(c["invoice_number"], c["grand_total"], c["status"]) for c in cost] == [("INV-1", "12.34", "approved")]
    assert stack.rows("SELECT count(*) AS n FROM scan_cursor WHERE kind = 'invoice'")[0]["n"] <= 1, "no pass ran meanwhile"
