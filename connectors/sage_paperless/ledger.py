"""What we put into the drop folder and what became of it: one small file a drop, beside the site's own folders."""

import contextlib
import json
import secrets
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from connectors.calls import NotUnderstood
from connectors.sage_paperless.dropping import bytes_of, own_folder, put, sync_folder

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
    def moment(self) -> datetime:
        return datetime.fromisoformat(self.at)

    @property
    def refused(self) -> bool:
        return self.outcome in (REFUSED, GONE)


class Ledger:
    """Of one vault. Each drop has a file of its own: whoever notes an answer cannot overwrite a drop made meanwhile."""

    def __init__(self, place: Path) -> None:
        self.kept = place / "sitebooks" / "invoices"

    def of(self, invoice: str) -> tuple[Drop, ...]:
        """Oldest first. Raises OSError, NotUnderstood."""
        return self._read(f"{invoice}-*.json").get(invoice, ())

    def all(self) -> Mapping[str, tuple[Drop, ...]]:
        """By Procore's id of the invoice. Raises OSError."""
        return self._read("*.json")

    def keep(self, invoice: str, drop: Drop) -> None:
        """A new drop, or something new about one. Raises OSError."""
        own_folder(self.kept)
        path = self.kept / f"{invoice}-{drop.stamp}.json"
        part = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
        try:
            put(part, bytes_of(json.dumps(asdict(drop), ensure_ascii=False).encode()))
            part.replace(path)
            sync_folder(self.kept)
        finally:
            with contextlib.suppress(OSError):
                part.unlink(missing_ok=True)

    def _read(self, pattern: str) -> dict[str, tuple[Drop, ...]]:
        found: dict[str, list[Drop]] = {}
        for path in self.kept.glob(pattern) if self.kept.is_dir() else ():
            found.setdefault(path.stem.partition("-")[0], []).append(_drop(path))
        return {invoice: tuple(sorted(drops, key=lambda drop: drop.moment)) for invoice, drops in found.items()}


def _drop(path: Path) -> Drop:
    try:
        return Drop(**json.loads(path.read_bytes()))
    except (ValueError, TypeError) as error:
        raise NotUnderstood(f"sitebooks/invoices/{path.name}", "it is not what we wrote there") from error
