"""Is it alive, is it ready, and its figures for Prometheus."""

from ipaddress import ip_address

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, PlainTextResponse, Response
from prometheus_client import CONTENT_TYPE_LATEST
from sqlalchemy.exc import DBAPIError

from settings.environment import environment
from sync.tokens import identify
from web.metrics import figures
from web.readiness import broker_said, readiness

router = APIRouter(include_in_schema=False)


@router.get("/livez")
def livez() -> PlainTextResponse:
    return PlainTextResponse("ok")


@router.get("/readyz")
def readyz() -> JSONResponse:
    """Whether the web process can do its own work: store deliveries and show pages. Workers and beat are not asked.

    Ready: the database answers, it has this release's tables, and we may act as the role that is bound to one company.
    Without a broker deliveries are still stored and answered, and rung when it is back: it is told, and no reason for 503.
    """
    found = readiness()
    return JSONResponse({**found.said, "broker": broker_said()}, 200 if found.ready else 503)


@router.get("/metrics")
def metrics(request: Request) -> Response:
    """For a token with the scope read, or for anybody on this machine when METRICS_OPEN is set."""
    try:
        allowed = (environment().metrics_open and _from_here(request)) or _token(request)
    except DBAPIError:  # nobody can be recognised now, and no figure of ours can be read: only that this is so
        return PlainTextResponse('sitebooks_up{part="database"} 0\n', media_type=CONTENT_TYPE_LATEST)
    if not allowed:
        return PlainTextResponse("a token with the scope read is needed\n", 401, {"www-authenticate": "Bearer"})
    return PlainTextResponse(figures(), media_type=CONTENT_TYPE_LATEST)


def _from_here(request: Request) -> bool:
    """Whether the caller is on this machine, and no proxy speaks for somebody else."""
    host = request.client.host if request.client else ""
    if "x-forwarded-for" in request.headers or "forwarded" in request.headers:
        return False
    try:
        return ip_address(host).is_loopback
    except ValueError:  # a test client has a name
        return False


def _token(request: Request) -> bool:
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    person = identify(token, "api") if scheme.lower() == "bearer" and token else None
    return person is not None and person.may("read")
