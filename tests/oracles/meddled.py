"""F38, F39 from the ledgers: what people changed or deleted of ours, and that nothing of it is made again unasked."""

from datetime import datetime, timedelta
from typing import Any

from tests.oracles.once import SAME
from tests.oracles.sights import Sight

#: What a person does to a copy that we wrote, as the ledgers name it. What Lentune's own clerks do is no hand at a copy.
ACTS = ("change_order", "rename_project", "change_direct_cost", "approve_requisition", "edit_commitment")
_STATE_THEN = """
    SELECT after->>'state' AS state FROM history WHERE record_id = %s AND what = 'record.state' AND at <= %s
    ORDER BY id DESC LIMIT 1
"""
#: The mill's Postgres is a little ahead of its simulators within one step.
TICK = timedelta(seconds=1)
_WORD = "SELECT 1 FROM history WHERE record_id = %s AND actor NOT LIKE 'sitebooks%%' AND at BETWEEN %s AND %s LIMIT 1"


def hands(sight: Sight) -> set[tuple[str, str]]:
    """(system, id) of what a person changed there after our last write to it."""
    found: set[tuple[str, str]] = set()
    for system in sight.systems:
        for entry in sight.ledger(system):
            place = (system, str(entry["remote_id"]))
            if entry["actor"] == "client":
                found.discard(place)
            elif entry["effect"] == "updated" and entry["path"].rpartition("/")[2] in ACTS:
                found.add(place)
    return found


def remade(sight: Sight) -> list[str]:
    """I3: what was linked and a person deleted there is not made again before a person has said so (F38)."""
    found = []
    for system in sight.systems:
        gone: dict[tuple[str, str], datetime] = {}
        for entry in sight.ledger(system):
            place, at = (str(SAME.get(entry["kind"], entry["kind"])), str(entry["key"])), _at(entry)
            if entry["effect"] == "deleted" and entry["actor"] == "person":
                gone[place] = at
            elif entry["effect"] in ("created", "updated") and entry["actor"] == "client" and place in gone:
                found += _unasked(sight, system, place, gone.pop(place), at)
    return found


def overwritten(sight: Sight) -> list[str]:
    """I3: what a person changed in Lentune of a linked copy is not written over before a person has said so (F39)."""
    found, theirs = [], dict[str, datetime]()
    for entry in sight.ledger("lentune") if "lentune" in sight.systems else []:
        remote, at = str(entry["remote_id"]), _at(entry)
        if entry["actor"] == "person" and entry["path"].endswith("/change_order"):
            theirs[remote] = at
        elif entry["actor"] == "client" and entry["effect"] == "updated" and remote in theirs:
            changed, key = theirs.pop(remote), str(entry["key"])
            found += _unasked(sight, "lentune", ("", key), changed, at, "changed", "written over")
    return found


def _unasked(
    sight: Sight, system: str, place: tuple[str, str], gone: datetime, at: datetime, one: str = "deleted",
    other: str = "made again",
) -> list[str]:  # fmt: skip
    rows = sight.rows(
        "SELECT id, kind, number FROM sync_record WHERE company_id = %s AND (key = %s OR source_id = %s)",
        [sight.company, place[1], place[1]],
    )
    for row in rows:
        then = sight.rows(_STATE_THEN, [row["id"], gone])
        if then and then[0]["state"] == "synced" and not sight.rows(_WORD, [row["id"], gone, at + TICK]):
            when = f"{one} in {system} at {gone:%H:%M:%S} and {other} at {at:%H:%M:%S}"
            return [f"I3: {row['kind']} {row['number']} was {when}; nobody had said so"]
    return []


def _at(entry: dict[str, Any]) -> datetime:
    return datetime.fromisoformat(entry["at"])
