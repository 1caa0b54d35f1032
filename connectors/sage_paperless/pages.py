"""Pictures and PDFs made ready to be parts of one document: checked to their last byte, or refused with a reason."""

import io
import warnings
from pathlib import Path

import img2pdf
import pikepdf
from PIL import Image

from connectors.sage_paperless.carried import unseen

#: Points; A4 is 210 x 297 mm.
PAPERS = {"A4": (595.28, 841.89), "Letter": (612.0, 792.0)}
#: Bytes at the end of a PDF within which its end mark must stand (ISO 32000-1, H.3).
WITHIN = 1024
#: Pixels of one picture: about 400 dpi on A0.
MOST_PIXELS = 250_000_000
#: A JPEG, by Pillow's names; "MPO" has further pictures behind it.
JPEG = ("JPEG", "MPO")
#: What Pillow raises for a picture that is not whole.
BROKEN = (OSError, SyntaxError, ValueError, EOFError, TypeError)


class Unusable(Exception):
    """A file that cannot be part of the document: a code of the catalogue, and what is wrong in words."""

    def __init__(self, code: str, reason: str) -> None:
        super().__init__(f"{code}: {reason}")
        self.code, self.reason = code, reason


def pages_of(path: Path) -> int:
    """How many pages the PDF has, every object of it read once. Raises Unusable: nothing is repaired, for what was
    repaired may lack pages.

    Read from disk as needed, not mapped: a set of 200 MB must not count as memory.
    """
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - WITHIN))
        if b"%%EOF" not in file.read():
            raise Unusable("attachment_unreadable", "its end is missing")
    try:
        with pikepdf.open(path, attempt_recovery=False, access_mode=pikepdf.AccessMode.stream) as pdf:
            if wrong := _wrong(pdf):
                raise Unusable("attachment_unreadable", wrong)
            if inside := unseen(pdf):
                raise Unusable("attachment_holds_files", inside)
            return len(pdf.pages)
    except pikepdf.PasswordError as error:
        raise Unusable("attachment_password_protected", "it opens with a password only") from error
    except (pikepdf.PdfError, OSError, ValueError, RuntimeError) as error:
        raise Unusable("attachment_unreadable", _said(error)) from error


def _wrong(pdf: pikepdf.Pdf) -> str:
    for item in pdf.objects:
        if isinstance(item, pikepdf.Stream):
            _ = item.get("/Length")
    if not len(pdf.pages):
        return "it has no page"
    for page in pdf.pages:
        if page.obj.get("/Type") != "/Page":
            return "its pages are not all there"
    said = [str(one) for one in pdf.get_warnings()]
    return said[0][:200] if said else ""


def _said(error: Exception) -> str:
    """Without the path of our own folder."""
    return str(error).rpartition(".part: ")[2][:200] or type(error).__name__


def picture_to_pdf(path: Path, into: Path, paper: str) -> None:
    """One page per picture, as large as the paper allows. Raises Unusable."""
    width, height = PAPERS[paper]
    layout = img2pdf.get_layout_fun(pagesize=(width, height), fit=img2pdf.FitMode.into, auto_orient=True)
    with warnings.catch_warnings():
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        source: bytes | str = _checked(path)
        try:
            with into.open("wb") as out:
                img2pdf.convert(
                    source, outputstream=out, layout_fun=layout, nodate=True, rotation=img2pdf.Rotation.ifvalid,
                    engine=img2pdf.Engine.internal,
                )  # fmt: skip
        except (img2pdf.ImageOpenError, img2pdf.AlphaChannelError, *BROKEN, Image.DecompressionBombWarning) as error:
            raise Unusable("attachment_unreadable", _said(error)) from error


def _checked(path: Path) -> bytes | str:
    """Reads every picture to its end; one with a transparent background is put on white."""
    Image.MAX_IMAGE_PIXELS = MOST_PIXELS
    try:
        with Image.open(path) as picture:
            if picture.format in JPEG:
                picture.draft("L", (picture.width // 8, picture.height // 8))  # it is read whole and kept small
                picture.load()
                return _alone(path) if picture.format == "MPO" else str(path)
            clear = False
            for number in range(getattr(picture, "n_frames", 1)):
                picture.seek(number)
                clear = clear or "A" in picture.getbands() or "transparency" in picture.info
                picture.load()
        return _on_white(path) if clear else str(path)
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise Unusable("attachment_unreadable", "the picture has too many pixels") from error
    except BROKEN as error:
        raise Unusable("attachment_unreadable", f"the picture is not whole: {_said(error)}") from error


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


def _on_white(path: Path) -> bytes:
    kept = []
    with Image.open(path) as picture:
        for number in range(getattr(picture, "n_frames", 1)):
            picture.seek(number)
            whole = picture.convert("RGBA")
            white = Image.new("RGBA", whole.size, "white")
            kept.append(Image.alpha_composite(white, whole).convert("RGB"))
    out = io.BytesIO()
    kept[0].save(out, "TIFF", save_all=True, append_images=kept[1:])
    return out.getvalue()
