"""Files named without replacing what is there, on every kind of share (contract C.1)."""

import errno
import os

import pytest

from connectors.sage_paperless import dropping
from connectors.sage_paperless.dropping import Disturbed, bytes_of, drop, mark, name_once, put

pytestmark = [pytest.mark.unit, pytest.mark.fault("F56")]
PARTS = {"pdf": bytes_of(b"%PDF-whole"), "csv": bytes_of(b"a,b\n"), "json": bytes_of(b"{}")}


def cannot(*_: object) -> None:
    raise OSError(errno.EINVAL, "not here")


@pytest.fixture(params=["renameat2", "link", "copy"])
def way(request, monkeypatch):
    """Each way of naming: the kernel's own, a second name, and an exclusive copy where a share has neither."""
    if request.param != "renameat2":
        monkeypatch.setattr(dropping, "_renameat2", cannot)
    if request.param == "copy":
        monkeypatch.setattr(os, "link", cannot)
    return request.param


def test_what_is_there_is_never_replaced(way, tmp_path):
    (tmp_path / "there").write_bytes(b"old")
    (tmp_path / "part").write_bytes(b"new")
    with pytest.raises(FileExistsError):
        name_once(tmp_path / "part", tmp_path / "there")
    assert (tmp_path / "there").read_bytes() == b"old"


def test_all_four_files_stand_there_and_no_temporary_one(way, tmp_path):
    drop(tmp_path, "4100-7-rabc", PARTS)
    assert sorted(p.name for p in tmp_path.iterdir()) == [f"4100-7-rabc.{e}" for e in ("csv", "json", "pdf", "ready")]
    assert (tmp_path / "4100-7-rabc.pdf").read_bytes() == b"%PDF-whole"


def test_the_same_stem_again_changes_nothing(way, tmp_path):
    drop(tmp_path, "4100-7-rabc", PARTS)
    drop(tmp_path, "4100-7-rabc", {**PARTS, "pdf": bytes_of(b"another")})
    assert (tmp_path / "4100-7-rabc.pdf").read_bytes() == b"%PDF-whole"


def test_an_unfinished_try_is_made_anew_before_the_mark(way, tmp_path):
    (tmp_path / "4100-7-rabc.pdf").write_bytes(b"%PDF-ha")
    drop(tmp_path, "4100-7-rabc", PARTS)
    assert (tmp_path / "4100-7-rabc.pdf").read_bytes() == b"%PDF-whole"


def test_a_disk_that_is_full_leaves_no_mark_and_no_temporary_file(tmp_path):
    def full(file) -> None:
        file.write(b"half")
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with pytest.raises(OSError, match="space"):
        drop(tmp_path, "4100-7-rabc", {**PARTS, "json": full})
    assert sorted(p.suffix for p in tmp_path.iterdir()) == [".csv", ".pdf"]


def test_a_folder_that_is_not_there_is_not_made(tmp_path):
    with pytest.raises(FileNotFoundError):
        drop(tmp_path / "gone", "4100-7-rabc", PARTS)
    assert not (tmp_path / "gone").exists()


def test_whoever_takes_the_files_before_the_mark_is_named(tmp_path, monkeypatch):
    def steal(path, write) -> None:
        put(path, write)
        path.rename(path.with_suffix(".scanned"))

    monkeypatch.setattr(dropping, "put", steal)
    with pytest.raises(Disturbed):
        drop(tmp_path, "4100-7-rabc", PARTS)
    assert not (tmp_path / "4100-7-rabc.ready").exists()


def test_an_acknowledgement_may_be_given_twice(tmp_path):
    mark(tmp_path / "payments.ack")
    mark(tmp_path / "payments.ack")
    assert (tmp_path / "payments.ack").read_bytes() == b""
