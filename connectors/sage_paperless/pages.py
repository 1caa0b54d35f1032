"""What a part of the document must be: a PDF, checked to its last byte, or refused with a reason."""

from pathlib import Path

import pikepdf

from connectors.sage_paperless.carried import unseen

#: Points; A4 is 210 x 297 mm.
PAPERS = {"A4": (595.28, 841.89), "Letter": (612.0, 792.0)}
#: Bytes at the end of a PDF within which its end mark must stand (ISO 32000-1, H.3).
WITHIN = 1024


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
