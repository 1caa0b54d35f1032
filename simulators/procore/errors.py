"""What Procore refuses: raised by the rules, turned into the body its interface generation uses."""

from typing import Any

from simulators.kit.http import Response

FieldErrors = dict[str, list[str]]

# Texts the vendor does not publish are ours; README.md lists them.
NOT_CONNECTED = "App is not connected to this company"
MISSING_COMPANY = "Missing Procore-Company-Id header! Send the id of the company on every request."
TAKEN = "has already been taken"
BLANK = "can't be blank"
NOT_INCLUDED = "is not included in the list"


class Refused(Exception):
    """A request that gets a 4xx answer; `errors` is a text or field to messages."""

    def __init__(self, status: int, errors: str | FieldErrors, headers: dict[str, str] | None = None) -> None:
        super().__init__(str(errors))
        self.status = status
        self.errors = errors
        self.headers = headers or {}

    def fields(self) -> FieldErrors:
        """The errors as a sync action lists them for one row."""
        return self.errors if isinstance(self.errors, dict) else {"base": [self.errors]}


def invalid(**fields: str) -> Refused:
    """A business rule refused: 422 with one message per field."""
    return Refused(422, {name: [message] for name, message in fields.items()})


def missing(name: str) -> Refused:
    """A required parameter is absent: 400."""
    return Refused(400, {name: ["is missing"]})


def not_found(what: str = "Record") -> Refused:
    return Refused(404, f"{what} not found")


_CODES = {400: "BAD_REQUEST", 403: "FORBIDDEN", 404: "NOT_FOUND", 409: "CONFLICT", 422: "UNPROCESSABLE_ENTITY"}


def response(error: Refused, path: str) -> Response:
    """v2 paths have one error shape, v1 paths several."""
    if path.startswith("/rest/v2") and error.status in _CODES:
        return Response.of(error.status, _v2(error), error.headers)
    if error.status == 404:
        return Response.of(404, {"error": "Not Found", "message": str(error.errors)}, error.headers)
    if error.status == 401:
        return Response.of(401, {"code": 401, "message": error.errors, "error": "unauthorized"}, error.headers)
    if error.status == 429:
        return Response.of(429, {"error": {"message": error.errors}}, error.headers)
    return Response.of(error.status, {"errors": error.errors}, error.headers)


def _v2(error: Refused) -> dict[str, Any]:
    code = _CODES[error.status]
    details = [
        {"reason_code": code, "message": message, "source": field}
        for field, messages in error.fields().items()
        for message in messages
    ]
    return {"error": {"code": code, "message": details[0]["message"] if details else code, "details": details}}
