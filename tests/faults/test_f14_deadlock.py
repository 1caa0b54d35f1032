"""F14: our transaction is the one that Postgres ends to break a deadlock."""

import psycopg
import pytest

from tests.faults.stand import Stand

pytestmark = pytest.mark.fault("F14")


def test_the_victim_is_tried_again_and_has_its_effect_once(site: Stand) -> None:
    commitment = site.number("SC-")
    site.arm("before_commit", "sleep 0.4", f"commitment {commitment}")
    with psycopg.connect(site.administrator_url) as other:
        # so that it is the worker who looks, and has to give way
        other.execute("SET deadlock_timeout = '60s'; SET statement_timeout = '20s'")
        other.commit()
        site.new_commitment(number=commitment)
        site.taken("before_commit")  # the outcome of the write; the next one ends the run
        site.arm("before_commit", "sleep 0.8", f"commitment {commitment}")
        site.taken("before_commit")  # it holds its record and will ask for the lock of the seals at the commit
        other.execute("SELECT pg_advisory_xact_lock(8700, %s)", [site.company])
        other.execute("SELECT 1 FROM sync_record WHERE kind = 'commitment' AND number = %s FOR UPDATE", [commitment])
        other.rollback()
    site.wait_state("commitment", commitment)
    assert "deadlock detected" in site.log("worker-interactive") + site.log("worker-bulk")
    assert len(site.created("lentune", "subcontract")) == 1
    assert site.story("commitment", commitment).count("synced") == 1
