"""Who is looking at a page: the session cookie, what their role allows, and the form token against forged posts."""

import hashlib
import hmac
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request
from starlette.datastructures import FormData, UploadFile

from sync.tokens import Person, identify

COOKIE = "sitebooks_session"
THEME_COOKIE = "sitebooks_theme"
THEMES = ("auto", "light", "dark")


class NotSignedIn(Exception):
    """Nobody is signed in: the page leads to the sign-in page."""


class NotAllowed(Exception):
    """The role does not include this. `scope` is what it would take."""

    def __init__(self, scope: str) -> None:
        super().__init__(scope)
        self.scope = scope


class BadForm(ValueError):
    """A form lacks what its page always sends; the text says what."""


class Forged(Exception):
    """A form came without its token: from another site, or from a page older than the session."""


@dataclass(frozen=True, slots=True)
class Visitor:
    """A signed-in person in front of a page. `csrf` goes into every form that changes something."""

    person: Person
    csrf: str
    theme: str

    @property
    def company_id(self) -> int:
        return self.person.company_id

    @property
    def actor(self) -> str:
        """As the history names them."""
        return self.person.name


def visitor(request: Request) -> Visitor:
    """Raises NotSignedIn."""
    token = request.cookies.get(COOKIE, "")
    person = identify(token, "session") if token else None
    if person is None:
        raise NotSignedIn
    return Visitor(person, form_token(token), theme_of(request))


def form_token(session_token: str) -> str:
    """Derived from the session's token, which no other site can read; nothing more needs to be kept."""
    return hmac.new(session_token.encode(), b"form", hashlib.sha256).hexdigest()


def theme_of(request: Request) -> str:
    """How the person wants pages to look."""
    theme = request.cookies.get(THEME_COOKIE, "auto")
    return theme if theme in THEMES else "auto"


async def form_fields(request: Request) -> dict[str, str]:
    """The text fields of a posted form; of several with one name the last counts."""
    form: FormData = await request.form(max_files=0, max_fields=200)
    return {name: value for name, value in form.multi_items() if not isinstance(value, UploadFile)}


@dataclass(frozen=True, slots=True)
class Posted:
    """A form whose token was right, and who sent it."""

    visitor: Visitor
    fields: dict[str, str]


def posting(scope: str) -> Callable[..., Posted]:
    """A dependency for POST: signed in, allowed, and the form's token is right."""

    def check(
        who: Annotated[Visitor, Depends(visitor)], fields: Annotated[dict[str, str], Depends(form_fields)]
    ) -> Posted:
        if not hmac.compare_digest(fields.pop("csrf", ""), who.csrf):
            raise Forged
        if not who.person.may(scope):
            raise NotAllowed(scope)
        return Posted(who, fields)

    return check


Looking = Annotated[Visitor, Depends(visitor)]
Reading = Annotated[Posted, Depends(posting("read"))]
Approving = Annotated[Posted, Depends(posting("approve"))]
Administering = Annotated[Posted, Depends(posting("admin"))]

