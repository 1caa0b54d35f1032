"""F21: valid webhooks of weeks ago, played again by somebody who kept them, after we have forgotten their ids."""

import json
import time

import pytest

from tests.faults.hooks import Hook, again, asked, last_asked
from tests.faults.stand import Stand

pytestmark = pytest.mark.fault("F21")
#: The matrix speaks of 10,000; every tenth here, with as many objects.
ARCHIVE, OBJECTS = 1000, 10


def test_an_archive_played_again_costs_few_reads_and_no_write(site: Stand) -> None:
    numbers = [site.new_commitment() for _ in range(OBJECTS)]
    sources = [site.wait_state("commitment", number)["source_id"] for number in numbers]
    site.wait_quiet()
    kept = site.rows("SELECT id, body FROM event WHERE ref = ANY(%s) AND system = 'procore'", sources)
    assert len(kept) >= OBJECTS
    site.change("DELETE FROM event WHERE id = ANY(%s)", [row["id"] for row in kept])  # as the days do
    archive = [row["body"] for row in kept]
    archive += [again(archive[n % len(archive)]) for n in range(ARCHIVE - len(archive))]
    written, read = {system: len(site.ledger(system)) for system in site.url}, last_asked(site, "procore")
    assert {status for status, _ in Hook(site, "procore").deliver_all(archive)} == {202}
    site.wait_quiet(60)
    assert {system: len(site.ledger(system)) for system in site.url} == written
    reads = asked(site, "procore", read)
    assert len(reads) < ARCHIVE / 4, f"{len(reads)} reads for {OBJECTS} objects"


def test_a_signed_delivery_is_refused_after_its_five_minutes(site: Stand) -> None:
    hook = Hook(site, "lentune")
    event = site.rows("SELECT body FROM event WHERE system = 'lentune' ORDER BY id LIMIT 1")[0]["body"]
    body = json.dumps({**event, "event_id": "01REPLAYED"}).encode()
    stored = site.rows("SELECT count(*) AS n FROM event")[0]["n"]
    for age in (301, 14 * 86400, -301):
        assert hook.deliver(body, hook.headers(body, time.time() - age))[0] == 401
    assert site.rows("SELECT count(*) AS n FROM event")[0]["n"] == stored
    assert hook.deliver(body, hook.headers(body, time.time() - 200))[0] == 202
