"""Pictures as pages: read to their last byte, put on white where they are transparent, in a worker's memory or not at all."""

import warnings
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import img2pdf
from PIL import Image, ImageFile

from connectors.sage_paperless import strips
from connectors.sage_paperless.pages import PAPERS, Unusable

#: Points of one picture: about 400 dpi on A0.
MOST_PIXELS = 250_000_000
#: Bytes of points that stand in memory together, as Pillow keeps them: colours of A4 at 400 dpi, or grey of A3 at 600 dpi.
#: Those of a JPEG or a plain PNG never do; they have no such limit.
MOST_AT_ONCE = 72_000_000
#: Bytes of a file whose content goes into the PDF as it is, for it is in memory meanwhile.
MOST_BYTES = 32_000_000
#: Bytes of one point where it is not four.
STORED = {"1": 1, "L": 1, "P": 1}
GREY = ("L", "LA", "La")
ROWS_PER_STRIP = 278
#: A JPEG, by Pillow's names; "MPO" has further pictures behind it.
JPEG = ("JPEG", "MPO")
#: What is raised for a picture that is not whole.
BROKEN = (OSError, SyntaxError, ValueError, EOFError, TypeError, zlib.error, img2pdf.ImageOpenError)
#: What img2pdf raises for one that it cannot show as it is meant.
UNSHOWN = (
    img2pdf.UnsupportedColorspaceError, img2pdf.JpegColorspaceError, img2pdf.AlphaChannelError, img2pdf.NegativeDimensionError,
    img2pdf.PdfTooLargeError,
)  # fmt: skip


def to_pdf(path: Path, into: Path, paper: str) -> list[Path]:
    """One PDF per picture beside `into`, each as large as the paper allows. Raises Unusable."""
    layout = img2pdf.get_layout_fun(pagesize=PAPERS[paper], fit=img2pdf.FitMode.into, auto_orient=True)
    Image.MAX_IMAGE_PIXELS = MOST_PIXELS
    made = []
    with warnings.catch_warnings():
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        try:
            for number, (source, rotation) in enumerate(_checked(path, into.with_suffix(".picture"))):
                made.append(into.with_suffix(f".{number}.part"))
                with made[-1].open("wb") as out:
                    img2pdf.convert(
                        source, outputstream=out, layout_fun=layout, nodate=True, rotation=rotation,
                        engine=img2pdf.Engine.internal,
                    )  # fmt: skip
        except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
            raise Unusable("picture_too_large", f"it has more than {MOST_PIXELS // 1_000_000} million points") from error
        except BROKEN as error:
            raise Unusable("attachment_unreadable", f"the picture is not whole: {type(error).__name__}") from error
        except UNSHOWN as error:
            raise Unusable("type_not_convertible", f"its kind of picture has no page ({type(error).__name__})") from error
    return made


def _checked(path: Path, made: Path) -> Iterator[tuple[bytes | str, Any]]:
    """Each page, proven whole: the picture itself, or what is `made` of it; and how img2pdf is to turn it."""
    with Image.open(path) as picture:
        if picture.format in JPEG:
            yield _photograph(picture, path), img2pdf.Rotation.ifvalid
            return
        if picture.format == "PNG":
            with path.open("rb") as file:
                found = strips.Reader(file)
                blended = found.color in (4, 6) or b"tRNS" in found.kept
                blended = blended or (found.color == 3 and b"iCCP" in found.kept)  # a PDF knows no palette with a profile
                if not found.interlaced and (found.depth == 8 or not blended):
                    # where nothing is said of turning, it is not asked for: Pillow would decode the whole picture for it
                    turned = img2pdf.Rotation.ifvalid if b"eXIf" in found.kept else img2pdf.Rotation["0"]
                    yield _opaque(found, made) if blended else _plain(found, path), turned
                    return
        for number in range(getattr(picture, "n_frames", 1)):
            picture.seek(number)
            yield _decoded(picture, made), img2pdf.Rotation["0"]  # Pillow has turned it


def _photograph(picture: ImageFile.ImageFile, path: Path) -> bytes | str:
    """Baseline ones are decoded a row of blocks at a time; of progressive ones all blocks stand in memory."""
    _small(path)
    if picture.info.get("progressive"):
        layers = [(across, down) for _, across, down, _ in getattr(picture, "layer", ())]
        most = max((across * down for across, down in layers), default=1)
        _fits(picture, 2 * sum(across * down for across, down in layers) / most)
    picture.draft("L", (picture.width // 8, picture.height // 8))  # it is read whole and kept small
    picture.load()
    return _alone(path) if picture.format == "MPO" else str(path)


def _alone(path: Path) -> bytes:
    """The JPEG without the index of further pictures that phones put behind it (CIPA DC-007): depth maps, another light.

    Only the first is the photograph. The index is taken out, not followed: programs that edit pictures leave it out of date.
    """
    content = path.read_bytes()
    at, kept = 2, [content[:2]]
    while content[at : at + 1] == b"\xff" and content[at + 1 : at + 2] != b"\xda":
        size = 2 + int.from_bytes(content[at + 2 : at + 4])
        if content[at + 1] != 0xE2 or content[at + 4 : at + 8] != b"MPF\0":
            kept.append(content[at : at + size])
        at += size
    return b"".join([*kept, content[at:]])


def _plain(found: strips.Reader, path: Path) -> str:
    _small(path)
    for _ in found.rows():
        pass
    return str(path)


def _opaque(found: strips.Reader, made: Path) -> str:
    mode = "L" if found.color in (0, 4) else "RGB"
    beside: dict[bytes, bytes] = {kind: found.kept[kind] for kind in (b"iCCP", b"eXIf") if kind in found.kept}
    strips.write((_on_white(strip, mode) for strip in found.strips()), (found.width, found.height), beside, made)
    _small(made)
    return str(made)


def _decoded(picture: ImageFile.ImageFile, made: Path) -> str:
    """A page of a TIFF, or a PNG that cannot be read row by row. Black and white stays as fax machines pack it."""
    _fits(picture, STORED.get(picture.mode, 4))
    if picture.mode.startswith(("I", "F")):
        raise Unusable("type_not_convertible", "its grey has more than 8 bits")
    picture.load()
    if picture.mode == "1":
        picture.save(made, "TIFF", compression="group4", tiffinfo={ROWS_PER_STRIP: picture.height})
    else:
        mode, profile = "L" if picture.mode in GREY else "RGB", picture.info.get("icc_profile")
        fitting = isinstance(profile, bytes) and picture.mode != "CMYK"
        beside: dict[bytes, bytes] = {b"iCCP": b"profile\0\0" + zlib.compress(profile or b"")} if fitting else {}
        strips.write((_on_white(strip, mode) for strip in _cut(picture)), picture.size, beside, made)
    _small(made)
    return str(made)


def _cut(picture: Image.Image) -> Iterator[Image.Image]:
    rows = max(1, strips.STRIP // (4 * picture.width))
    for top in range(0, picture.height, rows):
        strip = picture.crop((0, top, picture.width, min(top + rows, picture.height)))
        strip.info = dict(picture.info)
        yield strip


def _on_white(strip: Image.Image, mode: str) -> Image.Image:
    if "A" not in strip.getbands() and "transparency" not in strip.info:
        return strip.convert(mode)
    whole = strip.convert("RGBA")
    return Image.alpha_composite(Image.new("RGBA", whole.size, "white"), whole).convert(mode)


def _fits(picture: Image.Image, stored: float) -> None:
    if picture.width * picture.height * stored > MOST_AT_ONCE:
        most = int(MOST_AT_ONCE / stored / 1_000_000)
        raise Unusable("picture_too_large", f"it has {picture.width} x {picture.height} points; of its form, {most} million fit")


def _small(path: Path) -> None:
    if (size := path.stat().st_size) > MOST_BYTES:
        raise Unusable("picture_too_large", f"it has {size // 1_000_000} MB; a picture may have {MOST_BYTES // 1_000_000}")
