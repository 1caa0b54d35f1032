"""What can be set going: decisions, sending again, replaying, settings, scans, comparisons."""

from typing import Any

from fastapi import APIRouter

from sync import views
from web import actions
from web.api.access import Admin, Approver
from web.api.shapes import Approve, ConnectionOut, RecordOut, Reject, Scan
from web.errors import not_there

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
    """Read and judged again, and sent if nothing stands against it; what is in doubt is looked up first."""
    actions.send_again(who.company_id, [record_id], who.name)
    return _record(who.company_id, record_id)


@router.post("/events/{event_id}/replay", status_code=202)
def replay(who: Approver, event_id: int) -> dict[str, int]:
    """Received once more. Safe: an event only says where to look."""
    actions.replay(who.company_id, event_id)
    return {"event": event_id}


@router.put("/connections/{system}/settings")
def settings(who: Admin, system: str, values: dict[str, Any]) -> ConnectionOut:
    """Only the fields given are changed. 422 with the rule's code when they cannot stand together."""
    actions.save_settings(who.company_id, system, values, who.name)
    found = views.connection(who.company_id, system)
    if found is None:
        raise not_there(f"connection with {system}")
    return ConnectionOut.model_validate(found)


@router.post("/scans", status_code=202)
def scans(who: Approver, wanted: Scan) -> dict[str, list[str]]:
    """Sync now: reads what has changed, in one system or in all."""
    return {"systems": actions.scan_now(who.company_id, wanted.system)}


@router.post("/reconcile", status_code=202)
def reconcile(who: Approver) -> dict[str, list[str]]:
    """Compares both sides to the cent; reads only. The result appears in the status."""
    return {"systems": actions.compare_now(who.company_id)}


def _record(company_id: int, record_id: int) -> RecordOut:
    found = views.record(company_id, record_id)
    if found is None:
        raise not_there(f"record {record_id}")
    return RecordOut.model_validate(found.row)
