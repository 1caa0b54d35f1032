"""Who may ask, and how often: OAuth 2.0 client credentials, scopes, and a token bucket per tenant."""

import base64
import binascii
import hmac
import math
from datetime import timedelta

from simulators.kit.http import Request, Response
from simulators.lentune.problems import Refusal
from simulators.lentune.tenant import Tenant

SCOPES = ("lentune.read", "lentune.write")


def token(tenant: Tenant, request: Request) -> Response:
    """POST /adapter/lentune/oauth/token (RFC 6749 section 4.4); errors in that standard's own form."""
    form = request.form()
    client_id, secret = basic(request) or (form.get("client_id", ""), form.get("client_secret", ""))
    if form.get("grant_type") != "client_credentials":
        return oauth_error(400, "unsupported_grant_type")
    known = tenant.store.client
    if not (same(client_id, known["client_id"]) and same(secret, known["client_secret"])):
        return oauth_error(401, "invalid_client")
    asked = form.get("scope", "").split() or list(SCOPES)
    if not set(asked) <= set(SCOPES):
        return oauth_error(400, "invalid_scope")
    life = int(tenant.options["token_seconds"])
    value = f"{tenant.store.random.getrandbits(192):048x}"
    expires = (tenant.now + timedelta(seconds=life)).timestamp()
    tenant.store.tokens[value] = {"scopes": asked, "expires": expires}
    answer = {"access_token": value, "token_type": "Bearer", "expires_in": life, "scope": " ".join(asked)}
    return Response.of(200, answer, {"Cache-Control": "no-store"})


def oauth_error(status: int, code: str) -> Response:
    headers = {"WWW-Authenticate": 'Basic realm="lentune"'} if status == 401 else {}
    return Response.of(status, {"error": code}, headers)


def basic(request: Request) -> tuple[str, str] | None:
    """Client id and secret from an Authorization: Basic header."""
    scheme, _, value = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        client_id, _, secret = base64.b64decode(value).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return "", ""
    return client_id, secret


def same(given: str, known: str) -> bool:
    return hmac.compare_digest(given.encode(), known.encode())


def check_token(tenant: Tenant, request: Request) -> None:
    """Raises Refusal unauthorized (no, wrong or expired token) or forbidden (its scope does not cover the method)."""
    scheme, _, value = request.headers.get("authorization", "").partition(" ")
    held = tenant.store.tokens.get(value.strip()) if scheme.lower() == "bearer" else None
    challenge = {"WWW-Authenticate": 'Bearer realm="lentune"'}
    if held is None:
        raise Refusal("unauthorized", "There is no valid token.", headers=challenge)
    if held["expires"] <= tenant.now.timestamp():
        raise Refusal("unauthorized", "The token has expired.", headers=challenge)
    needed = "lentune.read" if request.method == "GET" else "lentune.write"
    if needed not in held["scopes"]:
        raise Refusal("forbidden", f"The token lacks the scope {needed}.")


def take(tenant: Tenant) -> int | None:
    """Take one request from the bucket; what is left, or None without limit. Raises Refusal rate_limited."""
    per_second = float(tenant.options["rate_per_minute"]) / 60
    if per_second <= 0:
        return None
    size, moment = float(tenant.options["burst"]), tenant.now.timestamp()
    bucket = tenant.store.bucket
    level = min(size, bucket.get("level", size) + max(0.0, moment - bucket.get("at", moment)) * per_second)
    bucket["at"] = moment
    if level < 1 - 1e-5:  # seconds since 1970 as binary fractions are good to about a microsecond
        bucket["level"] = level
        wait = max(1, math.ceil((1 - level) / per_second))
        headers = {"Retry-After": str(wait), "X-RateLimit-Remaining": "0"}
        raise Refusal("rate_limited", f"More than {size:.0f} requests at once.", headers=headers)
    bucket["level"] = max(0.0, level - 1)
    return int(bucket["level"] + 1e-5)
