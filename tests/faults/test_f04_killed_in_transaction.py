"""F04: SIGKILL inside our own transaction, with the outcome of a write written and not yet committed."""

import pytest

from tests.faults.stand import Stand

pytestmark = pytest.mark.fault("F04")


def test_nothing_is_half_visible_and_the_seals_stay_whole(site: Stand) -> None:
    commitment = site.number("SC-")
    site.arm("before_commit", "kill", f"commitment {commitment}")
    site.new_commitment(number=commitment)
    site.taken("before_commit")
    assert len(site.created("lentune", "subcontract")) == 1, "the write itself was carried out"
    record = site.record("commitment", commitment)
    assert (record["state"], record["remote_id"]) == ("sending", None), "its outcome was rolled back"
    assert [w["state"] for w in site.writes("commitment", commitment)] == ["sending"]
    assert "synced" not in site.story("commitment", commitment)
    site.wait_state("commitment", commitment)
    assert len(site.created("lentune", "subcontract")) == 1
    assert site.story("commitment", commitment)[-1] == "synced"
    unsealed = "SELECT count(*) AS n FROM history h WHERE NOT EXISTS (SELECT 1 FROM seal s WHERE s.history_id = h.id)"
    assert site.rows(unsealed)[0]["n"] == 0
