"""What can be set going: decisions, sending again, replaying, settings, scans, comparisons."""

from typing import Any

from fastapi import APIRouter

from sync import views
from web import actions, errors
from web.api.access import Admin, Approver
from web.api.shapes import Approve, ConnectionOut, Link, Reason, RecordOut, Reject, Release, Scan

router = APIRouter()


@router.post("/records/{record_id}/approve")
def approve(who: Approver, record_id: int, seen: Approve) -> RecordOut:
    """For exactly this version and amount; 412 when it has changed since."""
    actions.approve(who.company_id, record_id, seen.version, seen.amount, who.name)
    return _record(who.company_id, record_id)


@router.post("/records/{record_id}/reject")
def reject(who: Approver, record_id: int, seen: Reject) -> RecordOut:
    """For exactly this version and amount, with the reason; 412 when it has changed since."""
    actions.reject(who.company_id, record_id, seen.version, seen.amount, who.name, seen.reason)
    return _record(who.company_id, record_id)


@router.post("/records/{record_id}/retry", status_code=202)
def retry(who: Approver, record_id: int) -> RecordOut:
    """Read and judged again, and sent if nothing stands against it; what is in doubt or in conflict is only looked at."""
    actions.send_again(who.company_id, [record_id], who.name)
    return _record(who.company_id, record_id)


@router.post("/records/{record_id}/link")
def link(who: Approver, record_id: int, found: Link) -> RecordOut:
    """It is there: a record in doubt is linked with this id, and nothing is sent. 409 when it is in no doubt."""
    actions.link(who.company_id, record_id, found.remote_id, who.name)
    return _record(who.company_id, record_id)


@router.post("/records/{record_id}/not-there", status_code=202)
def not_there(who: Approver, record_id: int) -> RecordOut:
    """A record in doubt is looked for once more, and sent once more if it is not found. 409 when it is in no doubt."""
    actions.not_there(who.company_id, record_id, who.name)
    return _record(who.company_id, record_id)


@router.post("/records/{record_id}/send-ours", status_code=202)
def send_ours(who: Approver, record_id: int) -> RecordOut:
    """What stands in the target is replaced by ours. 409 when there is no conflict."""
    actions.send_ours(who.company_id, record_id, who.name)
    return _record(who.company_id, record_id)


@router.post("/records/{record_id}/keep-theirs")
def keep_theirs(who: Approver, record_id: int) -> RecordOut:
    """What stands in the target stays; the record is no longer kept in agreement. 409 when there is no conflict."""
    actions.keep_theirs(who.company_id, record_id, who.name)
    return _record(who.company_id, record_id)


@router.post("/records/{record_id}/unlink")
def unlink(who: Approver, record_id: int, why: Reason) -> RecordOut:
    """Both sides go their own ways from now on. 409 while it is being sent."""
    actions.unlink(who.company_id, record_id, who.name, why.reason)
    return _record(who.company_id, record_id)


@router.post("/holds/release", status_code=202)
def release(who: Approver, held: Release) -> dict[str, int]:
    """Approves everything of a kind that waits for being unusually many, each in the version and amount it has."""
    return {"released": actions.release_hold(who.company_id, held.system, held.kind, who.name)}


@router.post("/connections/{system}/go-on", status_code=202)
def go_on(who: Approver, system: str) -> ConnectionOut:
    """A person has looked: writing to a stopped system goes on. 409 when it is not stopped, or the links come first."""
    actions.go_on(who.company_id, system, who.name)
    return _connection(who.company_id, system)


@router.post("/events/{event_id}/replay", status_code=202)
def replay(who: Approver, event_id: int) -> dict[str, int]:
    """Received once more. Safe: an event only says where to look."""
    actions.replay(who.company_id, event_id)
    return {"event": event_id}


@router.put("/connections/{system}/settings")
def settings(who: Admin, system: str, values: dict[str, Any]) -> ConnectionOut:
    """Only the fields given are changed. 422 with the rule's code when they cannot stand together."""
    actions.save_settings(who.company_id, system, values, who.name)
    return _connection(who.company_id, system)


@router.post("/connections/{system}/off")
def switch_off(who: Admin, system: str, why: Reason) -> ConnectionOut:
    """Nothing is sent to it or asked of it until it is switched on; everything waits. Procore's stops all of the company."""
    actions.switch(who.company_id, system, False, who.name, why.reason)
    return _connection(who.company_id, system)


@router.post("/connections/{system}/on", status_code=202)
def switch_on(who: Admin, system: str) -> ConnectionOut:
    """What waited goes on, webhooks that came are taken up, and its lists are read."""
    actions.switch(who.company_id, system, True, who.name)
    return _connection(who.company_id, system)


@router.post("/scans", status_code=202)
def scans(who: Approver, wanted: Scan) -> dict[str, list[str]]:
    """Sync now: reads what has changed, in one system or in all."""
    return {"systems": actions.scan_now(who.company_id, wanted.system)}


@router.post("/payments/sync", status_code=202)
def payments(who: Approver, wanted: Scan) -> dict[str, list[str]]:
    """Sync Payments for Synced Invoices: the payments of one system, or of all that report any, are read now."""
    return {"systems": actions.sync_payments(who.company_id, wanted.system, who.name)}


@router.post("/reconcile", status_code=202)
def reconcile(who: Approver) -> dict[str, list[str]]:
    """Compares both sides to the cent; reads only. The result appears in the status."""
    return {"systems": actions.compare_now(who.company_id)}


def _record(company_id: int, record_id: int) -> RecordOut:
    found = views.record(company_id, record_id)
    if found is None:
        raise errors.not_there(f"record {record_id}")
    return RecordOut.model_validate(found.row)


def _connection(company_id: int, system: str) -> ConnectionOut:
    found = views.connection(company_id, system)
    if found is None:
        raise errors.not_there(f"connection with {system}")
    return ConnectionOut.model_validate(found)
