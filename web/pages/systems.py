"""The connected systems: how they do, and their settings with the labels of the systems' own screens."""

from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from connectors.calls import CallFailed
from connectors.registry import all_connectors
from objects.problem import Problem
from sync import settings, views
from sync.heartbeat import heartbeats
from sync.stops import STOPS
from sync.views.records import text_of
from web import actions
from web.boxes import boxes_of, values_of
from web.html import page
from web.people import Administering, Approving, Looking, Visitor

router = APIRouter()

SAID = {
    "saved": "Saved, and in force.",
    "reading": "What has changed is being read now.",
    "going": "Writing goes on. What waited is looked at now.",
}


@router.get("/systems")
def systems(request: Request, who: Looking, said: str = "") -> HTMLResponse:
    return page(
        request, "systems.html", who, seen=views.overview(who.company_id), said=_said(said), queues=heartbeats(),
        protected={one: views.protections(one) for one in all_connectors()},
    )


@router.post("/systems/sync")
def scan_now(posted: Approving) -> Response:
    """Reads what has changed, in one system or in all."""
    system = posted.fields.get("system", "")
    actions.scan_now(posted.visitor.company_id, system)
    return RedirectResponse(f"/systems{'/' + system if system else ''}?said=reading", 303)


@router.get("/systems/{system}")
def one(request: Request, who: Looking, system: str, said: str = "") -> HTMLResponse:
    return _page(request, who, system, said=_said(said))


@router.post("/systems/{system}")
def save(request: Request, system: str, posted: Administering) -> Response:
    """Stores the whole form, or says why not and shows what was typed."""
    if system not in all_connectors():
        raise LookupError(f"{system} is not connected")
    values = values_of(all_connectors()[system].settings, posted.fields)
    try:
        actions.save_settings(posted.visitor.company_id, system, values, posted.visitor.actor)
    except settings.Refused as refused:
        return _page(request, posted.visitor, system, 422, refused=refused.reason, typed=values)
    except CallFailed as error:
        return _page(request, posted.visitor, system, 502, refused=str(error), typed=values)
    return RedirectResponse(f"/systems/{system}?said=saved", 303)


def _page(
    request: Request, who: Visitor, system: str, status: int = 200, *, said: str = "", refused: str = "",
    typed: dict[str, Any] | None = None,
) -> HTMLResponse:
    connection = views.connection(who.company_id, system)
    if connection is None or system not in all_connectors():
        raise LookupError(f"{system} is not connected")
    boxes = boxes_of(all_connectors()[system].settings, {**connection.settings, **(typed or {})})
    code = connection.blocked_code
    values = {"system": views.system_word(system)}
    return page(
        request, "system.html", who, status, connection=connection, boxes=boxes, said=said, refused=refused,
        blocked=text_of(Problem(code, values)) if code and code not in STOPS else None, editable=who.person.may("admin"),
        protected=views.protections(system),
    )


def _said(word: str) -> str:
    return SAID.get(word, "")
