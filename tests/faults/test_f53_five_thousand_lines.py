"""F53: 5,000 lines. Written in parts, resumed at the part where a worker was killed, every line once, with little memory."""

import json
import urllib.request
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest

from tests.faults.desk import Traffic
from tests.faults.judging import judge
from tests.faults.people import PROJECT, SUPPLIER, VENDOR, line
from tests.faults.stand import Stand, opened

pytestmark = [pytest.mark.fault("F53"), pytest.mark.slow, pytest.mark.timeout(400)]

LINES, IN_A_CALL, MOST_MB = 5000, 1000, 256
#: Amounts whose sum shows any line that is missing or doubled.
AMOUNTS = [Decimal(n) / 100 for n in range(1, LINES + 1)]


@pytest.fixture(scope="module")
def large() -> Iterator[Stand]:
    """A stack with the time that requests of this size need."""
    times = {"REQUEST_SECONDS": "20", "SOFT_LIMIT_SECONDS": "40", "HARD_LIMIT_SECONDS": "44", "LEASE_SECONDS": "46",
             "VISIBILITY_SECONDS": "95"}  # fmt: skip
    with opened(**times) as site:
        site.begin()
        yield site


def peak_mb(site: Stand) -> float:
    """The largest resident set that any worker process ever had."""
    peaks = []
    for pid in {*site.pool(0), *site.pool(1), *site.pids["worker"]}:
        status = Path(f"/proc/{pid}/status")
        if status.exists():
            peaks += [int(row.split()[1]) / 1024 for row in status.read_text().splitlines() if row.startswith("VmHWM")]
    return max(peaks)


def test_an_invoice_goes_in_parts_and_resumes_at_the_part_that_was_cut(large: Stand) -> None:
    site, traffic = large, Traffic(large, "procore")
    entries = [{"code": "05-100", "type": "S", "net": str(amount), "description": f"Line {n}"}
               for n, amount in enumerate(AMOUNTS, 1)]  # fmt: skip
    site.arm("outcome_stored", "kill", "lines-20")
    invoice = site.new_invoice(supplier=SUPPLIER, lines=entries)
    killed = site.taken("outcome_stored", seconds=60)
    done = {w["step"] for w in site.writes("invoice", invoice) if w["state"] == "confirmed"}
    assert "lines-10" in done and "lines-50" not in done, "in the middle"
    record = site.wait_state("invoice", invoice, seconds=200)
    assert killed not in site.pool(0) | site.pool(1)
    [cost] = site.state("procore", "direct_costs", invoice_number=invoice)
    assert sorted(Decimal(each["amount"]) for each in cost["lines"]) == AMOUNTS
    assert Decimal(cost["grand_total"]) == sum(AMOUNTS)
    assert len(site.created("procore", "direct_cost_line_items")) == LINES
    sends = {w["step"]: w["sends"] for w in site.writes("invoice", invoice) if w["step"].startswith("lines-")}
    tries = site.rows("SELECT outcome, note FROM attempt WHERE record_id = %s ORDER BY id", record["id"])
    assert sum(sends.values()) <= len(sends) + len(tries) - 1, f"a try repeats one part at most: {tries}"
    assert len(traffic.of("PATCH", "/line_items/sync$")) >= LINES / IN_A_CALL
    assert peak_mb(site) <= MOST_MB
    site.wait_quiet(60)
    assert judge(site) == []


def test_a_schedule_of_values_arrives_whole_once(large: Stand) -> None:
    site = large
    order = site.number("PO-")
    site.fault("procore", "drop", on="delivery")  # two webhooks for each line are another row's matter (F18)
    _act_slowly(site, "create_commitment", project=PROJECT, type="po", number=order, title="Large", vendor=VENDOR,
                lines=[line(str(amount)) for amount in AMOUNTS])  # fmt: skip
    site.scan("procore", kinds=["commitment"])
    site.wait_state("commitment", order, seconds=200)
    [there] = site.state("lentune", "purchase_orders", number=order)
    assert [Decimal(each["amount"]) for each in there["lines"]] == AMOUNTS
    assert Decimal(there["total"]) == sum(AMOUNTS)
    assert len([e for e in site.created("lentune", "purchase_order") if e["remote_id"] == there["id"]]) == 1
    assert peak_mb(site) <= MOST_MB
    site.wait_quiet(120)
    assert judge(site) == []


def _act_slowly(site: Stand, action: str, **args: object) -> None:
    """The simulated Procore adds a schedule of values up anew with each of its lines."""
    body = json.dumps({"action": action, "args": args}).encode()
    request = urllib.request.Request(f"{site.url['procore']}/_sim/act", body, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=150) as answer:
        assert answer.status == 200
