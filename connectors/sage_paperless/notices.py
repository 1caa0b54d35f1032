"""Paid notices of the drop folder (contract C.4): taken over into a folder of ours before they are acknowledged."""

import csv
import hashlib
import json
from collections.abc import Iterator
from io import StringIO
from pathlib import Path
from typing import Any

from connectors.calls import NotUnderstood, WrongCompany
from connectors.sage_paperless.dropping import bytes_of, mark, put, sync_folder

COLUMNS = {
    "PaymentId", "LinkDocumentID", "ProcoreInvoice", "CheckNumber", "CheckDate", "CheckAmount", "Method", "Voided", "SeenAt",
}  # fmt: skip
VOIDED = {"true": True, "false": False}


class Notices:
    """Of one vault. An acknowledged notice is cleared away over there, so what it said is kept: one small file a payment."""

    def __init__(self, place: Path, company: str) -> None:
        self.outbox, self.kept, self.company = place / "outbox" / "payments", place / "sitebooks" / "payments", company

    def payments(self) -> list[dict[str, Any]]:
        """Every payment ever told of, as the REST list shows it. Raises OSError, NotUnderstood."""
        self._take_over()
        rows = [json.loads(path.read_bytes()) for path in sorted(self.kept.glob("*.json"))] if self.kept.is_dir() else []
        return sorted(rows, key=lambda row: (row["cursor"], row["id"]))

    def receipt(self, payment_id: str, procore_payment_id: str) -> dict[str, Any] | None:
        """Notes what became of a payment; None where it is unknown."""
        path = self._path(payment_id)
        if not path.exists():
            return None
        row: dict[str, Any] = json.loads(path.read_bytes())
        row["procore_payment_id"] = procore_payment_id
        self._keep(row)
        return row

    def _take_over(self) -> None:
        for ready in sorted(self.outbox.glob("payments-*.ready")):
            notice = ready.with_suffix(".csv")
            if not notice.exists() or ready.with_suffix(".ack").exists():
                continue
            for row in self._rows(notice):
                self._newer(row)
            if self.kept.is_dir():
                sync_folder(self.kept)
            mark(ready.with_suffix(".ack"))

    def _rows(self, notice: Path) -> Iterator[dict[str, Any]]:
        content = notice.read_text(encoding="utf-8")
        for given in csv.DictReader(StringIO(content, newline=""), strict=True):
            if None in given or not set(given) >= COLUMNS or None in given.values():
                raise NotUnderstood(notice.name, "a row is cut off, or a column is missing")
            yield self._row(given, notice.name)

    def _row(self, given: dict[str, str], name: str) -> dict[str, Any]:
        invoice, link = given["ProcoreInvoice"], given["LinkDocumentID"]
        company = link.split(":")[1] if link.startswith("procore:") else ""
        if link and company != self.company:
            raise WrongCompany(name, f"payment {given['PaymentId']} is of Procore company {company}, not {self.company}")
        if given["Voided"] not in VOIDED or not given["PaymentId"]:
            raise NotUnderstood(f"{name}.{given['PaymentId']}", f"Voided is {given['Voided']!r}")
        return {
            "id": given["PaymentId"], "invoice_id": link, "procore_invoice_id": invoice or None,
            "check_number": given["CheckNumber"] or None, "payment_date": given["CheckDate"], "amount": given["CheckAmount"],
            "method": given["Method"], "voided": VOIDED[given["Voided"]], "seen_at": given["SeenAt"], "cursor": given["SeenAt"],
            "procore_payment_id": None,
        }  # fmt: skip

    def _newer(self, row: dict[str, Any]) -> None:
        """Rows are repeated; the one that was seen last counts."""
        path = self._path(row["id"])
        if path.exists():
            before = json.loads(path.read_bytes())
            if before["seen_at"] >= row["seen_at"]:
                return
            row["procore_payment_id"] = before["procore_payment_id"]
        self._keep(row)

    def _keep(self, row: dict[str, Any]) -> None:
        self.kept.mkdir(parents=True, exist_ok=True)
        path = self._path(row["id"])
        part = path.with_suffix(".part")
        part.unlink(missing_ok=True)
        put(part, bytes_of(json.dumps(row).encode()))
        part.replace(path)

    def _path(self, payment_id: str) -> Path:
        return self.kept / f"{hashlib.sha256(payment_id.encode()).hexdigest()[:40]}.json"
