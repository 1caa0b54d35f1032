"""I1, I7, I8 from the ledgers: one live record per source, nobody else's record written to, no company's but its own."""

from collections import defaultdict
from typing import Any

from tests.oracles.sights import Entry, Sight

#: Kinds of one document under different names: an invoice is a direct cost or a commitment invoice, never both (L-13).
SAME = {"requisitions": "invoice", "direct_costs": "invoice", "purchase_order": "order", "subcontract": "order"}
#: Documents with money: only those we made ourselves are ours to change. Codes and projects may be taken over (F5 to F7).
DOCUMENTS = {
    "direct_costs", "direct_cost_line_items", "requisitions", "purchase_order_contracts", "work_order_contracts",
    "purchase_order", "subcontract", "variation", "vendors", "contract_payments", "invoices",
}  # fmt: skip
#: Written by us beside what moves: our own subscriptions, and what we say of a record of theirs.
BESIDE = ("webhook_hooks", "webhook_triggers", "webhook_subscription", "webhook_subscriptions", "posting_claim", "posting_result")


class Ledgers:
    """The ledgers as read so far, and what of it is alive."""

    def __init__(self) -> None:
        self.read_to: dict[str, int] = defaultdict(int)
        #: (system, company, document, key) -> live remote ids that we made
        self.live: dict[tuple[str, str, str, str], set[tuple[str, str]]] = defaultdict(set)
        #: (system, kind, remote id) -> who made it, as far as the ledger tells
        self.maker: dict[tuple[str, str, str], str] = {}
        self.found: list[str] = []
        self.creates = 0

    def read(self, sight: Sight) -> None:
        """Takes in what is new."""
        for system in sight.systems:
            new = sight.ledger(system, self.read_to[system])
            for entry in new:
                self._take(system, entry)
            if new:
                self.read_to[system] = new[-1]["seq"]

    def broken(self) -> list[str]:
        """Violations so far; one that was found stays."""
        return list(self.found)

    def _take(self, system: str, entry: Entry) -> None:
        kind, remote = entry["kind"], entry["remote_id"]
        place = (system, str(entry["company"]), str(SAME.get(kind, kind)), str(entry["key"]))
        if entry["effect"] == "created":
            self.maker[system, kind, remote] = entry["actor"]
            if entry["actor"] == "client" and kind not in BESIDE:
                self.creates += 1
                self.live[place].add((kind, remote))
                self._single(place)
        elif entry["effect"] == "deleted":
            self.live[place].discard((kind, remote))
        if entry["actor"] == "client":
            self._ours(system, entry)

    def _single(self, place: tuple[str, str, str, str]) -> None:
        if len(self.live[place]) > 1:
            system, company, document, key = place
            standing = ", ".join(f"{kind} {remote}" for kind, remote in sorted(self.live[place]))
            self.found.append(f"I1: {system} holds more than one {document} under key {key} of company {company}: {standing}")

    def _ours(self, system: str, entry: Entry) -> None:
        kind, remote = entry["kind"], entry["remote_id"]
        if entry["effect"] not in ("updated", "deleted") or kind not in DOCUMENTS or entry["path"].endswith("/external-key"):
            return
        if self.maker.get((system, kind, remote), "person") == "person":
            self.found.append(f"I7: we {entry['effect']} {kind} {remote} in {system}, which a person made ({entry['path']})")


def same_twice(rows: list[dict[str, Any]], parts: tuple[str, ...]) -> list[tuple[tuple[str, ...], list[str]]]:
    """Rows alike in all of these parts, with the ids of each group."""
    groups: dict[tuple[str, ...], list[str]] = defaultdict(list)
    for row in rows:
        groups[tuple(str(row.get(part)) for part in parts)].append(str(row["id"]))
    return [(names, ids) for names, ids in groups.items() if len(ids) > 1]
