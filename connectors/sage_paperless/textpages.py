"""Plain text as pages: Courier of every viewer, wrapped, so that no font has to be found on the machine."""

from collections.abc import Iterator
from pathlib import Path

import pikepdf
from pikepdf import Array, Dictionary, Name

from connectors.sage_paperless.pages import PAPERS, Unusable

SIZE, LEADING, MARGIN = 9, 12, 54  # points
#: A character of Courier is 0.6 of its size wide.
WIDTH = SIZE * 0.6
#: More text than this is a log or a data file, and no attachment that anybody reads.
MOST_BYTES = 5 * 1024 * 1024
TAB = 8
#: The first code of the font's encoding that is ours to give away.
FIRST, LAST = 32, 255
ENCODINGS = ("utf-8-sig", "cp1252")


def to_pdf(path: Path, into: Path, paper: str) -> None:
    """Raises Unusable for what is no text, or needs a font that viewers do not have."""
    width, height = PAPERS[paper]
    columns, rows = int((width - 2 * MARGIN) // WIDTH), int((height - 2 * MARGIN) // LEADING)
    lines = list(_wrapped(_text(path), columns))
    codes = _codes("".join(lines))
    pdf = pikepdf.new()
    font = pdf.make_indirect(_font(codes))
    for start in range(0, max(len(lines), 1), rows):
        shown = [_shown(line, codes) for line in lines[start:start + rows]]
        body = f"BT /F1 {SIZE} Tf {LEADING} TL {MARGIN} {height - MARGIN - SIZE:.0f} Td\n".encode()
        body += b"".join(b"<" + line.hex().encode() + b"> Tj T*\n" for line in shown) + b"ET"
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
    for line in text.replace("\f", "\n").splitlines():
        line = "".join(c for c in line.expandtabs(TAB) if c.isprintable())
        while len(line) > columns:
            cut = line.rfind(" ", columns // 2, columns + 1)
            cut = cut if cut > 0 else columns
            yield line[:cut]
            line = line[cut:].lstrip(" ")
        yield line


def _codes(text: str) -> dict[str, int]:
    """Character -> code. Only Latin, Greek and Cyrillic letters and common signs: those that viewers' Courier has."""
    used = sorted(set(text))
    foreign = [c for c in used if ord(c) > 0x4FF and not 0x1E00 <= ord(c) <= 0x1EFF and not 0x2000 <= ord(c) <= 0x22FF]
    if foreign or len(used) > LAST - FIRST + 1:
        shown = "".join(foreign[:5])
        raise Unusable("type_not_convertible", f"it needs a font for {shown!r}" if foreign else "it uses too many characters")
    return {c: FIRST + place for place, c in enumerate(used)}


def _font(codes: dict[str, int]) -> Dictionary:
    names = [Name(f"/uni{ord(c):04X}") if c != " " else Name("/space") for c in codes]
    names = [Name(f"/{chr(ord(c))}") if c.isascii() and c.isalpha() else name for c, name in zip(codes, names, strict=True)]
    return Dictionary(
        Type=Name.Font, Subtype=Name.Type1, BaseFont=Name.Courier,
        Encoding=Dictionary(Type=Name.Encoding, Differences=Array([FIRST, *names])),
    )  # fmt: skip


def _shown(line: str, codes: dict[str, int]) -> bytes:
    return bytes(codes[c] for c in line)
