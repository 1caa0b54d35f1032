"""Is it alive, is it ready, and its figures for Prometheus."""

from ipaddress import ip_address

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, PlainTextResponse, Response
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from models import unscoped
from models.migrate import head
from settings.environment import environment
from sync.tokens import identify

router = APIRouter(include_in_schema=False)


@router.get("/livez")
def livez() -> PlainTextResponse:
    return PlainTextResponse("ok")


@router.get("/readyz")
def readyz() -> JSONResponse:
    """200 when the database answers and has this release's tables."""
    try:
        with unscoped() as db:
            at = db.execute(text("SELECT version_num FROM alembic_version")).scalar()
    except DBAPIError:
        return JSONResponse({"database": "away"}, 503)
    ready = at == head()
    return JSONResponse({"database": "answers", "migrations": "at head" if ready else f"at {at}"}, 200 if ready else 503)


@router.get("/metrics")
def metrics(request: Request) -> Response:
    """For a token with the scope read, or for anybody on this machine when METRICS_OPEN is set."""
    if not (environment().metrics_open and _from_here(request)) and not _token(request):
        return PlainTextResponse("a token with the scope read is needed\n", 401, {"www-authenticate": "Bearer"})
    try:
        counted = _counts()
    except DBAPIError:
        counted = "sitebooks_up 0\n"
    return PlainTextResponse(generate_latest().decode() + counted, media_type=CONTENT_TYPE_LATEST)


#: what sitebooks_counts() gives -> metric, help, label
METRICS = {
    "record": ("sitebooks_records", "Records by state", "state"),
    "event": ("sitebooks_events", "Webhook events by state", "state"),
    "write": ("sitebooks_writes", "Intended changes of outside systems by state", "state"),
    "oldest_due_seconds": ("sitebooks_oldest_due_seconds", "How long the oldest record that is due has waited", ""),
}


def _counts() -> str:
    lines = ["# HELP sitebooks_up The database answers", "# TYPE sitebooks_up gauge", "sitebooks_up 1"]
    with unscoped() as db:
        rows = db.execute(text("SELECT what, label, n FROM sitebooks_counts()")).all()
    for what, (name, words, label) in METRICS.items():
        lines += [f"# HELP {name} {words}", f"# TYPE {name} gauge"]
        for row in rows:
            if row.what == what:
                lines.append(f'{name}{{{label}="{row.label}"}} {row.n}' if label else f"{name} {row.n}")
    return "\n".join(lines) + "\n"


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
