"""F47: two beats, no beat, and a slot that nobody claimed when it was due."""

import signal
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.faults.builds import process
from tests.faults.stand import Stand
from workers.local.places import ROOT

pytestmark = pytest.mark.fault("F47")
ASKED = "GET /rest/v1.1/projects"
#: The slots of our company's connections; rows with a second company leave theirs.
OURS = "SELECT 'changes:' || id FROM connection WHERE company_id = %s"


def test_ten_ticks_at_once_make_one_pass_and_only_the_newest_slot(site: Stand) -> None:
    """Each tick claims its slot in Postgres. The slots of the hours before, which nobody claimed, are not made up for."""
    site.change(f"DELETE FROM schedule_slot WHERE schedule IN ({OURS})", site.company)
    site.change(f"""
        INSERT INTO schedule_slot (schedule, slot)
        SELECT schedule, date_trunc('hour', clock_timestamp()) - interval '5 hours' FROM ({OURS}) AS ours (schedule)
    """, site.company)  # fmt: skip
    before = site.requests("procore").get(ASKED, 0)
    with ThreadPoolExecutor(5) as many:
        list(many.map(lambda _: site.send("sitebooks.maintenance.pass", "changes", queue="maintenance"), range(10)))
    site.wait(lambda: site.requests("procore").get(ASKED, 0) > before, 20, "no pass at all")
    site.wait(lambda: not site.waiting("maintenance") and not site.busy("sitebooks.maintenance.pass"), 20, "ticks are left")
    site.wait_quiet()
    count = f"SELECT schedule, count(*) AS n FROM schedule_slot WHERE schedule IN ({OURS}) GROUP BY schedule"
    slots = site.rows(count, site.company)
    assert [row["n"] for row in slots] == [2, 2], "one more for each connection"
    assert site.requests("procore")[ASKED] == before + 1


def test_a_second_beat_changes_nothing(site: Stand, scratch: Path) -> None:
    ticks = site.log("beat").count("Sending due task sweep")
    arguments = ("beat", "--pidfile=", "-s", str(scratch / "beat.db"))
    with process(site, ROOT, scratch / "second.log", *arguments):
        site.wait(lambda: "Sending due task sweep" in (scratch / "second.log").read_text(), 30, "the second beat does not tick")
        made = [site.new_commitment() for _ in range(3)]
        for number in made:
            site.wait_state("commitment", number)
        assert site.log("beat").count("Sending due task sweep") > ticks, "the first one goes on"
    assert len(site.created("lentune", "subcontract")) == len(made)


def test_a_beat_that_stands_still_is_noticed_and_nothing_is_lost(site: Stand) -> None:
    beat = site.pids["beat"]
    site.kill(beat, signal.SIGSTOP)
    site.change("UPDATE heartbeat SET sent_at = sent_at - interval '1 minute'")
    made = site.new_commitment()
    site.wait_state("commitment", made)  # webhooks need no beat
    said = [f for f in site.command("doctor", "--offline", "--json")["findings"] if f["name"] == "beat"]
    assert "fail" in [f["mark"] for f in said], said
    site.go_on(beat)
    late = "SELECT min(sent_at) > clock_timestamp() - interval '6 seconds' AS now FROM heartbeat"
    site.wait(lambda: site.rows(late)[0]["now"], 20, "it does not send again")


def test_a_beat_that_died_is_started_again(site: Stand) -> None:
    before = site.pids["beat"]
    site.kill(before)
    site.wait(lambda: site.pids["beat"] != before, 20, "nobody started it again")
    sent = site.rows("SELECT max(sent_at) AS at FROM heartbeat")[0]["at"]
    site.wait(lambda: site.rows("SELECT max(sent_at) AS at FROM heartbeat")[0]["at"] > sent, 30, "it does not tick")
