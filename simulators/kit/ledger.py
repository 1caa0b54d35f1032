"""The append-only list of everything that changed in a simulator: the judge of tests."""

from datetime import datetime
from typing import Any, Literal

Effect = Literal["created", "updated", "deleted", "action"]
Entry = dict[str, Any]


class Ledger:
    """Entries are never changed or removed; a restore of older data adds entries for what vanished."""

    def __init__(self) -> None:
        self.entries: list[Entry] = []

    def add(
        self,
        at: datetime,
        *,
        actor: str,
        method: str,
        path: str,
        company: str,
        kind: str,
        key: str,
        remote_id: str,
        effect: Effect,
        body_sha256: str = "",
    ) -> None:
        self.entries.append(
            {
                "seq": len(self.entries) + 1,
                "at": at.isoformat().replace("+00:00", "Z"),
                "actor": actor,
                "method": method,
                "path": path,
                "company": company,
                "kind": kind,
                "key": key,
                "remote_id": remote_id,
                "effect": effect,
                "body_sha256": body_sha256,
            }
        )

    def after(self, seq: int) -> list[Entry]:
        """Entries with a greater sequence number."""
        return self.entries[max(seq, 0) :]

    def live(self, upto: int | None = None) -> dict[tuple[str, str, str], Entry]:
        """The entry that created each object not deleted since, by (company, kind, remote_id)."""
        found: dict[tuple[str, str, str], Entry] = {}
        for entry in self.entries[:upto]:
            identity = (entry["company"], entry["kind"], entry["remote_id"])
            if entry["effect"] == "created":
                found[identity] = entry
            elif entry["effect"] == "deleted":
                found.pop(identity, None)
        return found

    def restore(self, at: datetime, upto: int) -> None:
        """Notes that the data went back to what it was after entry `upto`."""
        before, now = self.live(upto), self.live()
        changes: list[tuple[Entry, Effect]] = [(now[k], "deleted") for k in now if k not in before]
        changes += [(before[k], "created") for k in before if k not in now]
        for entry, effect in changes:
            self.add(
                at,
                actor="person",
                method="POST",
                path="/_sim/rollback",
                company=entry["company"],
                kind=entry["kind"],
                key=entry["key"],
                remote_id=entry["remote_id"],
                effect=effect,
            )
