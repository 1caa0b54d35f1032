"""Coming in by a link that works once, going out, and how pages look."""

from datetime import timedelta

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from settings.environment import environment
from sync.tokens import end, identify, new_token, use_up
from web.html import door
from web.people import COOKIE, THEME_COOKIE, THEMES, Reading

router = APIRouter()

SESSION = timedelta(hours=12)
THEME_SECONDS = 365 * 86400


@router.get("/sign-in")
def sign_in_page(request: Request) -> HTMLResponse:
    return door(request, "door.html", heading="Sign in", words="Open the link that signs you in.")


@router.get("/sign-in/{token}")
def sign_in(request: Request, token: str) -> Response:
    """Takes the link's token and gives a session for it."""
    if "prefetch" in request.headers.get("sec-purpose", ""):  # a browser guessing ahead must not use the link up
        return Response(status_code=425)
    person = identify(token, "sign_in")
    if person is None or not use_up(person):
        words = "This link was used already, or it is too old. Ask for a new one."
        return door(request, "door.html", 401, heading="This link does not work", words=words)
    session_token = new_token(person.company_id, person.name, "session", (), SESSION)
    answer = RedirectResponse("/", 303)
    answer.set_cookie(
        COOKIE, session_token, max_age=int(SESSION.total_seconds()), path="/", httponly=True, samesite="lax",
        secure=environment().public_url.startswith("https://"),
    )
    return answer


@router.post("/sign-out")
def sign_out(posted: Reading) -> Response:
    end(posted.visitor.person)
    answer = RedirectResponse("/sign-in", 303)
    answer.delete_cookie(COOKIE, path="/")
    return answer


@router.post("/appearance")
def appearance(posted: Reading) -> Response:
    """Remembers light, dark or as the computer."""
    theme = posted.fields.get("theme", "auto")
    answer = RedirectResponse(inside(posted.fields.get("back", "/")), 303)
    if theme in THEMES:
        answer.set_cookie(THEME_COOKIE, theme, max_age=THEME_SECONDS, path="/", httponly=True, samesite="lax")
    return answer


def inside(address: str) -> str:
    """The address if it lies in this console, else its first page: nobody is sent elsewhere by a form."""
    return address if address.startswith("/") and not address.startswith(("//", "/\\")) else "/"

