"""Subcontractor invoices read to the cent: work and stored materials, what is held back of either, Procore's own totals."""

from decimal import Decimal
from typing import Any

import pytest

from connectors.calls import NotUnderstood
from connectors.procore.invoices import invoice

pytestmark = pytest.mark.unit


def record(*items: dict[str, Any], **more: Any) -> dict[str, Any]:
    lines = [{"id": place, "position": place, "line_item_id": 10 + place, **item} for place, item in enumerate(items, 1)]
    return {
        "id": 77, "project_id": 7, "billing_date": "2026-11-20", "status": "approved", "commitment_id": 5,
        "commitment_type": "WorkOrderContract", "items": lines, "attachments": [], **more,
    }  # fmt: skip


def read(*items: dict[str, Any], **more: Any) -> Any:
    return invoice(record(*items, **more), "7", "USD")


@pytest.mark.parametrize(("materials", "retained"), [
    ({}, "50.00"), ({"materials_stored_retainage_currently_retained": "100.00"}, "150.00"),
    ({"materials_stored_retainage_currently_retained": "300.00", "materials_stored_retainage_new_materials": "100.00"}, "150.00"),
    ({"materials_stored_retainage_currently_retained": "100.00", "materials_stored_retainage_released_this_period": "30.00"},
     "120.00"),
])  # fmt: skip
def test_what_is_held_back_of_stored_materials_counts_like_that_of_work(materials, retained):
    work = {"work_completed_this_period": "500.00", "work_completed_retainage_retained_this_period": "50.00"}
    made = read({**work, "materials_presently_stored": "1000.00", **materials})
    assert (made.net, made.retainage) == (Decimal("1500.00"), Decimal(retained))


def test_procores_own_totals_are_kept_for_comparing():
    assert read({"work_completed_this_period": "5.00"}, total_claimed_amount="6.00").claimed == Decimal("6.00")
    assert read({"work_completed_this_period": "5.00"}, summary={"current_payment_due": "4.50"}).due == Decimal("4.50")
    assert read({"work_completed_this_period": "5.00"}).due is None
    with pytest.raises(NotUnderstood):
        read({"work_completed_this_period": "5.00"}, summary={"current_payment_due": "4.505"})
