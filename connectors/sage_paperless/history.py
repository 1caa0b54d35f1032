"""The drops of each invoice with the importer's answers: from where their files lie now, else from what was seen before."""

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from connectors.calls import NotUnderstood
from connectors.sage_paperless.ledger import GONE, REFUSED, TAKEN, Drop, Ledger
from objects.money import amount_of, text_of

STEM = re.compile(r"^(?P<company>\d+)-(?P<invoice>\d+)-r(?P<revision>[0-9a-f]{12})\Z")
INBOX = "inbox"
#: Looked through in the order in which files move; the same stem counts where it came to last.
PLACES = ((INBOX, "inbox/*"), (REFUSED, "error"), (TAKEN, "archive"))


@dataclass(frozen=True, slots=True)
class Placed:
    """One drop, and the mark of its files where they still lie somewhere."""

    drop: Drop
    where: str = ""
    mark: Path | None = None

    @property
    def stands(self) -> bool:
        """It is in the vault, or on its way there."""
        return self.where in (INBOX, TAKEN) or (not self.where and self.drop.outcome == TAKEN)

    @property
    def refused(self) -> bool:
        return self.where == REFUSED or (not self.where and self.drop.refused)


class History:
    """Of one vault and one Procore company. A file that is not there says nothing about the vault: folders are cleared."""

    def __init__(self, place: Path, company: str) -> None:
        self.place, self.company, self.ledger = place, company, Ledger(place)

    def of(self, invoice: str) -> list[Placed]:
        """Oldest first. What the folders say now is written down. Raises OSError, NotUnderstood."""
        return self._placed(invoice, self._marks(invoice), self.ledger.of(invoice)) if invoice.isdigit() else []

    def all(self) -> Iterator[list[Placed]]:
        """Every invoice's."""
        marks: dict[str, list[tuple[str, Path]]] = {}
        for where, mark in self._marks(""):
            marks.setdefault(mark.stem.split("-")[1], []).append((where, mark))
        kept = self.ledger.all()
        for invoice in sorted({*marks, *kept}):
            yield self._placed(invoice, marks.get(invoice, []), kept.get(invoice, ()))

    def note(self, invoice: str, drop: Drop) -> None:
        """A drop is noted before its files are there: a stem that was perhaps used is never used for anything else."""
        self.ledger.keep(invoice, drop)

    def _marks(self, invoice: str) -> list[tuple[str, Path]]:
        found: dict[str, tuple[float, str, Path]] = {}
        for where, pattern in PLACES:
            for mark in self.place.glob(f"{pattern}/{self.company}-{invoice or '*'}-r*.ready"):
                named = STEM.match(mark.stem)
                if named is None or (invoice and named["invoice"] != invoice) or named["company"] != self.company:
                    continue
                try:
                    found[mark.stem] = (mark.stat().st_mtime, where, mark)
                except FileNotFoundError:
                    continue
        return [(where, mark) for _, where, mark in sorted(found.values())]

    def _placed(self, invoice: str, marks: Iterable[tuple[str, Path]], kept: Sequence[Drop]) -> list[Placed]:
        lying = {mark.stem: (where, mark) for where, mark in marks}
        named = {drop.stem for drop in kept}
        older = [made for stem, (_, mark) in lying.items() if stem not in named and (made := _read(mark)) is not None]
        drops = sorted([*older, *kept], key=lambda drop: drop.moment)
        placed = [_seen(drop, *lying.get(drop.stem, ("", None))) for drop in drops]
        for one in placed:
            if one.drop not in kept:
                self.ledger.keep(invoice, one.drop)
        return placed


def _seen(drop: Drop, where: str, mark: Path | None) -> Placed:
    """With the answer that the place of its files gives. People may have put refused files into the inbox again."""
    if where == TAKEN and drop.outcome != TAKEN:
        drop = taken_of(drop)
    elif where == INBOX and drop.outcome:
        drop = replace(drop, outcome="", code="", message="", told="")
    elif where == REFUSED and mark is not None and drop.outcome != REFUSED:
        said = _error(mark)
        code, message = str(said.get("code") or "refused"), str(said.get("message") or "the importer refused it")
        drop = replace(drop, outcome=REFUSED, code=code, message=message)
    return Placed(drop, where, mark)


def lost(drop: Drop) -> Drop:
    """Its files lie nowhere, and what the importer said was not seen: put there again, which is harmless, once people agree."""
    return replace(drop, outcome=GONE, code="importer_answer_gone", message="its files are in none of the folders")


def taken_of(drop: Drop) -> Drop:
    """What is in the vault by other evidence than where its files lie."""
    return replace(drop, outcome=TAKEN, code="", message="", told="")


def _error(mark: Path) -> Mapping[str, Any]:
    try:
        said = json.loads(mark.with_suffix(".err.json").read_bytes())
    except (FileNotFoundError, ValueError):
        return {}
    return said if isinstance(said, dict) else {}


def _read(mark: Path) -> Drop | None:
    """Files that an earlier release put there, or whose ledger was lost. None: they are being moved at this moment."""
    try:
        at = datetime.fromtimestamp(mark.stat().st_mtime, UTC)
        meta = json.loads(mark.with_suffix(".json").read_bytes())
        return made_of(meta, mark.stem, str(meta["procore_revision"]), at)
    except FileNotFoundError:
        return None
    except (ValueError, KeyError, TypeError) as error:
        raise NotUnderstood(mark.with_suffix(".json").name, "it is not what we wrote there") from error


def made_of(meta: Mapping[str, Any], stem: str, revision: str, at: datetime) -> Drop:
    """The metadata as a drop."""
    gross = text_of(amount_of(meta["net"]) + amount_of(meta["tax"]))
    return Drop(stem, revision, gross, meta["document"], at.astimezone(UTC).isoformat())
