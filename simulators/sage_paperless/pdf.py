"""Reads a PDF far enough to know that it is whole: its table, every object's place, and the pages of its tree."""

import re
import zlib

REFERENCE = rb"(\d+)\s+(\d+)\s+R"
WHITE = b"\0\t\n\f\r "


class NotAPdf(Exception):
    """The bytes are not one whole PDF; the text says what is wrong."""


class _Reader:
    def __init__(self, data: bytes) -> None:
        if not data.startswith(b"%PDF-"):
            raise NotAPdf("it does not start as a PDF")
        if not data[-1024:].rstrip(WHITE).endswith(b"%%EOF"):
            raise NotAPdf("it does not end as a PDF")
        self.data = data
        # number -> offset, or (number of the object stream, place in it)
        self.places: dict[int, int | tuple[int, int]] = {}
        self.root = 0
        self.streams: dict[int, list[bytes]] = {}
        start = re.findall(rb"startxref\s+(\d+)", data[-1024:])
        if not start:
            raise NotAPdf("it has no startxref")
        self._sections(int(start[-1]))

    def _sections(self, at: int) -> None:
        done: set[int] = set()
        waiting = [at]
        while waiting:
            at = waiting.pop(0)
            if at in done:
                continue
            if at >= len(self.data):
                raise NotAPdf("its table is behind its end")
            done.add(at)
            head = self.data[at : at + 4] == b"xref"
            trailer = self._table(at) if head else self._table_stream(at)
            if b"/Encrypt" in trailer:
                raise NotAPdf("it is protected by a password")
            root = re.search(rb"/Root\s+" + REFERENCE, trailer)
            self.root = self.root or (int(root[1]) if root else 0)
            waiting += [int(found) for found in re.findall(rb"/(?:XRefStm|Prev)\s+(\d+)", trailer)]

    def _table(self, at: int) -> bytes:
        end = self.data.find(b"trailer", at)
        stop = self.data.find(b"startxref", end)
        if end < 0 or stop < 0:
            raise NotAPdf("it has no trailer")
        words = self.data[at + 4 : end].split()
        place = 0
        while place + 1 < len(words):
            first, count = int(words[place]), int(words[place + 1])
            place += 2
            for number in range(first, first + count):
                offset, _, use = words[place : place + 3]
                place += 3
                if use == b"n":
                    self.places.setdefault(number, int(offset))
        return self.data[end:stop]

    def _table_stream(self, at: int) -> bytes:
        head, content = self._stream_at(at)
        widths = [int(word) for word in _numbers(head, b"W")]
        index = [int(word) for word in _numbers(head, b"Index")] or [0, int(_value(head, b"Size"))]
        step, at = sum(widths), 0
        for first, count in zip(index[::2], index[1::2], strict=True):
            for number in range(first, first + count):
                row, at = content[at : at + step], at + step
                kind = int.from_bytes(row[: widths[0]]) if widths[0] else 1
                second = int.from_bytes(row[widths[0] : widths[0] + widths[1]])
                third = int.from_bytes(row[widths[0] + widths[1] :])
                if kind == 1:
                    self.places.setdefault(number, second)
                elif kind == 2:
                    self.places.setdefault(number, (second, third))
        return head

    def _stream_at(self, at: int) -> tuple[bytes, bytes]:
        """Dictionary and content of a stream, unpacked."""
        begin = self.data.find(b"stream", at)
        end = self.data.find(b"endstream", begin + 6)
        if begin < 0 or end < 0:
            raise NotAPdf("a stream is cut off")
        head = self.data[at:begin]
        body = begin + (8 if self.data[begin + 6 : begin + 8] == b"\r\n" else 7)
        length = re.search(rb"/Length\s+(\d+)(?!\s+\d+\s+R)", head)
        content = self.data[body : body + int(length[1])] if length else self.data[body:end].rstrip(b"\r\n")
        if b"/FlateDecode" in head:
            content = _unpacked(content)
        if int(_value(head, b"Predictor") or 1) >= 10:
            content = _unpredicted(content, int(_value(head, b"Columns") or 1))
        return head, content

    def object(self, number: int) -> bytes:
        """Its text, up to where a stream begins."""
        place = self.places.get(number)
        if place is None:
            raise NotAPdf(f"object {number} is missing")
        if isinstance(place, tuple):
            return self._packed(place[0])[place[1]]
        end = self.data.find(b"endobj", place)
        if end < 0:
            raise NotAPdf(f"object {number} is cut off")
        return self.data[place:end].split(b"stream", 1)[0]

    def _packed(self, number: int) -> list[bytes]:
        if number not in self.streams:
            place = self.places.get(number)
            if not isinstance(place, int):
                raise NotAPdf(f"object stream {number} is missing")
            head, content = self._stream_at(place)
            first, words = int(_value(head, b"First")), content[: int(_value(head, b"First"))].split()
            starts = [first + int(word) for word in words[1::2]]
            self.streams[number] = [content[a:b] for a, b in zip(starts, [*starts[1:], len(content)], strict=True)]
        return self.streams[number]

    def check_places(self) -> None:
        """Every object is where the table says."""
        for number, place in self.places.items():
            if isinstance(place, int) and not re.match(rb"\s*%d\s+\d+\s+obj" % number, self.data[place : place + 40]):
                raise NotAPdf(f"object {number} is not where the table says")

    def pages(self) -> int:
        pages = re.search(rb"/Pages\s+" + REFERENCE, self.object(self.root))
        if pages is None:
            raise NotAPdf("its catalogue names no pages")
        return self._count(int(pages[1]), 0)

    def _count(self, number: int, depth: int) -> int:
        node = self.object(number)
        kids = re.search(rb"/Kids\s*(?:\[(.*?)\]|" + REFERENCE + rb")", node, re.DOTALL)
        if kids is None:
            if not re.search(rb"/Type\s*/Page\b", node):
                raise NotAPdf(f"object {number} is no page")
            return 1
        if depth > 50:
            raise NotAPdf("its tree of pages has no end")
        listed = kids[1] if kids[1] is not None else self.object(int(kids[2]))
        return sum(self._count(int(kid), depth + 1) for kid, _ in re.findall(REFERENCE, listed))


def page_count(data: bytes) -> int:
    """How many pages it has. Raises NotAPdf."""
    try:
        reader = _Reader(data)
        reader.check_places()
        return reader.pages()
    except (ValueError, IndexError, zlib.error) as error:
        raise NotAPdf(f"its table cannot be read ({error})") from error


def _value(head: bytes, name: bytes) -> bytes:
    found = re.search(rb"/" + name + rb"\s+(\d+)", head)
    return found[1] if found else b""


def _numbers(head: bytes, name: bytes) -> list[bytes]:
    found = re.search(rb"/" + name + rb"\s*\[([\d\s]*)\]", head)
    return found[1].split() if found else []


def _unpacked(content: bytes) -> bytes:
    return zlib.decompressobj().decompress(content)


def _unpredicted(content: bytes, columns: int) -> bytes:
    """PNG predictors none, sub and up: what writers of tables use."""
    out, before = bytearray(), bytes(columns)
    for at in range(0, len(content), columns + 1):
        kind, row = content[at], bytearray(content[at + 1 : at + 1 + columns])
        if kind not in (0, 1, 2):
            raise NotAPdf("its table is packed in a way that is not known here")
        for index in range(len(row)):
            other = before[index] if kind == 2 else (row[index - 1] if kind == 1 and index else 0)
            row[index] = (row[index] + other) & 0xFF
        out += row
        before = bytes(row)
    return bytes(out)
