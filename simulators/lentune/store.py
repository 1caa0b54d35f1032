"""What the tenant holds: tables of plain rows in the contract's own form, with their unique keys and changes."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from random import Random
from typing import Any

from simulators.kit.ledger import Effect
from simulators.lentune.problems import Refusal

Row = dict[str, Any]

PREFIX = {
    "branches": "br", "projects": "prj", "cost_types": "ct", "master_cost_codes": "mcc", "cost_codes": "pcc",
    "suppliers": "sup", "purchase_orders": "po", "subcontracts": "sub", "variations": "var", "payment_claims": "clm",
    "invoices": "inv", "subscriptions": "whs", "procore_companies": "pc",
}  # fmt: skip
KIND = {
    "branches": "branch", "projects": "project", "cost_types": "cost_type", "master_cost_codes": "master_cost_code",
    "cost_codes": "project_cost_code", "suppliers": "supplier", "purchase_orders": "purchase_order",
    "subcontracts": "subcontract", "variations": "variation", "payment_claims": "payment_claim",
    "invoices": "invoice", "subscriptions": "webhook_subscription", "procore_companies": "settings",
}  # fmt: skip
WITHOUT_TIMES = ("branches", "subscriptions", "procore_companies")


@dataclass
class Change:
    """One change of one record, for the ledger."""

    kind: str
    key: str
    remote_id: str
    effect: Effect


def fold(name: str) -> str:
    """How names are compared: trimmed, case folded (contract, suppliers?description=)."""
    return " ".join(name.split()).casefold()


def stamp(moment: datetime) -> str:
    """UTC text of constant width, so that texts compare as times do."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


@dataclass
class Store:
    """Every table and index. Plain data only: a deep copy of it is a snapshot of the tenant."""

    tenant: str
    company_id: str
    random: Random
    client: dict[str, str]
    base: str = "http://localhost:8443"
    tables: dict[str, dict[str, Row]] = field(default_factory=lambda: {name: {} for name in PREFIX})
    order: dict[str, list[str]] = field(default_factory=lambda: {name: [] for name in PREFIX})
    serial: dict[str, int] = field(default_factory=dict)
    external: dict[tuple[str, ...], str] = field(default_factory=dict)
    unique: dict[tuple[str, ...], str] = field(default_factory=dict)
    inputs: dict[str, Row] = field(default_factory=dict)
    by_project: dict[str, list[str]] = field(default_factory=dict)
    invoiced: dict[str, Decimal] = field(default_factory=dict)
    reasons: dict[str, str] = field(default_factory=dict)
    leases: dict[str, float] = field(default_factory=dict)
    coding: dict[str, Row] = field(default_factory=dict)
    secrets: dict[str, str] = field(default_factory=dict)
    sequences: dict[tuple[str, str], int] = field(default_factory=dict)
    answers: dict[str, Row] = field(default_factory=dict)
    tokens: dict[str, Row] = field(default_factory=dict)
    bucket: Row = field(default_factory=dict)
    events: dict[str, Row] = field(default_factory=dict)
    changes: list[Change] = field(default_factory=list)

    def number(self, name: str) -> int:
        """The next of a series, from 1."""
        self.serial[name] = self.serial.get(name, 0) + 1
        return self.serial[name]

    def new_id(self, table: str) -> str:
        return f"{PREFIX[table]}-{self.number(table):06d}"

    def get(self, table: str, row_id: str) -> Row:
        """A live row. Raises Refusal not_found, also for a tombstone."""
        row = self.find(table, row_id)
        if row is None:
            raise Refusal("not_found", f"No {KIND[table].replace('_', ' ')} {row_id} in this tenant.")
        return row

    def find(self, table: str, row_id: str | None) -> Row | None:
        row = self.tables[table].get(row_id or "")
        return None if row is None or row.get("deleted_at") else row

    def live(self, table: str) -> Iterator[Row]:
        return (row for row in self.tables[table].values() if not row.get("deleted_at"))

    def first(self, table: str, match: Callable[[Row], bool]) -> Row | None:
        return next((row for row in self.live(table) if match(row)), None)

    def by_external(self, table: str, external: Row) -> Row | None:
        """The row, tombstones too, that holds this Procore record."""
        return self.tables[table].get(self.external.get(external_key(table, external), ""))

    def holder(self, *key: str) -> Row | None:
        """The live row that holds a unique key of its table, for example ("projects", "1001")."""
        return self.find(key[0], self.unique.get(key))

    def insert(self, table: str, now: datetime, fields: Row, key: str = "") -> Row:
        """Add a row; its keys must have been checked. Ledger: created."""
        row: Row = {"id": self.new_id(table)} | fields
        if table not in WITHOUT_TIMES:
            moment = stamp(now)
            row = {"id": row["id"], "version": "1", "created_at": moment, "updated_at": moment, "deleted_at": None,
                   "warnings": []} | row  # fmt: skip
        self.tables[table][row["id"]] = row
        self.order[table].append(row["id"])
        self.index(table, row)
        self.note(table, row, "created", key)
        return row

    def update(
        self, table: str, row: Row, now: datetime, fields: Row, key: str = "", effect: Effect = "updated"
    ) -> Row:
        """Change a row in place: version up by one, new updated_at. Ledger: updated unless told otherwise."""
        self.unindex(table, row)
        row.update(fields)
        self.index(table, row)
        self.touch(row, now)
        self.note(table, row, effect, key)
        return row

    def delete(self, table: str, row: Row, now: datetime) -> None:
        """Leave a tombstone. Ledger: deleted."""
        self.update(table, row, now, {"deleted_at": stamp(now)}, effect="deleted")

    def remove(self, table: str, row: Row, key: str = "") -> None:
        """Take a row without tombstone out (subscriptions). Ledger: deleted."""
        del self.tables[table][row["id"]]
        self.order[table].remove(row["id"])
        self.note(table, row, "deleted", key)

    def touch(self, row: Row, now: datetime) -> None:
        """A new version without a ledger entry of its own (a consequence of another change)."""
        row["version"] = str(int(row["version"]) + 1)
        row["updated_at"] = stamp(now)

    def note(self, table: str, row: Row, effect: Effect, key: str = "") -> None:
        """Remember a change for the ledger. Key: the reference asked under, else the row's natural one."""
        external = row.get("external")
        if not key and external:
            key = f"{external['procore_type']}:{external['procore_id']}"
        natural = str(row.get("number") or row.get("code") or row.get("description") or row["id"])
        self.changes.append(Change(KIND[table], key or natural, str(row["id"]), effect))

    def index(self, table: str, row: Row) -> None:
        if row.get("external"):
            self.external[external_key(table, row["external"])] = row["id"]
        if not row.get("deleted_at"):
            for key in unique_keys(table, row):
                self.unique[key] = row["id"]
        if table == "cost_codes" and row["id"] not in (codes := self.by_project.setdefault(row["project_id"], [])):
            codes.append(row["id"])

    def unindex(self, table: str, row: Row) -> None:
        for key in unique_keys(table, row):
            if self.unique.get(key) == row["id"]:
                del self.unique[key]


def external_key(table: str, external: Row) -> tuple[str, ...]:
    """Unique per tenant and type (contract B.1); only project cost codes hold more than one type."""
    kind = (external["procore_type"],) if table == "cost_codes" else ()
    return (table, external["procore_company_id"], *kind, external["procore_id"])


def unique_keys(table: str, row: Row) -> list[tuple[str, ...]]:
    """The natural keys that may stand only once among live rows."""
    if table == "cost_codes":
        return [("cost_codes", row["project_id"], row["code"], row.get("cost_type_id") or "")]
    if table in ("projects", "cost_types", "master_cost_codes"):
        return [(table, row["code"])]
    if table in ("purchase_orders", "subcontracts"):
        return [(table, row["number"])]
    return []
