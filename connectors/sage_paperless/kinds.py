"""What a file is, by its first bytes and by what its name and type say; and a name that is safe to show and to write."""

import unicodedata
from pathlib import Path, PurePosixPath

PDF, JPEG, PNG, TIFF, TEXT, OFFICE, OTHER = "pdf", "jpeg", "png", "tiff", "text", "office", "other"
STARTS = ((b"%PDF-", PDF), (b"\xff\xd8\xff", JPEG), (b"\x89PNG\r\n\x1a\n", PNG), (b"II*\0", TIFF), (b"MM\0*", TIFF),
          (b"PK\3\4", OFFICE), (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", OFFICE), (b"{\\rtf", OFFICE))  # fmt: skip
TYPES = {"application/pdf": PDF, "image/jpeg": JPEG, "image/jpg": JPEG, "image/png": PNG, "image/tiff": TIFF, "text/plain": TEXT}
ENDINGS = {
    "pdf": PDF, "jpg": JPEG, "jpeg": JPEG, "png": PNG, "tif": TIFF, "tiff": TIFF, "txt": TEXT,
    **dict.fromkeys(("doc", "docx", "odt", "rtf", "xls", "xlsx", "ods", "ppt", "pptx", "odp"), OFFICE),
}  # fmt: skip
OFFICE_TYPES = ("application/msword", "application/rtf", "text/rtf", "application/vnd.ms-", "application/vnd.openxmlformats-",
                "application/vnd.oasis.opendocument")  # fmt: skip
#: Types that say nothing.
BLANK_TYPES = ("", "application/octet-stream", "binary/octet-stream")
#: A PDF may begin after some bytes that do not belong to it (ISO 32000-1, H.3).
PDF_WITHIN = 1024
LONGEST_NAME = 150


def found_in(path: Path) -> str:
    """What the content is. Text is what has no zero byte and is UTF-8 or plain Latin."""
    with path.open("rb") as file:
        head = file.read(4096)
    for start, kind in STARTS:
        if head.startswith(start):
            return kind
    if b"%PDF-" in head[:PDF_WITHIN]:
        return PDF
    return OTHER if b"\0" in head else TEXT


def said_by(name: str, content_type: str) -> str:
    """What the type says, else the ending; empty when neither says anything, `other` for what nobody here converts."""
    kind = content_type.partition(";")[0].strip().lower()
    if kind in TYPES:
        return TYPES[kind]
    if kind.startswith(OFFICE_TYPES):
        return OFFICE
    if kind not in BLANK_TYPES:
        return OTHER
    ending = PurePosixPath(name.lower()).suffix.lstrip(".")
    return ENDINGS.get(ending, OTHER if ending else "")


def safe(name: str) -> str:
    """The last part of a name, without control and direction characters; never empty, never hidden, never long."""
    last = name.replace("\\", "/").rstrip("/").rpartition("/")[2]
    kept = "".join(c for c in unicodedata.normalize("NFC", last) if unicodedata.category(c) not in ("Cc", "Cf", "Cs", "Co", "Cn"))
    kept = " ".join(kept.split()).lstrip(".").strip()
    if len(kept) > LONGEST_NAME:
        stem, dot, ending = kept.rpartition(".")
        kept = (stem or kept)[: LONGEST_NAME - len(ending) - 1] + dot + ending if len(ending) < 10 else kept[:LONGEST_NAME]
    return kept or "file"
