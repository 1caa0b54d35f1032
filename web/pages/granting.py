"""Grant Access: to the other system's sign-in page, back with a code, and the company picked from a list (S-11 to S-14)."""

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from connectors.calls import CallFailed, NotUnderstood
from settings.environment import environment
from sync import granting, views
from sync.refusal import Refused
from web import actions
from web.html import page
from web.pages.systems import connection_page
from web.people import Administering, Looking, NotAllowed, Visitor

router = APIRouter()

SAID = {
    "granted": "Access was granted. Pick the company that Sitebooks works for.",
    "first": "Grant access first: nobody has signed in yet.",
}


@router.post("/systems/{system}/grant")
def grant(request: Request, system: str, posted: Administering) -> Response:
    """Sends the browser to the other system's sign-in page. What was typed waits there, encrypted, until it is back."""
    given = {name: posted.fields.get(name, "")[:500] for name in granting.KEPT}
    try:
        there = granting.begin(
            posted.visitor.person, system, _back(system), posted.fields.get("base_url", "").strip(), given
        )
    except Refused as refused:
        return connection_page(request, posted.visitor, system, 422, not_granted=refused.reason)
    # not a redirect: the page's own policy lets no form lead elsewhere, and browsers count a form's redirects
    answer = page(request, "leaving.html", posted.visitor, system=system, there=there)
    answer.headers["Refresh"] = f"0;url={there}"
    return answer


@router.get("/systems/{system}/granted")
def granted(request: Request, who: Looking, system: str, state: str = "", code: str = "", error: str = "") -> Response:
    """The browser is back. Its address holds the code, so the answer always leads away from it."""
    _admin(who)
    granting.consent_of(system)
    try:
        if not code:
            granting.give_up(who.person, system, state)
            return _to(system, "denied" if error == "access_denied" else "cancelled")
        granting.finish(who.person, system, state, code)
    except granting.Misused:
        return _to(system, "misused")
    except (Refused, CallFailed, NotUnderstood):
        return _to(system, "not-taken")
    return RedirectResponse(f"/systems/{system}/company?said=granted", 303)


@router.get("/systems/{system}/company")
def companies(request: Request, who: Looking, system: str, said: str = "") -> HTMLResponse:
    _admin(who)
    return _companies(request, who, system, said=SAID.get(said, ""))


@router.post("/systems/{system}/company")
def pick(request: Request, system: str, posted: Administering) -> Response:
    """Saves the company, or says why not; then nothing was saved (S-16)."""
    chosen = posted.fields.get("company", "")[:20]
    try:
        actions.pick_company(posted.visitor.company_id, system, chosen, posted.visitor.actor)
    except Refused as refused:
        return _companies(request, posted.visitor, system, 422, refused=refused.reason, fix=refused.fix, chosen=chosen)
    except (CallFailed, NotUnderstood) as error:
        return _companies(request, posted.visitor, system, 502, refused=str(error), chosen=chosen)
    return RedirectResponse(f"/systems/{system}?said=picked", 303)


def _companies(
    request: Request, who: Visitor, system: str, status: int = 200, *, said: str = "", refused: str = "", fix: str = "",
    chosen: str = "",
) -> HTMLResponse:
    failed, found = "", []
    try:
        found = granting.choices(who.company_id, system)
    except Refused as error:
        failed = error.reason
    except (CallFailed, NotUnderstood) as error:
        failed = str(error)
    return page(
        request, "company.html", who, status, system=system, connection=views.connection(who.company_id, system),
        choices=found, failed=failed, said=said, refused=refused, fix=fix, chosen=chosen,
    )


def _admin(who: Visitor) -> None:
    if not who.person.may("admin"):
        raise NotAllowed("admin")


def _back(system: str) -> str:
    return f"{environment().public_url.rstrip('/')}/systems/{system}/granted"


def _to(system: str, said: str) -> Response:
    return RedirectResponse(f"/systems/{system}?said={said}", 303)
