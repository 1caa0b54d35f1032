"""Procore's webhooks: what an event rings for, how its sender is known, and which events are asked for (section 9)."""

import hashlib
import hmac
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from connectors.calls import NotUnderstood
from connectors.flow import Doorbell, Ignored
from connectors.procore.shapes import PURCHASE_ORDER, SUBCONTRACT

Event = Mapping[str, Any]

#: v4 gives reasons wider than the three; anything that is neither of these is read as a change.
DELETED = frozenset({"delete", "deleted", "destroy", "destroyed"})


def _plain(kind: str, prefix: str = "") -> Callable[["Facts"], Doorbell]:
    return lambda facts: Doorbell(kind, f"{prefix}{facts.ref}", facts.project_id, facts.deleted)


def _project(facts: "Facts") -> Doorbell:
    return Doorbell("project", facts.ref, facts.ref, facts.deleted)


def _package(facts: "Facts") -> Doorbell:
    # commitment change orders surface under their legacy package's id, and the package may be a prime contract's
    return Doorbell("variation", f"package:{facts.ref}", facts.project_id, facts.deleted, direct=False)


def _budget_line(facts: "Facts") -> Doorbell:
    return Doorbell("budget_code", f"line:{facts.ref}", facts.project_id, facts.deleted, direct=False)


def _parent(form: str, name: str) -> Callable[["Facts"], Doorbell | Ignored]:
    def ring(facts: "Facts") -> Doorbell | Ignored:
        parent = facts.parent(name, f"{form}_id")
        if parent is None:
            return Ignored("a contract line changed and the event does not name its contract; the next scan reads it")
        return Doorbell("commitment", f"{form}:{parent}", facts.project_id)

    return ring


#: Resource name -> what it rings. Names as recorded from a developer sandbox.
RINGS: dict[str, Callable[["Facts"], Doorbell | Ignored]] = {
    "projects": _project,
    "company vendors": _plain("vendor"),
    "line item types": _plain("cost_type"),
    "standard cost codes": _plain("cost_code"),
    "sub jobs": _plain("sub_job"),
    "budget line items": _budget_line,
    "purchase order contracts": _plain("commitment", f"{PURCHASE_ORDER}:"),
    "purchase order contract line items": _parent(PURCHASE_ORDER, "purchase order contract"),
    "work order contracts": _plain("commitment", f"{SUBCONTRACT}:"),
    "work order contract line items": _parent(SUBCONTRACT, "work order contract"),
    "change order packages": _package,
}
#: Known resources that lead to nothing we move, and why. Every other name is unknown, and ignored as such.
SILENT: dict[str, str] = {
    "potential change orders": "its change order package rings by itself",
    "potential change order line items": "its change order package rings by itself",
    "project vendors": "vendors are read from the company directory",
    "cost codes": "budget codes are read from the budget",
    "budget changes": "only original budget amounts are moved",
    "budget modifications": "only original budget amounts are moved",
    "contract payments": "payments are written, not read",
    "direct costs": "direct costs are written, not read",
    "direct cost line items": "direct costs are written, not read",
}


#: Digits of the largest 64-bit id.
LONGEST_ID = 19


class Facts:
    """What all payload versions say, read once. Raises NotUnderstood when an event is not one of Procore's."""

    def __init__(self, event: Event) -> None:
        self.event = event
        newest = "resource_type" in event
        name, kind = ("resource_type", "reason") if newest else ("resource_name", "event_type")
        self.resource = " ".join(_text(event, name).replace("_", " ").casefold().split())
        self.ref = _number(event, "resource_id")
        self.project_id = "" if event.get("project_id") in (None, "") else _number(event, "project_id")
        happened = _text(event, kind).casefold()
        if not newest and happened not in ("create", "update", "delete"):
            raise NotUnderstood(kind, f"{happened!r} is none of create, update, delete")
        self.deleted = happened in DELETED

    def parent(self, name: str, field: str) -> str | None:
        """The id of the contract a line belongs to: v3 has related resources, v4 may have data, v2 has nothing."""
        for related in self.event.get("related_resources") or ():
            said = str(related.get("name") or "").replace("_", " ").casefold()
            if said.rstrip("s") == name:
                return _number(related, "id")
        data = self.event.get("data")
        for key in (field, "contract_id", "commitment_id", "holder_id"):
            if isinstance(data, dict) and data.get(key) not in (None, ""):
                return _number(data, key)
        return None


def doorbell(event: Event) -> Doorbell | Ignored:
    """What an event rings for, in payload version v2, v3 or v4. Raises NotUnderstood for a malformed one."""
    facts = Facts(event)
    if facts.resource in RINGS:
        rings = RINGS[facts.resource](facts)
        named = "" if event.get("company_id") in (None, "") else _number(event, "company_id")
        return replace(rings, company=named) if isinstance(rings, Doorbell) else rings
    return Ignored(SILENT.get(facts.resource, f"{facts.resource!r} is nothing that is kept in agreement"))


def event_id(event: Event) -> str:
    """What a delivery is known by when it comes again: `ulid` in v2 and v3, `id` in v4. Raises NotUnderstood."""
    value = event.get("id") if "resource_type" in event else event.get("ulid")
    if not isinstance(value, str) or not 1 <= len(value) <= 100:
        raise NotUnderstood("ulid", f"{value!r} does not identify an event")
    return value


def verify(body: bytes, headers: Mapping[str, str], secrets: Sequence[str], now: datetime) -> str | None:
    """None, or why the sender is not believed. Procore signs nothing: it sends back the header that we gave it."""
    given = next((value for name, value in headers.items() if name.lower() == "authorization"), "")
    if not given:
        return "no Authorization header"
    # equal lengths by hashing; every secret is compared, so that time tells nothing
    matches = [hmac.compare_digest(_hashed(given), _hashed(authorization(secret))) for secret in secrets]
    return None if any(matches) else "the Authorization header is not the one we set"


def authorization(secret: str) -> str:
    """The header's value that goes with a secret."""
    return f"Bearer {secret}"


def _hashed(value: str) -> bytes:
    return hashlib.sha256(value.encode()).digest()


def _text(record: Event, name: str) -> str:
    value = record.get(name)
    if not isinstance(value, str) or not value.strip():
        raise NotUnderstood(name, f"{value!r} is no name")
    return value


def _number(record: Event, name: str) -> str:
    value = record.get(name)
    if isinstance(value, bool) or not isinstance(value, int | str) or not str(value).isdigit() or len(str(value)) > LONGEST_ID:
        raise NotUnderstood(name, f"{str(value)[:40]!r} is no id")
    return str(value)
