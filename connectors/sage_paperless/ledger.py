"""What we put into the drop folder and what became of it: one small file an invoice, beside the site's own folders."""

import contextlib
import json
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from connectors.sage_paperless.dropping import bytes_of, put

#: What is kept of the importer's answer. `gone`: its files lie nowhere any more, and nobody had seen the answer.
TAKEN, REFUSED, GONE = "archive", "error", "gone"


@dataclass(frozen=True, slots=True)
class Drop:
    """Four files of one stem. `revision` is that of the content: going back to an earlier one takes a stem of its own.

    `outcome` outlives the files, for sites clear their folders. `told`: when people were last shown the refusal; the same
    content goes there again only after that.
    """

    stem: str
    revision: str
    gross: str
    document: Mapping[str, Any] | None
    at: str
    outcome: str = ""
    code: str = ""
    message: str = ""
    told: str = ""

    @property
    def stamp(self) -> str:
        """The stem's own revision."""
        return self.stem.rpartition("-r")[2]

    @property
    def refused(self) -> bool:
        return self.outcome in (REFUSED, GONE)


class Ledger:
    """Of one vault. Written under the record's lease, so one worker writes an invoice's file at a time."""

    def __init__(self, place: Path) -> None:
        self.kept = place / "sitebooks" / "invoices"

    def of(self, invoice: str) -> tuple[Drop, ...]:
        """Oldest first. Raises OSError."""
        try:
            return tuple(Drop(**one) for one in json.loads(self._path(invoice).read_bytes()))
        except FileNotFoundError:
            return ()

    def invoices(self) -> list[str]:
        """Procore's ids of all that was ever put there."""
        return sorted(path.stem for path in self.kept.glob("*.json") if path.stem.isdigit()) if self.kept.is_dir() else []

    def keep(self, invoice: str, drops: Sequence[Drop]) -> None:
        """Replaces what was known of the invoice, whole. Raises OSError."""
        self.kept.mkdir(parents=True, exist_ok=True)
        path = self._path(invoice)
        part = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
        try:
            put(part, bytes_of(json.dumps([asdict(one) for one in drops], ensure_ascii=False).encode()))
            part.replace(path)
        finally:
            with contextlib.suppress(OSError):
                part.unlink(missing_ok=True)

    def _path(self, invoice: str) -> Path:
        return self.kept / f"{invoice}.json"
