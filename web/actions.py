"""What people can set going, from the console and from the API alike: first the rows, then the bell."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from sqlalchemy import text

from connectors.registry import all_connectors
from models import session
from sync import approval, granting, inbox, payments, records, settings, settling, stops
from sync.company import load
from tasks import publish, scan, switching


def approve(company_id: int, record_id: int, version: int, amount: Decimal | None, actor: str) -> None:
    """Raises approval.Changed, approval.NotWaiting, LookupError."""
    publish.ring_all(company_id, approval.approve(company_id, record_id, version, amount, actor), "interactive")


def reject(company_id: int, record_id: int, version: int, amount: Decimal | None, actor: str, reason: str) -> None:
    """Raises approval.Changed, approval.NotWaiting, LookupError."""
    approval.reject(company_id, record_id, version, amount, actor, reason)


def send_again(company_id: int, record_ids: Sequence[int], actor: str) -> int:
    """How many there were. Raises LookupError when there was none."""
    rung = records.retry(company_id, record_ids, actor)
    if not rung:
        raise LookupError("there is no such record")
    publish.ring_all(company_id, rung, "interactive")
    return sum(len(ids) for ids in rung.values())


def link(company_id: int, record_id: int, remote_id: str, actor: str) -> None:
    """A person found it in the target. Raises settling.NotToDecide, LookupError."""
    publish.ring_all(company_id, settling.link(company_id, record_id, remote_id, actor), "interactive")


def not_there(company_id: int, record_id: int, actor: str) -> None:
    """A person did not find it: it is looked for once more, then sent. Raises settling.NotToDecide, LookupError."""
    publish.ring_all(company_id, settling.not_there(company_id, record_id, actor), "interactive")


def send_ours(company_id: int, record_id: int, actor: str) -> None:
    """What stands in the target is replaced by ours. Raises settling.NotToDecide, LookupError."""
    publish.ring_all(company_id, settling.send_ours(company_id, record_id, actor), "interactive")


def keep_theirs(company_id: int, record_id: int, actor: str) -> None:
    """What stands in the target stays. Raises settling.NotToDecide, LookupError."""
    settling.keep_theirs(company_id, record_id, actor)


def unlink(company_id: int, record_id: int, actor: str, reason: str) -> None:
    """Both sides go their own ways. Raises settling.NotToDecide, LookupError."""
    settling.unlink(company_id, record_id, actor, reason)


def release_hold(company_id: int, system: str, kind: str, actor: str) -> int:
    """Approves everything of a kind that waits for being unusually many; how many. Raises LookupError: nothing does."""
    with session(company_id) as db:
        connection_id = db.scalar(text("SELECT id FROM connection WHERE system = :s"), {"s": system})
    rung = settling.release_hold(company_id, connection_id, kind, actor) if connection_id is not None else {}
    if not rung:
        raise LookupError(f"no {kind} of {system} waits for being unusually many")
    publish.ring_all(company_id, rung, "bulk")
    return sum(len(ids) for ids in rung.values())


def go_on(company_id: int, system: str, actor: str) -> None:
    """A person has looked: writing to a stopped system goes on. Raises stops.NotStopped."""
    publish.ring_all(company_id, stops.go_on(company_id, system, actor), "bulk")


def with_code(company_id: int, code: str, states: Sequence[str]) -> list[int]:
    """Records that this problem holds up."""
    with session(company_id) as db:
        return list(db.scalars(text("""
            SELECT id FROM sync_record WHERE state = ANY(:states)
            AND problems @> jsonb_build_array(jsonb_build_object('code', CAST(:code AS text))) ORDER BY id
        """), {"code": code, "states": list(states)}))


def replay(company_id: int, event_id: int) -> None:
    """Raises LookupError."""
    ids = inbox.replay(company_id, [event_id])
    if not ids:
        raise LookupError(f"there is no event {event_id}")
    publish.send("sitebooks.inbox.process", [company_id, ids], "interactive")


def scan_now(company_id: int, system: str = "") -> list[str]:
    """Reads what has changed, everywhere or in one system. Raises LookupError for one that is not connected."""
    known = [name for name in _in_use(company_id) if system in ("", name)]
    if system and not known:
        raise LookupError(f"{system} is not connected")
    for name in known:
        scan.start(company_id, name)
    return known


def compare_now(company_id: int) -> list[str]:
    """Has a worker compare both sides of every connection but the site's own, to the cent."""
    found = [name for name in _in_use(company_id) if name != "procore"]
    for system in found:
        publish.send("sitebooks.maintenance.compare", [company_id, system], "maintenance")
    return found


def _in_use(company_id: int) -> list[str]:
    with session(company_id) as db:
        company = load(db, company_id)
    return [name for name in company.connections if not company.off(name)]


def switch(company_id: int, system: str, on: bool, actor: str, reason: str = "") -> bool:
    """Switches a connection off or on; False: it was so before. Raises LookupError, settings.Refused."""
    return switching.switch(company_id, system, on, actor, reason)


def save_settings(company_id: int, system: str, values: dict[str, Any], actor: str) -> None:
    """Raises LookupError, settings.Refused, connectors.calls.CallFailed."""
    with session(company_id) as db:
        there = db.execute(text("SELECT 1 FROM connection WHERE system = :s"), {"s": system}).first()
    if there is None or system not in all_connectors():
        raise LookupError(f"{system} is not connected")
    publish.ring_all(company_id, settings.save(company_id, system, values, actor))


def pick_company(company_id: int, system: str, site_id: str, actor: str) -> None:
    """Saves the company that a person picked, and reads it. Raises refusal.Refused, CallFailed, LookupError."""
    publish.ring_all(company_id, granting.pick(company_id, system, site_id, actor))
    scan.start(company_id, system)


def sync_payments(company_id: int, system: str, actor: str) -> list[str]:
    """On demand: reads the payments of synced invoices now; of which systems. Raises LookupError when none reports any."""
    asked = payments.asked(company_id, system, actor)
    for name in asked:
        publish.send("sitebooks.payment.pull", [company_id, name], "interactive")
    return asked
