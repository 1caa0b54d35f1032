"""What the site holds: vaults with their invoices, payments and settings, as plain values in the contract's own form."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from random import Random
from typing import Any

from simulators.kit.ledger import Effect
from simulators.sage_paperless.problems import Refusal

Row = dict[str, Any]
SUPPORTED = ("sage_100_contractor", "sage_300_cre")
QUEUE, ROUTE, MANUAL = (
    "automated_import_into_queue", "automated_import_and_auto_route_with_queue_failover", "manual_import",
)  # fmt: skip
JOBS = {
    "payment_backfill": ["AP Check to Invoice Backfiller", "Job Poll Invoice Check Backfiller", "Payment Retrieval"],
    "procore_import": ["Procore Invoice Import"],
    "cloud_sync": ["Cloud Sync"],
}


@dataclass
class Change:
    """One change of one record, for the ledger."""

    company: str
    kind: str
    key: str
    remote_id: str
    effect: Effect


@dataclass
class Vault:
    """One vault. Rows keep private values under names that start with an underscore."""

    id: str
    name: str
    bridge: str
    licences: dict[str, bool]
    cloud_sync: Row
    token: str
    connection: Row = field(default_factory=lambda: {"state": "not_established", "connected_as": None, "consented": False})
    configuration: Row = field(default_factory=dict)
    version: int = 1
    jobs: dict[str, Row] = field(default_factory=dict)
    queues: list[Row] = field(default_factory=list)
    references: dict[str, list[Row]] = field(default_factory=dict)
    rules: list[Row] = field(default_factory=list)
    allow_zero: bool = False
    closed_before: str = ""
    invoices: dict[str, Row] = field(default_factory=dict)
    payments: dict[str, Row] = field(default_factory=dict)
    subscriptions: dict[str, Row] = field(default_factory=dict)
    # Procore invoice id -> what the last import of it ended with; and what people see in Procore there
    errors: dict[str, str] = field(default_factory=dict)
    candidates: dict[str, Row] = field(default_factory=dict)
    bucket: Row = field(default_factory=dict)
    # the drop folder: stem -> "archive" or "error", payment id -> cursor that was acknowledged
    stems: dict[str, str] = field(default_factory=dict)
    acknowledged: dict[str, str] = field(default_factory=dict)

    @property
    def supported(self) -> bool:
        """Whether it has a Procore part at all (S-08)."""
        return self.bridge in SUPPORTED

    @property
    def company_id(self) -> str:
        """The Procore company it holds, or an empty text."""
        return str(self.configuration.get("procore_company_id") or "")

    @property
    def behaviour(self) -> str:
        return str(self.configuration.get("import_behaviour", QUEUE))

    def queue(self, named: str | None) -> Row | None:
        """By id or, in the drop folder, by name."""
        return next((row for row in self.queues if row["active"] and named in (row["id"], row["name"])), None)

    def by_procore(self, procore_invoice_id: str) -> Row | None:
        return next((row for row in self.invoices.values() if row["procore_invoice_id"] == procore_invoice_id), None)

    def invoice(self, invoice_id: str) -> Row:
        row = self.invoices.get(invoice_id)
        if row is None:
            raise Refusal("not_found", f"No invoice {invoice_id} in this vault.")
        return row

    def payment(self, payment_id: str) -> Row:
        """Raises Refusal for one that the job has not found yet, too."""
        row = self.payments.get(payment_id)
        if row is None or not row["_found"]:
            raise Refusal("not_found", f"No payment {payment_id} in this vault.")
        return row


@dataclass
class FolderWork:
    """How the importer of the drop folder stands, and what it has met."""

    running: bool = True
    slow_seconds: float = 0.0  # a finished stem waits this long
    renames: bool = False  # renames what is not finished yet, as virus scanners and share tools do
    gone: bool = False
    read: int = 0
    torn: int = 0
    incomplete: int = 0
    ignored: int = 0
    renamed: int = 0
    trouble: str = ""  # what the importer last could not do with the share
    first_seen: dict[str, float] = field(default_factory=dict)
    last_run: float = 0.0
    last_beat: float = 0.0


@dataclass
class Store:
    """Everything. Plain data only: a copy of it is a snapshot of the site."""

    random: Random
    base: str = "http://localhost:8444"
    procore_companies: list[Row] = field(default_factory=list)
    vaults: dict[str, Vault] = field(default_factory=dict)
    serial: dict[str, int] = field(default_factory=dict)
    documents: dict[str, bytes] = field(default_factory=dict)
    tickets: dict[str, str] = field(default_factory=dict)
    answers: dict[tuple[str, str], Row] = field(default_factory=dict)
    secrets: dict[str, str] = field(default_factory=dict)
    sequences: dict[tuple[str, str], int] = field(default_factory=dict)
    events: dict[str, Row] = field(default_factory=dict)
    changes: list[Change] = field(default_factory=list)
    folder: FolderWork = field(default_factory=FolderWork)

    def number(self, name: str) -> int:
        """The next of a series, from 1."""
        self.serial[name] = self.serial.get(name, 0) + 1
        return self.serial[name]

    def note(self, vault: Vault, kind: str, key: str, remote_id: str, effect: Effect) -> None:
        self.changes.append(Change(vault.company_id, kind, key, remote_id, effect))

    def holder(self, procore_company_id: str) -> Vault | None:
        """The vault that a Procore company is tied to (S-15)."""
        return next((vault for vault in self.vaults.values() if vault.company_id == procore_company_id), None)

    def rows(self, kind: str) -> Iterator[Row]:
        for vault in self.vaults.values():
            yield from getattr(vault, kind).values()


def stamp(moment: datetime) -> str:
    """UTC text of constant width, so that texts compare as times do."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def public(row: Row) -> Row:
    """A row without its private values."""
    return {name: value for name, value in row.items() if name[0] != "_"}


def money(amount: Decimal) -> str:
    """Decimal as the contract writes it: text, two places."""
    return f"{amount:.2f}"


def total(amounts: list[str]) -> Decimal:
    return sum((Decimal(amount) for amount in amounts), Decimal(0))
