"""What people and scripts read when something cannot be answered: a page with a way on, or a problem document."""

from collections.abc import Callable
from typing import Any

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, RedirectResponse, Response
from sqlalchemy.exc import DBAPIError
from starlette.exceptions import HTTPException

from connectors.calls import CallFailed
from sync import approval, settings, settling, stops
from sync.clients import SwitchedOff
from sync.views import NotAPosition
from web.html import door, page
from web.people import BadForm, Forged, NotAllowed, NotSignedIn, visitor

log = structlog.get_logger(__name__)


class Problem(Exception):
    """An answer of the API that is not the one asked for: a code for scripts, a title and a fix for people."""

    def __init__(self, status: int, code: str, title: str, fix: str = "", **more: Any) -> None:
        super().__init__(title)
        self.status, self.code, self.title, self.fix, self.more = status, code, title, fix, more


def not_there(what: str) -> Problem:
    """Another company's id reads the same as one that does not exist."""
    return Problem(404, "not_found", f"There is no {what}.", "Look it up in the list; it may belong to another company.")


def _of(error: Exception) -> Problem:
    """Every error that is somebody's doing. Anything else is raised again: it is a defect, and shows as one."""
    match error:
        case Problem():
            return error
        case NotSignedIn():
            return Problem(401, "not_signed_in", "You are not signed in.", "Open the link that signs you in.")
        case NotAllowed(scope=scope):
            return Problem(403, "not_allowed", f"Your role does not include this; it takes {scope}.", "Ask an admin.")
        case Forged():
            return Problem(403, "form_outdated", "This page is too old.", "Open it again and repeat what you did.")
        case approval.Changed(version=version, amount=amount):
            fix = "Look at the present version, then decide again."
            return Problem(412, "changed", "It changed after you looked.", fix, version=version, amount=_text(amount))
        case approval.NotWaiting():
            return Problem(409, "not_waiting", "It waits for no approval.", "Read the record again: it moved on.")
        case settling.NotToDecide():
            return Problem(409, "not_to_decide", f"This cannot be decided so: {error}.", "Read the record again.")
        case stops.NotStopped():
            fix = "After a restored database: ./sitebooks links rebuild --apply. Otherwise look at Systems again."
            return Problem(409, "not_stopped", "Writing is not stopped, or goes on otherwise.", fix)
        case settings.Refused(code=code, reason=reason, fix=fix):
            return Problem(422, code, reason, fix or "Change the settings so that the rule holds; nothing was stored.")
        case SwitchedOff():
            return Problem(409, "switched_off", f"{error}.", "Switch it on first: Systems, the connection, Switch on.")
        case CallFailed():
            return Problem(502, "system_unavailable", str(error), "Try again when the system answers; nothing was stored.")
        case NotAPosition() | BadForm():
            return Problem(400, "bad_request", str(error) or "This address is not complete.", "Start from the list again.")
        case RequestValidationError():
            first = error.errors()[0]
            where = ".".join(str(part) for part in first["loc"])
            return Problem(422, "bad_request", f"{where}: {first['msg']}", "See /api/openapi.json for what is expected.")
        case HTTPException(status_code=404):
            return not_there("such page")
        case HTTPException(status_code=status, detail=detail):
            return Problem(status, "http_error", str(detail))
        case DBAPIError():
            log.error("the database does not answer", reason=type(error.orig).__name__)
            return Problem(503, "database_unavailable", "The database does not answer.", "Try again in a minute.")
        case LookupError() if type(error) is LookupError:
            return not_there("such record")
    raise error


def handle(request: Request, error: Exception) -> Response:
    """For the API and the operator's addresses a document, for people a page."""
    problem = _of(error)
    headers = getattr(error, "headers", None)
    if not request.url.path.startswith(("/api/", "/livez", "/readyz", "/metrics", "/static/")):
        return _page(request, problem)
    body = {"type": "about:blank", "status": problem.status, "code": problem.code, "title": problem.title}
    body |= {"fix": problem.fix} if problem.fix else {}
    return JSONResponse({**body, **problem.more}, problem.status, headers, media_type="application/problem+json")


def _page(request: Request, problem: Problem) -> Response:
    if problem.code == "not_signed_in":
        return RedirectResponse("/sign-in", 303)
    if problem.status != 503:
        try:
            who = visitor(request)
            words = [sentence for sentence in (problem.fix,) if sentence]
            return page(
                request, "message.html", who, problem.status, heading=problem.title, words=words, back="/objects",
                back_words="Show all objects",
            )
        except NotSignedIn:
            return RedirectResponse("/sign-in", 303)
        except DBAPIError:
            log.error("the database does not answer")
    return door(request, "door.html", problem.status, heading=problem.title, words=problem.fix)


HANDLED: tuple[type[Exception], ...] = (
    Problem, NotSignedIn, NotAllowed, Forged, approval.Changed, approval.NotWaiting, settling.NotToDecide, stops.NotStopped,
    settings.Refused, CallFailed, NotAPosition, BadForm, RequestValidationError, HTTPException, DBAPIError, LookupError,
)


def install(app: FastAPI) -> None:
    """Makes every one of them an answer."""
    handler: Callable[[Request, Exception], Response] = handle
    for kind in HANDLED:
        app.add_exception_handler(kind, handler)


def _text(amount: object) -> str | None:
    return None if amount is None else str(amount)
