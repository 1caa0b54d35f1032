"""Pictures as pages: as they looked, a strip at a time where they are large, or refused with a reason that says so."""

import io
import struct
import zlib
from pathlib import Path

import pikepdf
import pytest
from PIL import Image

from connectors.sage_paperless import pictures, strips
from connectors.sage_paperless.pages import Unusable

pytestmark = pytest.mark.unit


def drawing(mode: str, size: tuple[int, int] = (40, 30)) -> Image.Image:
    """Every point another, and where the mode has it, another transparency."""
    made = Image.new("RGBA", size)
    made.putdata([(n * 7 % 256, n * 3 % 256, n % 256, n * 11 % 256) for n in range(size[0] * size[1])])
    return made if mode == "RGBA" else made.convert("RGB").quantize(16) if mode == "P" else made.convert(mode)


def on_white(picture: Image.Image) -> tuple[tuple[int, int], bytes]:
    whole = picture.convert("RGBA")
    return whole.size, Image.alpha_composite(Image.new("RGBA", whole.size, "white"), whole).convert("RGB").tobytes()


@pytest.fixture
def shown(tmp_path: Path):
    """`shown(picture, "PNG")`: the pages made of it, as pictures."""

    def make(picture: Image.Image | bytes, form: str = "PNG", **options) -> list[Image.Image]:
        path = tmp_path / "given"
        if isinstance(picture, bytes):
            path.write_bytes(picture)
        else:
            picture.save(path, form, **options)
        return [_picture(one) for one in pictures.to_pdf(path, tmp_path / "0.part", "A4")]

    return make


def _picture(path: Path) -> Image.Image:
    with pikepdf.open(path) as opened:
        assert len(opened.pages) == 1
        return pikepdf.PdfImage(next(iter(opened.pages[0].get_images().values()))).as_pil_image().copy()


@pytest.mark.parametrize("strip", [1, 300, 1 << 20])
@pytest.mark.parametrize(("mode", "options"), [
    ("RGBA", {}), ("LA", {}), ("P", {"transparency": 3}), ("P", {"transparency": 3, "bits": 8}), ("L", {"transparency": 9}),
    ("RGB", {"transparency": (7, 3, 1)}), ("RGB", {}), ("L", {}), ("1", {}),
])  # fmt: skip
def test_a_png_is_shown_as_it_looks_on_paper(shown, tmp_path, monkeypatch, strip, mode, options):
    monkeypatch.setattr(strips, "STRIP", strip)
    [page] = shown(drawing(mode), **options)
    with Image.open(tmp_path / "given") as given:
        assert on_white(page) == on_white(given)


@pytest.mark.parametrize(("mode", "compression"), [
    ("RGB", "tiff_lzw"), ("RGB", None), ("RGBA", "tiff_lzw"), ("L", "tiff_lzw"), ("P", "tiff_lzw"), ("1", "group4"),
    ("1", None), ("CMYK", "tiff_lzw"),
])  # fmt: skip
def test_every_page_of_a_tiff_is_shown(shown, mode, compression):
    first, second = drawing(mode), drawing(mode, (20, 50))
    pages = shown(first, "TIFF", compression=compression, save_all=True, append_images=[second])
    assert [on_white(page) for page in pages] == [on_white(first), on_white(second)]


def test_a_tiff_that_was_scanned_lying_is_turned_once(shown):
    [page] = shown(drawing("RGB"), "TIFF", tiffinfo={274: 6})
    assert page.size == (30, 40)


def clear(side: int) -> bytes:
    out = io.BytesIO()
    Image.new("RGBA", (side, side)).save(out, "PNG")
    return out.getvalue()


def test_memory_does_not_grow_with_a_transparent_picture(shown, monkeypatch):
    heights = []
    monkeypatch.setattr(strips, "STRIP", 64 * 1024)
    real = Image.alpha_composite
    monkeypatch.setattr(Image, "alpha_composite", lambda white, over: heights.append(over.height) or real(white, over))
    [page] = shown(clear(1000))
    assert page.getpixel((999, 999)) == (255, 255, 255)
    assert sum(heights) == 1000 and max(heights) * 4001 <= 64 * 1024


@pytest.mark.parametrize(("mode", "form", "options"), [
    ("RGB", "TIFF", {"compression": "tiff_lzw"}), ("L", "TIFF", {}), ("1", "TIFF", {"compression": "group4"}),
    ("RGB", "JPEG", {"progressive": True}),
])  # fmt: skip
def test_a_picture_that_would_not_fit_is_refused_before_it_is_decoded(shown, monkeypatch, mode, form, options):
    monkeypatch.setattr(pictures, "MOST_AT_ONCE", 1000)
    with pytest.raises(Unusable) as refused:
        shown(drawing(mode), form, **options)
    assert refused.value.code == "picture_too_large" and "40 x 30 points" in refused.value.reason


def test_a_plain_jpeg_or_png_has_no_such_limit(shown, monkeypatch):
    monkeypatch.setattr(pictures, "MOST_AT_ONCE", 1000)
    assert shown(drawing("RGB"), "JPEG") and shown(drawing("RGB")) and shown(drawing("RGBA"))


@pytest.mark.parametrize("form", ["JPEG", "PNG"])
def test_a_file_that_is_too_large_to_be_taken_as_it_is_is_refused(shown, monkeypatch, form):
    monkeypatch.setattr(pictures, "MOST_BYTES", 100)
    with pytest.raises(Unusable) as refused:
        shown(drawing("RGB"), form)
    assert refused.value.code == "picture_too_large"


def test_more_points_than_any_paper_has_are_refused(shown, monkeypatch):
    monkeypatch.setattr(pictures, "MOST_PIXELS", 100)
    with pytest.raises(Unusable) as refused:
        shown(drawing("RGB"))
    assert refused.value.code == "picture_too_large"


def spoilt(change) -> bytes:
    """A PNG whose rows were changed, with check sums that are right again."""
    out = io.BytesIO()
    drawing("RGB").save(out, "PNG")
    whole = out.getvalue()
    at = whole.index(b"IDAT")
    size = struct.unpack(">I", whole[at - 4 : at])[0]
    packed = zlib.compress(change(zlib.decompress(whole[at + 4 : at + 4 + size])))
    return whole[: at - 4] + strips._chunk(b"IDAT", packed) + whole[at + 8 + size :]


def packed_badly() -> bytes:
    whole = clear(5)
    at = whole.index(b"IDAT") - 4
    return whole[:at] + strips._chunk(b"IDAT", b"not packed at all") + strips._chunk(b"IEND", b"")


@pytest.mark.parametrize("content", [
    packed_badly(),
    spoilt(lambda rows: rows[:-1]), spoilt(lambda rows: rows[:-121] + b"\x09" + rows[-120:]), spoilt(lambda rows: b""),
    clear(50)[:-12], clear(50).replace(b"IDAT", b"IDAX"), clear(50)[:60] + b"\xff" + clear(50)[61:],
])  # fmt: skip
def test_a_png_that_lacks_rows_or_has_wrong_ones_is_not_whole(shown, content):
    with pytest.raises(Unusable) as refused:
        shown(content)
    assert refused.value.code == "attachment_unreadable"


def test_grey_of_more_than_eight_bits_is_refused_and_not_washed_out(shown):
    with pytest.raises(Unusable) as refused:
        shown(Image.new("I;16", (4, 4), 300), "TIFF")
    assert refused.value.code == "type_not_convertible"
