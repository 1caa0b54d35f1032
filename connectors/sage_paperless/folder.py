"""The drop folder as a way in (contract part C): the same requests as over REST, carried out on a share both sides reach."""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

from connectors.calls import Answer, CallFailed, NotFound, NotUnderstood, Request, Unavailable
from connectors.sage_paperless.dropping import Disturbed, TooLate, Unsure, bytes_of, copied, drop
from connectors.sage_paperless.history import INBOX, History, Placed, lost, made_of, taken_of
from connectors.sage_paperless.holding import REVISION
from connectors.sage_paperless.index import index, link_of, stem_of
from connectors.sage_paperless.ledger import GONE, Drop
from connectors.sage_paperless.notices import Notices
from objects.outcome import Outcome
from settings.environment import environment
from settings.sage_paperless import SagePaperlessSettings

#: Contract C.3.
STUCK, SILENT = timedelta(minutes=30), timedelta(minutes=15)
#: How soon the importer's answer is looked for again.
PAUSE = timedelta(seconds=30)
#: How rarely what was refused is put there again at the most, while nobody asks.
RARELY = timedelta(days=1)
#: The importer's word for an invoice that is in the vault in another revision, and in work there.
THERE = "procore_invoice_already_imported"
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
        self.notices, self.history = Notices(self.place, company), History(self.place, company)

    def close(self) -> None:
        """Nothing is open."""

    def send(self, request: Request) -> Answer:
        """One request, one outcome. A share that cannot be reached: nothing was done."""
        try:
            answer = self._carried_out(request)
            return answer if self.place.is_dir() or answer.outcome is Outcome.confirmed else self._away()
        except Unsure as error:
            return Answer(Outcome.uncertain, reason=f"the share did not confirm it: {error}")
        except TooLate as error:
            return Answer(Outcome.not_applied, reason=str(error))
        except Disturbed as error:
            return _refused("reader_interferes", str(error))
        except NotUnderstood as error:
            return _refused("not_understood", str(error))
        except OSError as error:
            return Answer(Outcome.not_applied, reason=f"the share cannot be used: {error.strerror or type(error).__name__}")

    def _carried_out(self, request: Request) -> Answer:
        if not self.place.is_dir():
            return self._away()
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
        """One stem of an invoice at a time: the importer reads them by name, not by age."""
        meta, upload = request.body, request.upload
        until = self.clock() + timedelta(seconds=environment().hard_limit_seconds)  # a task ends by then, and its lease later
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
        before = self._placed(meta["procore_invoice_id"])
        if before and (answer := self._before(before, meta)) is not None:
            return answer
        made = self._intended(before, meta)
        stamped = _stamped(meta, made)
        drop(inbox, made.stem, {
            "pdf": copied(document), "csv": bytes_of(index(stamped, self.settings.vault_id, queue)),
            "json": bytes_of(json.dumps(stamped, ensure_ascii=False, indent=1).encode()),
        }, late=lambda: self.clock() > until)  # fmt: skip
        return Answer(Outcome.confirmed, 201, self._row(meta["procore_invoice_id"], made))

    def _before(self, before: list[Placed], meta: Mapping[str, Any]) -> Answer | None:
        """What the drops before this one answer already. None: write."""
        last, invoice = before[-1], meta["procore_invoice_id"]
        same = last.drop.revision == meta["procore_revision"]
        there = last if last.stands else _standing(before)
        if there is not None and there.drop.revision == meta["procore_revision"] and (last.stands or last.refused):
            return Answer(Outcome.confirmed, 200, self._row(invoice, there.drop))
        if same and last.refused and not self._goes_again(before):
            self.history.note(invoice, replace(last.drop, told=self.clock().isoformat()))
            return _refused(last.drop.code, last.drop.message)
        if last.where == INBOX:
            return self._waiting(last)
        return _refused("invoice_paid", "a paid notice names it") if self.notices.name(invoice) else None

    def _goes_again(self, before: list[Placed]) -> bool:
        """People were told of the refusal, and ask; or it is time: each try leaves its files in error/, so ever more rarely.

        What is held is looked at again, and told of anew, every `recheck_seconds`: who comes at another time was sent by
        somebody.
        """
        last, now = before[-1].drop, self.clock()
        if not last.told:
            return False
        recheck = timedelta(seconds=environment().recheck_seconds)
        refused = sum(one.refused and one.drop.revision == last.revision for one in before)
        pause = min(recheck * 2 ** min(refused, 10), RARELY)
        since = now - datetime.fromisoformat(last.told)
        return not recheck <= since <= recheck * 1.5 or now - last.moment >= pause

    def _intended(self, before: list[Placed], meta: Mapping[str, Any]) -> Drop:
        """The drop to make: an unfinished one again, else one whose stem was never used (C.3: the same stem is ignored)."""
        revision, invoice = meta["procore_revision"], meta["procore_invoice_id"]
        last = before[-1] if before else None
        if last is not None and last.drop.revision == revision and not last.where and not last.drop.outcome:
            return last.drop
        used, stamp, tries = {one.drop.stamp for one in before}, str(revision), len(before)
        while stamp in used:
            tries += 1
            stamp = sha256(f"{revision}-{tries}".encode()).hexdigest()[:REVISION]
        now = max([self.clock(), *(one.drop.moment + timedelta(microseconds=1) for one in before)])
        made = made_of(meta, stem_of({**meta, "procore_revision": stamp}), str(revision), now)
        self.history.note(invoice, made)
        return made

    # looking

    def _placed(self, invoice: str) -> list[Placed]:
        """With what is known of files whose answer nobody saw: what is paid there, or told to be there already, was taken."""
        placed = self.history.of(invoice)
        unseen = [one for one in placed if not one.where and one.drop.outcome == GONE]
        if any(one.stands for one in placed) or len({one.drop.revision for one in unseen}) != 1:
            return placed
        if not any(one.refused and one.drop.code == THERE for one in placed) and not self.notices.name(invoice):
            return placed
        taken = taken_of(unseen[0].drop)
        self.history.note(invoice, taken)
        return [Placed(taken) if one is unseen[0] else one for one in placed]

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
        placed = self._placed(invoice) if company == self.company else []
        if not placed:
            return _refused("not_found", f"no files of {link}", 404)
        last = placed[-1]
        if last.where == INBOX:
            return self._silent() or self._waiting(last)
        if not last.stands and not last.refused:
            last = Placed(lost(last.drop))
            self.history.note(invoice, last.drop)
        there = _standing(placed)
        if last.refused and there is not None and (last.drop.told or there.drop.revision == last.drop.revision):
            last = there  # what stood there before stands there still
        row = self._row(invoice, last.drop)
        return Answer(Outcome.confirmed, 200, row if last.stands else {**row, "refused": last.drop.code})

    def _waiting(self, last: Placed) -> Answer:
        now = self.clock()
        if last.mark is not None and now - datetime.fromtimestamp(last.mark.stat().st_mtime, UTC) > STUCK:
            return _refused("importer_stuck", f"{last.mark.name} was not taken")
        return Answer(Outcome.not_applied, reason="the importer has not taken it yet", retry_at=now + PAUSE)

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
            raise CallFailed(request, self._away())
        try:
            if path == "/payments":
                rows = self.notices.payments()
            elif path == "/invoices":
                rows = self._invoices((params or {}).get("procore_invoice_id", ""))
            else:
                raise NotFound(request, Answer(Outcome.refused, 404, reason=f"a folder has no list {path}"))
        except OSError as error:
            reason = f"the share cannot be used: {error.strerror or type(error).__name__}"
            raise Unavailable(request, Answer(Outcome.not_applied, reason=reason)) from error
        if not self.place.is_dir():  # it went away while it was read: what was not found says nothing
            raise CallFailed(request, self._away())
        yield rows

    def _away(self) -> Answer:
        return _refused("site_down", f"the share {self.place} is not there")

    def _invoices(self, invoice: str) -> list[dict[str, Any]]:
        """The newest drop of each invoice that is there or on its way; refused ones are no invoices there."""
        every = [self._placed(invoice)] if invoice else self.history.all()
        newest = [one.drop for placed in every if (one := _standing(placed)) is not None]
        return [self._row(drop.stem.split("-")[1], drop) for drop in newest]

    def _row(self, invoice: str, drop: Drop) -> dict[str, Any]:
        """As the REST answer shows an invoice, as far as a folder knows."""
        return {
            "id": link_of(self.company, invoice), "version": drop.stamp, "procore_invoice_id": invoice,
            "procore_revision": drop.revision, "status": "unprocessed", "placement": "queue", "failover_reason": None,
            "document": drop.document, "gross": drop.gross, "created_at": drop.at, "updated_at": drop.at,
        }  # fmt: skip


def _standing(placed: list[Placed]) -> Placed | None:
    """The newest that is in the vault, or on its way there."""
    return next((one for one in reversed(placed) if one.stands), None)


def _stamped(meta: Mapping[str, Any], drop: Drop) -> dict[str, Any]:
    """The metadata under the stem's own revision."""
    return {**meta, "procore_revision": drop.stamp, "document": {**meta["document"], "file_name": f"{drop.stem}.pdf"}}


def _refused(code: str, text: str, status: int = 422) -> Answer:
    return Answer(Outcome.refused, status, {"code": code, "detail": text}, reason=text)
