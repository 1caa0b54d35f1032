"""Idempotency-Key on writes: the first answer is repeated; another request under the same key is refused."""

import hashlib
from datetime import timedelta

from simulators.kit.http import Request, Response
from simulators.sage_paperless.problems import Refusal, malformed
from simulators.sage_paperless.site import Call, Site


def fingerprint(request: Request, call: Call) -> str:
    """Of a form only the content counts: each sending has another boundary."""
    content = call.parts.fingerprint().encode() if call.parts else request.body
    return hashlib.sha256(f"{request.method} {request.path}\n".encode() + content).hexdigest()


def earlier(site: Site, request: Request, call: Call) -> Response | None:
    """The first answer given under this key. Raises Refusal validation_failed, idempotency_key_reused."""
    key = request.headers.get("idempotency-key")
    if key is None:
        raise malformed("/headers/Idempotency-Key", "is missing")
    if not 8 <= len(key) <= 128:
        raise malformed("/headers/Idempotency-Key", "must have 8 to 128 characters")
    kept = site.store.answers.get((call.vault.id, key))
    if kept is None:
        return None
    if kept["until"] <= site.now.timestamp():
        del site.store.answers[call.vault.id, key]
        return None
    if kept["fingerprint"] != fingerprint(request, call):
        raise Refusal("idempotency_key_reused", "The key was used for another request.")
    return Response(kept["status"], kept["headers"] | {"Idempotency-Replayed": "true"}, kept["body"])


def keep(site: Site, request: Request, call: Call, response: Response) -> None:
    """Remember an answer that was carried out. Refusals changed nothing and may be tried again under their key."""
    key = request.headers.get("idempotency-key")
    if key is None or not 200 <= response.status < 300:
        return
    until = (site.now + timedelta(days=int(site.options["idempotency_days"]))).timestamp()
    site.store.answers[call.vault.id, key] = {
        "fingerprint": fingerprint(request, call), "until": until, "status": response.status,
        "headers": dict(response.headers), "body": response.body,
    }  # fmt: skip
