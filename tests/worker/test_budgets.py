"""What a scan may cost: requests counted by the simulator, rows written, and the memory of a worker's process."""

from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from models import session
from simulators import datasets
from sync import scan
from tests.benchmarks.stand import Stand, peak_megabytes, wait
from tests.worker.running import family
from tests.world import World

ORDERS, PAGE, CHANGED = 60, 25, 3
LISTS = ("/rest/v1.0/purchase_order_contracts", "/rest/v1.0/work_order_contracts")
LINES = "/rest/v1.0/purchase_order_contracts/{purchase_order_contract_id}/line_items"
#: Everything in which a scan could leave a trace, but the allowance, which counts requests.
TABLES = ("snapshot", "sync_record", "scan_cursor", "history", "attempt", "write", "event")
LARGEST_MB = 200


@pytest.fixture
def large(company: int) -> Iterator[World]:
    """The large data set, smaller; pages of 25, so that a list has several."""
    world = World(company, datasets.load("large", seed=3, objects=ORDERS))
    with session(company) as db:
        db.execute(
            text("UPDATE connection SET settings = settings || jsonb_build_object('page_size', CAST(:n AS int)) "
                 "WHERE system = 'procore'"), {"n": PAGE},
        )  # fmt: skip
    for kind in ("project", "vendor"):
        scan.scan(company, "procore", kind)
    yield world
    world.close()


def counted(world: World, work: Callable[[], Any]) -> Counter[str]:
    """The requests that Procore's simulator answers meanwhile, by path template."""
    before = Counter(world.procore.counts)
    work()
    return Counter({name.removeprefix("GET "): n for name, n in (Counter(world.procore.counts) - before).items()})


def read_commitments(world: World) -> None:
    for project in scan.projects(world.company, "procore"):
        found = scan.scan(world.company, "procore", "commitment", project)
        assert not found.stopped, found.stopped


def edit(world: World, many: int) -> None:
    for row in world.state("procore", "purchase_order_contracts")[:many]:
        world.act("procore", "edit_commitment", number=row["number"], title=f"{row['title']} again")


def rows(company: int) -> dict[str, list[Any]]:
    """Each row's version: any write to it, even of the same values, gives another."""
    with session(company) as db:
        return {table: db.execute(text(f'SELECT id, xmin::text FROM "{table}" ORDER BY id')).all() for table in TABLES}


def test_the_first_load_is_the_pages_and_one_lines_request_a_contract(large):
    pages = -(-ORDERS // PAGE)
    assert counted(large, lambda: read_commitments(large)) == {LISTS[0]: pages, LISTS[1]: 1, LINES: ORDERS}


def test_what_changed_is_one_filtered_request_a_list_and_the_changed_contracts_lines(large):
    read_commitments(large)
    edit(large, CHANGED)
    large.transports["procore"].requests.clear()
    assert counted(large, lambda: read_commitments(large)) == {LISTS[0]: 1, LISTS[1]: 1, LINES: CHANGED}
    lists = [r for r in large.transports["procore"].requests if r.url.path in LISTS]
    assert len(lists) == 2 and all("filters[updated_at]" in r.url.params for r in lists)


def test_when_nothing_changed_it_is_one_filtered_request_a_list_and_no_row_is_written(large):
    read_commitments(large)
    edit(large, CHANGED)
    read_commitments(large)
    before = rows(large.company)
    assert counted(large, lambda: read_commitments(large)) == {LISTS[0]: 1, LISTS[1]: 1}
    assert rows(large.company) == before


def test_a_worker_reads_a_long_list_within_its_memory(servers, database, company, tmp_path: Path):
    """A real worker over HTTP: 1,500 contracts in three projects, every process of it."""
    from sync import connections
    from workers.app import app

    made = Stand(tmp_path, servers)
    try:
        site = made.simulator("procore", "hourly=0", "spike=0", objects=1500)
        secrets = {name: str(value) for name, value in site.credentials.items()}
        with session(company) as db:
            db.execute(text("UPDATE company SET site_id = :s"), {"s": secrets["company_id"]})
        connections.connect(company, "procore", {"base_url": site.url}, secrets)
        for kind in ("project", "vendor"):  # by now it is known that no limit is told
            scan.scan(company, "procore", kind)
        worker = made.worker("bulk")
        for project in scan.projects(company, "procore"):
            app.send_task("sitebooks.scan.list", args=[company, "procore", "commitment", project, False], queue="bulk")
        wait(lambda: _stored(company) == 1500, 60, "the list was not read")
        peaks = {pid: peak_megabytes(pid) for pid in family(worker.pid)}
        assert len(peaks) == 2, "the worker and its child"
        assert max(peaks.values()) < LARGEST_MB, peaks
    finally:
        for child in reversed(made.children):
            made.stop(child)


def _stored(company: int) -> int:
    with session(company) as db:
        return int(db.execute(text("SELECT count(*) FROM snapshot WHERE kind = 'commitment'")).scalar_one())
