"""Who may ask, and how often: one token per vault, and a token bucket per vault."""

import hashlib
import hmac
import math

from simulators.kit.http import Request
from simulators.sage_paperless.problems import Refusal
from simulators.sage_paperless.site import Site
from simulators.sage_paperless.store import Vault


def token_of(seed: int, vault_id: str) -> str:
    """Derived from the seed, so that the same seed needs no new set-up."""
    return hashlib.sha256(f"sage paperless token {seed} {vault_id}".encode()).hexdigest()[:48]


def signed_in(site: Site, request: Request) -> Vault:
    """The vault whose token was sent. Raises Refusal unauthorized."""
    scheme, _, value = request.headers.get("authorization", "").partition(" ")
    for vault in site.store.vaults.values():
        if scheme.lower() == "bearer" and hmac.compare_digest(vault.token.encode(), value.strip().encode()):
            return vault
    raise Refusal("unauthorized", "There is no valid token.", headers={"WWW-Authenticate": 'Bearer realm="sage-paperless"'})


def entered(site: Site, own: Vault, vault_id: str | None) -> Vault:
    """The vault of the path; a token opens its own only. Raises Refusal not_found, forbidden."""
    if vault_id is None or vault_id == own.id:
        return own
    if vault_id not in site.store.vaults:
        raise Refusal("not_found", f"There is no vault {vault_id}.")
    raise Refusal("forbidden", f"The token is that of vault {own.id}.")


def take(site: Site, vault: Vault) -> int | None:
    """Take one request from the bucket; what is left, or None without limit. Raises Refusal rate_limited."""
    per_second = float(site.options["rate_per_minute"]) / 60
    if per_second <= 0:
        return None
    size, moment = float(site.options["burst"]), site.now.timestamp()
    bucket = vault.bucket
    level = min(size, bucket.get("level", size) + max(0.0, moment - bucket.get("at", moment)) * per_second)
    bucket["at"] = moment
    if level < 1 - 1e-5:  # seconds since 1970 as binary fractions are good to about a microsecond
        bucket["level"] = level
        headers = {"Retry-After": str(max(1, math.ceil((1 - level) / per_second))), "X-RateLimit-Remaining": "0"}
        raise Refusal("rate_limited", f"More than {size:.0f} requests at once.", headers=headers)
    bucket["level"] = max(0.0, level - 1)
    return int(bucket["level"] + 1e-5)
