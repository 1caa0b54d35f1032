"""F59: our database is put back to an earlier day. Nothing is written until the links are rebuilt; then nothing is doubled."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.faults.desk import lent_shortly
from tests.faults.judging import judge
from tests.faults.stand import TIMES, Stand, home
from tests.worker.running import up
from workers.local.places import ROOT, Secrets

pytestmark = [pytest.mark.fault("F59"), pytest.mark.slow, pytest.mark.timeout(400)]


@contextmanager
def started(folder: Path) -> Iterator[Stand]:
    """The stack on this data folder, which may have run before."""
    failpoints = folder / "failpoints"
    failpoints.mkdir(exist_ok=True)
    with up(folder / "data", "--dataset", "small", FAILPOINTS=str(failpoints), **TIMES) as run:
        site = Stand(run, failpoints)
        try:
            yield site
        finally:
            site.close()


def command(site: Stand, *arguments: str) -> subprocess.CompletedProcess[str]:
    """`sitebooks ...` on the stack's own database."""
    secrets = Secrets.of(site.run.folder)
    env = {"DATABASE_URL": site.database_url, "BROKER_URL": site.ready["broker_url"], "SECRET_KEY": secrets.secret_key}
    about: dict[str, Any] = {"DATA_DIR": str(site.run.folder), "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-P", "-m", "cli", *arguments]
    return subprocess.run(command, env=os.environ | env | about, capture_output=True, text=True, timeout=60, check=False)


@pytest.fixture
def scratch() -> Iterator[Path]:
    with home() as folder:
        yield folder


def test_writing_waits_for_the_links_and_doubles_nothing(scratch: Path) -> None:
    postgres, backup = scratch / "data" / "postgres", scratch / "backup"
    with started(scratch) as site:
        site.wait_state("commitment", "SC-1001-01", seconds=60)
        before = site.new_commitment(type="po", amount="10.00")
        site.wait_state("commitment", before)
        site.wait_quiet()
    shutil.copytree(postgres, backup, symlinks=True)
    with started(scratch) as site, lent_shortly(site):
        after, project = site.new_commitment(type="sc", amount="20.00"), site.new_project()
        site.wait_state("commitment", after)
        site.wait_state("project", project)
        bill, cost = site.new_invoice(after, net="5.00"), site.new_invoice(net="7.00")
        for invoice in (bill, cost):
            site.wait_state("invoice", invoice)
        site.wait_quiet()
    _put_back(backup, postgres)
    with started(scratch) as site:
        stops = "SELECT system FROM connection WHERE blocked_code = 'restored' ORDER BY system"
        site.wait(lambda: len(site.rows(stops)) == 2, 20, "nobody noticed")
        site.begin()
        site.act("procore", "edit_commitment", number=before, title="Changed meanwhile")
        late = site.new_commitment(type="po", amount="30.00")
        site.scan(full=True)
        site.wait(lambda: {"restored", "writing_stopped"} & set(site.codes("commitment", late)), 30, "the stop is not told")
        site.wait_quiet()
        assert [e for name in site.url for e in site.ledger(name)] == [], "0 writes before the links are rebuilt"
        shown = command(site, "links", "rebuild")
        assert shown.returncode == 3, shown.stdout + shown.stderr
        assert len(site.rows(stops)) == 2, "showing changes nothing"
        applied = command(site, "links", "rebuild", "--apply")
        assert applied.returncode == 0, applied.stdout + applied.stderr
        site.scan(full=True)
        for kind, number in (("commitment", before), ("commitment", late), ("commitment", after), ("project", project)):
            site.wait_state(kind, number, seconds=40)
        site.wait_quiet()
        created = [(e["kind"], e["key"]) for name in site.url for e in site.created(name)]
        assert [kind for kind, _ in created] == ["purchase_order"], f"only what was new: {created}"
        for invoice, kind in ((bill, "requisitions"), (cost, "direct_costs")):
            assert len(site.state("procore", kind, invoice_number=invoice)) == 1
        assert judge(site) == []


def _put_back(backup: Path, postgres: Path) -> None:
    """The folder as it was, with its owner and rights."""
    owner = postgres.stat()
    shutil.rmtree(postgres)
    shutil.copytree(backup, postgres, symlinks=True)
    for each in (postgres, *postgres.rglob("*")):
        os.chown(each, owner.st_uid, owner.st_gid, follow_symlinks=False)
