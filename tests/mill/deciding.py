"""What people decide in Sitebooks: approve, reject, send again."""

from contextlib import suppress
from random import Random
from typing import Any

from tests.mill.broker import Broker
from tests.mill.site import Site

ACTOR = "anna"
#: Of money in doubt a person says that it arrived, or that it is to be sent again.
IN_DOUBT = "outcome_needs_person"


def ask_for_approval(site: Site, kind: str) -> None:
    """From now on a person agrees to each of these."""
    from sync import settings

    settings.save(site.company, site.world.system, {"approval": {kind: "manual"}}, ACTOR)


def decide(site: Site, broker: Broker, random: Random) -> str:
    """One decision on what waits for one; gives what it was."""
    from sync import approval, records

    waiting = site.undecided()
    if not waiting:
        return "had nothing to decide"
    record = random.choice(waiting)
    if _in_doubt(record) and _arrived(site, record):
        return "said that it arrived"
    if _in_doubt(record) and random.random() < 0.7:
        _send_again(site, broker, record)
        return "said that it is not there"
    if record.state != "awaiting_approval":
        _ring(broker, site.company, records.retry(site.company, [record.id], ACTOR))
        return "asked for another look"
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


def settle_all(site: Site, broker: Broker) -> int:
    """Every decision that only a person can take is taken, in one way or the other; gives how many there were."""
    from sync import settling, stops

    count = 0
    for system in site.simulators:
        with suppress(stops.NotStopped):
            _ring(broker, site.company, stops.go_on(site.company, system, ACTOR))
            count += 1
    for record in site.undecided(*(["held"] if site.world.asks_held else [])):
        codes = {problem["code"] for problem in record.problems}
        choice = record.id % 3
        if site.world.decides and _in_doubt(record):
            if not choice or not _arrived(site, record):
                _send_again(site, broker, record)
        elif record.state == "conflict" and choice == 0:
            settling.keep_theirs(site.company, record.id, ACTOR)
        elif record.state == "conflict" and choice == 1:
            _ring(broker, site.company, settling.send_ours(site.company, record.id, ACTOR))
        elif record.state == "conflict" or "left_unfinished" in codes or (codes & site.world.left_there and choice == 0):
            settling.unlink(site.company, record.id, ACTOR, "both go their own ways")
        elif codes & (site.world.left_there | site.world.asked_again):
            _send_again(site, broker, record)
        else:
            continue
        count += 1
    return count


def _in_doubt(record: Any) -> bool:
    return any(problem["code"] == IN_DOUBT for problem in record.problems)


def _send_again(site: Site, broker: Broker, record: Any) -> None:
    """In the words that the problem asks for."""
    from sync import records, settling

    if _in_doubt(record):
        _ring(broker, site.company, settling.not_there(site.company, record.id, ACTOR))
    else:
        _ring(broker, site.company, records.retry(site.company, [record.id], ACTOR))


def _arrived(site: Site, record: Any) -> bool:
    """A person finds it in Procore and says so."""
    from sync import settling

    there = site.world.arrived(site, record)
    if there:
        settling.link(site.company, record.id, there, ACTOR)
    return bool(there)


def _ring(broker: Broker, company: int, rung: dict[str, Any]) -> None:
    for kind, ids in rung.items():
        broker.put(f"sitebooks.{kind}.sync", [company, ids])
