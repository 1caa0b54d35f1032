"""What is read from Lentune: invoices and the orders raised there, and the lists that rules look things up in."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal

from connectors import fields
from connectors.calls import NotFound, NotUnderstood, WrongCompany
from connectors.fields import Row
from connectors.flow import Page, Reader
from connectors.lentune import objects_of
from connectors.lentune.client import LentuneClient, own
from connectors.ports import Client
from objects import Object

#: A row and the connection's currency -> the object.
Build = Callable[[Row, str], Object]


def since_text(since: datetime) -> str:
    """RFC 3339 with the zone as Z; the filter includes the instant itself (B.1)."""
    return since.astimezone(UTC).isoformat().replace("+00:00", "Z")


def understood(client: LentuneClient, row: Row, path: str, build: Build) -> Object:
    """Raises NotUnderstood, or WrongCompany for a record anchored elsewhere."""
    client.same_company(row, path)
    return build(row, client.currency)


def page_of(
    client: LentuneClient, listed: list[dict[str, Any]], path: str, build: Build, prefix: str = ""
) -> Page:
    """One page of a list: tombstones are gone, rows that cannot be understood are set aside."""
    objects: list[Object] = []
    gone: list[str] = []
    odd: list[tuple[str, NotUnderstood]] = []
    for row in listed:
        try:
            if row.get("deleted_at"):
                gone.append(prefix + fields.ident(row, "id", path))
            else:
                objects.append(understood(client, row, path, build))
        except WrongCompany:
            raise
        except NotUnderstood as error:
            odd.append((f"{prefix}{row.get('id', '')}", error))
    return Page(objects, gone, odd)


@dataclass(slots=True)
class ListReader:
    """A kind that is one list. `by_id`: the address of one; without it the list is looked through (contract B.2)."""

    kind: str
    path: str
    build: Build
    scope: Literal["company", "project"] = "company"
    filtered: bool = True
    by_id: str = ""
    headers_only: bool = False

    def pages(self, client: Client, project_id: str | None, since: datetime | None) -> Iterator[Page]:
        """Whole pages; with `since`, rows changed at or after it and tombstones."""
        path = self.path.format(project_id=project_id)
        params = {"updated_since": since_text(since)} if since and self.filtered else {}
        for listed in own(client).pages(path, params):
            yield page_of(own(client), listed, self.kind, self.build)

    def complete(self, client: Client, obj: Any) -> Any:
        return obj

    def one(self, client: Client, ref: str, project_id: str) -> Object | None:
        """None: not in the list any more, or deleted."""
        if self.by_id:
            return read_one(own(client), self.by_id.format(id=ref), self.kind, self.build)
        for page in self.pages(client, project_id, None):
            for obj in page.objects:
                if obj.source_id == ref:
                    return obj
            for odd, error in page.odd:
                if odd == ref:
                    raise error
        return None


def read_one(client: LentuneClient, path: str, kind: str, build: Build) -> Object | None:
    """The record at an address; None when it is not there or only its tombstone is."""
    try:
        row = client.get(path)
    except NotFound:
        return None
    if not isinstance(row, dict):
        raise NotUnderstood(kind, "not an object")
    return None if row.get("deleted_at") else understood(client, row, kind, build)


@dataclass(slots=True)
class OrderReader:
    """Purchase orders and, from Payment Claims, subcontracts: two lists, one kind (L-22)."""

    kind: str = "commitment"
    scope: Literal["company", "project"] = "company"
    filtered: bool = True
    headers_only: bool = False

    def pages(self, client: Client, project_id: str | None, since: datetime | None) -> Iterator[Page]:
        """Purchase orders first. Lists carry the lines."""
        params = {"updated_since": since_text(since)} if since else {}
        for path, form, build in ORDERS:
            for listed in own(client).pages(path, params):
                yield page_of(own(client), listed, form, build, prefix=f"{form}:")

    def complete(self, client: Client, obj: Any) -> Any:
        return obj

    def one(self, client: Client, ref: str, project_id: str) -> Object | None:
        """Subcontracts have no address of their own in the contract: their list is looked through."""
        form, _, order_id = ref.partition(":")
        if form == "purchase_order":
            return read_one(own(client), f"/purchase-orders/{order_id}", form, objects_of.purchase_order)
        for listed in own(client).pages("/subcontracts"):
            for row in listed:
                if row.get("id") == order_id:
                    return understood(own(client), row, form, objects_of.subcontract)
        return None


ORDERS: tuple[tuple[str, str, Build], ...] = (
    ("/purchase-orders", "purchase_order", objects_of.purchase_order),
    ("/subcontracts", "subcontract", objects_of.subcontract),
)

READERS: Mapping[str, Reader] = {
    # branches carry no time of change (B.2), so all of them are compared each time
    "branch": ListReader("branch", "/branches", objects_of.branch, filtered=False),
    "vendor": ListReader("vendor", "/suppliers", objects_of.vendor),
    "project": ListReader("project", "/projects", objects_of.project),
    "budget_code": ListReader("budget_code", "/projects/{project_id}/cost-codes", objects_of.budget_code, "project"),
    "commitment": OrderReader(),
    "invoice": ListReader("invoice", "/invoices", objects_of.invoice, by_id="/invoices/{id}"),
}
