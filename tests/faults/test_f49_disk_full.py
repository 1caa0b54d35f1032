"""F49: the disk is full: a small file system of its own for Postgres, the broker and the logs."""

import ctypes
import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from tests.faults.hooks import Hook, of_contract
from tests.faults.judging import judge
from tests.faults.stand import TIMES, Stand
from tests.worker.running import up

pytestmark = [pytest.mark.fault("F49"), pytest.mark.slow]
#: Bytes: enough for a fresh cluster with its write-ahead log, and some more.
SIZE = 240 << 20
LAZY = 2  # MNT_DETACH


@contextmanager
def small_disk(folder: Path) -> Iterator[Path]:
    """A file system in memory. Skips where mounting is not allowed."""
    folder.mkdir()
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.mount(b"tmpfs", bytes(folder), b"tmpfs", 0, f"size={SIZE},mode=755".encode()) != 0:
        pytest.skip(f"a file system cannot be mounted here: {os.strerror(ctypes.get_errno())}")
    try:
        yield folder
    finally:
        libc.umount2(bytes(folder), LAZY)


def fill(folder: Path) -> Path:
    """A file that takes all that is left."""
    filler = folder / "filler"
    with filler.open("wb", buffering=0) as file:
        for size in (1 << 20, 4096, 1):
            with suppress(OSError):
                while True:
                    file.write(b"\0" * size)
    with pytest.raises(OSError) as full, (folder / "one more").open("wb", buffering=0) as file:
        file.write(b"x" * 8192)
    assert full.value.errno == errno.ENOSPC
    (folder / "one more").unlink()
    return filler


@pytest.mark.timeout(180)
def test_no_webhook_is_accepted_and_lost(scratch: Path) -> None:
    with small_disk(scratch / "small") as disk:
        (disk / "failpoints").mkdir()
        with up(disk / "data", "--dataset", "small", FAILPOINTS=str(disk / "failpoints"), **TIMES) as run:
            site = Stand(run, disk / "failpoints")
            try:
                _fill_and_free(site, disk)
            finally:
                site.close()


def _fill_and_free(site: Stand, disk: Path) -> None:
    site.wait_state("commitment", "SC-1001-01", seconds=60)
    site.wait_quiet(60)
    hook, contract = Hook(site, "procore"), site.record("commitment", "SC-1001-01")
    answers: list[tuple[str, int]] = []

    def deliver() -> int:
        event = of_contract(contract["source_id"].partition(":")[2], contract["project_id"]) | {"padding": "x" * 20_000}
        answers.append((event["ulid"], hook.deliver(event)[0]))
        return answers[-1][1]

    assert deliver() == 202
    filler = fill(disk)
    # the log that Postgres has laid out already is used up first
    site.wait(lambda: deliver() == 503, 60, "nothing is refused although the disk is full")
    full = site.new_commitment()
    for _ in range(5):
        deliver()
    filler.unlink()
    site.wait(lambda: deliver() == 202, 60, "nothing is accepted after there is room again")
    assert {status for _, status in answers} == {202, 503}
    stored = {row["event_id"] for row in site.rows("SELECT event_id FROM event")}
    assert {name for name, status in answers if status == 202} <= stored
    site.scan("procore")
    site.wait_state("commitment", full, seconds=40)
    site.wait_quiet(40)
    assert judge(site) == []
