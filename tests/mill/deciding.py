"""What people decide in Sitebooks: approve, reject, send again."""

from random import Random
from typing import Any

from tests.mill.broker import Broker
from tests.mill.site import Site

ACTOR = "anna"


def ask_for_approval(site: Site, kind: str) -> None:
    """From now on a person agrees to each of these."""
    from sync import settings

    settings.save(site.company, "lentune", {"approval": {kind: "manual"}}, ACTOR)


def decide(site: Site, broker: Broker, random: Random) -> str:
    """One decision on what waits for one; gives what it was."""
    from sync import approval, records

    waiting = site.undecided()
    if not waiting:
        return "had nothing to decide"
    record = random.choice(waiting)
    if record.state != "awaiting_approval":
        _ring(broker, site.company, records.retry(site.company, [record.id], ACTOR))
        return "sent again"
    version = record.version - (1 if random.random() < 0.1 else 0)  # looked at before it changed
    try:
        if random.random() < 0.15:
            approval.reject(site.company, record.id, version, record.amount, ACTOR, "not ours")
            return "rejected"
        _ring(broker, site.company, approval.approve(site.company, record.id, version, record.amount, ACTOR))
    except approval.Changed:
        return "was told that it had changed"
    return "approved"


def agree_to_all(site: Site, broker: Broker) -> int:
    """Everything that waits for approval is approved as it stands; gives how much that was."""
    from sync import approval

    waiting = [record for record in site.undecided() if record.state == "awaiting_approval"]
    for record in waiting:
        _ring(broker, site.company, approval.approve(site.company, record.id, record.version, record.amount, ACTOR))
    return len(waiting)


def _ring(broker: Broker, company: int, rung: dict[str, Any]) -> None:
    for kind, ids in rung.items():
        broker.put(f"sitebooks.{kind}.sync", [company, ids])
