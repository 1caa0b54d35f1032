"""Pictures a strip of rows at a time, so that a large one never stands in memory: a PNG read, and one written."""

import struct
import zlib
from collections.abc import Iterator, Mapping
from io import BytesIO
from pathlib import Path
from typing import IO

from PIL import Image, ImageChops

MAGIC = b"\x89PNG\r\n\x1a\n"
PIECE = 1 << 16
#: Bytes of rows that are decoded together.
STRIP = 4 * 1024 * 1024
#: Chunks that say how rows are to be understood; profile and orientation go along with what is made.
KEPT = (b"IHDR", b"PLTE", b"tRNS", b"iCCP", b"eXIf")
LONGEST_KEPT = 4 * 1024 * 1024
#: Colour type -> samples of a pixel.
SAMPLES = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
#: Stands for the rows' filter "up": each is the difference to the one above it.
UP = 2
LAST_FILTER = 4


class Reader:
    """A PNG from its beginning to its end, every check sum proven. Raises ValueError for one that is not whole."""

    def __init__(self, file: IO[bytes]) -> None:
        self.file, self.kept = file, dict[bytes, bytes]()
        if file.read(len(MAGIC)) != MAGIC:
            raise ValueError("it does not begin as one")
        self._parts = self._chunks()
        self._first = next((part for kind, part in self._parts if kind == b"IDAT"), b"")
        if len(self.kept.get(b"IHDR", b"")) != 13:
            raise ValueError("it does not say its size")
        self.width, self.height, self.depth, self.color, _, _, self.interlaced = struct.unpack(">IIBBBBB", self.kept[b"IHDR"])
        self.row = 1 + (self.width * self.depth * SAMPLES.get(self.color, 4) + 7) // 8

    def _chunks(self) -> Iterator[tuple[bytes, bytes]]:
        while True:
            size, kind = struct.unpack(">I4s", self._exactly(8))
            sum_, left = zlib.crc32(kind), size
            while True:
                part = self._exactly(min(left, PIECE))
                sum_, left = zlib.crc32(part, sum_), left - len(part)
                if kind in KEPT and size <= LONGEST_KEPT:
                    self.kept[kind] = self.kept.get(kind, b"") + part
                yield kind, part
                if not left:
                    break
            if sum_ != struct.unpack(">I", self._exactly(4))[0]:
                raise ValueError(f"a check sum of it is wrong ({kind.decode('latin-1')})")
            if kind == b"IEND":
                return

    def _exactly(self, count: int) -> bytes:
        part = self.file.read(count)
        if len(part) != count:
            raise ValueError("its end is missing")
        return part

    def rows(self) -> Iterator[bytes]:
        """Rows as they stand in the file, filtered, a strip's bytes at a time."""
        inflate, held, left = zlib.decompressobj(), bytearray(), self.row * self.height
        size = self.row * max(1, STRIP // self.row)
        for part in self._data():
            while part and left:
                more = inflate.decompress(part, size)
                part = inflate.unconsumed_tail
                held += more[:left]
                left -= min(left, len(more))
                while len(held) >= size:
                    yield self._sound(bytes(held[:size]))
                    del held[:size]
        if left:
            raise ValueError("rows of it are missing")
        if held:
            yield self._sound(bytes(held))

    def _sound(self, rows: bytes) -> bytes:
        if max(rows[:: self.row]) > LAST_FILTER:
            raise ValueError("a row of it is filtered in a way that there is not")
        return rows

    def _data(self) -> Iterator[bytes]:
        yield self._first
        for kind, part in self._parts:
            if kind == b"IDAT":
                yield part

    def strips(self) -> Iterator[Image.Image]:
        """Its strips as pictures: each a small PNG that begins with the last row before it, which its first one builds on."""
        above = b""
        for rows in self.rows():
            height = (len(rows) + len(above)) // self.row
            small = MAGIC + _chunk(b"IHDR", struct.pack(">II", self.width, height) + self.kept[b"IHDR"][8:])
            small += b"".join(_chunk(kind, self.kept[kind]) for kind in (b"PLTE", b"tRNS") if kind in self.kept)
            small += _chunk(b"IDAT", zlib.compress(above + rows, 1)) + _chunk(b"IEND", b"")
            with Image.open(BytesIO(small)) as picture:
                picture.load()
                shown = picture.crop((0, 1 if above else 0, self.width, height))
                shown.info = dict(picture.info)
                yield shown
                above = b"\0" + picture.crop((0, height - 1, self.width, height)).tobytes()


def write(strips: Iterator[Image.Image], size: tuple[int, int], beside: Mapping[bytes, bytes], into: Path) -> None:
    """An opaque PNG of eight bits, grey or in colours as the first strip is, with the chunks `beside`."""
    deflate, above = zlib.compressobj(3), None
    with into.open("wb") as out:
        for strip in strips:
            if above is None:
                grey = strip.mode == "L"
                above = Image.new(strip.mode, (strip.width, 1))
                out.write(MAGIC + _chunk(b"IHDR", struct.pack(">IIBBBBB", *size, 8, 0 if grey else 2, 0, 0, 0)))
                out.write(b"".join(_chunk(kind, content) for kind, content in beside.items()))
            out.write(_data(deflate.compress(_filtered(strip, above))))
            above = strip.crop((0, strip.height - 1, strip.width, strip.height))
        out.write(_data(deflate.flush()) + _chunk(b"IEND", b""))


def _filtered(strip: Image.Image, above: Image.Image) -> bytes:
    shifted = Image.new(strip.mode, strip.size)
    shifted.paste(above, (0, 0))
    shifted.paste(strip.crop((0, 0, strip.width, strip.height - 1)), (0, 1))
    data = ImageChops.subtract_modulo(strip, shifted).tobytes()
    size = len(data) // strip.height
    return b"".join(bytes([UP]) + data[start : start + size] for start in range(0, len(data), size))


def _data(packed: bytes) -> bytes:
    return _chunk(b"IDAT", packed) if packed else b""


def _chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))
