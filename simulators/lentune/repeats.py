"""Idempotency-Key on every write: the first answer is repeated; another request under the same key is refused."""

import hashlib
from datetime import timedelta

from simulators.kit.http import Request, Response
from simulators.lentune.problems import FieldError, Refusal
from simulators.lentune.tenant import Tenant

# The contract's document has no key on unsubscribing: a repeated one finds nothing (404).
WITHOUT_KEY = ("DELETE",)


def fingerprint(request: Request) -> str:
    return hashlib.sha256(f"{request.method} {request.path}\n".encode() + request.body).hexdigest()


def earlier(tenant: Tenant, request: Request) -> Response | None:
    """The first answer given under this key. Raises Refusal validation_failed, idempotency_key_reused."""
    key = request.headers.get("idempotency-key")
    if key is None:
        if request.method in WITHOUT_KEY:
            return None
        error = FieldError("/headers/Idempotency-Key", "required", "is missing")
        raise Refusal("validation_failed", "The header Idempotency-Key is missing.", field_errors=[error])
    if not 8 <= len(key) <= 128:
        error = FieldError("/headers/Idempotency-Key", "invalid", "must have 8 to 128 characters")
        raise Refusal("validation_failed", "The Idempotency-Key is too short or too long.", field_errors=[error])
    kept = tenant.store.answers.get(key)
    if kept is None:
        return None
    if kept["until"] <= tenant.now.timestamp():
        del tenant.store.answers[key]
        return None
    if kept["fingerprint"] != fingerprint(request):
        raise Refusal("idempotency_key_reused", "The key was used for another request.")
    return Response(kept["status"], kept["headers"] | {"Idempotency-Replayed": "true"}, kept["body"])


def keep(tenant: Tenant, request: Request, response: Response) -> None:
    """Remember an answer that was carried out. Refusals changed nothing and may be tried again under their key."""
    key = request.headers.get("idempotency-key")
    if key is None or not 200 <= response.status < 300:
        return
    until = (tenant.now + timedelta(days=int(tenant.options["idempotency_days"]))).timestamp()
    tenant.store.answers[key] = {
        "fingerprint": fingerprint(request), "until": until, "status": response.status,
        "headers": dict(response.headers), "body": response.body,
    }  # fmt: skip
