"""What people do to the copies that we wrote: in Lentune to Procore's orders, in Procore to costs, bills and our orders."""

from typing import Any

from tests.mill.people import Act, People


def _order(p: People) -> dict[str, Any]:
    """A copy in Lentune."""
    orders = p.rows("lentune", "purchase_orders") + p.rows("lentune", "subcontracts")
    return dict(p.one([row for row in orders if row.get("external") and row.get("origin", "procore") == "procore"]))


def _ours(p: People, kind: str) -> dict[str, Any]:
    """A copy in Procore."""
    return dict(p.one([row for row in p.rows("procore", kind) if row["origin_id"]]))


def describe_copy(p: People) -> Any:
    return p.act("lentune", "change_order", number=_order(p)["number"], description=f"Theirs {p.random.randrange(100)}")


def price_copy(p: People) -> Any:
    return p.act("lentune", "change_order", number=_order(p)["number"], amount=p.money())


def delete_copy(p: People) -> Any:
    return p.act("lentune", "delete_order", number=_order(p)["number"])


def change_cost(p: People) -> Any:
    number = _ours(p, "direct_costs")["invoice_number"]
    change = {"amount": p.money(900)} if p.random.random() < 0.5 else {"description": "Theirs"}
    return p.act("procore", "change_direct_cost", number=number, **change)


def delete_cost(p: People) -> Any:
    return p.act("procore", "delete_direct_cost", number=_ours(p, "direct_costs")["invoice_number"])


def _contract_of(p: People, bill: dict[str, Any]) -> str:
    contracts = p.rows("procore", "purchase_order_contracts") + p.rows("procore", "work_order_contracts")
    return str(next(row["number"] for row in contracts if row["id"] == bill["commitment_id"]))


def delete_bill(p: People) -> Any:
    bill = _ours(p, "requisitions")
    return p.act("procore", "delete_requisition", commitment=_contract_of(p, bill), invoice_number=bill["invoice_number"])


def return_bill(p: People) -> Any:
    """A pay application goes back to its writer."""
    bill = _ours(p, "requisitions")
    return p.act(
        "procore", "approve_requisition", commitment=_contract_of(p, bill), number=bill["number"], status="revise_and_resubmit"
    )


def rename_our_order(p: People) -> Any:
    return p.act("procore", "edit_commitment", number=_ours(p, "purchase_order_contracts")["number"], title="Theirs")


def delete_our_order(p: People) -> Any:
    return p.act("procore", "delete_commitment", number=_ours(p, "purchase_order_contracts")["number"])


MEDDLING: tuple[Act, ...] = (
    describe_copy, describe_copy, price_copy, price_copy, delete_copy, change_cost, delete_cost, delete_bill, return_bill,
    rename_our_order, delete_our_order,
)  # fmt: skip
