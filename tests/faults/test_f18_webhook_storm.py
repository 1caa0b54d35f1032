"""F18: one person's doing sets off thousands of webhooks."""

import signal
import threading
import time

import pytest

from tests.faults.hooks import Hook, again, asked, last_asked, of_contract
from tests.faults.neighbour import neighbour
from tests.faults.stand import Stand
from tests.worker.running import family

pytestmark = pytest.mark.fault("F18")
STORM = 100


def test_a_contact_on_many_projects_costs_nothing(site: Stand) -> None:
    """One contact added to 1,000 projects: none of these events is about anything we move."""
    site.wait_quiet()
    site.wait(site.looked_again, 20, "earlier writes are still looked up")
    read = last_asked(site, "procore")
    storm = [again({**of_contract(n, n, "create", "Project Vendors")}) for n in range(1, 1001)]
    assert {status for status, _ in Hook(site, "procore").deliver_all(storm)} == {202}
    site.wait_quiet(60)
    assert not asked(site, "procore", read)


def test_events_that_wait_together_are_one_reading(site: Stand) -> None:
    """Ten contracts, thirty events each, while nobody works on them."""
    numbers = [site.new_commitment() for _ in range(10)]
    ids = [site.wait_state("commitment", number, seconds=60)["source_id"].split(":")[1] for number in numbers]
    project = site.record("project", "1001")["source_id"]
    site.wait_quiet()
    read = last_asked(site, "procore")
    stopped = set().union(*(family(pid) for pid in site.pids["worker"]))
    for pid in stopped:
        site.kill(pid, signal.SIGSTOP)
    storm = [of_contract(one, project) for _ in range(30) for one in ids]
    assert {status for status, _ in Hook(site, "procore").deliver_all(storm)} == {202}
    for pid in stopped:
        site.go_on(pid)
    site.wait_quiet(60)
    reads = asked(site, "procore", read, lambda e: e["path"].rpartition("/")[2] in ids)
    assert len(ids) <= len(reads) <= 2 * len(ids), f"{len(reads)} reads for {len(ids)} objects"


def test_a_storm_starves_no_other_company(site: Stand) -> None:
    """A hundred objects that nobody has seen yet, in a system that takes its time for each; the neighbour goes on."""
    with neighbour(site) as far:
        slow = site.fault("procore", "delay", {"path": "/work_order_contracts/"}, seconds=0.4)
        project = site.record("project", "1001")["source_id"]
        storm = [of_contract(900_000 + n, project) for n in range(STORM)]
        sender = threading.Thread(target=Hook(site, "procore").deliver_all, args=(storm,))
        sender.start()
        site.wait(lambda: site.fired("procore", slow) >= 2, 20, "the storm has not begun")
        took = []
        for _ in range(3):
            began, number = time.monotonic(), far.new_commitment()
            far.wait_state("commitment", number, seconds=60)
            took.append(round(time.monotonic() - began, 1))
        left = STORM - site.fired("procore", slow)
        sender.join()
        site.wait_quiet(90)
        assert left > 0, f"the storm was over before the neighbour was through ({took} s): the test is about nothing"
