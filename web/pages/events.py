"""What other systems told us, and receiving it once more."""

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from sync import views
from web import actions
from web.html import page
from web.people import Approving, Looking

router = APIRouter()


@router.get("/events")
def events(request: Request, who: Looking, state: str = "", after: str = "", said: str = "") -> HTMLResponse:
    return page(
        request, "events.html", who, listed=views.events(who.company_id, state, after=after), state=state,
        said="The event is read again now." if said == "replayed" else "",
    )


@router.post("/events/{event_id}/replay")
def replay(event_id: int, posted: Approving) -> Response:
    actions.replay(posted.visitor.company_id, event_id)
    return RedirectResponse("/events?said=replayed", 303)
