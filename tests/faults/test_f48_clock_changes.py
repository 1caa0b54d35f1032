"""F48: the two days in Pacific/Auckland that have no 24 hours, and dates without a time."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from tasks.slots import claimed
from tests.faults.stand import Stand

pytestmark = pytest.mark.fault("F48")
ZONE = ZoneInfo("Pacific/Auckland")
#: 2026-09-27: 02:00 becomes 03:00, so 02:30 does not exist. 2027-04-04: 03:00 becomes 02:00, so 02:30 comes twice.
DAYS = [datetime(2026, 9, 27, tzinfo=ZONE), datetime(2027, 4, 4, tzinfo=ZONE)]


@pytest.mark.parametrize("day", DAYS, ids=["gap", "fold"])
def test_half_past_two_runs_once(world: Any, day: datetime) -> None:
    """Two beats tick every ten minutes through the night; the slots are claimed in Postgres."""
    world.save(auto_push_cron="30 2 * * *", auto_push_invoices=True)
    now, end, ran = day.astimezone(UTC) - timedelta(hours=1), day.astimezone(UTC) + timedelta(hours=6), Counter[str]()
    while now < end:
        for schedule in ("lentune_invoice_push", "nightly_full", "reconcile"):
            for late in (timedelta(), timedelta(seconds=7)):
                ran.update(f"{schedule} {link.system} {now.astimezone(ZONE):%d}" for link in claimed(schedule, now + late)
                           if link.company_id == world.company)  # fmt: skip
        now += timedelta(minutes=10)
    today = f"{day:%d}"
    assert ran[f"lentune_invoice_push lentune {today}"] == 1
    for system in ("procore", "lentune"):
        assert ran[f"nightly_full {system} {today}"] == 1
        assert ran[f"reconcile {system} {today}"] == 1


def test_dates_do_not_shift(site: Stand) -> None:
    """An invoice's date is a date: it has no time, and no zone moves it."""
    dates = [f"{day:%Y-%m-%d}" for day in DAYS] + ["2026-01-01", "2026-12-31"]
    invoices = {site.new_invoice(date=date): date for date in dates}
    for invoice in invoices:
        site.wait_state("invoice", invoice)
    there = {row["invoice_number"]: row["direct_cost_date"] for row in site.state("procore", "direct_costs")}
    assert {invoice: there[invoice] for invoice in invoices} == invoices
