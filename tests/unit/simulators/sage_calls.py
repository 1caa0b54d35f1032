"""A caller of the Sage Paperless simulator in process: its vault's token, fresh keys, every answer held against the document."""

import csv
import hashlib
import json
from datetime import UTC, datetime
from decimal import Decimal
from io import StringIO
from itertools import count
from pathlib import Path
from typing import Any

import simulators
from simulators.kit.clock import Clock
from simulators.kit.http import Request, Response
from simulators.procore import files
from simulators.sage_paperless import SagePaperless
from tests.contracts.checker import check_response

BASE = "/adapter/sage-paperless/v1"
START = datetime(2026, 11, 20, 8, tzinfo=UTC)
COMPANY = "4100"
SECRET = "a secret of more than 24 characters"
BOUNDARY = "part-of-a-form"
Json = dict[str, Any]


class Caller:
    """One client with the token of one vault. `keys` numbers the Idempotency-Keys."""

    def __init__(self, dataset: str | Json = "small", vault: str = "sage300", **options: Any) -> None:
        self.clock = Clock(START)
        core = simulators.load("sage_paperless", dataset=dataset, clock=self.clock, **({"rate_per_minute": 0} | options))
        assert isinstance(core, SagePaperless)
        self.core, self.keys = core, count(1)
        self.use(vault)

    def use(self, vault: str) -> "Caller":
        self.vault, self.token = vault, self.core.credentials_of(vault)["token"]
        return self

    def raw(self, method: str, path: str, body: bytes = b"", headers: Json | None = None, **query: str) -> Response:
        """One call to a path below the vault (or from /vaults on), checked against the document."""
        whole = BASE + (path if path.startswith(("/vaults", "/health")) else f"/vaults/{self.vault}{path}")
        sent = {"authorization": f"Bearer {self.token}", "host": "sage.test"} | (headers or {})
        answer = self.core.handle(Request(method, whole, list(query.items()), sent, body))
        assert isinstance(answer, Response)
        pdf = answer.headers.get("Content-Type") == "application/pdf"
        check_response("sage_paperless", method, whole.removeprefix(BASE), answer.status, None if pdf else answer.json())
        return answer

    def send(
        self, method: str, path: str, body: object = None, key: str | None = None, headers: Json | None = None, **query: str
    ) -> Response:
        """Writes get a fresh Idempotency-Key unless `key` is given ("" sends none)."""
        sent = {} if key == "" or method == "GET" else {"idempotency-key": key or f"key-{next(self.keys):06d}"}
        return self.raw(method, path, b"" if body is None else json.dumps(body).encode(), sent | (headers or {}), **query)

    def get(self, path: str, **query: str) -> Any:
        answer = self.send("GET", path, **query)
        assert answer.status == 200, answer.body
        return answer.json()

    def form(self, method: str, path: str, meta: Json, *contents: bytes, boundary: str = BOUNDARY, **extra: Any) -> Response:
        """A multipart request: the metadata and any number of files."""
        headers = {"content-type": f"multipart/form-data; boundary={boundary}"}
        headers["idempotency-key"] = extra.get("key") or f"key-{next(self.keys):06d}"
        return self.raw(method, path, multipart(meta, *contents, boundary=boundary), headers)

    def imported(self, status: int = 201, pages: int = 2, **changes: Any) -> Json:
        """An import of an approved invoice with its document."""
        meta, content = invoice(pages, **changes)
        answer = self.form("POST", "/invoices", meta, *([content] if meta["document"] else []))
        assert answer.status == status, answer.body
        return dict(answer.json())

    def refused(self, answer: Response) -> tuple[int, str]:
        assert answer.headers["Content-Type"] == "application/problem+json"
        assert answer.json()["correlation_id"] == answer.headers["X-Correlation-Id"]
        return answer.status, answer.json()["code"]

    def configure(self, **changes: Any) -> Response:
        """The whole configuration, saved for the version that holds now."""
        shown = self.send("GET", "/procore-configuration")
        version = shown.headers.get("ETag", '"1"')
        held = shown.json() if shown.status == 200 else {}
        body = {"procore_company_id": COMPANY, "queue_id": "q-ap", "allow_edit_of_imported_invoices": False,
                "create_payments_in_procore": False} | held | changes  # fmt: skip
        body = {name: value for name, value in body.items() if value != "left out"}
        return self.send("PUT", "/procore-configuration", body, headers={"if-match": version})

    def act(self, action: str, **args: Any) -> Any:
        return self.core.act(action, args)

    def subscribe(self, *events: str) -> Json:
        body = {"url": "https://ours.test/hook", "events": list(events), "secret": SECRET}
        return dict(self.send("POST", "/webhook-subscriptions", body).json())

    def deliver(self, status: int | None = 204) -> list[Any]:
        """Takes every due delivery, answers it, and returns them."""
        found = []
        while due := self.core.tick():
            for delivery in due:
                found.append(delivery)
                self.core.delivered(delivery, status)
        return found

    def ledger(self, kind: str) -> list[Json]:
        return [entry for entry in self.core.ledger.entries if entry["kind"] == kind]


def document(content: bytes, pages: int, **changes: Any) -> Json:
    digest = hashlib.sha256(content).hexdigest()
    about = {"sha256": digest, "bytes": len(content), "pages": pages}
    part = about | {"name": "Invoice.pdf", "source": "attachment", "first_page": 1}
    return about | {"file_name": "invoice.pdf", "parts": [part], "excluded": []} | changes


def invoice(pages: int = 2, **changes: Any) -> tuple[Json, bytes]:
    """Metadata and document of an invoice that passes every check of the small data set."""
    number = str(changes.get("procore_invoice_id", "470001"))
    content = files.pdf(f"Invoice {number}", pages)
    line = {"procore_line_id": "7000000001", "commitment_line": "1", "job": "1001", "cost_code": "05-100", "category": "S",
            "description": "Steel frame", "amount": "1000.00", "retainage": "50.00"}  # fmt: skip
    meta = {
        "procore_company_id": COMPANY, "procore_project_id": "610001", "procore_invoice_id": number,
        "procore_revision": "0123456789ab", "procore_status": "approved", "mode": "automated", "vendor": "Southern Steel Ltd",
        "commitment_number": "SC-1001-01", "commitment_type": "subcontract", "invoice_number": f"SI-{number}",
        "invoice_date": "2026-11-10", "due_date": "2026-12-20", "lines": [line], "net": "1000.00", "tax": "0.00",
        "retainage": "50.00", "document": document(content, pages),
    }  # fmt: skip
    return meta | changes, content


def manual(**changes: Any) -> Json:
    return invoice(mode="manual", document=None, procore_company_id="4190", **changes)[0]


def multipart(meta: object, *contents: bytes, boundary: str = BOUNDARY) -> bytes:
    first = b'Content-Disposition: form-data; name="metadata"\r\nContent-Type: application/json\r\n\r\n'
    parts = [first + json.dumps(meta).encode()]
    head = b'Content-Disposition: form-data; name="file"; filename="d.pdf"\r\nContent-Type: application/pdf\r\n\r\n'
    parts += [head + content for content in contents]
    mark = b"--" + boundary.encode()
    return b"".join(mark + b"\r\n" + part + b"\r\n" for part in parts) + mark + b"--\r\n"


def stem_of(meta: Json) -> str:
    return f"{meta['procore_company_id']}-{meta['procore_invoice_id']}-r{meta['procore_revision']}"


def index_rows(meta: Json, **changes: str) -> list[dict[str, str]]:
    """The rows of the index file, written from the contract's list of columns alone."""
    stem = stem_of(meta)
    total = f"{Decimal(meta['net']) + Decimal(meta['tax']):.2f}"
    link = f"procore:{meta['procore_company_id']}:{meta['procore_invoice_id']}"
    head = {
        "LinkDocumentID": link, "Vault": "sage300", "Queue": "q-ap",
        "DocumentType": "AP Invoice", "ProcoreCompany": meta["procore_company_id"], "ProcoreProject": meta["procore_project_id"],
        "ProcoreInvoice": meta["procore_invoice_id"], "ProcoreRevision": meta["procore_revision"], "Vendor": meta["vendor"],
        "CommitmentType": meta["commitment_type"], "Commitment": meta["commitment_number"],
        "InvoiceNumber": meta["invoice_number"], "InvoiceDate": meta["invoice_date"], "DueDate": meta["due_date"],
    }  # fmt: skip
    tail = {"InvoiceTotal": total, "DocumentFile": f"{stem}.pdf", "DocumentSha256": meta["document"]["sha256"],
            "DocumentPages": str(meta["document"]["pages"])}  # fmt: skip
    return [
        head | {"LineNo": str(number), "CommitmentLine": line["commitment_line"], "Job": line["job"],
                "CostCode": line["cost_code"], "Category": line["category"], "Description": line["description"],
                "Amount": line["amount"], "Retainage": line["retainage"]} | tail | changes
        for number, line in enumerate(meta["lines"], 1)
    ]  # fmt: skip


def index_file(rows: list[dict[str, str]]) -> bytes:
    text = StringIO(newline="")
    writer = csv.DictWriter(text, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().encode()


def drop(inbox: Path, meta: Json, content: bytes, rows: list[dict[str, str]] | None = None, ready: bool = True) -> str:
    """The files of one import, the mark last."""
    stem = stem_of(meta)
    inside = {"pdf": content, "csv": index_file(rows or index_rows(meta)), "json": json.dumps(meta).encode()}
    for ending, body in inside.items():
        (inbox / f"{stem}.{ending}").write_bytes(body)
    if ready:
        (inbox / f"{stem}.ready").touch()
    return stem
