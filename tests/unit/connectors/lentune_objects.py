"""Objects as read from either side, with just what a test cares about changed."""

from datetime import date
from decimal import Decimal
from typing import Any

from objects import (
    BillingPeriod,
    Branch,
    BudgetCode,
    Commitment,
    CommitmentLine,
    CostType,
    Invoice,
    InvoiceLine,
    Project,
    SubJobRef,
    Variation,
    Vendor,
)  # fmt: skip

PO, SC = "purchase_order_contract", "work_order_contract"


def project(source_id: str = "11", **changes: Any) -> Project:
    return Project(**{"source_id": source_id, "number": "1001", "name": "Harbour View", "stage": "Course of Construction",
                      "region": "Auckland"} | changes)


def branch(name: str) -> Branch:
    return Branch("br-1", "B1", name)


def vendor(source_id: str, name: str, **changes: Any) -> Vendor:
    return Vendor(source_id, name, **changes)


def cost_type(source_id: str = "71", code: str = "M") -> CostType:
    return CostType(source_id, code, f"Type {code}")


def code(source_id: str = "501", number: str = "03-300", **changes: Any) -> BudgetCode:
    return BudgetCode(**{"source_id": source_id, "project_id": "11", "number": number, "name": "Cast in Place",
                         "cost_type_id": "71", "cost_type": "M", "amount": Decimal("240000.00")} | changes)


SUB_JOB = SubJobRef("91", "B", "Building B")


def line(source_id: str = "1", budget_code_id: str = "501", amount: str | None = "60000.00", **changes: Any) -> CommitmentLine:
    value = None if amount is None else Decimal(amount)
    return CommitmentLine(**{"source_id": source_id, "budget_code_id": budget_code_id, "code": "03-300.M",
                             "description": "Ready-mix", "amount": value} | changes)


def order(source_id: str = f"{PO}:21", *lines: CommitmentLine, **changes: Any) -> Commitment:
    form = "purchase_order" if source_id.startswith(PO) else "subcontract"
    return Commitment(**{
        "source_id": source_id, "project_id": "11", "form": form, "number": "PO-1", "name": "Concrete",
        "status": "approved", "source_status": "Approved", "currency": "NZD", "lines": lines or (line(),),
        "vendor_id": "31", "vendor_name": "Pacific Concrete Ltd",
    } | changes)


def variation(commitment_id: str, *lines: CommitmentLine, **changes: Any) -> Variation:
    return Variation(**{"source_id": "commitment_change_order:9", "project_id": "11", "commitment_id": commitment_id,
                        "number": "001", "name": "Extra", "status": "approved", "currency": "NZD",
                        "lines": lines or (line("77", amount="-2100.50"),), "commitment_number": "SC-1"} | changes)


def period(source_id: str = "61", start: str = "2026-11-01", end: str = "2026-11-30", status: str = "open") -> BillingPeriod:
    return BillingPeriod(source_id, "11", date.fromisoformat(start), date.fromisoformat(end), status)


def invoice_line(net: str = "100.00", **changes: Any) -> InvoiceLine:
    return InvoiceLine(**{"source_id": "il-1", "description": "Nails", "net": Decimal(net), "tax": Decimal("0.00"),
                          "project_id": "prj-1", "cost_code_id": "pcc-1"} | changes)


def invoice(*lines: InvoiceLine, **changes: Any) -> Invoice:
    held = lines or (invoice_line(),)
    net = sum((one.net for one in held), Decimal("0.00"))
    return Invoice(**{
        "source_id": "inv-1", "number": "INV-1", "supplier_id": "sup-1", "supplier_name": "", "date": date(2026, 11, 10),
        "status": "approved", "overhead": False, "currency": "NZD", "lines": held, "net": net, "tax": Decimal("0.00"),
        "gross": net,
    } | changes)
