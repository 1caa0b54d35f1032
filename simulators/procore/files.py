"""The files that people attach: made anew from a few words each time, the same bytes for the same words."""

import struct
import zipfile
import zlib
from hashlib import sha256
from io import BytesIO
from random import Random
from typing import Any

Row = dict[str, Any]
# kind -> content type and ending
KINDS = {
    "pdf": ("application/pdf", "pdf"),
    "jpeg": ("image/jpeg", "jpg"),
    "png": ("image/png", "png"),
    "tiff": ("image/tiff", "tif"),
    "text": ("text/plain", "txt"),
    "docx": ("application/vnd.openxmlformats-officedocument.wordprocessingml.document", "docx"),
    "drawing": ("image/vnd.dwg", "dwg"),
    "damaged": ("application/pdf", "pdf"),
    "encrypted": ("application/pdf", "pdf"),
    "zero-byte": ("application/pdf", "pdf"),
}
SIDE = 96  # pixels of a picture
ROW_BYTES = 1000  # of the picture that makes a PDF as large as asked for


def content(spec: Row) -> bytes:
    """The bytes of one file: `kind`, `name`, `pages` and `size` (bytes at least, for PDFs)."""
    kind, name, pages = str(spec["kind"]), str(spec.get("name", "")), int(spec.get("pages") or 1)
    if kind == "pdf":
        return pdf(name, pages, int(spec.get("size") or 0))
    if kind == "damaged":  # its first half only: no table, no end
        whole = pdf(name, pages, 0)
        return whole[: len(whole) // 2]
    if kind == "encrypted":
        return pdf(name, pages, 0, locked=True)
    if kind == "zero-byte":
        return b""
    simple = {"jpeg": jpeg, "png": png, "text": text, "docx": docx, "drawing": drawing}
    return tiff(name, pages) if kind == "tiff" else simple[kind](name)


def shade(name: str) -> int:
    return sha256(name.encode()).digest()[0]


def text(name: str) -> bytes:
    return (f"{name}\n\nDelivered and checked on site – nothing to add.\n" + "Tonnes: 12,5  Café: 3\n" * 3).encode()


def drawing(name: str) -> bytes:
    """A type that no converter takes."""
    return b"AC1032" + bytes(64) + name.encode()


def pdf(name: str, pages: int, size: int = 0, locked: bool = False) -> bytes:
    """PDF 1.4 with a line of text on every page; `locked`: with a password that nobody knows."""
    first = 4  # 1 catalogue, 2 pages, 3 font
    kids = b" ".join(b"%d 0 R" % (first + 3 * index) for index in range(pages))
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [ %s ] /Count %d >>" % (kids, pages),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
    ]
    random = Random(name)
    rows = max(1, size // pages // ROW_BYTES) if size else 0
    for index in range(pages):
        number = first + 3 * index
        shown = f"{name} - page {index + 1} of {pages}".encode("latin-1", "replace")
        shown = shown.replace(b"\\", b"\\\\").replace(b"(", b"\\(").replace(b")", b"\\)")
        drawn = b"BT /F1 12 Tf 72 770 Td (%s) Tj ET" % shown + (b"\nq 400 0 0 400 72 200 cm /I1 Do Q" if rows else b"")
        objects.append(
            b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents %d 0 R /Resources << /Font << /F1 3 0 R >> "
            b"/XObject << /I1 %d 0 R >> >> >>" % (number + 1, number + 2)
        )
        objects.append(_stream(b"", drawn))
        objects.append(_picture(ROW_BYTES if rows else 1, rows or 1, random))
    return _file(objects, b" /Encrypt %d 0 R /ID [ <%s> <%s> ]" % (len(objects) + 1, _hex(name), _hex(name)), name, locked)


def _file(objects: list[bytes], lock: bytes, name: str, locked: bool) -> bytes:
    if locked:  # standard handler, revision 2: no password gives these two checks
        check = sha256(name.encode()).hexdigest().encode()
        objects = [*objects, b"<< /Filter /Standard /V 1 /R 2 /P -4 /O <%s> /U <%s> >>" % (check, check[::-1])]
    out, offsets = BytesIO(), []
    out.write(b"%PDF-1.4\n%\xe2\xe3\xcf\xd3\n")
    for number, item in enumerate(objects, 1):
        offsets.append(out.tell())
        out.write(b"%d 0 obj\n%s\nendobj\n" % (number, item))
    at = out.tell()
    out.write(b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1))
    out.write(b"".join(b"%010d 00000 n \n" % offset for offset in offsets))
    tail = lock if locked else b""
    out.write(b"trailer << /Size %d /Root 1 0 R%s >>\nstartxref\n%d\n%%%%EOF\n" % (len(objects) + 1, tail, at))
    return out.getvalue()


def _hex(name: str) -> bytes:
    return sha256(name.encode()).hexdigest()[:32].encode()


def _stream(head: bytes, data: bytes) -> bytes:
    return b"<< %s/Length %d >>\nstream\n%s\nendstream" % (head, len(data), data)


def _picture(width: int, height: int, random: Random) -> bytes:
    head = b"/Type /XObject /Subtype /Image /Width %d /Height %d /ColorSpace /DeviceGray /BitsPerComponent 8 "
    return _stream(head % (width, height), random.randbytes(width * height))


def png(name: str) -> bytes:
    """Grey, eight bits."""
    row = b"\0" + bytes([shade(name)]) * SIDE
    chunks = [(b"IHDR", struct.pack(">IIBBBBB", SIDE, SIDE, 8, 0, 0, 0, 0)), (b"IDAT", zlib.compress(row * SIDE)), (b"IEND", b"")]
    made = b"".join(struct.pack(">I", len(d)) + n + d + struct.pack(">I", zlib.crc32(n + d)) for n, d in chunks)
    return b"\x89PNG\r\n\x1a\n" + made


def tiff(name: str, pages: int) -> bytes:
    """Grey, not compressed; a page after the other as a scanner makes them."""
    out = bytearray(b"II*\0" + struct.pack("<I", 8))
    for index in range(pages):
        tags = 10
        data_at = len(out) + 2 + tags * 12 + 4
        following = data_at + SIDE * SIDE if index + 1 < pages else 0
        entries = [
            (256, 3, SIDE), (257, 3, SIDE), (258, 3, 8), (259, 3, 1), (262, 3, 1), (273, 4, data_at), (277, 3, 1),
            (278, 4, SIDE), (279, 4, SIDE * SIDE), (297, 3, index),
        ]  # fmt: skip
        out += struct.pack("<H", tags)
        out += b"".join(struct.pack("<HHII", tag, kind, 1, value) for tag, kind, value in entries)
        out += struct.pack("<I", following) + bytes([(shade(name) + index) % 256]) * (SIDE * SIDE)
    return bytes(out)


def jpeg(name: str) -> bytes:
    """Baseline, one component, every block the same grey: one code for the first block's level, one bit per block after it."""
    level = shade(name) * 8 - 1024
    size = abs(level).bit_length()
    bits = "10" + format(level if level > 0 else level + (1 << size) - 1, f"0{size}b") if size else "0"
    bits += "0" + "00" * ((SIDE // 8) ** 2 - 1)  # end of block; then no difference, end of block
    bits += "1" * (-len(bits) % 8)
    data = int(bits, 2).to_bytes(len(bits) // 8, "big").replace(b"\xff", b"\xff\0")
    levels = bytes([1, 1]) + bytes(14) + bytes([0, size or 1])  # codes 0 and 10
    rest = bytes([1]) + bytes(15) + bytes([0])  # code 0: end of block
    parts = [
        (0xE0, b"JFIF\0\1\1\0\0\1\0\1\0\0"), (0xDB, b"\0" + b"\1" * 64),
        (0xC0, struct.pack(">BHHB", 8, SIDE, SIDE, 1) + b"\1\x11\0"), (0xC4, b"\0" + levels), (0xC4, b"\x10" + rest),
        (0xDA, b"\1\1\0\0\x3f\0"),
    ]  # fmt: skip
    head = b"".join(struct.pack(">BBH", 255, marker, len(body) + 2) + body for marker, body in parts)
    return b"\xff\xd8" + head + data + b"\xff\xd9"


def docx(name: str) -> bytes:
    """The least that office programs open."""
    word = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
    package = "http://schemas.openxmlformats.org/package/2006"
    office = "http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument"
    main = "application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml"
    safe = name.encode("ascii", "xmlcharrefreplace").decode().replace("<", "&lt;")
    inside = {
        "[Content_Types].xml": f'<Types xmlns="{package}/content-types"><Default Extension="rels" '
        'ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
        f'<Override PartName="/word/document.xml" ContentType="{main}"/></Types>',
        "_rels/.rels": f'<Relationships xmlns="{package}/relationships">'
        f'<Relationship Id="r1" Type="{office}" Target="word/document.xml"/></Relationships>',
        "word/document.xml": f'<w:document xmlns:w="{word}"><w:body><w:p><w:r><w:t>{safe}</w:t></w:r></w:p></w:body>'
        "</w:document>",
    }
    out = BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for path, body in inside.items():
            archive.writestr(zipfile.ZipInfo(path, (2026, 1, 1, 0, 0, 0)), '<?xml version="1.0" encoding="UTF-8"?>' + body)
    return out.getvalue()
