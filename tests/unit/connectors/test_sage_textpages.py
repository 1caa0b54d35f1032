"""Text as pages: every figure in a code of the standard encoding, with its width; what no font has is seen or refused."""

import re
from pathlib import Path

import pikepdf
import pytest

from connectors.sage_paperless import letters, textpages
from connectors.sage_paperless.pages import Unusable

pytestmark = pytest.mark.unit

#: Of annex D.2 of ISO 32000-1, what WinAnsiEncoding does not have: names of the Adobe Glyph List.
STANDARD = {
    "breve": "\u02d8", "caron": "\u02c7", "dotaccent": "\u02d9", "dotlessi": "\u0131", "fraction": "\u2044",
    "circumflex": "\u02c6", "hungarumlaut": "\u02dd", "Lslash": "\u0141", "lslash": "\u0142", "minus": "\u2212",
    "ogonek": "\u02db", "ring": "\u02da",
    "tilde": "\u02dc",
}  # fmt: skip


@pytest.fixture
def page(tmp_path: Path):
    """`page(text)`: the first page made of it."""
    opened: list[pikepdf.Pdf] = []  # a page is gone with its file

    def make(text: str) -> pikepdf.Page:
        (tmp_path / "given").write_bytes(text.encode())
        textpages.to_pdf(tmp_path / "given", tmp_path / "made.pdf", "A4")
        opened.append(pikepdf.open(tmp_path / "made.pdf"))
        return opened[-1].pages[0]

    return make


def encoding(font: pikepdf.Object) -> dict[int, str]:
    """Code -> character, as a viewer takes it from the font: by its encoding, not by our word."""
    assert font.Encoding.BaseEncoding == "/WinAnsiEncoding"
    found, code = {code: bytes([code]).decode("cp1252", "replace") for code in range(32, 256)}, 0
    for item in font.Encoding.Differences:
        if isinstance(item, pikepdf.Name):
            found[code] = STANDARD[str(item)[1:]]
            code += 1
        else:
            code = int(item)
    return found


def drawn(page: pikepdf.Page) -> list[str]:
    """The lines, with every letter that is drawn, accents behind theirs."""
    known = encoding(page.Resources.Font.F1)
    return [
        "".join(known[byte] for part in re.findall(rb"<([0-9a-f]*)>(?: Tj|\] TJ)", line) for byte in bytes.fromhex(part.decode()))
        for line in page.Contents.read_bytes().split(b"T*\n")[:-1]
    ]


def test_every_figure_and_sign_of_the_standard_fonts_is_drawn_as_itself(page):
    keyboard = [bytes(range(start, start + 32)).decode() for start in (32, 64)] + [bytes(range(96, 127)).decode()]
    west = "€ ‚ ƒ „ … † ‡ ˆ ‰ Š ‹ Œ Ž ‘ ’ “ ” • – — ˜ ™ š › œ ž Ÿ"
    upper = "".join(chr(code) for code in range(0xA1, 0x100) if code != 0xAD)
    minus = "−5,00 Łódź ½"
    assert drawn(page("\n".join([*keyboard, west, upper[:48], upper[48:], minus]))) == [
        *keyboard, west, upper[:48], upper[48:], "−5,00 Łódz´ ½",
    ]  # fmt: skip


def test_the_font_says_its_widths_and_what_its_codes_mean(page):
    font = page("Māori 1,234.56").Resources.Font.F1
    assert (int(font.FirstChar), int(font.LastChar)) == (16, 255) and [int(w) for w in font.Widths] == [600] * 240
    assert font.FontDescriptor.FontName == font.BaseFont == "/Courier" and int(font.FontDescriptor.Flags) & 1
    said = font.ToUnicode.read_bytes().decode()
    means = {int(code, 16): chr(int(c, 16)) for code, c in re.findall(r"<(\w\w)> <(\w{4})>", said)}
    known = encoding(font)
    assert means == {code: known[code] for code in means} and set(means) == set(letters.CODES.values())
    assert all(int(count) <= 100 for count in re.findall(r"(\d+) beginbfchar", said))


def test_a_letter_that_viewers_may_lack_is_drawn_as_letter_and_accent_and_copied_as_itself(page):
    made = page("Māori Ō tīpuna ș đ")
    assert drawn(made) == ["Ma¯ori O¯ tı¯puna s, d¯"]
    content = made.Contents.read_bytes().decode()
    assert re.findall(r"ActualText <FEFF(\w{4})>", content) == [f"{ord(c):04X}" for c in "āŌīșđ"]
    assert "[600 <af>] TJ" in content, "the accent goes back over its letter, and the line stays in step"


@pytest.mark.parametrize(("given", "seen"), [
    ("Ma\u0304ori", "Ma¯ori"), ("1\u00a0000\u202f000", "1 000 000"), ("12\u00ad34", "12-34"), ("a\u200bb", "ab"),
    ("5 ≤ 6 → 7", "5 <= 6 -> 7"), ("ok ✓", "ok [check mark]"), ("10⁵", "10[superscript five]"), ("\x1b[31m\x07", "^[[31m^G"),
    ("a\tb", "a       b"),
])  # fmt: skip
def test_what_no_font_has_is_seen_as_something_that_says_so(page, given, seen):
    assert drawn(page(given)) == [seen]


@pytest.mark.parametrize("given", ["請求書", "Счёт", "Ωμέγα", "\ue000", "\u0345q"])
def test_letters_that_nothing_can_stand_for_are_refused(page, given):
    with pytest.raises(Unusable) as refused:
        page(given)
    assert refused.value.code == "type_not_convertible" and given[0] in refused.value.reason.replace("\\ue000", "\ue000")


def test_what_stands_for_a_sign_counts_when_a_line_is_wrapped(page):
    lines = drawn(page("✓ " * 60))
    assert len(lines) > 5 and max(map(len, lines)) <= 90
