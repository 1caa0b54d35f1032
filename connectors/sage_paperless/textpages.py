"""Plain text as pages: Courier of every viewer, wrapped, so that no font has to be found on the machine."""

from collections.abc import Iterator
from itertools import groupby
from pathlib import Path

import pikepdf
from pikepdf import Array, Dictionary, Name

from connectors.sage_paperless import letters
from connectors.sage_paperless.pages import PAPERS, Unusable

SIZE, LEADING, MARGIN = 9, 12, 54  # points
WIDTH = SIZE * letters.WIDTH / 1000
#: More text than this is a log or a data file, and no attachment that anybody reads.
MOST_BYTES = 5 * 1024 * 1024
TAB = 8
ENCODINGS = ("utf-8-sig", "cp1252")


def to_pdf(path: Path, into: Path, paper: str) -> None:
    """Raises Unusable for what is no text, or needs a font that viewers do not have."""
    width, height = PAPERS[paper]
    columns, rows = int((width - 2 * MARGIN) // WIDTH), int((height - 2 * MARGIN) // LEADING)
    lines = list(_wrapped(_text(path), columns))
    pdf = pikepdf.new()
    font = pdf.make_indirect(letters.font())
    font.ToUnicode = pdf.make_stream(letters.to_unicode())
    for start in range(0, max(len(lines), 1), rows):
        body = f"BT /F1 {SIZE} Tf {LEADING} TL {MARGIN} {height - MARGIN - SIZE:.0f} Td\n".encode()
        body += b"".join(_drawn(line) + b"T*\n" for line in lines[start:start + rows]) + b"ET"
        page = Dictionary(
            Type=Name.Page, MediaBox=Array([0, 0, width, height]), Resources=Dictionary(Font=Dictionary(F1=font)),
            Contents=pdf.make_stream(body),
        )  # fmt: skip
        pdf.pages.append(pikepdf.Page(page))
    pdf.save(into, deterministic_id=True)


def _text(path: Path) -> str:
    if path.stat().st_size > MOST_BYTES:
        raise Unusable("type_not_convertible", f"it holds more than {MOST_BYTES // 1024 // 1024} MB of text")
    content = path.read_bytes()
    if b"\0" in content:
        raise Unusable("attachment_not_what_it_says", "it holds zero bytes, which text does not")
    for encoding in ENCODINGS:
        try:
            return content.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise Unusable("attachment_unreadable", "it is text in no encoding that is known here")


def _wrapped(text: str, columns: int) -> Iterator[str]:
    for given in text.replace("\f", "\n").splitlines():
        line, foreign = letters.readable(given.expandtabs(TAB))
        if foreign:
            raise Unusable("type_not_convertible", f"it needs a font for {''.join(foreign[:5])!r}")
        while len(line) > columns:
            cut = line.rfind(" ", columns // 2, columns + 1)
            cut = cut if cut > 0 else columns
            yield line[:cut]
            line = line[cut:].lstrip(" ")
        yield line


def _drawn(line: str) -> bytes:
    """A line's operators. An accent goes back over its letter; what both mean together stands beside them (14.9.4)."""
    out = b""
    for c, same in groupby(line, lambda c: None if c in letters.CODES else c):
        if c is None:
            out += b"<" + bytes(letters.CODES[one] for one in same).hex().encode() + b"> Tj "
            continue
        for one in same:
            made = letters.drawn(one)
            assert made is not None  # the line is `readable`
            out += f"/Span <</ActualText <FEFF{ord(one):04X}>>> BDC <{made.code:02x}> Tj ".encode()
            for code, rise in made.accents:
                out += f"{rise * SIZE / 1000:g} Ts [{letters.WIDTH} <{code:02x}>] TJ 0 Ts ".encode()
            out += b"EMC "
    return out
