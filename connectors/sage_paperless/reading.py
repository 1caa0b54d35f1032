"""Reads the vault: what became of imported invoices, and the payments that accounting made."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any, Literal

from connectors.calls import NotFound, NotUnderstood
from connectors.fields import Row
from connectors.flow import Page, Reader
from connectors.ports import Client
from connectors.sage_paperless import rows
from connectors.sage_paperless.client import Vault, own
from objects import Object


class Listed:
    """A kind that one list of the vault carries whole."""

    kind: str = ""
    path: str = ""
    scope: Literal["company", "project"] = "company"
    filtered: bool = False
    headers_only: bool = False

    def pages(self, client: Client, project_id: str | None, since: datetime | None) -> Iterator[Page]:
        vault = own(client)
        params = {"updated_since": f"{since.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"} if since and self.filtered else {}
        for records in vault.pages(self.path, params):
            yield page(records, lambda row: self.read(vault, row))

    def complete(self, client: Client, obj: Any) -> Any:
        """Nothing is missing."""
        return obj

    def one(self, client: Client, ref: str, project_id: str) -> Object | None:
        raise NotImplementedError

    def read(self, vault: Vault, row: Row) -> Object | None:
        raise NotImplementedError


def page(records: list[dict[str, Any]], read: Callable[[Row], Object | None]) -> Page:
    """The rows as objects, unreadable ones apart."""
    objects, odd = [], []
    for row in records:
        try:
            obj = read(row)
        except NotUnderstood as error:
            odd.append((str(row.get("id")), error))
        else:
            objects += [] if obj is None else [obj]
    return Page(objects, (), odd)


class Invoices(Listed):
    """Only looked at: the status of what we put there (B.6)."""

    kind, path, filtered = "invoice", "/invoices", True

    def one(self, client: Client, ref: str, project_id: str) -> Object | None:
        vault = own(client)
        try:
            return self.read(vault, vault.get(f"/invoices/{ref}"))
        except NotFound:
            return None

    def read(self, vault: Vault, row: Row) -> Object | None:
        return None if row.get("refused") else rows.invoice(row, vault.settings.currency)


class Payments(Listed):
    """B.7. The list is by cursor, not by time, and has no single rows: it is read whole."""

    kind, path = "payment", "/payments"

    def one(self, client: Client, ref: str, project_id: str) -> Object | None:
        vault = own(client)
        for records in vault.pages(self.path):
            for row in records:
                if row.get("id") == ref:
                    return self.read(vault, row)
        return None

    def read(self, vault: Vault, row: Row) -> Object | None:
        return rows.payment(row, vault.settings.currency)


READERS: dict[str, Reader] = {"invoice": Invoices(), "payment": Payments()}
