"""Alert rules, dashboard, heartbeats and doctor against a whole running stack: quiet while it is well, loud when it is broken."""

import json
import os
import re
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
import pytest
import yaml
from celery import Celery
from psycopg.rows import dict_row

from tests.promql import NotPromql, Query, Scrape, scraped
from tests.worker.running import Up, family, up, wait_for
from workers.local.places import ROOT

pytestmark = [pytest.mark.worker, pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")]

RULES = [rule for group in yaml.safe_load((ROOT / "deploy/alerts.yaml").read_text())["groups"] for rule in group["rules"]]
DASHBOARD = json.loads((ROOT / "deploy/dashboard.json").read_text())
TARGETS = [
    (f"{panel['title']} {target['refId']}", target) for panel in DASHBOARD["panels"] for target in panel.get("targets", [])
]
#: Seconds, with the ratios of production; scans so rare that only webhooks and the sweep move anything.
TIMES = {
    "HEARTBEAT_SECONDS": "1", "SCAN_SECONDS": "3600", "SWEEP_SECONDS": "1", "RERING_SECONDS": "1",
}  # fmt: skip
HELD = "SELECT id FROM sync_record WHERE state = 'synced' ORDER BY id LIMIT 1"


def _problem(code: str) -> tuple[str, str]:
    stored = json.dumps([{"code": code, "values": {}}])
    return (
        f"UPDATE sync_record SET state = 'needs_attention', problems = '{stored}' WHERE id = ({HELD})",
        f"UPDATE sync_record SET state = 'synced', problems = '[]' WHERE problems = '{stored}'",
    )


NEWEST = "(SELECT max(id) FROM event)"
#: What breaks -> what then fires. The first of a pair changes the tables, the second puts them right again.
BROKEN: dict[str, tuple[str, str]] = {
    "SitebooksDuplicateFound": _problem("duplicate_found"),
    "SitebooksOutcomeNeedsPerson": _problem("outcome_needs_person"),
    "SitebooksWritingStopped": (
        "UPDATE connection SET blocked_code = 'restored' WHERE system = 'lentune'",
        "UPDATE connection SET blocked_code = NULL",
    ),
    "SitebooksUnexplainedDifference": (
        "UPDATE reconcile_run SET unexplained = unexplained - 0.01",
        "UPDATE reconcile_run SET unexplained = unexplained + 0.01",
    ),
    "SitebooksReconcileLate": (
        "UPDATE reconcile_run SET ended_at = ended_at - interval '27 hours'",
        "UPDATE reconcile_run SET ended_at = ended_at + interval '27 hours'",
    ),
    "SitebooksOutcomeLongUnknown": (
        "UPDATE write SET state = 'uncertain', sent_at = sent_at - interval '2 hours' WHERE id = (SELECT min(id) FROM write)",
        "UPDATE write SET state = 'confirmed', sent_at = sent_at + interval '2 hours' WHERE state = 'uncertain'",
    ),
    "SitebooksQueueNotWorkedOn": (
        "UPDATE heartbeat SET ran_at = ran_at - interval '4 minutes', sent_at = clock_timestamp()",
        "UPDATE heartbeat SET ran_at = ran_at + interval '4 minutes'",
    ),
    "SitebooksBeatStopped": (
        "UPDATE heartbeat SET sent_at = sent_at - interval '4 minutes'",
        "UPDATE heartbeat SET sent_at = sent_at + interval '4 minutes'",
    ),
    "SitebooksStuck": (
        f"UPDATE sync_record SET due_at = clock_timestamp() - interval '16 minutes' WHERE id = ({HELD})",
        "UPDATE sync_record SET due_at = NULL WHERE due_at < clock_timestamp() - interval '15 minutes'",
    ),
    "SitebooksEventsUnread": (
        f"UPDATE event SET state = 'received', received_at = received_at - interval '1 hour' WHERE id = {NEWEST}",
        f"UPDATE event SET state = 'done', received_at = received_at + interval '1 hour' WHERE id = {NEWEST}",
    ),
    "SitebooksEventsParked": (
        f"UPDATE event SET state = 'parked' WHERE id = {NEWEST}",
        "UPDATE event SET state = 'done' WHERE state = 'parked'",
    ),
    "SitebooksOddMessages": (
        "INSERT INTO odd_message (code, name) VALUES ('task_unknown', 'sitebooks.tomorrow')", "DELETE FROM odd_message",
    ),
    "SitebooksLimitNearlyUsed": (
        "UPDATE budget SET spike_left = 1, spike_reset = clock_timestamp() + interval '1 hour' WHERE spike_limit IS NOT NULL",
        "UPDATE budget SET spike_left = spike_limit, spike_reset = clock_timestamp()",
    ),
    "SitebooksApprovalsWaitLong": (
        f"UPDATE sync_record SET state = 'awaiting_approval', state_since = state_since - interval '3 days' WHERE id = ({HELD})",
        "UPDATE sync_record SET state = 'synced', state_since = clock_timestamp() WHERE state = 'awaiting_approval'",
    ),
}
#: These fire for what no row can show; they have tests of their own below.
OTHERWISE = {"SitebooksGone", "SitebooksPartAway", "SitebooksQueueLong"}


class Watched:
    """The stack with somebody who scrapes it."""

    def __init__(self, run: Up) -> None:
        self.run, self.ready = run, run.ready

    def rows(self, statement: str) -> list[dict[str, Any]]:
        with psycopg.connect(self.ready["database_url"], row_factory=dict_row) as db:
            made = db.execute(statement)
            return made.fetchall() if made.description else []

    def get(self, path: str) -> tuple[int, str]:
        request = urllib.request.Request(self.ready["web"] + path, headers={"Authorization": f"Bearer {self.ready['api_token']}"})
        try:
            with urllib.request.urlopen(request, timeout=10) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()

    def scrape(self) -> Scrape:
        status, said = self.get("/metrics")
        assert status == 200
        return scraped(said)

    def firing(self, scrape: Scrape | None = None) -> set[str]:
        seen = scrape if scrape is not None else self.scrape()
        return {rule["alert"] for rule in RULES if Query(rule["expr"]).firing(seen)}

    def act(self, system: str, action: str, **args: Any) -> None:
        url = f"{self.ready['simulators'][system]['url']}/_sim/act"
        body = json.dumps({"action": action, "args": args}).encode()
        urllib.request.urlopen(urllib.request.Request(url, body, {"Content-Type": "application/json"}), timeout=10).close()

    @contextmanager
    def stopped(self, pids: set[int]) -> Iterator[None]:
        """These processes hang: they are there and do nothing."""
        for pid in pids:
            os.kill(pid, signal.SIGSTOP)
        try:
            yield
        finally:
            for pid in pids:
                os.kill(pid, signal.SIGCONT)

    def workers(self) -> set[int]:
        return {pid for parent in self.ready["pids"]["worker"] for pid in family(parent)}


@pytest.fixture(scope="module")
def watched(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Watched]:
    folder = tmp_path_factory.mktemp("watched")
    for above in (folder, *folder.parents[:2]):
        above.chmod(0o755)
    with up(folder / "data", "--dataset", "small", **TIMES) as run:
        made = Watched(run)
        _first_load(made)
        yield made


def _first_load(made: Watched) -> None:
    """A demo run: read in full, a person's change told by a webhook and carried over, both sides compared."""
    arrived = "SELECT 1 AS one FROM sync_record WHERE number = 'SC-1001-01' AND state = 'synced'"
    moving = "SELECT 1 AS one FROM sync_record WHERE due_at <= clock_timestamp() OR state IN ('pending', 'sending', 'checking')"
    wait_for(lambda: made.rows(arrived), 60, "nothing was synced")
    wait_for(lambda: not made.rows(moving), 30, "the first load did not end")
    made.act("procore", "edit_commitment", number="SC-1001-01", title="Watched")
    app = Celery(broker=made.ready["broker_url"], set_as_current=False)
    app.conf.broker_transport_options = {"global_keyprefix": "sitebooks:"}
    app.send_task("sitebooks.maintenance.compare", [made.ready["company_id"], "lentune"], queue="maintenance", ignore_result=True)
    app.close()
    compared = "SELECT 1 AS one FROM reconcile_run WHERE ended_at IS NOT NULL"
    wait_for(lambda: made.rows(compared), 60, "both sides were not compared")
    wait_for(lambda: "sitebooks_webhook_to_synced_seconds" in made.scrape(), 60, "no delivery reached both systems")
    wait_for(lambda: not made.rows("SELECT 1 AS one FROM event WHERE state = 'received'"), 30, "events are left")


def test_every_metric_and_label_that_is_named_exists(watched: Watched) -> None:
    seen = watched.scrape()
    named = [(rule["alert"], rule["expr"], rule["annotations"]["summary"]) for rule in RULES]
    named += [(title, target["expr"], target["legendFormat"]) for title, target in TARGETS]
    for title, expression, words in named:
        query = Query(expression)
        assert query.selectors, title
        for name, wanted in query.selectors:
            assert name in seen, f"{title}: nothing is called {name}"
            there = any(wanted.items() <= dict(series).items() for series in seen[name])
            assert there, f"{title}: {name} has no series with {wanted}"
        shown = query.selectors[0][0]
        labels = {label for series in seen[shown] for label, _ in series}
        said = set(re.findall(r"\{\{\s*\$labels\.(\w+)", words)) | set(re.findall(r"\{\{(\w+)\}\}", words))
        assert query.grouped | said <= labels, f"{title}: {shown} has the labels {labels}"


def test_each_panel_shows_something(watched: Watched) -> None:
    seen = watched.scrape()
    assert len(TARGETS) > 20
    for title, target in TARGETS:
        assert Query(target["expr"]).value(seen), title


def test_nothing_fires_while_all_is_well(watched: Watched) -> None:
    wait_for(lambda: not watched.firing(), 30, "an alert fires though nothing is wrong")


def test_every_rule_has_a_way_to_be_broken_here() -> None:
    assert {rule["alert"] for rule in RULES} == set(BROKEN) | OTHERWISE
    for rule in RULES:
        assert rule["labels"]["severity"] in ("page", "warn")
        assert rule["annotations"]["summary"]
        assert rule["annotations"]["fix"]


@pytest.mark.parametrize("alert", BROKEN)
def test_a_broken_state_fires_its_alert_and_no_other(watched: Watched, alert: str) -> None:
    breaking, mending = BROKEN[alert]
    with watched.stopped(watched.workers() | {watched.ready["pids"]["beat"]}):
        watched.rows(breaking)
        try:
            assert watched.firing() == {alert}
        finally:
            watched.rows(mending)
        assert watched.firing() == set()


def test_no_scrape_at_all_fires() -> None:
    assert {rule["alert"] for rule in RULES if Query(rule["expr"]).firing({})} == {"SitebooksGone"}


def test_a_long_queue_fires() -> None:
    long = scraped('sitebooks_up{part="broker"} 1\nsitebooks_queue_length{queue="bulk"} 5001\n')
    assert {rule["alert"] for rule in RULES if Query(rule["expr"]).firing(long)} == {"SitebooksQueueLong"}


MISTAKES = ("sitebooks_up >", "max by (queue (sitebooks_up)", "sitebooks_up == sitebooks_up", "1 +", "a b")


@pytest.mark.parametrize("wrong", MISTAKES)
def test_a_mistake_in_an_expression_is_noticed(wrong: str) -> None:
    with pytest.raises(NotPromql):
        Query(wrong).firing({"sitebooks_up": {frozenset(): 1.0}})


def test_workers_that_hang_are_found_by_their_queue_and_beat_by_itself(watched: Watched) -> None:
    """No row is touched: with 1 s between heartbeats the ages grow by themselves."""
    with watched.stopped(watched.workers()):
        wait_for(lambda: _age(watched, "sitebooks_heartbeat_ran_seconds") > 4, 20, "no age grew")
        assert _age(watched, "sitebooks_heartbeat_sent_seconds") < 3
        assert "restart the worker" in _doctor(watched)["heartbeat bulk"]["fix"].lower()
    wait_for(lambda: _age(watched, "sitebooks_heartbeat_ran_seconds") < 3, 30, "the queues did not come back")
    with watched.stopped({watched.ready["pids"]["beat"]}):
        wait_for(lambda: _age(watched, "sitebooks_heartbeat_sent_seconds") > 4, 20, "no age grew")
        assert "beat" in _doctor(watched)["beat"]["fix"].lower()
    wait_for(lambda: _age(watched, "sitebooks_heartbeat_sent_seconds") < 3, 30, "beat did not come back")
    marks = {name: found["mark"] for name, found in _doctor(watched).items() if name.startswith(("heartbeat", "beat"))}
    assert set(marks.values()) == {"ok"}


def test_a_broker_that_hangs_leaves_the_web_process_ready(watched: Watched) -> None:
    with watched.stopped({watched.ready["pids"]["broker"]}):
        assert watched.firing(watched.scrape()) >= {"SitebooksPartAway"}
        wait_for(lambda: json.loads(watched.get("/readyz")[1])["broker"].startswith("away"), 20, "readyz did not tell")
        assert watched.get("/readyz")[0] == 200
    wait_for(lambda: not watched.firing(), 60, "it did not come back")


def _age(watched: Watched, metric: str) -> float:
    return max(watched.scrape()[metric].values())


def _doctor(watched: Watched) -> dict[str, dict[str, str]]:
    done = subprocess.run(
        [sys.executable, "-P", "-m", "cli", "doctor", "--offline", "--json"],
        capture_output=True, text=True, timeout=60, check=False,
        env={
            "PYTHONPATH": str(ROOT), "DATABASE_URL": watched.ready["database_url"], "BROKER_URL": watched.ready["broker_url"],
            "PUBLIC_URL": watched.ready["web"], "HEARTBEAT_SECONDS": "1", "SECRET_KEY": os.environ["SECRET_KEY"],
        },
    )  # fmt: skip
    return {found["name"]: found for found in json.loads(done.stdout)["findings"]}
