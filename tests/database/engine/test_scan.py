"""Scans: pages stored as they come, little asked, little written; a cursor moves only after the last page."""

import functools
from datetime import UTC, datetime, timedelta

import pytest

from sync import clients, engine, scan
from tests.database.engine.stand import put, rows
from tests.database.requirements.company import line, order, project


@pytest.fixture
def world(start):
    return start(commitments=[order(f"PO-{n}", line(f"{n}00.00")) for n in range(1, 6)])


def where(world):
    return scan.projects(world.company, "procore")[0]


#: Rows that come from Procore: Lentune's orders are snapshots as well.
PROCORES = "connection_id = (SELECT id FROM connection WHERE system = 'procore')"


def cursor(world, kind):
    return rows(world, f"SELECT source_time FROM scan_cursor WHERE kind = :k AND {PROCORES}", k=kind)[0].source_time


def stored(world, more=""):
    """How many commitments of Procore's there are."""
    return rows(world, f"SELECT count(*) FROM snapshot WHERE kind = 'commitment' AND {PROCORES} {more}")[0][0]


def small_pages(world, size=10):
    put(
        world,
        "UPDATE connection SET settings = settings || jsonb_build_object('page_size', CAST(:n AS int)), "
        "settings_version = settings_version + 1 WHERE system = 'procore'",
        n=size,
    )


def requests(world, system="procore"):
    return dict(world.simulators[system].counts)


def asked(before, after):
    return {k: n - before.get(k, 0) for k, n in after.items() if n != before.get(k, 0)}


def fingerprints(world):
    """Where every row lies and who wrote it last: any write at all changes this."""
    return {
        table: [tuple(r) for r in rows(world, f"SELECT ctid::text, xmin::text FROM {table} ORDER BY id")]
        for table in ("snapshot", "sync_record", "history", "attempt", "write", "scan_cursor")
    }


def test_nothing_changed_writes_no_row_rings_nobody_and_asks_one_request(world):
    before, counts = fingerprints(world), requests(world)
    found = scan.scan(world.company, "procore", "commitment", where(world))
    assert (found.rung, found.changed, found.rows) == ({}, 0, 0)
    assert asked(counts, requests(world)) == {
        "GET /rest/v1.0/purchase_order_contracts": 1,
        "GET /rest/v1.0/work_order_contracts": 1,
    }, "no line is asked for"
    assert fingerprints(world) == before


def test_a_whole_pass_over_nothing_new_writes_no_row(world):
    world.scan()
    before = fingerprints(world)
    world.scan()
    assert fingerprints(world) == before


def test_only_what_changed_is_completed_stored_and_rung(world):
    world.act("procore", "edit_commitment", number="PO-3", title="Changed")
    counts = requests(world)
    found = scan.scan(world.company, "procore", "commitment", where(world))
    assert found.changed == 1 and len(found.rung["commitment"]) == 1
    lines = [n for k, n in asked(counts, requests(world)).items() if "line_items" in k]
    assert sum(lines) == 1, "the lines of one contract"


def test_the_filter_reaches_back_over_what_was_committed_late(world):
    world.transports["procore"].requests.clear()
    stood = cursor(world, "commitment")
    scan.scan(world.company, "procore", "commitment", where(world))
    asked_since = [
        r.url.params["filters[updated_at]"] for r in world.transports["procore"].sent("GET", "purchase_order_contracts")
    ]
    assert asked_since and all((stood - scan.OVERLAP).strftime("%Y-%m-%dT%H:%M") in since for since in asked_since)
    assert timedelta(minutes=1) <= scan.OVERLAP


def test_the_cursor_is_the_sources_own_time_and_never_ahead_of_ours(world):
    """Their clock may be put back: what changes meanwhile is asked for all the same."""
    world.act("procore", "edit_commitment", number="PO-3", title="Changed there")
    scan.scan(world.company, "procore", "commitment", where(world))
    newest = cursor(world, "commitment")
    assert newest <= world.clock.now()
    world.clock.advance(86_400)
    world.act("procore", "edit_commitment", number="PO-3", title="Tomorrow, there")
    scan.scan(world.company, "procore", "commitment", where(world))
    assert newest < cursor(world, "commitment") <= datetime.now(UTC)


@pytest.mark.parametrize(
    "fault",
    [
        {"action": "drop_before"},
        {"action": "status", "status": 500},
        {"action": "truncate"},
        {"action": "delay", "seconds": 60},
        {"action": "status", "status": 429, "headers": {"Retry-After": "9"}},
        {"action": "status", "status": 200, "body": {"what": "is this"}},
    ],
)
def test_a_scan_that_was_cut_off_keeps_what_it_read_and_moves_no_cursor(start, fault):
    """The third page cannot be read: the first two count, and the list is read again from where the cursor stood."""
    world = start(commitments=[order(f"PO-{n:02}", line(f"{n}00.00")) for n in range(1, 26)], sync=False)
    small_pages(world)
    for kind in ("project", "cost_type", "vendor"):
        world.run(scan.scan(world.company, "procore", kind).rung)
    here = where(world)
    put(world, "DELETE FROM scan_cursor WHERE kind = 'commitment'")
    put(
        world,
        "DELETE FROM sync_record r WHERE kind = 'commitment' AND NOT EXISTS (SELECT FROM history h WHERE h.record_id = r.id)",
    )
    seen = []
    transport = world.transports["procore"]
    real = transport.handle_request

    def handle(request):
        if "purchase_order_contracts" in request.url.path and "line_items" not in request.url.path:
            seen.append(1)
            if len(seen) == 3:
                world.fault("procore", on="request", times=1, match={"path": "purchase_order_contracts$"}, **fault)
        return real(request)

    transport.handle_request = handle
    found = scan.scan(world.company, "procore", "commitment", here, full=True)
    transport.handle_request = real
    assert found.stopped and found.read == 20
    assert rows(world, f"SELECT * FROM scan_cursor WHERE kind = 'commitment' AND {PROCORES}") == []
    kept = stored(world)
    assert kept >= 20
    assert stored(world, "AND gone_at IS NOT NULL") == 0, "what was not read is not gone"
    world.simulators["procore"].faults.clear()
    clients.close_all()  # with the clients goes what their last answer said
    put(world, "UPDATE budget SET shut_until = NULL")
    counts = requests(world)
    scan.scan(world.company, "procore", "commitment", here)
    assert stored(world) == 25
    lines = sum(n for k, n in asked(counts, requests(world)).items() if "line_items" in k)
    assert lines == 25 - kept, "what is stored is not completed again"
    assert cursor(world, "commitment") is not None


def test_a_scan_whose_time_is_up_hands_the_rest_on(world, monkeypatch):
    put(world, "DELETE FROM scan_cursor")
    put(world, "UPDATE snapshot SET head_hash = 'x' WHERE kind = 'commitment'")
    monkeypatch.setattr(scan, "COMPLETED_AT_ONCE", 2)
    monkeypatch.setattr(scan, "Scanned", functools.partial(scan.Scanned, until=0.0))
    found = scan.scan(world.company, "procore", "commitment", where(world))
    assert found.unfinished and found.rows == 2, "what was completed is stored"
    assert rows(world, f"SELECT * FROM scan_cursor WHERE kind = 'commitment' AND {PROCORES}") == []


def test_what_a_whole_reading_does_not_show_is_gone_and_nothing_is_deleted_anywhere(world):
    world.fault("procore", on="delivery", action="drop")
    world.act("procore", "delete_commitment", number="PO-2")
    found = scan.scan(world.company, "procore", "commitment", where(world), full=True)
    world.run(found.rung)
    assert world.record("commitment", "PO-2").state == "source_deleted"
    assert stored(world) == 5
    assert len(world.state("lentune", "purchase_orders")) == 5


def test_what_came_while_the_list_was_read_is_not_taken_for_gone(world):
    transport, once = world.transports["procore"], []
    real = transport.handle_request

    def handle(request):
        answer = real(request)
        if "work_order_contracts" in request.url.path and not once:
            once.append(1)
            world.act(
                "procore",
                "create_commitment",
                type="po",
                project="1001",
                number="PO-9",
                title="Late",
                vendor="Pacific Concrete Ltd",
                status="Approved",
                lines=[line("1.00")],
            )
            world.deliver()
        return answer

    transport.handle_request = handle
    scan.scan(world.company, "procore", "commitment", where(world), full=True)
    transport.handle_request = real
    assert rows(world, "SELECT number FROM snapshot WHERE gone_at IS NOT NULL") == []


def test_an_object_that_comes_back_is_live_again(world):
    ours = "number = 'PO-2' AND source_id LIKE 'purchase_order_contract:%'"
    put(world, f"UPDATE snapshot SET gone_at = clock_timestamp() WHERE {ours}")
    put(world, "DELETE FROM scan_cursor WHERE kind = 'commitment'")
    found = scan.scan(world.company, "procore", "commitment", where(world))
    assert found.changed == 1
    world.run(found.rung)
    assert rows(world, f"SELECT gone_at FROM snapshot WHERE {ours}")[0].gone_at is None


def test_a_page_shared_by_two_scans_at_once_is_stored_once(world):
    from tests.database.engine.stand import together

    for n in range(1, 6):
        world.act("procore", "edit_commitment", number=f"PO-{n}", title=f"Changed {n}")
    found = []
    together(lambda _: found.append(scan.scan(world.company, "procore", "commitment", where(world))), 3)
    assert sum(f.changed for f in found) == 5, "each change is one of them"
    assert stored(world) == 5


def test_lists_of_projects_that_stay_out_are_not_read(start):
    world = start(projects=[project(), project("1002", stage="Pre-Construction")])
    assert len(scan.projects(world.company, "procore")) == 1


def test_first_load_asks_the_pages_and_the_lines_of_each_contract_once(start):
    world = start(commitments=[order(f"PO-{n}", line(f"{n}00.00")) for n in range(1, 6)], sync=False)
    for kind in ("project", "cost_type", "vendor", "cost_code"):
        engine.run(world.company, [i for ids in scan.scan(world.company, "procore", kind).rung.values() for i in ids])
    counts = requests(world)
    scan.scan(world.company, "procore", "commitment", where(world))
    found = asked(counts, requests(world))
    assert sum(n for k, n in found.items() if "line_items" in k) == 5
    assert sum(n for k, n in found.items() if "line_items" not in k) == 2
