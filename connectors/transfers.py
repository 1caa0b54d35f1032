"""A file that comes over a slow link in several tries: what came is kept, with a mark that says of which file it is."""

import json
import time
from dataclasses import dataclass
from pathlib import Path

import httpx

#: Seconds without a byte after which a transfer is given up; the next one goes on where it ended.
STALLED = 15.0
PIECE = 1 << 16


class TimeIsUp(Exception):
    """The file is not there yet, and the task must end. `further`: the next try begins behind where this one began."""

    def __init__(self, further: bool) -> None:
        super().__init__()
        self.further = further


@dataclass(frozen=True, slots=True)
class Begun:
    """What is on disk of a file, of `total` bytes, that its server called `tag`."""

    size: int
    total: int
    tag: str


@dataclass(frozen=True, slots=True)
class Wanted:
    begun: Begun | None
    most: int
    until: float | None


def begun(into: Path) -> Begun | None:
    """What an earlier try left; nothing where nobody can tell of which file it is."""
    try:
        said = json.loads(_mark(into).read_bytes())
        left = Begun(into.stat().st_size, int(said["total"]), str(said["tag"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return left if 0 < left.size < left.total else None


def asked(left: Begun | None) -> dict[str, str]:
    """Headers of the request. Nothing packed: places in a file are counted in its own bytes."""
    headers = {"Accept-Encoding": "identity"}
    if left is not None:
        headers["Range"] = f"bytes={left.size}-"
        if left.tag.startswith('"'):  # If-Range takes strong ones only (RFC 9110, 13.1.5)
            headers["If-Range"] = left.tag
    return headers


def goes_on(response: httpx.Response, left: Begun) -> bool:
    """False: the server has something else there by now, and must be asked anew. True also for the whole, or a refusal."""
    if response.status_code == 416:
        return False
    if response.status_code != 206:
        return True
    span = f"bytes {left.size}-{left.total - 1}/{left.total}"
    return response.headers.get("Content-Range") == span and _tag(response) == left.tag


def receive(response: httpx.Response, into: Path, wanted: Wanted) -> int:
    """The body, written behind what is there or from the beginning. Raises TimeIsUp, ValueError, httpx.HTTPError."""
    left = wanted.begun if response.status_code == 206 else None
    total = left.total if left else _total(response)
    size = left.size if left else 0
    if left is None:
        _mark(into).unlink(missing_ok=True)
    with into.open("ab" if left else "wb") as file:
        if left is None and total is not None and _tag(response):  # without a name for it, another file could be glued on
            _mark(into).write_text(json.dumps({"total": total, "tag": _tag(response)}))
        for part in response.iter_bytes(PIECE):
            size += len(part)
            if size > wanted.most:
                _mark(into).unlink(missing_ok=True)
                raise ValueError(f"it is larger than {wanted.most} bytes")
            file.write(part)
            if wanted.until is not None and time.monotonic() > wanted.until and size != total:
                raise TimeIsUp(total is not None and (left is not None or wanted.begun is None))
    _mark(into).unlink(missing_ok=True)
    if total is not None and size != total:
        raise httpx.RemoteProtocolError(f"{size} bytes came of {total}")
    return size


def _total(response: httpx.Response) -> int | None:
    """None: it does not say, or it is packed, and the place where it ended could not be named."""
    said = response.headers.get("Content-Length", "")
    return int(said) if said.isdigit() and "Content-Encoding" not in response.headers else None


def _tag(response: httpx.Response) -> str:
    return str(response.headers.get("ETag") or response.headers.get("Last-Modified") or "")


def _mark(into: Path) -> Path:
    return into.with_name(f"{into.name}.mark")
