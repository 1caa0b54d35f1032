"""Paid notices of the drop folder (contract C.4): taken over into a folder of ours before they are acknowledged."""

import json
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

from connectors.sage_paperless.dropping import bytes_of, mark, own_folder, put, sync_folder
from connectors.sage_paperless.noticed import Row, rows_of, unread

RECEIPT = "procore_payment_id"


class Notices:
    """Of one vault. An acknowledged notice is cleared away over there, so each row that it brought is kept in a file.

    Such a file is written once and never again, and what became of a payment stands apart: workers that read and write at
    the same time cannot take a void back.
    """

    def __init__(self, place: Path, company: str) -> None:
        self.outbox, self.company = place / "outbox" / "payments", company
        self.kept, self.receipts = place / "sitebooks" / "payments", place / "sitebooks" / "receipts"

    def payments(self) -> list[Row]:
        """Every payment ever told of, as the REST list shows it, and what could not be read with its reason. Raises OSError."""
        odd = self._take_over()
        return sorted([*self._newest("*.json"), *odd], key=lambda row: (_seen(row), row["id"]))

    def receipt(self, payment_id: str, procore_payment_id: str) -> Row | None:
        """Notes what became of a payment; None where it is unknown."""
        row = next(iter(self._newest(f"{_name(payment_id)}*.json")), None)
        if row is None:
            return None
        self._keep(self.receipts / f"{_name(payment_id)}.json", {"id": payment_id, RECEIPT: procore_payment_id})
        return {**row, RECEIPT: procore_payment_id}

    def name(self, procore_invoice_id: str) -> bool:
        """Whether a check was ever told of this invoice, voided or not: then people there have worked on it."""
        return any(row.get("procore_invoice_id") == procore_invoice_id for row in self.payments())

    def _newest(self, pattern: str) -> list[Row]:
        told: dict[str, list[Row]] = {}
        for row in _read(self.kept, pattern):
            told.setdefault(row["id"], []).append(row)
        noted = {row["id"]: row[RECEIPT] for row in _read(self.receipts, pattern) if RECEIPT in row}
        return [_last(rows, noted.get(payment_id)) for payment_id, rows in told.items()]

    def _take_over(self) -> list[Row]:
        """What is odd about notices that stay unacknowledged, for nothing in them can be told apart."""
        odd: list[Row] = []
        for ready in sorted(self.outbox.glob("payments-*.ready")):
            try:
                content = ready.with_suffix(".csv").read_bytes()
            except FileNotFoundError:
                continue
            if ready.with_suffix(".ack").exists():
                continue
            rows = rows_of(content, ready.stem, self.company)
            if rows is None:
                odd.append(unread(ready.stem, ready.stem, "its first line does not name the columns of a paid notice"))
                continue
            for row in rows:
                self._keep(self.kept / f"{_name(row['id'])}-{_content(row)}.json", row)
            if self.kept.is_dir():
                sync_folder(self.kept)
            mark(ready.with_suffix(".ack"))
        return odd

    def _keep(self, path: Path, row: Row) -> None:
        if not path.exists():
            own_folder(path.parent)
            put(path, bytes_of(json.dumps(row).encode()))


def _read(folder: Path, pattern: str) -> Iterator[Row]:
    for path in sorted(folder.glob(pattern)) if folder.is_dir() else ():
        try:
            row = json.loads(path.read_bytes())
            yield {**row, "id": str(row["id"])}
        except FileNotFoundError:
            continue
        except (ValueError, KeyError, TypeError):
            yield unread(path.stem, "", f"our copy {path.name} cannot be read")


def _last(rows: Iterable[Row], noted: str | None) -> Row:
    """Rows are repeated; the one that was seen last counts, and a void always."""
    rows = list(rows)
    last = max(rows, key=lambda row: (row.get("voided") is True, _seen(row), "odd" not in row, row.get("notice", "")))
    before = next((row[RECEIPT] for row in rows if row.get(RECEIPT)), None)  # earlier releases kept it in the row
    return {**last, RECEIPT: noted or before}


def _seen(row: Row) -> datetime:
    try:
        seen = datetime.fromisoformat(str(row.get("seen_at") or ""))
    except ValueError:
        return datetime.min.replace(tzinfo=UTC)
    return seen if seen.tzinfo else seen.replace(tzinfo=UTC)


def _name(payment_id: str) -> str:
    return sha256(payment_id.encode()).hexdigest()[:40]


def _content(row: dict[str, Any]) -> str:
    """Of what it says, whichever notice said it first."""
    said = {name: value for name, value in row.items() if name != "notice"}
    return sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()[:16]
