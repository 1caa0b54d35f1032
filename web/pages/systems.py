"""The connected systems: how they do, and their settings with the labels of the systems' own screens."""

from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from connectors.calls import CallFailed
from connectors.registry import all_connectors
from objects.problem import Problem
from sync import payments, probing, settings, views
from sync.heartbeat import heartbeats
from sync.stops import STOPS
from sync.views.records import text_of
from web import actions
from web.boxes import boxes_of, values_of
from web.html import page
from web.people import Administering, Approving, BadForm, Looking, Visitor

router = APIRouter()

SAID = {
    "saved": "Saved, and in force.",
    "reading": "What has changed is being read now.",
    "going": "Writing goes on. What waited is looked at now.",
    "picked": "The company is saved. What it holds is being read now.",
    "off": "Switched off. Nothing is sent there or read from there; everything waits.",
    "on": "Switched on. What waited is looked at now.",
    "payments": "Payments of synced invoices are being read now.",
}
#: What came of a sign-in that did not lead to access; the address carries the word, never the sentence.
NOT_GRANTED = {
    "denied": "Access was not allowed on the other side.",
    "cancelled": "The sign-in was broken off.",
    "misused": "This sign-in was used already, is too old, or was begun by somebody else.",
    "not-taken": "The other side did not accept what it sent back.",
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
    return connection_page(request, who, system, said=_said(said), not_granted=NOT_GRANTED.get(said, ""))


@router.post("/systems/{system}")
def save(request: Request, system: str, posted: Administering) -> Response:
    """Stores the whole form, or says why not and shows what was typed."""
    if system not in all_connectors():
        raise LookupError(f"{system} is not connected")
    values = values_of(all_connectors()[system].settings, posted.fields)
    try:
        actions.save_settings(posted.visitor.company_id, system, values, posted.visitor.actor)
    except settings.Refused as refused:
        return connection_page(request, posted.visitor, system, 422, refused=refused.reason, fix=refused.fix, typed=values)
    except CallFailed as error:
        return connection_page(request, posted.visitor, system, 502, refused=str(error), typed=values)
    return RedirectResponse(f"/systems/{system}?said=saved", 303)


@router.post("/systems/{system}/off")
def switch_off(system: str, posted: Administering) -> Response:
    """Nothing is sent to it or asked of it from now on."""
    reason = posted.fields.get("reason", "").strip()[:1000]
    if not reason:
        raise BadForm("switching off needs a reason")
    actions.switch(posted.visitor.company_id, system, False, posted.visitor.actor, reason)
    return RedirectResponse(f"/systems/{system}?said=off", 303)


@router.post("/systems/{system}/on")
def switch_on(system: str, posted: Administering) -> Response:
    """What waited goes on."""
    actions.switch(posted.visitor.company_id, system, True, posted.visitor.actor)
    return RedirectResponse(f"/systems/{system}?said=on", 303)


def connection_page(
    request: Request, who: Visitor, system: str, status: int = 200, *, said: str = "", refused: str = "", fix: str = "",
    not_granted: str = "", typed: dict[str, Any] | None = None,
) -> HTMLResponse:
    """One connection, or the way to make it where a person signs in for it."""
    declared, connection = all_connectors().get(system), views.connection(who.company_id, system)
    if declared is None or (connection is None and declared.consent is None):
        raise LookupError(f"{system} is not connected")
    stored = connection.settings if connection else {}
    probe = probing.probe(who.company_id, system) if connection else probing.Probe()
    code = connection.blocked_code if connection else None
    values = {"system": views.system_word(system), "reason": connection.blocked_reason if connection else ""}
    return page(
        request, "system.html", who, status, system=system, connection=connection, said=said, refused=refused, fix=fix,
        boxes=boxes_of(declared.settings, {**stored, **(typed or {})}), not_granted=not_granted,
        blocked=text_of(Problem(code, values)) if code and code not in STOPS else None, editable=who.person.may("admin"),
        protected=views.protections(system), consent=declared.consent is not None, probe=probe,
        crossings=views.crossings(who.company_id), pays=payments.reports(system), site=views.site(who.company_id),
    )


def _said(word: str) -> str:
    return SAID.get(word, "")
