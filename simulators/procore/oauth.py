"""Sign-in: client credentials, authorisation code with a consent page, single-use refresh tokens, info, revoke."""

import hashlib
from datetime import timedelta
from html import escape
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from simulators.kit.http import BadJson, Request, Response
from simulators.procore.routes import route
from simulators.procore.store import Row

if TYPE_CHECKING:
    from simulators.procore.core import Procore

# The redirect that shows the code on a page instead of sending it anywhere.
OUT_OF_BAND = "urn:ietf:wg:oauth:2.0:oob"
TOKEN_SECONDS = 5400
CODE_SECONDS = 600


def _error(status: int, code: str, description: str) -> Response:
    return Response.of(status, {"error": code, "error_description": description})


def _fields(request: Request) -> dict[str, str]:
    kind = request.headers.get("content-type", "")
    if "json" in kind:
        sent = request.json()
        return {name: str(value) for name, value in sent.items()} if isinstance(sent, dict) else {}
    return request.form()


def _random(simulator: "Procore", purpose: str) -> str:
    """Looks random, and is the same for the same seed and order of requests."""
    simulator.data.issued += 1
    return hashlib.sha256(f"{simulator.secret(purpose)} {simulator.data.issued}".encode()).hexdigest()


@route("POST", "/oauth/token")
def get_token(simulator: "Procore", request: Request) -> Response:
    try:
        fields = _fields(request)
    except BadJson:
        return _error(400, "invalid_request", "The body cannot be read")
    known = simulator.credentials
    if fields.get("client_id") != known["client_id"] or fields.get("client_secret") != known["client_secret"]:
        return _error(401, "invalid_client", "Client authentication failed")
    grant = fields.get("grant_type")
    if grant == "client_credentials":
        return Response.of(200, _issue(simulator, "client_credentials"))
    if grant == "authorization_code":
        return _from_code(simulator, fields)
    if grant == "refresh_token":
        return _from_refresh(simulator, fields)
    return _error(400, "unsupported_grant_type", "The grant type is not supported")


def _issue(simulator: "Procore", grant: str) -> Row:
    now = simulator.clock.now()
    value = _random(simulator, "access")
    token: Row = {"grant": grant, "created_at": now, "expires_at": now + timedelta(seconds=TOKEN_SECONDS), "refresh": None}
    answer: Row = {
        "access_token": value,
        "token_type": "bearer",
        "expires_in": TOKEN_SECONDS,
        "created_at": int(now.timestamp()),
    }
    if grant != "client_credentials":
        token["refresh"] = answer["refresh_token"] = _random(simulator, "refresh")
        simulator.data.refresh_tokens[token["refresh"]] = value
    simulator.data.tokens[value] = token
    return answer


def _from_code(simulator: "Procore", fields: dict[str, str]) -> Response:
    code = simulator.data.codes.pop(fields.get("code", ""), None)
    if code is None or code["expires_at"] <= simulator.clock.now() or code["redirect_uri"] != fields.get("redirect_uri"):
        return _error(401, "invalid_grant", "The provided authorization grant is invalid, expired or revoked")
    return Response.of(200, _issue(simulator, "authorization_code"))


def _from_refresh(simulator: "Procore", fields: dict[str, str]) -> Response:
    """One use: the new pair replaces the old one, and the old access token dies with it."""
    access = simulator.data.refresh_tokens.pop(fields.get("refresh_token", ""), None)
    if access is None:
        return _error(401, "invalid_grant", "The refresh token is invalid")
    simulator.data.tokens.pop(access, None)
    return Response.of(200, _issue(simulator, "authorization_code"))


@route("GET", "/oauth/token/info")
def get_token_info(simulator: "Procore", request: Request) -> Response:
    value = request.headers.get("authorization", "").partition(" ")[2].strip()
    token = simulator.data.tokens.get(value)
    now = simulator.clock.now()
    if token is None or token["expires_at"] <= now:
        return Response.of(401, {"error": "unauthorized", "message": "The access token is invalid"})
    return Response.of(
        200,
        {
            "resource_owner_id": 39_001 if token["grant"] == "client_credentials" else 30_001,
            "scopes": [],
            "expires_in_seconds": int((token["expires_at"] - now).total_seconds()),
            "application": {"uid": simulator.credentials["client_id"]},
            "created_at": int(token["created_at"].timestamp()),
        },
    )


@route("POST", "/oauth/revoke")
def revoke_token(simulator: "Procore", request: Request) -> Response:
    """Always 200, whatever it was."""
    value = _fields(request).get("token", "")
    access = simulator.data.refresh_tokens.get(value, value)
    token = simulator.data.tokens.pop(access, None)
    if token is not None:
        simulator.data.refresh_tokens.pop(token["refresh"] or "", None)
    return Response.of(200, {})


@route("GET", "/oauth/authorize")
def authorize_page(simulator: "Procore", request: Request) -> Response:
    return _consent(simulator, dict(request.query), None)


@route("POST", "/oauth/authorize")
def authorize(simulator: "Procore", request: Request) -> Response:
    fields = request.form()
    problem = _bad_client(simulator, fields)
    if problem is not None:
        return problem
    known = simulator.credentials
    if fields.get("email") != known["email"] or fields.get("password") != known["password"]:
        return _consent(simulator, fields, "Wrong email or password.")
    if fields.get("decision") == "deny":
        return _redirect(fields, {"error": "access_denied"})
    simulator.data.allowed = True
    code = _random(simulator, "code")[:40]
    simulator.data.codes[code] = {
        "redirect_uri": fields["redirect_uri"],
        "expires_at": simulator.clock.now() + timedelta(seconds=CODE_SECONDS),
    }
    return _redirect(fields, {"code": code})


def _bad_client(simulator: "Procore", fields: dict[str, str]) -> Response | None:
    if fields.get("client_id") != simulator.credentials["client_id"]:
        return Response.html(401, "<p>This application is not known here (client_id).</p>")
    target = fields.get("redirect_uri", "")
    local = target.startswith(("http://127.0.0.1", "http://localhost"))
    if fields.get("response_type") != "code" or not (target.startswith("https://") or local or target == OUT_OF_BAND):
        return Response.html(400, "<p>response_type must be code, and redirect_uri an https address.</p>")
    return None


def _redirect(fields: dict[str, str], result: dict[str, str]) -> Response:
    if fields["redirect_uri"] == OUT_OF_BAND:
        return Response.html(200, f"<p>Your code: <code>{escape(result.get('code', result.get('error', '')))}</code></p>")
    if fields.get("state"):
        result["state"] = fields["state"]
    joint = "&" if "?" in fields["redirect_uri"] else "?"
    return Response(302, {"Location": fields["redirect_uri"] + joint + urlencode(result)})


def _consent(simulator: "Procore", fields: dict[str, str], problem: str | None) -> Response:
    bad = _bad_client(simulator, fields)
    if bad is not None:
        return bad
    hidden = "".join(
        f"<input type=hidden name={name} value='{escape(fields.get(name, ''))}'>"
        for name in ("response_type", "client_id", "redirect_uri", "state")
    )
    said = f"<p role=alert>{escape(problem)}</p>" if problem else ""
    asked = "<p>An application asks to work in Procore in your name.</p>"
    buttons = "<button name=decision value=allow>Sign in and allow</button><button name=decision value=deny>Deny</button>"
    if simulator.data.allowed:  # consent is asked once
        asked, buttons = "", "<button name=decision value=allow>Sign in</button>"
    return Response.html(
        401 if problem else 200,
        "<!doctype html><html lang=en><meta charset=utf-8><title>Sign in (Procore simulator)</title>"
        "<style>body{font:16px/1.5 system-ui,sans-serif;max-width:26rem;margin:3rem auto;padding:0 1rem}"
        "label,input{display:block;width:100%;box-sizing:border-box}input,button{font:inherit;padding:.4rem}"
        "label{margin:.8rem 0}button{margin:.5rem .5rem 0 0}</style>"
        f"<h1>Sign in</h1>{asked}{said}"
        f"<form method=post action=/oauth/authorize>{hidden}"
        "<label>Email<input name=email type=email required autocomplete=username></label>"
        "<label>Password<input name=password type=password required autocomplete=current-password></label>"
        f"{buttons}</form>",
    )
