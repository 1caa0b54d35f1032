"""F16: nobody works on what comes in; deliveries are still stored and answered in time."""

import signal
from collections.abc import Callable

import pytest

from tests.faults.hooks import Hook, of_contract
from tests.faults.stand import Stand
from tests.worker.running import family

pytestmark = pytest.mark.fault("F16")
#: Deliveries, and how many a second. The five minutes of P5 are a benchmark of their own.
MANY, RATE = 600, 200


def test_a_backlog_slows_no_answer(site: Stand, record_property: Callable[[str, object], None]) -> None:
    number = site.new_commitment()
    record = site.wait_state("commitment", number)
    site.wait_quiet()
    _, contract = record["source_id"].split(":")
    events = [of_contract(contract, record["project_id"]) for _ in range(MANY)]
    stopped = set().union(*(family(pid) for pid in site.pids["worker"]))
    for pid in stopped:
        site.kill(pid, signal.SIGSTOP)
    answers = Hook(site, "procore").deliver_all(events, RATE, senders=32)
    waiting = site.rows("SELECT count(*) AS n FROM event WHERE state = 'received'")[0]["n"]
    for pid in stopped:
        site.go_on(pid)
    took = sorted(seconds for _, seconds in answers)
    p99 = took[int(len(took) * 0.99) - 1]
    record_property("p99_ms", round(p99 * 1000))
    record_property("max_ms", round(took[-1] * 1000))
    assert {status for status, _ in answers} == {202}
    assert waiting == MANY, "somebody worked: the test is about nothing"
    assert took[-1] <= 2.0, f"p99 {p99 * 1000:.0f} ms, longest {took[-1] * 1000:.0f} ms"
    site.wait_quiet(60)
    ids = [event["ulid"] for event in events]
    states = site.rows("SELECT DISTINCT state FROM event WHERE event_id = ANY(%s)", ids)
    assert [row["state"] for row in states] == ["done"], "what was answered is settled"
    assert site.record("commitment", number)["state"] == "synced"
