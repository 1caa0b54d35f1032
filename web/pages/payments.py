"""Sync Payments for Synced Invoices: on demand, by those who approve (Y-01, Y-02, Y-16)."""

from fastapi import APIRouter
from fastapi.responses import RedirectResponse, Response

from web import actions
from web.pages.sign_in import inside
from web.people import Approving

router = APIRouter()


@router.post("/payments/sync")
def sync_payments(posted: Approving) -> Response:
    """Reads the payments now; the same job as the schedule's and the webhook's."""
    actions.sync_payments(posted.visitor.company_id, posted.fields.get("system", ""), posted.visitor.actor)
    return RedirectResponse(f"{inside(posted.fields.get('back', '/systems'))}?said=payments", 303)
