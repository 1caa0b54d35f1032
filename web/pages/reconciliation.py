"""Both sides compared to the cent: the newest comparison of every connection."""

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from sync import views
from web import actions
from web.html import page
from web.people import Approving, Looking

router = APIRouter()


@router.get("/reconciliation")
def reconciliation(request: Request, who: Looking, said: str = "") -> HTMLResponse:
    newest: dict[str, views.Comparison] = {}
    for run in views.comparisons(who.company_id):
        newest.setdefault(run.system, run)
    return page(
        request, "reconciliation.html", who, newest=list(newest.values()),
        said="Both sides are being compared now; this takes a minute or two." if said == "comparing" else "",
    )


@router.post("/reconciliation")
def compare_now(posted: Approving) -> Response:
    actions.compare_now(posted.visitor.company_id)
    return RedirectResponse("/reconciliation?said=comparing", 303)
