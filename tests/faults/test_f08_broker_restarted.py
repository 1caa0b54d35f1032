"""F08: the broker is killed and started again under work."""

import pytest

from tests.faults.stand import Stand

pytestmark = pytest.mark.fault("F08")


def test_work_goes_on_and_no_consumer_is_stuck(site: Stand) -> None:
    before = site.pids["broker"]
    commitments = [site.new_commitment() for _ in range(4)]
    site.kill(before)
    commitments += [site.new_commitment() for _ in range(4)]
    site.wait(lambda: site.pids["broker"] != before, 20, "the broker is not there again")
    for number in commitments:
        site.wait_state("commitment", number)
    site.wait(site.broker_answers, 10, "the broker does not answer")
    # both workers consume: each queue carries a message again
    for queue in ("interactive", "bulk"):
        site.send("sitebooks.commitment.sync", site.company, [site.record("commitment", commitments[0])["id"]], queue=queue)
    site.wait(lambda: site.waiting("interactive", "bulk") == 0, 20, "a queue is not consumed")
    assert len(site.created("lentune", "subcontract")) == len(commitments)
