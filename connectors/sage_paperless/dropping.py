"""Files put where another program reads them: whole under a temporary name, then named, never over what is there (part C)."""

import contextlib
import ctypes
import errno
import os
import secrets
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import IO

from settings.failpoints import reach

#: The order of contract C.1; nothing is read before the last one is there.
ORDER = ("pdf", "csv", "json")
READY = "ready"
#: A reader may rename what it finds without its mark; this many times the files are put again.
MOST_TRIES = 5
#: linux/fs.h: rename fails where something is there.
RENAME_NOREPLACE = 1
#: What a file system says that cannot rename like that, or knows no second name of a file.
CANNOT = (errno.ENOSYS, errno.EINVAL, errno.ENOTSUP, errno.EPERM, errno.EXDEV, errno.EMLINK)
CHUNK = 1024 * 1024

Writer = Callable[[IO[bytes]], None]


class Disturbed(Exception):
    """Another program moves the files away before they are complete."""


class TooLate(Exception):
    """It took so long that others may be at it; without their mark the files are not read."""


class Unsure(Exception):
    """The mark was written, and nobody knows whether it stays."""


def drop(inbox: Path, stem: str, parts: Mapping[str, Writer], late: Callable[[], bool] = lambda: False) -> None:
    """All files of one import, its mark last, unless it is `late`. Nothing to do where the mark is there.

    Raises OSError, Disturbed, TooLate, Unsure.
    """
    ready = inbox / f"{stem}.{READY}"
    for _ in range(MOST_TRIES):
        if ready.exists():
            return
        try:
            for ending in ORDER:
                put(inbox / f"{stem}.{ending}", parts[ending])
                reach("dropped_part", ending)
            sync_folder(inbox)
        except FileNotFoundError:
            if not inbox.is_dir():
                raise
            continue  # somebody took the temporary file
        if all((inbox / f"{stem}.{ending}").exists() for ending in ORDER):
            if late():
                raise TooLate(f"the files of {stem} were not complete in time")
            _mark(inbox, ready)
            return
    raise Disturbed(f"files of {stem} are renamed by another program before they are complete")


def mark(path: Path) -> None:
    """An empty file that means something by being there; one that is there already means the same. Raises OSError."""
    with contextlib.suppress(FileExistsError):
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o644))
    sync_folder(path.parent)


def _mark(inbox: Path, ready: Path) -> None:
    part = ready.with_name(f".{ready.name}.{secrets.token_hex(4)}.part")
    part.touch(exist_ok=False)
    try:
        with contextlib.suppress(FileExistsError):
            name_once(part, ready)
    finally:
        with contextlib.suppress(OSError):
            part.unlink(missing_ok=True)
    try:
        sync_folder(inbox)
    except OSError as error:
        raise Unsure(f"{ready.name}: {error.strerror}") from error


def put(path: Path, write: Writer) -> None:
    """The whole file under its name; one that is there and no mark beside it is an unfinished try of ours. Raises OSError."""
    part = path.with_name(f".{path.name}.{secrets.token_hex(4)}.part")
    try:
        with part.open("xb") as file:
            write(file)
            file.flush()
            os.fsync(file.fileno())
        for _ in range(2):
            try:
                name_once(part, path)
                return
            except FileExistsError:
                path.unlink(missing_ok=True)
        raise FileExistsError(errno.EEXIST, "it is written by somebody else", str(path))
    finally:
        with contextlib.suppress(OSError):
            part.unlink(missing_ok=True)


def name_once(part: Path, path: Path) -> None:
    """Renames without replacing. Raises FileExistsError, OSError."""
    try:
        _renameat2(part, path)
        return
    except OSError as error:
        if error.errno not in CANNOT:
            raise
    try:
        os.link(part, path)
    except OSError as error:
        if error.errno not in CANNOT:
            raise
        _copy(part, path)


def _renameat2(part: Path, path: Path) -> None:
    call = getattr(ctypes.CDLL(None, use_errno=True), "renameat2", None)
    if call is None:
        raise OSError(errno.ENOSYS, "renameat2")
    at_cwd = -100
    if call(at_cwd, os.fsencode(part), at_cwd, os.fsencode(path), RENAME_NOREPLACE) != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), str(part), None, str(path))


def _copy(part: Path, path: Path) -> None:
    """For shares that know neither: created only if it is not there. Half of it harms nobody, for the mark comes last."""
    with part.open("rb") as source, path.open("xb") as target:
        while block := source.read(CHUNK):
            target.write(block)
        target.flush()
        os.fsync(target.fileno())


def own_folder(folder: Path) -> None:
    """Two levels below the vault's own, which must be there: nothing is made where a share was mounted. Raises OSError."""
    folder.parent.mkdir(exist_ok=True)
    folder.mkdir(exist_ok=True)


def sync_folder(folder: Path) -> None:
    """What was named there stays named. A share that cannot sync folders is left to its own server."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno not in CANNOT:
            raise
    finally:
        os.close(descriptor)


def copied(path: Path) -> Writer:
    """A writer that copies a file in pieces."""

    def write(file: IO[bytes]) -> None:
        with path.open("rb") as source:
            for block in _blocks(source):
                file.write(block)

    return write


def _blocks(source: IO[bytes]) -> Iterator[bytes]:
    while block := source.read(CHUNK):
        yield block


def bytes_of(content: bytes) -> Writer:
    """A writer of what is at hand."""

    def write(file: IO[bytes]) -> None:
        file.write(content)

    return write
