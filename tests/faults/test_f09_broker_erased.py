"""F09: the broker's data is erased while messages wait in it and while tasks run."""

import pytest

from tests.faults.stand import Stand

pytestmark = pytest.mark.fault("F09")


def test_everything_due_is_rung_again(site: Stand) -> None:
    site.fault("lentune", "delay", {"method": "PUT", "path": "/projects/by-procore"}, seconds=0.7, times=8)
    numbers, lost = [site.new_project() for _ in range(8)], 0
    site.wait(lambda: site.waiting("interactive"), 10, "nothing ever waited in the broker")
    for _ in range(20):
        lost += site.waiting("interactive")
        site.broker.flushall()
    assert lost > 0 and not site.quiet(), "the test is about nothing"
    for number in numbers:
        site.wait_state("project", number, seconds=40)
    assert {p["code"] for p in site.state("lentune", "projects")} >= set(numbers)
    created = [e["key"] for e in site.created("lentune", "project")]
    assert len(created) == len(set(created)) == len(numbers)
