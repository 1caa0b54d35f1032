"""The approver's desk: what waits on the left, one thing opened on the right."""

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

from models.states import RecordState
from sync import views, why
from web.html import page
from web.pages.objects import SAID
from web.people import Looking

router = APIRouter()


@router.get("/approvals")
def approvals(
    request: Request, who: Looking, kind: str = "", item: int | None = None, after: str = "", said: str = "",
) -> HTMLResponse:
    chosen = views.Filters(kind=kind, state=RecordState.awaiting_approval)
    listed = views.records(who.company_id, chosen, after)
    opened = views.record(who.company_id, item or listed.rows[0].id) if listed.rows else None
    return page(
        request, "approvals.html", who, listed=listed, kind=kind, counts=views.approval_counts(who.company_id),
        opened=opened, why=why.explain(who.company_id, opened.row.id) if opened else None, said=_said(said),
        holds=views.holds(who.company_id), sums=list(views.waiting_money(who.company_id, kind).items()),
    )


def _said(word: str) -> str:
    if word.isdecimal():
        return f"{views.counted(int(word), 'record is', 'records are')} approved and sent next."
    return SAID.get(word, "")
