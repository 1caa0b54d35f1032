"""Problems grouped by cause: what happened, why, what to do, what happens next."""

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from models.states import RecordState
from sync import views
from sync.views.problems import OPEN
from web import actions
from web.html import page
from web.people import Approving, Looking

router = APIRouter()


@router.get("/problems")
def problems(
    request: Request, who: Looking, tab: str = "needs", code: str | None = None, state: str = "", said: str = "",
) -> HTMLResponse:
    groups = views.problem_groups(who.company_id)
    healing = tab == "healing" or (code is not None and state in ("held", "checking"))
    shown = groups.healing if healing else groups.needs_you
    opened = next((g for g in shown if (g.code, g.state) == (code, state)), shown[0] if shown else None)
    listed = None
    if opened:
        chosen = views.Filters(code=opened.code, state=opened.state)
        listed = views.records(who.company_id, chosen, limit=50)
    return page(
        request, "problems.html", who, groups=groups, tab="healing" if healing else "needs", shown=shown, opened=opened,
        listed=listed, total_records=groups.healing_records if healing else groups.needs_you_records,
        total_money=groups.healing_money if healing else groups.needs_you_money,
        agreed=views.overview(who.company_id).agreed, said=_said(said),
    )


@router.post("/problems/retry")
def send_all_again(posted: Approving) -> Response:
    """Every record that this problem holds up."""
    code, state = posted.fields.get("code", ""), posted.fields.get("state", "")
    states = [state] if state in RecordState.__members__ else [str(one) for one in OPEN]
    ids = actions.with_code(posted.visitor.company_id, code, states) if code else []
    number = actions.send_again(posted.visitor.company_id, ids, posted.visitor.actor) if ids else 0
    return RedirectResponse(f"/problems?said={number}", 303)


def _said(number: str) -> str:
    return f"{views.counted(int(number), 'record is', 'records are')} looked at again now." if number.isdecimal() else ""
