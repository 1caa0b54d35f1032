"""F44: a record that kills its worker every time."""

import pytest

from tests.faults.stand import Stand

pytestmark = pytest.mark.fault("F44")


def test_it_is_set_aside_after_three_tries_and_the_queue_flows(site: Stand) -> None:
    poison = site.number("SC-")
    site.arm("before_remote_write", "kill", f"commitment {poison}")
    site.new_commitment(number=poison)
    others = []
    for _ in range(3):
        site.taken("before_remote_write")
        site.arm("before_remote_write", "kill", f"commitment {poison}")
        others.append(site.new_commitment())
    record = site.wait_state("commitment", poison, "needs_attention")
    for number in others:
        site.wait_state("commitment", number, seconds=15)
    assert site.codes("commitment", poison) == ["worker_lost"]
    assert record["attempt"] == 4, "three that died, and the one that set it aside"
    assert not site.state("lentune", "subcontracts", number=poison)
    site.mend()
    site.person("retry", "commitment", poison)
    site.wait_state("commitment", poison)
    assert len(site.created("lentune", "subcontract")) == 1 + len(others)
