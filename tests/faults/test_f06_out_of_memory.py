"""F06: a record whose handling needs more memory than its process may have (RLIMIT_AS, as a container's limit would)."""

import resource
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from tests.faults.people import line
from tests.faults.stand import Stand

pytestmark = [pytest.mark.fault("F06"), pytest.mark.slow]
#: Bytes left to a process above what it holds already; reading the large record takes several times as much.
LEFT = 16_000_000
LINES, TEXT = 300, "x" * 60_000


@contextmanager
def little_memory(site: Stand) -> Iterator[None]:
    """All processes of the pools, also those started meanwhile, by their parents' limit."""
    pids = [pid for n, parent in enumerate(site.pids["worker"]) for pid in (*site.pool(n), parent)]
    for pid in pids:
        held = int(Path(f"/proc/{pid}/statm").read_text().split()[0]) * resource.getpagesize()
        resource.prlimit(pid, resource.RLIMIT_AS, (held + LEFT, resource.RLIM_INFINITY))
    try:
        yield
    finally:
        for n, parent in enumerate(site.pids["worker"]):
            for pid in (*site.pool(n), parent):
                with suppress(ProcessLookupError):
                    resource.prlimit(pid, resource.RLIMIT_AS, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))


@contextmanager
def large_commitment(site: Stand) -> Iterator[str]:
    """Gone afterwards, or the rows after this one would never find the stack quiet."""
    large = site.new_commitment(lines=[line("1.00", description=f"Part {n} {TEXT}") for n in range(LINES)])
    try:
        yield large
    finally:
        site.act("procore", "delete_commitment", number=large)


def unread(site: Stand) -> dict[str, Any]:
    """The record of what nobody could read: not even its number is known."""
    found = site.rows(
        "SELECT * FROM sync_record WHERE company_id = %s AND kind = 'commitment' AND number = '' AND NOT state = 'synced'",
        site.company,
    )
    return found[0] if found else {}


@pytest.mark.timeout(180)
def test_it_is_set_aside_and_the_others_go_on(site: Stand) -> None:
    with little_memory(site), large_commitment(site) as large:
        others = [site.new_commitment() for _ in range(5)]
        for number in others:
            site.wait_state("commitment", number, seconds=20)
        site.wait(lambda: unread(site).get("state") == "needs_attention", 60, "it is not set aside")
        record = unread(site)
        assert ([p["code"] for p in record["problems"]], record["attempt"]) == (["worker_lost"], 4)
        site.wait_state("commitment", site.new_commitment(), seconds=20)
    assert "MemoryError" in site.log("worker-interactive") + site.log("worker-bulk")
    assert not site.state("lentune", "subcontracts", number=large)
