"""F12: Postgres dies at once and comes back; and connections are cut under work."""

import signal
import threading

import psycopg
import pytest

from tests.faults.hooks import Hook, of_contract
from tests.faults.stand import Stand

pytestmark = pytest.mark.fault("F12")


def test_no_webhook_is_accepted_without_being_stored(site: Stand) -> None:
    before, made = site.pids["postgres"], []
    hook, contract = Hook(site, "procore"), site.record("commitment", "SC-1001-01")
    answers: list[tuple[str, int]] = []
    stop = threading.Event()

    def deliver() -> None:
        while not stop.is_set():
            event = of_contract(contract["source_id"].partition(":")[2], contract["project_id"])
            answers.append((event["ulid"], hook.deliver(event)[0]))
            stop.wait(0.02)

    sender = threading.Thread(target=deliver)
    sender.start()
    try:
        site.wait(lambda: any(status == 202 for _, status in answers), 10, "no delivery was accepted before")
        made += [site.new_commitment() for _ in range(3)]
        site.kill(before, signal.SIGQUIT, wait=False)  # immediate: no checkpoint, nobody is asked
        made += [site.new_commitment() for _ in range(3)]
        site.wait(lambda: any(status == 503 for _, status in answers), 15, "nothing was refused while it was away")
        site.wait(lambda: site.pids["postgres"] != before, 20, "Postgres is not there again")
        down = len(answers)
        site.wait(lambda: any(status == 202 for _, status in answers[down:]), 30, "nothing is accepted after")
    finally:
        stop.set()
        sender.join()
    accepted = {name for name, status in answers if status == 202}
    assert {status for _, status in answers} <= {202, 503}, "refused, never failed in another way"
    stored = {row["event_id"] for row in site.rows("SELECT event_id FROM event")}
    assert accepted <= stored
    for number in made:
        site.wait_state("commitment", number, seconds=40)
    assert len(site.created("lentune", "subcontract")) == len(made)


def test_connections_that_are_cut_are_opened_again(site: Stand) -> None:
    made = []
    for _ in range(3):
        made.append(site.new_commitment())
        others = "pid <> pg_backend_pid() AND usename = current_user"
        cut = f"SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE {others}"
        with psycopg.connect(site.database_url, autocommit=True) as db:
            assert db.execute(cut).fetchone()[0] > 0  # type: ignore[index]
        site.wait(lambda: site.record("commitment", made[-1]), 15, "the webhook was lost")
    for number in made:
        site.wait_state("commitment", number, seconds=40)
    assert len(site.created("lentune", "subcontract")) == len(made)
