"""Before an invoice is judged: its attachments fetched from their source and made into one document, once per revision."""

import json
import time
from collections.abc import Mapping
from dataclasses import asdict, replace
from hashlib import sha256
from pathlib import Path

from connectors.calls import Answer, CallFailed, Forbidden, NotFound, Request, SignInRefused, Unavailable
from connectors.ports import Client, Files
from connectors.reach import NotAllowed
from connectors.sage_paperless import joining, kinds
from objects.document import Attachment, Document, LeftOut, Part
from objects.invoice import Invoice
from objects.outcome import Outcome
from settings.environment import environment
from settings.sage_paperless import SagePaperlessSettings

#: Bytes of one file. Sets of 200 MB simply work; one file of a gigabyte is a mistake.
MOST_BYTES = 1024 * 1024 * 1024
#: Raised when the same files would give other bytes, so that nothing kept by an older release is taken for ours.
FORM = 3
DOCUSIGN = "docusign_not_accessible"


def prepare(obj: Invoice, client: Client, settings: SagePaperlessSettings, folder: Path) -> Invoice:
    """The invoice with its document. As it came where none is wanted: not approved, picked by hand, or without files.

    What was fetched stays until all is there, half a file too, so that a run cut short goes on where it ended; one that takes
    longer than a task has ends itself in time (Unavailable, again at once). Raises CallFailed's subclasses.
    """
    wanted = [file for file in obj.attachments if file.reachable]
    if obj.status != "approved" or not settings.automated or not wanted:
        return obj
    kept = folder / f"{_named(obj, settings)}.json"
    document = _kept(kept, folder)
    if document is None:
        try:
            document = _made(obj, client, settings, folder)
        except OSError as error:
            reason = f"the files cannot be kept: {error.strerror or type(error).__name__}"
            raise Unavailable(Request("GET", "attachments"), Answer(Outcome.not_applied, reason=reason)) from error
        if document.sha256:
            _write(kept, json.dumps(asdict(document)).encode())
    return replace(obj, document=document)


def _named(obj: Invoice, settings: SagePaperlessSettings) -> str:
    files = [[file.source_id, file.name, file.content_type] for file in obj.attachments]
    said = json.dumps([FORM, settings.paper, obj.source_id, obj.version, files])
    return f"invoice-{sha256(said.encode()).hexdigest()[:40]}"


def _kept(path: Path, folder: Path) -> Document | None:
    """What an earlier run made, if it is still whole there."""
    try:
        said = json.loads(path.read_bytes())
        document = Document(
            said["sha256"], said["pages"], said["size"],
            tuple(Part(**part) for part in said["parts"]), tuple(LeftOut(**one) for one in said["left_out"]),
        )  # fmt: skip
        made = folder / f"{document.sha256}.pdf"
        size = made.stat().st_size
        made.touch()  # in use: housekeeping takes what is old and nobody's
    except (FileNotFoundError, ValueError, KeyError, TypeError):
        return None
    return document if size == document.size else None


def _made(obj: Invoice, client: Client, settings: SagePaperlessSettings, folder: Path) -> Document:
    fetched: list[joining.File] = []
    left_out = [LeftOut(file.source_id, kinds.safe(file.name), DOCUSIGN) for file in obj.attachments if not file.reachable]
    wanted = [file for file in obj.attachments if file.reachable]
    addresses: Mapping[str, str] = {}
    until = time.monotonic() + environment().request_seconds / 2  # the other half is for joining them
    for file in wanted:
        path = folder / f"file-{sha256(file.source_id.encode()).hexdigest()[:40]}"
        if not path.exists():
            addresses = addresses or _files(client).addresses(obj)
            if (gone := _fetch(file, client, addresses, path, until)) is not None:
                left_out.append(gone)
                continue
        fetched.append(joining.File(file.source_id, file.name, file.content_type, path))
    if len(fetched) < len(wanted):
        return Document("", 0, 0, (), tuple(left_out))  # one cannot be had: no document without it
    document = joining.join(fetched, folder, settings.paper, left_out)
    refused = {one.source_id for one in document.left_out}
    for one in fetched:
        if document.sha256 or one.source_id in refused:  # what cannot be used may only have come torn: it is fetched again
            one.path.unlink(missing_ok=True)
    return document


def _fetch(file: Attachment, client: Client, addresses: Mapping[str, str], path: Path, until: float) -> LeftOut | None:
    """None: it is there. Raises CallFailed's subclasses for what may be better next time."""
    part, name = path.with_suffix(".part"), kinds.safe(file.name)
    address = addresses.get(file.source_id)
    if not address:
        return LeftOut(file.source_id, name, "attachment_gone", "it is not listed any more")
    try:
        _files(client).download(address, part, MOST_BYTES, until)
    except (Unavailable, SignInRefused):
        raise
    except (NotFound, Forbidden, CallFailed) as error:
        return LeftOut(file.source_id, name, "attachment_gone", error.answer.reason or f"status {error.answer.status}")
    except NotAllowed as error:
        return LeftOut(file.source_id, name, "attachment_gone", f"its address is not one that is followed: {error}")
    except ValueError as error:
        return LeftOut(file.source_id, name, "attachment_unreadable", str(error))
    part.replace(path)
    return None


def _files(client: Client) -> Files:
    if not isinstance(client, Files):
        raise TypeError(f"{client.system} has no files")
    return client


def _write(path: Path, content: bytes) -> None:
    part = path.with_suffix(".part")
    part.write_bytes(content)
    part.replace(path)


