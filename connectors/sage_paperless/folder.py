"""The drop folder as a way in (contract part C): the same requests as over REST, carried out on a share both sides reach."""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from connectors.calls import Answer, CallFailed, NotFound, NotUnderstood, Request, Unavailable
from connectors.sage_paperless.dropping import Disturbed, Unsure, bytes_of, copied, drop
from connectors.sage_paperless.index import index, link_of, stem_of
from connectors.sage_paperless.notices import Notices
from objects.money import amount_of, text_of
from objects.outcome import Outcome
from settings.sage_paperless import SagePaperlessSettings

#: Contract C.3.
STUCK, SILENT = timedelta(minutes=30), timedelta(minutes=15)
#: How soon the importer's answer is looked for again.
PAUSE = timedelta(seconds=30)
STEM = re.compile(r"^(?P<company>\d+)-(?P<invoice>\d+)-r(?P<revision>[0-9a-f]{12})\Z")
INVOICE = re.compile(r"^/invoices/(?P<id>[^/]+)(?P<refresh>/refresh)?\Z")
RECEIPT = re.compile(r"^/payments/(?P<id>[^/]+)/procore-receipt\Z")


class FolderClient:
    """Implements connectors.sage_paperless.client.Vault. An invoice's id is its LinkDocumentID, for accounting's is not told."""

    system = "sage_paperless"

    def __init__(
        self, settings: SagePaperlessSettings, *, company: str, documents: Path | None,
        clock: Callable[[], datetime] | None = None,
    ) -> None:  # fmt: skip
        self.settings, self.company, self.documents = settings, company, documents
        self.clock = clock or (lambda: datetime.now(UTC))
        self.place = Path(settings.folder) / settings.vault_id
        self.notices = Notices(self.place, company)

    def close(self) -> None:
        """Nothing is open."""

    def send(self, request: Request) -> Answer:
        """One request, one outcome. A share that cannot be reached: nothing was done."""
        try:
            return self._carried_out(request)
        except Unsure as error:
            return Answer(Outcome.uncertain, reason=f"the share did not confirm it: {error}")
        except Disturbed as error:
            return _refused("reader_interferes", str(error))
        except NotUnderstood as error:
            return _refused("not_understood", str(error))
        except OSError as error:
            return Answer(Outcome.not_applied, reason=f"the share cannot be used: {error.strerror or type(error).__name__}")

    def _carried_out(self, request: Request) -> Answer:
        if not self.place.is_dir():
            return _refused("site_down", f"the share {self.place} is not there")
        found, receipt = INVOICE.match(request.path), RECEIPT.match(request.path)
        if request.method == "POST" and (request.path == "/invoices" or (found and found["refresh"])):
            return self._drop(request)
        if request.method == "GET" and found:
            return self._status(found["id"])
        if request.method == "PUT" and receipt:
            row = self.notices.receipt(receipt["id"], str(request.body["procore_payment_id"]))
            return _refused("not_found", "no such payment", 404) if row is None else Answer(Outcome.confirmed, 200, row)
        return _refused("not_found", f"a folder has no {request}", 404)

    # writing

    def _drop(self, request: Request) -> Answer:
        meta, upload = request.body, request.upload
        if not meta["document"] or upload is None or not upload.sha256:
            return _refused("attachment_required", "a folder takes no invoice without its document")
        if (silent := self._silent()) is not None:
            return silent
        document = (self.documents or Path()) / f"{upload.sha256}.pdf"
        if not document.exists():
            return Answer(Outcome.not_applied, reason="the document must be made again first")
        queue = self.settings.queue or ""
        inbox = self.place / "inbox" / queue
        if not inbox.is_dir():
            return _refused("queue_unknown", f"there is no folder inbox/{queue}")
        drop(inbox, stem_of(meta), {
            "pdf": copied(document), "csv": bytes_of(index(meta, self.settings.vault_id, queue)),
            "json": bytes_of(json.dumps(meta, ensure_ascii=False, indent=1).encode()),
        })  # fmt: skip
        return Answer(Outcome.confirmed, 201, _row(meta, self.clock()))

    # looking

    def _silent(self) -> Answer | None:
        """The site is down: no fresh heartbeat. Nothing is put where nobody would take it."""
        try:
            said = json.loads((self.place / "state" / "heartbeat.json").read_bytes())
            at = datetime.fromisoformat(str(said["at"])).astimezone(UTC)
        except FileNotFoundError:
            return _refused("site_down", "there is no heartbeat")
        except (ValueError, KeyError, TypeError) as error:
            raise NotUnderstood("heartbeat.json", "it tells no time") from error
        if self.clock() - at > SILENT:
            return _refused("site_down", f"the last heartbeat is of {at:%Y-%m-%d %H:%M} UTC")
        return None

    def _status(self, link: str) -> Answer:
        """What the importer made of the newest files of this invoice."""
        company, _, invoice = link.removeprefix("procore:").partition(":")
        stems = self._stems(company, invoice)
        if not stems:
            return _refused("not_found", f"no files of {link}", 404)
        where, path = stems[-1]
        if where == "archive":
            return Answer(Outcome.confirmed, 200, self._read(path))
        if where == "error":
            said = self._error(path)
            return _refused(str(said.get("code") or "refused"), str(said.get("message") or "the importer refused it"))
        if (silent := self._silent()) is not None:
            return silent
        now = self.clock()
        if now - datetime.fromtimestamp(path.stat().st_mtime, UTC) > STUCK:
            return _refused("importer_stuck", f"{path.name} was not taken")
        return Answer(Outcome.not_applied, reason="the importer has not taken it yet", retry_at=now + PAUSE)

    def _error(self, mark: Path) -> Mapping[str, Any]:
        try:
            said = json.loads(mark.with_suffix(".err.json").read_bytes())
        except (FileNotFoundError, ValueError):
            return {}
        return said if isinstance(said, dict) else {}

    def _stems(self, company: str, invoice: str = "") -> list[tuple[str, Path]]:
        """(where, its mark), oldest first; the same stem counts where it came to last. Files in between are looked for again."""
        found: dict[str, tuple[int, float, str, Path]] = {}
        for rank, (where, pattern) in enumerate((("inbox", "inbox/*"), ("error", "error"), ("archive", "archive"))):
            for mark in self.place.glob(f"{pattern}/{company}-{invoice or '*'}-r*.ready"):
                named = STEM.match(mark.stem)
                if named is None or (invoice and named["invoice"] != invoice) or named["company"] != company:
                    continue
                try:
                    found[mark.stem] = (rank, mark.stat().st_mtime, where, mark)
                except FileNotFoundError:
                    continue
        return [(where, mark) for _, _, where, mark in sorted(found.values(), key=lambda one: one[1])]

    def _read(self, mark: Path) -> dict[str, Any]:
        try:
            meta = json.loads(mark.with_suffix(".json").read_bytes())
            return _row(meta, datetime.fromtimestamp(mark.stat().st_mtime, UTC))
        except (ValueError, KeyError, TypeError) as error:
            raise NotUnderstood(mark.with_suffix(".json").name, "it cannot be read") from error

    # what readers use

    def get(self, path: str, params: Mapping[str, str] | None = None) -> Any:
        return self.read(Request("GET", path, params or {})).body

    def read(self, request: Request) -> Answer:
        answer = self.send(request)
        if answer.outcome is Outcome.confirmed:
            return answer
        later = answer.outcome is not Outcome.refused
        raise (Unavailable if later else NotFound if answer.status == 404 else CallFailed)(request, answer)

    def write(self, request: Request) -> Answer:
        answer = self.send(request)
        if answer.outcome is not Outcome.confirmed:
            raise CallFailed(request, answer)
        return answer

    def pages(self, path: str, params: Mapping[str, str] | None = None) -> Iterator[list[dict[str, Any]]]:
        """Invoices by their files, and payments by their notices; a folder has no other list. Raises CallFailed's subclasses."""
        request = Request("GET", path, params or {})
        if not self.place.is_dir():
            raise CallFailed(request, _refused("site_down", f"the share {self.place} is not there"))
        try:
            if path == "/payments":
                yield self.notices.payments()
            elif path == "/invoices":
                yield self._invoices((params or {}).get("procore_invoice_id", ""))
            else:
                raise NotFound(request, Answer(Outcome.refused, 404, reason=f"a folder has no list {path}"))
        except OSError as error:
            reason = f"the share cannot be used: {error.strerror or type(error).__name__}"
            raise Unavailable(request, Answer(Outcome.not_applied, reason=reason)) from error

    def _invoices(self, invoice: str) -> list[dict[str, Any]]:
        """The newest files of each invoice; refused ones are no invoices there."""
        newest: dict[str, dict[str, Any]] = {}
        for where, mark in self._stems(self.company, invoice):
            if where != "error":
                try:
                    row = self._read(mark)
                except FileNotFoundError:  # the importer is moving it at this moment
                    continue
                newest[row["procore_invoice_id"]] = row
        return list(newest.values())


def _row(meta: Mapping[str, Any], at: datetime) -> dict[str, Any]:
    """As the REST answer shows an invoice, as far as a folder knows."""
    moment = at.astimezone(UTC).isoformat()
    return {
        "id": link_of(str(meta["procore_company_id"]), str(meta["procore_invoice_id"])), "version": meta["procore_revision"],
        "procore_invoice_id": meta["procore_invoice_id"], "procore_revision": meta["procore_revision"],
        "status": "unprocessed", "placement": "queue", "failover_reason": None, "document": meta["document"],
        "gross": text_of(amount_of(meta["net"]) + amount_of(meta["tax"])), "created_at": moment, "updated_at": moment,
    }  # fmt: skip


def _refused(code: str, text: str, status: int = 422) -> Answer:
    return Answer(Outcome.refused, status, {"code": code, "detail": text}, reason=text)
