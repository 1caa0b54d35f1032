"""Files over a slow or breaking link: what came is kept, the next try goes on behind it, and never mixes two files."""

from datetime import UTC, datetime
from itertools import count

import httpx
import pytest

from connectors import transfers
from connectors.calls import NotFound, Unavailable
from connectors.http import HttpClient
from connectors.ports import Token
from tests.fakes import MemoryBudget, MemoryStore

pytestmark = pytest.mark.unit
NOW = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)
URL = "https://files.example/1"
WHOLE = bytes(range(256)) * 64
MOST = 1_000_000


class Store:
    """A server of one file. `breaks` is after how many bytes of an answer the connection dies."""

    def __init__(self, content=WHOLE, tag='"a"', ranges=True, breaks=None, **headers):
        self.content, self.tag, self.ranges, self.breaks, self.headers = content, tag, ranges, breaks, headers
        self.asked = []

    def __call__(self, request):
        self.asked.append(request.headers.get("Range", ""))
        assert request.headers["Accept-Encoding"] == "identity"
        headers = {**self.headers, **({"ETag": self.tag} if self.tag else {})}
        first, size = int(self.asked[-1][6:-1] or 0), len(self.content)
        if not self.ranges or request.headers.get("If-Range", self.tag) != self.tag:
            first = 0
        elif self.asked[-1] and first >= size:
            return httpx.Response(416)
        elif self.asked[-1]:
            headers["Content-Range"] = f"bytes {first}-{size - 1}/{size}"
        status = 206 if "Content-Range" in headers else 200
        return httpx.Response(status, headers={**headers, "Content-Length": str(size - first)}, content=self._body(first))

    def _body(self, first):
        rest = self.content[first:]
        for start in range(0, len(rest), 1024):
            if self.breaks is not None and start >= self.breaks:
                raise httpx.ReadError("gone")
            yield rest[start : start + 1024]


@pytest.fixture
def fetch(tmp_path, monkeypatch):
    """`fetch(store)`: one try, of a few pieces where `pieces` says so."""
    monkeypatch.setattr(transfers, "PIECE", 1024)

    def go(store, pieces=None, most=MOST):
        http = HttpClient("https://files.example", "1", MemoryStore({}), MemoryBudget(), transport=httpx.MockTransport(store),
                          clock=lambda: NOW)  # fmt: skip
        http.store.held = Token("t", datetime(2036, 1, 1, tzinfo=UTC))
        ticks = count()
        monkeypatch.setattr("time.monotonic", lambda: next(ticks))
        return http.download(URL, tmp_path / "file", most, None if pieces is None else pieces)

    return go


@pytest.fixture
def left(tmp_path):
    return lambda: {path.name: path.read_bytes() for path in tmp_path.iterdir()}


def test_a_transfer_that_broke_goes_on_where_it_ended(fetch, left):
    store = Store(breaks=4096)
    for _ in range(3):
        with pytest.raises(Unavailable) as broken:
            fetch(store)
        assert broken.value.answer.retry_at is None, "the link is bad: by the record's own back-off"
    store.breaks = None
    assert fetch(store) == len(WHOLE)
    assert store.asked == ["", "bytes=4096-", "bytes=8192-", "bytes=12288-"] and left() == {"file": WHOLE}


def test_a_transfer_ends_when_the_time_is_up_and_the_next_one_goes_on_at_once(fetch, left):
    store, tries = Store(), 0
    with pytest.raises(Unavailable) as ended:
        fetch(store, pieces=5)
    assert ended.value.answer.retry_at == NOW
    came = len(left()["file"])
    assert 0 < came < len(WHOLE) and left()["file"] == WHOLE[:came]
    while tries < 10:
        tries += 1
        try:
            fetch(store, pieces=5)
            break
        except Unavailable as error:
            assert error.answer.retry_at == NOW
    assert 1 < tries < 10 and store.asked[1] == f"bytes={came}-" and left() == {"file": WHOLE}


def test_nothing_is_asked_for_when_the_time_is_up_already(fetch):
    store = Store()
    with pytest.raises(Unavailable) as ended:
        fetch(store, pieces=-1)
    assert store.asked == [] and ended.value.answer.retry_at == NOW


@pytest.mark.parametrize(("other", "asked"), [
    (Store(WHOLE[::-1], '"b"'), 1), (Store(WHOLE[::-1], 'W/"b"'), 1), (Store(WHOLE[:1000], '"b"'), 1),
    (Store(ranges=False), 1),
])  # fmt: skip
def test_another_file_by_now_comes_from_its_beginning(fetch, left, other, asked):
    with pytest.raises(Unavailable):
        fetch(Store(breaks=4096))
    fetch(other)
    assert left() == {"file": other.content} and len(other.asked) == asked


def test_without_a_strong_tag_the_answer_itself_must_say_that_it_is_the_same(fetch, left):
    with pytest.raises(Unavailable):
        fetch(Store(tag='W/"a"', breaks=4096))
    other = Store(WHOLE[::-1], tag='W/"b"')
    fetch(other)
    assert left() == {"file": WHOLE[::-1]} and other.asked == ["bytes=4096-", ""]


def test_the_same_length_and_tag_go_on(fetch, left):
    with pytest.raises(Unavailable):
        fetch(Store(tag='W/"a"', breaks=4096))
    store = Store(tag='W/"a"')
    fetch(store)
    assert left() == {"file": WHOLE} and store.asked == ["bytes=4096-"]


def test_a_file_that_its_server_gives_no_name_is_never_put_together_from_pieces(fetch, left):
    """Its content may be another by now, of the same length."""
    with pytest.raises(Unavailable):
        fetch(Store(tag="", breaks=4096))
    other = Store(WHOLE[::-1], tag="")
    fetch(other)
    assert left() == {"file": WHOLE[::-1]} and other.asked == [""]


def test_where_nothing_is_gained_the_next_try_waits(fetch, left):
    with pytest.raises(Unavailable):
        fetch(Store(ranges=False), pieces=5)
    with pytest.raises(Unavailable) as ended:
        fetch(Store(ranges=False), pieces=9)
    assert ended.value.answer.retry_at is None, "a store that gives no parts"


def test_what_is_packed_is_not_taken_up_in_its_middle(fetch, left):
    with pytest.raises(Unavailable):
        fetch(Store(breaks=4096, **{"Content-Encoding": "x-unknown"}))
    store = Store()
    fetch(store)
    assert store.asked == [""] and left() == {"file": WHOLE}


def test_what_is_refused_or_too_large_says_so_when_it_goes_on_too(fetch, left):
    with pytest.raises(Unavailable):
        fetch(Store(breaks=4096))
    with pytest.raises(NotFound):
        fetch(lambda request: httpx.Response(404, json={}))
    with pytest.raises(ValueError, match="larger"):
        fetch(Store(), most=9000)
    store = Store()
    fetch(store)
    assert store.asked == [""] and left() == {"file": WHOLE}
