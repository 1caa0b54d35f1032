"""One running stack for all rows of the fault matrix, and what must hold after each of them."""

import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from tests.faults.judging import FAILED, judge
from tests.faults.stand import Stand, home, opened

if sys.platform != "linux":
    collect_ignore_glob = ["test_*.py"]  # kills and stops are looked at in /proc


@pytest.fixture(scope="session")
def stand() -> Iterator[Stand]:
    """The stack, shared by all rows of this process."""
    with opened() as running:
        yield running


@pytest.fixture
def site(stand: Stand, request: pytest.FixtureRequest) -> Iterator[Stand]:
    """The stack for one row; afterwards all is mended, it must become quiet, and the oracles must find nothing broken."""
    broken_before = judge(stand, seconds=0)
    stand.begin()
    yield stand
    stand.mend()
    if request.node.stash.get(FAILED, False):
        stand.forget()
        with suppress(AssertionError):  # its own failure says more than what it left behind
            stand.wait_quiet(15)
        return
    stand.wait_quiet(40)
    broken = judge(stand, besides=broken_before) + stand.stops()
    assert not broken, "\n".join(broken)


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[None]:
    outcome = yield
    report = outcome.get_result()  # type: ignore[attr-defined]
    if report.when == "call":
        item.stash[FAILED] = report.failed
    given = getattr(item, "funcargs", {})
    for name in ("site", "books"):
        if report.failed and name in given:
            report.sections.append(("the stack", given[name].told()))


@pytest.fixture
def scratch() -> Iterator[Path]:
    """A folder for servers' data, where Postgres's own user may walk."""
    with home() as folder:
        yield folder
