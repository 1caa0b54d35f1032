"""F11: the broker delivers twice, at once, late and out of order."""

import random

import pytest

from tests.faults.stand import Stand

pytestmark = pytest.mark.fault("F11")
SYNCED = "company_id = %s AND state = 'synced'"


def test_they_change_nothing(site: Stand) -> None:
    # what earlier rows left to be written is written first: only the doubling is judged
    site.change(f"UPDATE sync_record SET due_at = clock_timestamp() WHERE {SYNCED}", site.company)
    site.wait_quiet(40)
    site.begin()
    kinds: dict[str, list[int]] = {}
    for row in site.rows(f"SELECT id, kind FROM sync_record WHERE {SYNCED} ORDER BY id", site.company):
        kinds.setdefault(row["kind"], []).append(row["id"])
    events = [
        row["id"] for row in site.rows("SELECT id FROM event WHERE company_id = %s ORDER BY id DESC LIMIT 50", site.company)
    ]
    site.change(f"UPDATE sync_record SET due_at = clock_timestamp() WHERE {SYNCED}", site.company)
    messages = [(f"sitebooks.{kind}.sync", ids[-40:]) for kind, ids in kinds.items()] + [("sitebooks.inbox.process", events)]
    messages *= 4
    random.Random(11).shuffle(messages)
    for name, ids in messages:
        site.send(name, site.company, ids, queue=random.Random(len(ids)).choice(["interactive", "bulk"]))
    site.wait_quiet(40)
    written = [f"{e['effect']} {e['path']}" for system in site.url for e in site.ledger(system)]
    assert written == [], f"synced records were written again: {written}"


def test_a_change_that_is_rung_ten_times_at_once_is_written_once(site: Stand) -> None:
    commitment = site.number("SC-")
    site.fault("lentune", "delay", {"method": "PUT", "path": "/subcontracts/"}, seconds=0.5, times=1)
    site.new_commitment(number=commitment)
    record = site.wait(lambda: site.record("commitment", commitment), 15, "no record")
    for n in range(10):
        site.send("sitebooks.commitment.sync", site.company, [record["id"]] * 2, queue=("interactive", "bulk")[n % 2])
    site.wait_state("commitment", commitment)
    site.wait_quiet()
    written = [e["effect"] for e in site.ledger("lentune", kind="subcontract", key=record["key"])]
    assert written == ["created"] or written == [], written
    assert len(site.created("lentune", "subcontract")) == 1
