"""One tenant at one moment, and one call to it: what every handler is given and what it answers."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

from simulators.kit.delivery import Delivery
from simulators.lentune.problems import FieldError, Refusal
from simulators.lentune.shapes import Json, Shape
from simulators.lentune.store import Row, Store


@dataclass
class Answer:
    """Status, body (plain data, bytes of a document, or nothing) and headers of a reply."""

    status: int
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)
    content_type: str = "application/json"


DEFAULT_OPTIONS: dict[str, Any] = {
    "rate_per_minute": 600,  # contract B.1; 0 = no limit
    "burst": 25,
    "lease_seconds": 300,
    "token_seconds": 3600,
    "idempotency_days": 7,
    "webhook_give_up_hours": 72,
    "clerk": True,  # the desk clerk codes and approves invoices by itself
}
NO_SETTINGS: Row = {
    "lentune_purchase_order": False, "procore_purchase_order": False, "po_master": "neither", "project_stages": [],
    "accounting_route": "all_via_procore", "auto_push_invoices": False, "auto_push_cron": None,
    "region_to_branch": "equal_name", "rounding_tolerance": "0.00", "tax_mappings": [], "pull_variations": True,
    "pull_subcontracts": True,
}  # fmt: skip


@dataclass
class Tenant:
    """The books of one tenant, the moment of the call, and how events leave."""

    store: Store
    now: datetime
    options: dict[str, Any]
    send: Callable[[Delivery], None]
    visible: Callable[[str], bool] | None = None  # given only while a read-lag fault hides what is young

    @property
    def settings(self) -> Row:
        """Settings of the one linked Procore company; all off when none is linked."""
        link = next(self.store.live("procore_companies"), None)
        settings: Row = link["settings"] if link else NO_SETTINGS
        return settings

    def company(self, procore_company_id: str) -> Row:
        """The link with a Procore company. Raises Refusal not_found."""
        for row in self.store.live("procore_companies"):
            if row["procore_company_id"] == procore_company_id:
                return row
        raise Refusal("not_found", f"Procore company {procore_company_id} is not linked to this tenant.")


@dataclass
class Call:
    """One request, already routed, signed in and limited."""

    method: str
    path: str
    params: dict[str, str]
    query: dict[str, str]
    headers: dict[str, str]
    content: Json | None = None

    def body(self, shape: Shape, status: int = 400) -> Json:
        """The body in the given shape. `status`: what the contract documents for this operation when it is not."""
        try:
            return shape.require(self.content)
        except Refusal as refusal:
            refusal.status = status
            raise

    def key(self) -> str:
        return self.headers.get("idempotency-key", "")


Handler = Callable[[Tenant, Call], Answer]


def record(row: Row, status: int = 200, **headers: str) -> Answer:
    """A row with its version as ETag."""
    return Answer(status, row, {"ETag": f'"{row["version"]}"'} | {k.replace("_", "-"): v for k, v in headers.items()})


def check_version(call: Call, version: str, required: bool = False) -> None:
    """If-Match against the row's version. Raises Refusal stale_version (412), or 400 when it must be there."""
    given = call.headers.get("if-match")
    if given is None:
        if required:
            missing = FieldError("/headers/If-Match", "required", "is missing")
            raise Refusal("validation_failed", "The header If-Match is missing.", field_errors=[missing])
        return
    if given.strip() != "*" and given.strip().removeprefix("W/").strip('"') != version:
        raise Refusal("stale_version", f"The version is {version}, the request was made for {given}.")


def check_absent(call: Call) -> None:
    """If-Match on a record that is not there, or only its tombstone: no version can match (RFC 9110, 13.1.1)."""
    if call.headers.get("if-match") is not None:
        raise Refusal("not_found", f"The request was made for version {call.headers['if-match']}; it is gone.", status=412)


def decimal_total(rows: list[Row], name: str) -> Decimal:
    return sum((Decimal(row[name]) for row in rows), Decimal(0))
