"""What the machine may not decide: is it there or not, ours or theirs, unusually many, and may writing go on."""

from fastapi import APIRouter
from fastapi.responses import RedirectResponse, Response

from web import actions
from web.pages.objects import back
from web.people import Approving, BadForm

router = APIRouter()


@router.post("/objects/{record_id}/link")
def link(record_id: int, posted: Approving) -> Response:
    """It is there: linked with the id the person read there; nothing is sent."""
    remote_id = posted.fields.get("remote_id", "").strip()[:200]
    if not remote_id:
        raise BadForm("its id in the other system is needed")
    actions.link(posted.visitor.company_id, record_id, remote_id, posted.visitor.actor)
    return back({}, record_id, "linked")


@router.post("/objects/{record_id}/not-there")
def not_there(record_id: int, posted: Approving) -> Response:
    """It is not there: looked for once more, then sent."""
    actions.not_there(posted.visitor.company_id, record_id, posted.visitor.actor)
    return back({}, record_id, "again")


@router.post("/objects/{record_id}/ours")
def send_ours(record_id: int, posted: Approving) -> Response:
    """What stands in the target is replaced."""
    actions.send_ours(posted.visitor.company_id, record_id, posted.visitor.actor)
    return back({}, record_id, "again")


@router.post("/objects/{record_id}/theirs")
def keep_theirs(record_id: int, posted: Approving) -> Response:
    """What stands in the target stays, and the record is no longer kept in agreement."""
    actions.keep_theirs(posted.visitor.company_id, record_id, posted.visitor.actor)
    return back({}, record_id, "kept")


@router.post("/objects/{record_id}/unlink")
def unlink(record_id: int, posted: Approving) -> Response:
    """Both sides go their own ways from now on."""
    reason = posted.fields.get("reason", "").strip()[:1000]
    if not reason:
        raise BadForm("unlinking needs a reason")
    actions.unlink(posted.visitor.company_id, record_id, posted.visitor.actor, reason)
    return back({}, record_id, "unlinked")


@router.post("/approvals/release")
def release(posted: Approving) -> Response:
    """All of a kind that waited for being unusually many, each in the version and amount it has."""
    system, kind = posted.fields.get("system", ""), posted.fields.get("kind", "")
    number = actions.release_hold(posted.visitor.company_id, system, kind, posted.visitor.actor)
    return RedirectResponse(f"/approvals?said={number}", 303)


@router.post("/systems/{system}/go-on")
def go_on(system: str, posted: Approving) -> Response:
    """A person has looked: writing goes on."""
    actions.go_on(posted.visitor.company_id, system, posted.visitor.actor)
    return RedirectResponse(f"/systems/{system}?said=going", 303)
