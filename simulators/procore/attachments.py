"""Files of an invoice or a payment: how they are listed, and how they are fetched (contract section 10)."""

import hmac
import re
from hashlib import md5
from typing import TYPE_CHECKING, Any

from simulators.kit.http import Request, Response
from simulators.procore import files
from simulators.procore.errors import Refused
from simulators.procore.routes import route
from simulators.procore.store import Company, Row

if TYPE_CHECKING:
    from simulators.procore.core import Procore

DOWNLOAD = "/attachments/{company_id}/{id}"
STORAGE = "/storage/{company_id}/{id}"
RANGE = re.compile(r"bytes=(\d+)-(\d*)")


def add(company: Company, holder: Row, spec: dict[str, Any]) -> Row:
    """Attaches a file behind those that are there. Raises ValueError for a kind that is none."""
    kind = str(spec.get("kind", "pdf"))
    if kind not in files.KINDS:
        raise ValueError(f"no kind of file {kind}; known: {', '.join(files.KINDS)}")
    content_type, ending = files.KINDS[kind]
    number = company.new_id("attachments")
    name = str(spec.get("name") or f"file-{len(holder.get('_attachments', ())) + 1}.{ending}")
    row = {
        "id": number, "name": name, "content_type": str(spec.get("content_type") or content_type),
        "_made_of": {"kind": kind, "name": name, "pages": spec.get("pages"), "size": spec.get("size")}, "_lost": False,
    }  # fmt: skip
    company.add("attachments", row)
    holder.setdefault("_attachments", []).append(number)
    return row


def called(company: Company, holder: Row, name: str) -> Row | None:
    """The file of that name."""
    found = (company.tables["attachments"][number] for number in holder.get("_attachments", ()))
    return next((row for row in found if row["name"] == name), None)


def remove(company: Company, holder: Row, row: Row) -> None:
    holder["_attachments"].remove(row["id"])
    company.remove("attachments", row)


def listed(company: Company, holder: Row) -> list[Row]:
    """As a record shows its files: in order, each with an address that works for a while."""
    return [_listed(company, company.tables["attachments"][number]) for number in holder.get("_attachments", ())]


def _listed(company: Company, row: Row) -> Row:
    signed = f"expires={company.files_until}&signature={_signature(company, row['id'], company.files_until)}"
    return {
        "id": row["id"], "url": f"{company.files_at}/attachments/{company.id}/{row['id']}?{signed}", "name": row["name"],
        "filename": row["name"], "content_type": row["content_type"],
    }  # fmt: skip


def at(simulator: "Procore", request: Request) -> None:
    """Addresses of files are those of the host that was asked, and live from now."""
    company = simulator.company
    company.files_at = f"http://{request.headers.get('host', 'localhost')}"
    company.files_until = int(simulator.clock.now().timestamp() + int(simulator.options["file_seconds"]))
    company.files_key = simulator.secret("files")


def _signature(company: Company, number: int, until: int) -> str:
    return hmac.new(company.files_key.encode(), f"{company.id}/{number}/{until}".encode(), "sha256").hexdigest()[:32]


def _row(company: Company, request: Request, number: str) -> Row:
    """Raises 403 for an address that is not ours or is over, 404 for a file that is gone."""
    until = request.q("expires") or ""
    good = number.isdigit() and until.isdigit()
    expected = _signature(company, int(number), int(until)) if good else ""
    if not good or not hmac.compare_digest(expected, request.q("signature") or ""):
        raise Refused(403, "The address of the file is not valid")
    row = company.find("attachments", number)
    if row is None or row["_lost"]:
        raise Refused(404, "File not found")
    return row


@route("GET", DOWNLOAD)
def download(simulator: "Procore", request: Request, company_id: str, id: str) -> Response:
    """With the bearer token; the bytes are at the storage."""
    company = simulator.company
    company.files_key = simulator.secret("files")
    _row(company, request, id)
    until = int(request.q("expires") or 0)
    if until < simulator.clock.now().timestamp():
        raise Refused(403, "The address of the file has expired")
    host = str(simulator.options["storage_host"]) or request.headers.get("host", "localhost")
    signed = f"expires={until}&signature={_signature(company, int(id), until)}"
    return Response(302, {"Location": f"http://{host}/storage/{company.id}/{id}?{signed}"})


@route("GET", STORAGE)
def fetch(simulator: "Procore", request: Request, company_id: str, id: str) -> Response:
    """The storage's own answers: no token belongs here, and one that comes is counted."""
    company = simulator.data.companies.get(int(company_id)) if company_id.isdigit() else None
    if company is None:
        return _denied(404, "NoSuchKey")
    if request.headers.get("authorization"):
        company.tokens_at_storage += 1
        if simulator.options["storage_host"]:
            return _denied(400, "InvalidArgument: only one way of signing in is allowed")
    company.files_key = simulator.secret("files")
    try:
        row = _row(company, request, id)
    except Refused as error:
        return _denied(error.status, "NoSuchKey" if error.status == 404 else "SignatureDoesNotMatch")
    if int(request.q("expires") or 0) < simulator.clock.now().timestamp():
        return _denied(403, "AccessDenied: Request has expired")
    return _part(request, row["content_type"], files.content(row["_made_of"]))


def _part(request: Request, content_type: str, content: bytes) -> Response:
    """The whole, or what follows a byte of it: as stores of the S3 kind answer Range and If-Range (RFC 9110, 13.1.5, 14)."""
    tag = f'"{md5(content, usedforsecurity=False).hexdigest()}"'
    headers = {"Content-Type": content_type, "ETag": tag, "Accept-Ranges": "bytes"}
    asked = RANGE.fullmatch(request.headers.get("range", ""))
    if asked is None or request.headers.get("if-range", tag) != tag:
        return Response(200, headers, content)
    first, last = int(asked[1]), min(int(asked[2] or len(content)), len(content) - 1)
    if first > last:
        return Response(416, {"Content-Range": f"bytes */{len(content)}"})
    return Response(206, {**headers, "Content-Range": f"bytes {first}-{last}/{len(content)}"}, content[first : last + 1])


def _denied(status: int, code: str) -> Response:
    body = f'<?xml version="1.0" encoding="UTF-8"?><Error><Code>{code}</Code></Error>'
    return Response(status, {"Content-Type": "application/xml"}, body.encode())
