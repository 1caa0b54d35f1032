"""Which characters a page of text can show: those of the Courier that every viewer has, and what stands for others.

ISO 32000-1, annex D.2 names the 229 characters of the standard fonts. Viewers bring fonts of their own for them, and many
of those have nothing more; so other Latin letters are drawn as letter and accent, one over the other.
"""

import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

from pikepdf import Array, Dictionary, Name

#: Of WinAnsiEncoding the codes below 32 are free; the eight accents stand where PDFDocEncoding has them.
OWN = {
    16: ("dotlessi", "\u0131"), 17: ("fraction", "\u2044"), 18: ("minus", "\u2212"), 19: ("Lslash", "\u0141"),
    20: ("lslash", "\u0142"), 24: ("breve", "\u02d8"), 25: ("caron", "\u02c7"), 26: ("circumflex", "\u02c6"),
    27: ("dotaccent", "\u02d9"), 28: ("hungarumlaut", "\u02dd"), 29: ("ogonek", "\u02db"), 30: ("ring", "\u02da"),
    31: ("tilde", "\u02dc"),
}  # fmt: skip
FIRST, LAST = 16, 255
#: A character of Courier, and so its every accent, in thousandths of the size.
WIDTH = 600
UNUSED = (0x7F, 0x81, 0x8D, 0x8F, 0x90, 0x9D, 0xA0, 0xAD)
CODES = {bytes([code]).decode("cp1252"): code for code in range(32, 256) if code not in UNUSED}
CODES |= {c: code for code, (_, c) in OWN.items()}
#: Combining mark -> the accent that shows it, and how far it is lowered below a letter.
MARKS = {
    "\u0300": ("`", 0), "\u0301": ("\u00b4", 0), "\u0302": ("\u02c6", 0), "\u0303": ("\u02dc", 0), "\u0304": ("\u00af", 0),
    "\u0306": ("\u02d8", 0), "\u0307": ("\u02d9", 0), "\u0308": ("\u00a8", 0), "\u030a": ("\u02da", 0), "\u030b": ("\u02dd", 0),
    "\u030c": ("\u02c7", 0), "\u0323": (".", -190), "\u0326": (",", -190), "\u0327": ("\u00b8", 0), "\u0328": ("\u02db", 0),
}  # fmt: skip
#: Letters with a bar have no parts in Unicode.
BARRED = {"\u0111": "d\u0304", "\u0110": "\u00d0", "\u0127": "h\u0304", "\u0126": "H\u0304"}
BELOW = "\u0323\u0326\u0327\u0328"
#: Accents are drawn for small letters; over what is taller they are raised, in thousandths of the size.
RAISED = 130
#: What people know as a sign for the same, without a doubt about a figure.
SAME = {
    "\u2010": "-", "\u2011": "-", "\u2012": "-", "\u2015": "\u2014", "\u00ad": "-", "\u2032": "'", "\u2033": '"', "\u2190": "<-",
    "\u2192": "->", "\u21d2": "=>", "\u2194": "<->", "\u2260": "!=", "\u2264": "<=", "\u2265": ">=", "\u2248": "~",
    "\u03bc": "\u00b5", "\u2043": "-", "\u25cf": "\u2022", "\u25aa": "\u2022", "\u2027": "\u00b7", "\u2215": "\u2044",
    "\u2236": ":", "\ufb00": "ff", "\ufb01": "fi", "\ufb02": "fl", "\ufb03": "ffi", "\ufb04": "ffl",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Drawn:
    """One place of a line: a code, and accents over it as (code, thousandths by which it is raised)."""

    code: int
    accents: tuple[tuple[int, int], ...] = ()


def readable(text: str) -> tuple[str, list[str]]:
    """The text with nothing but what can be drawn, one character for one place; and the characters nothing can stand for.

    A sign that no font here has is named in brackets, a control character is written ^X: neither is left out in silence.
    """
    text = unicodedata.normalize("NFC", text)
    foreign: list[str] = []
    stands: dict[str, str] = {}
    for c in sorted(set(text)):
        shown = _shown(c)
        if shown is None:
            foreign.append(c)
        stands[c] = shown or ""
    return "".join(stands[c] for c in text), foreign


@cache
def _shown(c: str) -> str | None:
    if drawn(c) is not None:
        return c
    if c in SAME:
        return SAME[c]
    kind = unicodedata.category(c)
    if kind == "Zs":
        return " "
    if kind == "Cf":  # joiners and marks of direction: nothing of them is ever seen
        return ""
    if kind == "Cc":
        return f"^{chr(ord(c) ^ 0x40)}" if ord(c) < 128 else f"[control {ord(c):02X}]"
    name = unicodedata.name(c, "")
    return f"[{name.lower()}]" if name and (kind[0] in "PS" or kind == "No") else None


@cache
def drawn(c: str) -> Drawn | None:
    """How it is drawn, or None."""
    if c in CODES:
        return Drawn(CODES[c])
    base, *marks = tuple(unicodedata.normalize("NFD", BARRED.get(c, c)))
    if base not in CODES or any(mark not in MARKS for mark in marks):
        return None
    above = [mark for mark in marks if mark not in BELOW]
    raised = RAISED if base.isupper() or base in "bdfhklt" else 0
    if c in BARRED:
        raised = 0
    if above and base == "i":
        base = "\u0131"
    accents = tuple((CODES[MARKS[mark][0]], raised if mark in above else MARKS[mark][1]) for mark in marks)
    return Drawn(CODES[base], accents)


def font() -> Dictionary:
    """Courier by its standard names, with its widths, and with what each code means for those who search and copy."""
    names: list[object] = []
    for code, (name, _) in OWN.items():
        names += [code, Name(f"/{name}")]
    return Dictionary(
        Type=Name.Font, Subtype=Name.Type1, BaseFont=Name.Courier, FirstChar=FIRST, LastChar=LAST,
        Widths=Array([WIDTH] * (LAST - FIRST + 1)),
        Encoding=Dictionary(Type=Name.Encoding, BaseEncoding=Name.WinAnsiEncoding, Differences=Array(names)),
        FontDescriptor=Dictionary(  # as Adobe's metrics of Courier have them
            Type=Name.FontDescriptor, FontName=Name.Courier, Flags=33, FontBBox=Array([-23, -250, 715, 805]), ItalicAngle=0,
            Ascent=629, Descent=-157, CapHeight=562, XHeight=426, StemV=51, MissingWidth=WIDTH,
        ),
    )  # fmt: skip


def to_unicode() -> bytes:
    """The ToUnicode map (ISO 32000-1, 9.10.3)."""
    pairs = sorted((code, c) for c, code in CODES.items())
    lines = list(_blocks([f"<{code:02X}> <{ord(c):04X}>" for code, c in pairs]))
    head = (
        "/CIDInit /ProcSet findresource begin 12 dict begin begincmap "
        "/CIDSystemInfo << /Registry (Adobe) /Ordering (UCS) /Supplement 0 >> def "
        "/CMapName /Adobe-Identity-UCS def /CMapType 2 def\n1 begincodespacerange <00> <FF> endcodespacerange\n"
    )
    return (head + "\n".join(lines) + "\nendcmap CMapName currentdict /CMap defineresource pop end end").encode()


def _blocks(lines: list[str]) -> Iterator[str]:
    for start in range(0, len(lines), 100):  # more are not allowed in one
        some = lines[start : start + 100]
        yield "\n".join([f"{len(some)} beginbfchar", *some, "endbfchar"])
