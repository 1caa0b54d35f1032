"""F32: an outside system's answers change: new fields, missing ones, other types, words nobody knows."""

from typing import Any

import pytest

from tests.faults.stand import Stand

pytestmark = pytest.mark.fault("F32")
CONTRACT = {"method": "GET", "path": r"/work_order_contracts/\d+$"}
AMOUNT = "line_items.*.amount"
INVOICE = {"method": "GET", "path": r"/invoices/[^/]+$"}


def test_new_fields_change_nothing(site: Stand) -> None:
    change = {"brand_new": {"deep": [1, 2]}, "amount": "999999.99", "line_items.*.amount_in_dollars": "999999.99"}
    fault = site.fault("procore", "mutate", CONTRACT, change=change)
    number = site.new_commitment(amount="1234.56")
    site.wait_state("commitment", number)
    assert site.fired("procore", fault)
    (there,) = site.state("lentune", "subcontracts", number=number)
    assert there["total"] == "1234.56"


@pytest.mark.parametrize(
    ("change", "path"),
    [
        ({"status": "Teleported"}, "status"),
        ({"status": None}, "status"),
        ({AMOUNT: None}, "amount"),
        ({AMOUNT: "twelve"}, "amount"),
        ({AMOUNT: [["60000.00"]]}, "amount"),
        ({AMOUNT: True}, "amount"),
    ],
    ids=["unknown-word", "missing-word", "missing-amount", "text-amount", "list-amount", "true-amount"],
)
def test_where_money_depends_on_it_nothing_is_guessed(site: Stand, change: dict[str, Any], path: str) -> None:
    fault = site.fault("procore", "mutate", CONTRACT, change=change)
    number = site.new_commitment(amount="77.00")
    project = site.record("project", "1001")["source_id"]
    (contract,) = site.state("procore", "work_order_contracts", number=number)
    source = f"work_order_contract:{contract['id']}"

    def parked() -> dict[str, Any]:
        rows = site.rows(
            "SELECT * FROM sync_record WHERE company_id = %s AND source_id = %s AND state = 'needs_attention'",
            site.company, source,
        )  # fmt: skip
        return rows[0] if rows else {}

    record = site.wait(parked, 20, "it was not set aside")
    (problem,) = record["problems"]
    if change != {AMOUNT: None}:
        assert problem["code"] == "not_understood" and path in problem["values"]["path"], problem
    else:
        assert problem["code"] == "line_value_missing", problem
    assert record["project_id"] == project and site.fired("procore", fault)
    assert not site.state("lentune", "subcontracts", number=number) and not site.writes("commitment", number)
    site.mend()
    site.act("procore", "edit_commitment", number=number, title="Repaired")
    site.wait_state("commitment", number)


@pytest.mark.parametrize(
    "change", [{"lines": None}, {"lines.*.net": "much"}, {"status": "teleported"}], ids=["lines", "net", "word"]
)
def test_an_invoice_that_cannot_be_read_is_not_posted(site: Stand, change: dict[str, Any]) -> None:
    site.fault("lentune", "mutate", INVOICE, change=change)
    invoice = site.new_invoice(net="88.00")
    one = site.state("lentune", "invoices", number=invoice)[0]["id"]

    def parked() -> list[dict[str, Any]]:
        return site.rows(
            "SELECT problems FROM sync_record WHERE source_id = %s AND state IN ('needs_attention', 'ignored', 'held')", one
        )

    found = site.wait(parked, 20, "it was not set aside")
    assert [p["code"] for p in found[0]["problems"]] == ["not_understood"]
    assert not site.state("procore", "direct_costs", invoice_number=invoice)
    site.mend()
    site.act("lentune", "change_invoice", number=invoice, description="Repaired")
    site.scan("lentune", kinds=["invoice"])
    site.wait_state("invoice", invoice)
