"""F46: an old and a new release run together under load; the old worker is stopped and started meanwhile."""

import signal
from pathlib import Path

import pytest

from tests.faults.builds import newer, worker
from tests.faults.stand import Stand

pytestmark = pytest.mark.fault("F46")


def met(site: Stand, commitments: list[str]) -> bool:
    """Whether a message of one release came to the other; as long as none did, there is one more."""
    wrong = {("task_refused", "sitebooks.commitment.sync"), ("task_unknown", "sitebooks.project.sync_next")}
    refused = site.rows("SELECT code, name FROM odd_message WHERE code IN ('task_refused', 'task_unknown')")
    found = bool({(row["code"], row["name"]) for row in refused} & wrong)
    if not found and site.quiet():
        commitments.append(site.new_commitment())
    return found


def test_nothing_is_lost_for_an_unknown_name_or_argument(site: Stand, scratch: Path) -> None:
    old = site.pids["worker"][0]
    with worker(site, newer(scratch), "newer"):
        commitments = [site.new_commitment() for _ in range(6)]
        projects = [site.new_project()]
        site.wait(lambda: met(site, commitments), 60, "no message met the wrong release")
        site.kill(old, signal.SIGTERM)  # warm: what runs ends first
        commitments += [site.new_commitment() for _ in range(6)]
        projects += [site.new_project()]
        for number in commitments:
            site.wait_state("commitment", number, seconds=40)
        for number in projects:
            site.wait_state("project", number, seconds=40)
        site.wait_quiet()
    said = (scratch / "newer.log").read_text()
    assert "sitebooks.commitment.sync" in said, "the new release carried some out"
    site.wait(lambda: site.pids["worker"][0] != old, 20, "the old worker was not started again")
    assert len(site.created("lentune", "subcontract")) == len(commitments)
    assert len(site.created("lentune", "project")) == len(projects)
