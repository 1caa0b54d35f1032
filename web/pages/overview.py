"""The first page: the one sentence, what needs somebody, both sides' money, the systems."""

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

from models.states import RecordState
from sync import views
from sync.heartbeat import heartbeats
from web.html import page
from web.people import Looking

router = APIRouter()


@router.get("/")
def overview(request: Request, who: Looking) -> HTMLResponse:
    seen, groups = views.overview(who.company_id), views.problem_groups(who.company_id)
    waiting = views.Filters(state=RecordState.awaiting_approval)
    books = sorted({system.system_word for system in seen.systems if system.system != "procore"})
    return page(
        request, "overview.html", who, seen=seen, groups=groups, sentence=views.sentence(seen, groups),
        lead=views.lead(seen, groups), approvals=views.records(who.company_id, waiting, limit=5),
        waiting_money=views.waiting_money(who.company_id), queues=heartbeats(),
        books=" and ".join(books), many_books=len(books) > 1, busiest=max((*seen.hours, 1)),
    )


@router.get("/activity")
def activity(request: Request, who: Looking, after: str = "") -> HTMLResponse:
    listed, following = views.activity(who.company_id, after)
    return page(request, "activity.html", who, listed=listed, after=following)
