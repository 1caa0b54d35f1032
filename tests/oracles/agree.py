"""I3, I4, I5: field by field, to the cent per project and kind, and no more paid than was invoiced."""

from collections import defaultdict
from collections.abc import Mapping
from decimal import Decimal
from types import MappingProxyType
from typing import Any

from tests.oracles import meddled, paperless
from tests.oracles.intake import Intake
from tests.oracles.model import Expected, Row, State, live, money, written
from tests.oracles.posting import ANY, Posting
from tests.oracles.sights import Sight

#: States in which a record waits for something or somebody, with its reason.
PARKED = ("held", "needs_attention", "awaiting_approval", "rejected", "conflict", "unlinked")
MOVING = ("pending", "sending", "checking")
#: Reasons that no state of the two systems can tell: what became of an earlier try, and what a person must decide.
PERSONAL = {
    "outcome_needs_person", "worker_lost", "not_as_sent", "left_unfinished", "edited_on_both_sides", "vanished_at_target",
    "duplicate_found", "rolled_back", "restored", "unusual_volume", "changed_meanwhile", "already_posted",
    "posting_claimed_elsewhere",
}  # fmt: skip
Key = tuple[str, str, str]


def disagreements(sight: Sight) -> list[str]:
    """What differs and is not listed as waiting."""
    procore = sight.state("procore")
    if "sage_paperless" in sight.systems:
        records = _records(sight).values()
        states = {row["source_id"]: row["state"] for row in records if row["kind"] == "invoice"}
        keys = {row["source_id"]: row["key"] for row in records if row["kind"] == "payment"}
        known = {str(entry["remote_id"]) for entry in sight.ledger("procore") if entry["kind"] == "requisitions"}
        known |= {str(row["id"]) for row in procore.get("requisitions", [])}
        books = paperless.Books(
            procore, sight.state("sage_paperless"), _settings(sight, "sage_paperless"), lambda one: states.get(one) != "synced",
            keys, known,
        )  # fmt: skip
        found = _judged(sight, "sage_paperless", books.expected()) + books.documents() + books.strangers()
        return found + _payments(procore, books.corrected(), books.taken())
    lentune = sight.state("lentune")
    posting = Posting(procore, lentune)
    expected = Intake(procore, lentune).expected() + posting.expected()
    return _judged(sight, "lentune", expected) + _strangers(procore, posting) + _payments(procore)


def _judged(sight: Sight, accounting: str, expected: list[Expected]) -> list[str]:
    """One by one, those whose source is gone, and the sums."""
    records = _records(sight)
    hands = meddled.hands(sight)
    theirs = {id(one) for one in expected if any((_target(one, accounting), str(there["id"])) in hands for there in one.there)}
    found = []
    for one in expected:
        record = records.get((one.kind, one.direction, one.source_id))
        if id(one) not in theirs or record is None or record["state"] != "synced":
            found += _one(one, record)
    return found + _sourceless(expected, records) + _sums(expected, records, theirs)


def _settings(sight: Sight, system: str) -> Row:
    rows = sight.rows("SELECT settings FROM connection WHERE company_id = %s AND system = %s", [sight.company, system])
    return dict(rows[0]["settings"])


def _records(sight: Sight) -> dict[Key, Row]:
    rows = sight.rows(
        "SELECT r.*, EXISTS (SELECT FROM history h WHERE h.record_id = r.id AND h.actor NOT LIKE 'sitebooks%%') AS decided"
        " FROM sync_record r WHERE company_id = %s",
        [sight.company],
    )
    return {(row["kind"], row["direction"], row["source_id"]): row for row in rows}


def _one(one: Expected, record: Row | None) -> list[str]:
    if record is None:
        return [] if one.out else [f"I2: {one} stands at its source and was never seen"]
    state, codes = record["state"], {problem["code"] for problem in record["problems"]}
    if state in MOVING:
        return [f"I2: {one} is still {state}: {sorted(codes)}"]
    if len(one.there) > 1:
        return [f"I1: {one} stands {len(one.there)} times on the other side: {[there['id'] for there in one.there]}"]
    if state == "synced":
        return _equal(one)
    if one.out:
        return []
    if state not in PARKED:
        return [f"I3: {one} is {state} ({sorted(codes)}), and it is part of the sync"]
    return _parked(one, state, codes, record)


def _equal(one: Expected) -> list[str]:
    if one.out and not one.there:
        return [f"I3: {one} is called synced and stands nowhere ({one.out})"]
    if not one.there:
        return [f"I3: {one} is called synced and does not stand on the other side"]
    if one.out:
        return []
    pairs = {name: (written(value), written(one.held[0].get(name))) for name, value in one.fields.items()}
    apart = {name: pair for name, pair in pairs.items() if pair[0] != pair[1]}
    return [f"I3: {one} is called synced and differs in {_shown(apart)}"] if apart else []


def _parked(one: Expected, state: str, codes: set[str], record: Row) -> list[str]:
    if state in ("awaiting_approval", "rejected", "unlinked", "conflict") or ANY in one.blocks or codes & PERSONAL:
        return []
    if not codes:
        return [f"I2: {one} is {state} and nobody is told why"]
    if not one.blocks:
        return [f"I3: {one} is {state} for {sorted(codes)}, and nothing stands against it"]
    return []


def _sourceless(expected: list[Expected], records: dict[Key, Row]) -> list[str]:
    """Records whose source is not there any more say so."""
    known = {(one.kind, one.direction, one.source_id) for one in expected}
    return [
        f"I3: {kind} {record['number']} ({source_id}) is {record['state']}, and its source is gone"
        for (kind, direction, source_id), record in records.items()
        if kind != "vendor" and (kind, direction, source_id) not in known
        and record["state"] not in ("source_deleted", "ignored", "unlinked")
    ]


def _target(one: Expected, accounting: str) -> str:
    return accounting if one.direction == "from_procore" else "procore"


def _sums(expected: list[Expected], records: dict[Key, Row], theirs: set[int]) -> list[str]:
    """Per project and kind: what the sides differ by is what the waiting ones differ by, and those that a person changed
    over there since we wrote them, and nothing else."""
    lines: dict[tuple[str, str], list[Decimal]] = defaultdict(lambda: [Decimal(0)] * 3)
    for one in expected:
        record = records.get((one.kind, one.direction, one.source_id))
        if one.out and (record is None or record["state"] != "synced"):
            continue  # left out with its reason, and what stands there of earlier days with it
        line = lines[one.project, f"{one.kind} {one.direction}"]
        line[0] += one.amount
        line[1] += one.there_amount
        if record is not None and (record["state"] in PARKED or id(one) in theirs):
            line[2] += one.amount - one.there_amount
    return [
        f"I4: project {project}, {kind}: {here} here and {there} there, of which {waiting} is listed as waiting"
        for (project, kind), (here, there, waiting) in sorted(lines.items())
        if here - there != waiting
    ]


def _strangers(procore: State, posting: Posting) -> list[str]:
    """What carries a key of ours in Procore and belongs to nothing in Lentune. Tombstones of its source explain it."""
    gone = [row for table in ("invoices", "purchase_orders") for row in posting.lentune.get(table, []) if row.get("deleted_at")]
    numbers = {row["number"] for row in gone}
    return [
        f"I4: {kind} {row['id']} ({_number(row)}) carries a key of ours in Procore and no document in Lentune explains it"
        for kind in ("direct_costs", "requisitions", "purchase_order_contracts")
        for row in live(procore.get(kind, []))
        if row["origin_id"] and row["id"] not in posting.claimed and _number(row) not in numbers
    ]


def _payments(
    procore: State, corrected: Mapping[int, Decimal] = MappingProxyType({}), taken: Mapping[str, Decimal] = MappingProxyType({}),
) -> list[str]:  # fmt: skip
    """I5: payments of one invoice never exceed it, and name an invoice that is there.

    `corrected`: what those count for that accounting has voided or corrected since, and people must correct in Procore.
    `taken`: the totals with which accounting works on invoices that a person has changed in Procore since, as is listed.
    """
    paid: dict[str, Decimal] = defaultdict(Decimal)
    for row in live(procore.get("contract_payments", [])):
        if row.get("requisition_id") is not None:
            paid[str(row["requisition_id"])] += min(money(row["amount"]), corrected.get(row["id"], money(row["amount"])))
    totals = {str(row["id"]): money(row["total_claimed_amount"]) for row in live(procore.get("requisitions", []))}
    return [
        f"I5: invoice {number} of {totals.get(number, 'nothing')} has payments of {amount}"
        for number, amount in paid.items()
        if number not in totals or amount > max(totals[number], taken.get(number, totals[number]))
    ]


def _number(row: Row) -> Any:
    return row.get("invoice_number") or row.get("number")


def _shown(apart: dict[str, tuple[Any, Any]]) -> str:
    return "; ".join(f"{name}: {here!s} here, {there!s} there" for name, (here, there) in apart.items())[:600]
