"""An invoice's combined document, streamed to whoever may look at the invoice."""

import re
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import BinaryIO

from fastapi import APIRouter
from fastapi.responses import Response, StreamingResponse

from sync import clients, views
from web.errors import Problem
from web.people import Looking

router = APIRouter()

DIGEST = re.compile(r"[0-9a-f]{64}\Z")
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,150}\.pdf\Z")
CHUNK = 256 * 1024


@router.get("/objects/{record_id}/document")
def document(who: Looking, record_id: int) -> Response:
    """Found by the digest that the company's own record names; what lies there is compared with it before a byte is sent."""
    record = views.record(who.company_id, record_id)
    if record is None or record.document is None or not DIGEST.match(record.document.sha256):
        raise LookupError(f"record {record_id} has no document")
    paper = record.document
    file = _opened(clients.documents(who.company_id) / f"{paper.sha256}.pdf")
    if _digest(file) != paper.sha256:
        file.close()
        raise Problem(
            409, "document_differs", "The file kept here is not the document that was sent, so it is not shown.",
            "The system it was sent to has the document. Send again makes it anew.",
        )  # fmt: skip
    length = file.tell()
    name = paper.name if NAME.match(paper.name) else "document.pdf"
    headers = {"content-disposition": f'inline; filename="{name}"', "content-length": str(length)}
    return StreamingResponse(_chunks(file), media_type="application/pdf", headers=headers)


def _opened(path: Path) -> BinaryIO:
    try:
        return path.open("rb")
    except FileNotFoundError:
        raise Problem(
            404, "document_not_kept", "The document is not kept on this machine any more.",
            "The system it was sent to has it. Read and judge again makes it anew from the attachments.",
        ) from None


def _digest(file: BinaryIO) -> str:
    """Of the whole; leaves the file at its end."""
    made = sha256()
    while chunk := file.read(CHUNK):
        made.update(chunk)
    return made.hexdigest()


def _chunks(file: BinaryIO) -> Iterator[bytes]:
    with file:
        file.seek(0)
        while chunk := file.read(CHUNK):
            yield chunk
