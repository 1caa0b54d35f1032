"""Who a script is: a bearer token, and what its scopes allow."""

from collections.abc import Callable
from typing import Annotated

from fastapi import Depends
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from sync.tokens import Person, identify
from web.errors import Problem

bearer = HTTPBearer(auto_error=False, description="An API token of Sitebooks; `./sitebooks up` writes one.")
Given = Annotated[HTTPAuthorizationCredentials | None, Depends(bearer)]


def holder(scope: str) -> Callable[..., Person]:
    """A dependency: the token's holder, who may do this. Raises Problem 401, 403."""

    def check(given: Given) -> Person:
        person = identify(given.credentials, "api") if given else None
        if person is None:
            fix = "Send Authorization: Bearer and a token that is not over."
            raise Problem(401, "token_refused", "The token is missing, unknown or over.", fix)
        if not person.may(scope):
            fix = f"Use a token with the scope {scope}, of a user whose role includes it."
            raise Problem(403, "not_allowed", f"This takes the scope {scope}.", fix)
        return person

    return check


Reader = Annotated[Person, Depends(holder("read"))]
Approver = Annotated[Person, Depends(holder("approve"))]
Admin = Annotated[Person, Depends(holder("admin"))]
