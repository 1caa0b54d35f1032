"""Reads Procore: one reader per kind, each knowing which list carries it, what the list lacks and where the rest is."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, ClassVar, Literal

from connectors.calls import NotFound, NotUnderstood, WrongCompany
from connectors.flow import Page, Reader
from connectors.ports import Client
from connectors.procore import shapes
from connectors.procore.budget import BudgetCodes
from connectors.procore.client import ProcoreClient, listed, own
from objects import Commitment, CommitmentLine, Object, Variation

Record = dict[str, Any]
#: Ids in one filter; keeps the address below 2,000 characters.
IDS_IN_FILTER = 100


def changed_since(since: datetime | None) -> dict[str, str]:
    """The inclusive range filter (section 7). Its end is far off, because their clock may be ahead of ours."""
    if since is None:
        return {}
    return {"filters[updated_at]": f"{since.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}...2999-12-31T23:59:59Z"}


class Listed:
    """A kind that one list carries whole. The other readers say where they differ."""

    kind: str = ""
    scope: Literal["company", "project"] = "company"
    filtered: bool = False
    headers_only: bool = False

    def pages(self, client: Client, project_id: str | None, since: datetime | None) -> Iterator[Page]:
        procore, project = own(client), project_id or ""
        for records in self.lists(procore, project, since if self.filtered else None):
            yield page(records, self.source_id, lambda record: self.read(procore, record, project))

    def complete(self, client: Client, obj: Any) -> Any:
        """Nothing is missing."""
        return obj

    def one(self, client: Client, ref: str, project_id: str) -> Object | None:
        try:
            return self.read(own(client), self.show(own(client), ref, project_id), project_id)
        except NotFound:
            return None

    def source_id(self, record: Record) -> str:
        return str(record.get("id"))

    def lists(self, client: ProcoreClient, project_id: str, since: datetime | None) -> Iterator[list[Record]]:
        raise NotImplementedError

    def show(self, client: ProcoreClient, ref: str, project_id: str) -> Record:
        raise NotImplementedError

    def read(self, client: ProcoreClient, record: Record, project_id: str) -> Object | None:
        raise NotImplementedError


class ListedByProject(Listed):
    """A kind with one list per project."""

    scope: Literal["company", "project"] = "project"


def page(
    records: Iterable[Record], source_id: Callable[[Record], str], read: Callable[[Record], Object | None]
) -> Page:
    """The records as objects; deleted ones as gone, unreadable ones apart. Another company's record refuses all."""
    objects, gone, odd = [], [], []
    for record in records:
        if record.get("deleted_at"):
            gone.append(source_id(record))
            continue
        try:
            obj = read(record)
        except WrongCompany:
            raise
        except NotUnderstood as error:
            odd.append((source_id(record), error))
        else:
            objects += [] if obj is None else [obj]
    return Page(objects, gone, odd)


class Projects(Listed):
    """11.1. Inactive projects are listed too, so that one being closed is seen; samples and templates are not ours."""

    kind, filtered = "project", True

    def lists(self, client: ProcoreClient, project_id: str, since: datetime | None) -> Iterator[list[Record]]:
        params = {"company_id": client.company, "filters[by_status]": "All", **changed_since(since)}
        return client.pages("/rest/v1.1/projects", params)

    def show(self, client: ProcoreClient, ref: str, project_id: str) -> Record:
        return dict(client.get(f"/rest/v1.0/projects/{ref}", {"company_id": client.company}))

    def read(self, client: ProcoreClient, record: Record, project_id: str) -> Object | None:
        client.same_company((record.get("company") or {}).get("id"), f"projects/{record.get('id')}")
        sample = record.get("is_demo") or record.get("template")
        if sample and not client.settings.demo_projects:
            return None
        project = shapes.project(record)
        return project if project.number in (client.settings.only_projects or (project.number,)) else None


class Vendors(Listed):
    """11.8, the company directory."""

    kind, filtered = "vendor", True

    def lists(self, client: ProcoreClient, project_id: str, since: datetime | None) -> Iterator[list[Record]]:
        return client.pages("/rest/v1.0/vendors", {"company_id": client.company, **changed_since(since)})

    def show(self, client: ProcoreClient, ref: str, project_id: str) -> Record:
        return dict(client.get(f"/rest/v1.0/vendors/{ref}", {"company_id": client.company}))

    def read(self, client: ProcoreClient, record: Record, project_id: str) -> Object | None:
        return shapes.vendor(record)


class CostTypes(Listed):
    """11.4. Asked for the company; the reference's required project id is taken as optional, as the contract says."""

    kind = "cost_type"

    def lists(self, client: ProcoreClient, project_id: str, since: datetime | None) -> Iterator[list[Record]]:
        return client.pages("/rest/v1.0/line_item_types", {"company_id": client.company})

    def show(self, client: ProcoreClient, ref: str, project_id: str) -> Record:
        return dict(client.get(f"/rest/v1.0/line_item_types/{ref}", {"company_id": client.company}))

    def read(self, client: ProcoreClient, record: Record, project_id: str) -> Object | None:
        return shapes.cost_type(record)


class CostCodes(Listed):
    """11.3: the codes of every standard list of the company (L-15)."""

    kind = "cost_code"

    def lists(self, client: ProcoreClient, project_id: str, since: datetime | None) -> Iterator[list[Record]]:
        for params in self._each_list(client):
            yield from client.pages("/rest/v1.0/standard_cost_codes", params)

    def show(self, client: ProcoreClient, ref: str, project_id: str) -> Record:
        missing: NotFound | None = None
        for params in self._each_list(client):
            try:
                return dict(client.get(f"/rest/v1.0/standard_cost_codes/{ref}", params))
            except NotFound as error:
                missing = error
        raise missing or NotUnderstood("standard_cost_code_lists", "the company has no standard list")

    def read(self, client: ProcoreClient, record: Record, project_id: str) -> Object | None:
        return shapes.cost_code(record)

    def _each_list(self, client: ProcoreClient) -> Iterator[dict[str, str]]:
        for found in client.all("/rest/v1.0/standard_cost_code_lists", {"company_id": client.company}):
            client.same_company(found.get("company_id"), "standard_cost_code_lists")
            list_id = shapes.ident(found, "standard_cost_code_lists")
            # the default view carries nothing but ids
            yield {"company_id": client.company, "standard_cost_code_list_id": list_id, "view": "extended"}


class SubJobs(ListedByProject):
    """11.2."""

    kind = "sub_job"

    def lists(self, client: ProcoreClient, project_id: str, since: datetime | None) -> Iterator[list[Record]]:
        return client.pages("/rest/v1.0/sub_jobs", {"project_id": project_id})

    def show(self, client: ProcoreClient, ref: str, project_id: str) -> Record:
        return dict(client.get(f"/rest/v1.0/sub_jobs/{ref}", {"project_id": project_id}))

    def read(self, client: ProcoreClient, record: Record, project_id: str) -> Object | None:
        return shapes.sub_job(record, project_id)


class BillingPeriods(ListedByProject):
    """11.12. Nothing rings for them."""

    kind, filtered = "billing_period", True

    def lists(self, client: ProcoreClient, project_id: str, since: datetime | None) -> Iterator[list[Record]]:
        return client.pages(f"/rest/v1.0/projects/{project_id}/billing_periods", changed_since(since))

    def show(self, client: ProcoreClient, ref: str, project_id: str) -> Record:
        return dict(client.get(f"/rest/v1.0/projects/{project_id}/billing_periods/{ref}"))

    def read(self, client: ProcoreClient, record: Record, project_id: str) -> Object | None:
        return shapes.billing_period(record, project_id)


class Commitments(ListedByProject):
    """11.9: purchase orders, then subcontracts. Lists carry no lines; `complete` asks for those of one contract."""

    kind, filtered, headers_only = "commitment", True, True
    form: ClassVar[str] = ""

    def pages(self, client: Client, project_id: str | None, since: datetime | None) -> Iterator[Page]:
        for reader in (PurchaseOrders(), Subcontracts()):
            yield from Listed.pages(reader, client, project_id, since)

    def complete(self, client: Client, obj: Commitment) -> Commitment:
        form, _, number = obj.source_id.partition(":")
        path = f"/rest/v1.0/{form}s/{number}/line_items"
        lines = own(client).all(path, {"project_id": obj.project_id})
        return replace(obj, lines=_lines(lines, obj.source_id))

    def one(self, client: Client, ref: str, project_id: str) -> Object | None:
        form = next((f for f in (PurchaseOrders, Subcontracts) if ref.startswith(f"{f.form}:")), None)
        if form is None:
            raise NotUnderstood("commitment", f"{ref!r} names no kind of contract")
        return Listed.one(form(), client, ref.partition(":")[2], project_id)

    def source_id(self, record: Record) -> str:
        return f"{self.form}:{record.get('id')}"

    def lists(self, client: ProcoreClient, project_id: str, since: datetime | None) -> Iterator[list[Record]]:
        changed = changed_since(since)
        # a scan for changes hears of deletions too; a whole read shows them by what it lacks
        params = {**changed, "filters[include_deleted]": "with"} if changed else {}
        return client.pages(f"/rest/v1.0/{self.form}s", {"project_id": project_id, **params})

    def show(self, client: ProcoreClient, ref: str, project_id: str) -> Record:
        record = dict(client.get(f"/rest/v1.0/{self.form}s/{ref}", {"project_id": project_id}))
        if record.get("line_items") is None:
            path = f"/rest/v1.0/{self.form}s/{ref}/line_items"
            record["line_items"] = client.all(path, {"project_id": project_id})
        return record

    def read(self, client: ProcoreClient, record: Record, project_id: str) -> Object | None:
        if record.get("deleted_at"):
            return None
        lines = _lines(record.get("line_items") or [], self.source_id(record))
        return shapes.commitment(self.form, record, project_id, client.settings.currency, lines)


class PurchaseOrders(Commitments):
    """The half that is purchase orders."""

    form = shapes.PURCHASE_ORDER


class Subcontracts(Commitments):
    """The half that is subcontracts."""

    form = shapes.SUBCONTRACT


class Variations(ListedByProject):
    """11.10. The list is never paged and says only the contract's number id; which kind of contract, we look up."""

    kind, filtered, headers_only = "variation", True, True

    def source_id(self, record: Record) -> str:
        return f"commitment_change_order:{record.get('id')}"

    def lists(self, client: ProcoreClient, project_id: str, since: datetime | None) -> Iterator[list[Record]]:
        yield self._with_contracts(client, project_id, self._orders(client, project_id, changed_since(since)))

    def complete(self, client: Client, obj: Variation) -> Variation:
        procore, number = own(client), obj.source_id.partition(":")[2]
        path = f"/rest/v2.0/companies/{procore.company}/projects/{obj.project_id}/commitment_change_orders/{number}"
        return replace(obj, lines=_lines(procore.all(f"{path}/line_items"), obj.source_id))

    def one(self, client: Client, ref: str, project_id: str) -> Object | None:
        procore, (form, _, number) = own(client), ref.partition(":")
        try:
            records = self._records(procore, form, number, project_id)
        except NotFound:
            return None
        for record in self._with_contracts(procore, project_id, records):
            return self.complete(client, self.read(procore, record, project_id))
        return None

    def read(self, client: ProcoreClient, record: Record, project_id: str) -> Variation:
        contract = record.get("contract")
        if contract is None:
            path = f"{self.source_id(record)}.contract_id"
            raise NotUnderstood(path, f"{record.get('contract_id')!r} is no commitment of the project")
        return shapes.variation(record, project_id, contract[0], contract[1], client.settings.currency)

    def _records(self, client: ProcoreClient, form: str, number: str, project_id: str) -> list[Record]:
        if form == "package":  # what a Change Order Packages event names; a prime contract's package gives none
            return self._orders(client, project_id, {"filters[legacy_package_id]": number})
        return [dict(client.get(f"/rest/v1.0/projects/{project_id}/commitment_change_orders/{number}"))]

    def _orders(self, client: ProcoreClient, project_id: str, params: dict[str, str]) -> list[Record]:
        path = f"/rest/v1.0/projects/{project_id}/commitment_change_orders"
        return listed(client.get(path, params), path)

    def _with_contracts(self, client: ProcoreClient, project_id: str, records: list[Record]) -> list[Record]:
        wanted = sorted({str(record["contract_id"]) for record in records if record.get("contract_id")}, key=int)
        found: dict[str, tuple[str, str]] = {}
        for form in (shapes.SUBCONTRACT, shapes.PURCHASE_ORDER):
            missing = [number for number in wanted if number not in found]
            for start in range(0, len(missing), IDS_IN_FILTER):
                ids = ",".join(missing[start:start + IDS_IN_FILTER])
                for contract in client.all(f"/rest/v1.0/{form}s", {"project_id": project_id, "filters[id]": ids}):
                    number = shapes.ident(contract, f"{form}s")
                    found[number] = (f"{form}:{number}", str(contract.get("number") or ""))
        return [{**record, "contract": found.get(str(record.get("contract_id")))} for record in records]


def _lines(records: Iterable[Record], path: str) -> tuple[CommitmentLine, ...]:
    """In the order of their positions, so that the same lines always give the same object."""
    ordered = sorted(records, key=lambda record: (int(record.get("position") or 0), int(record.get("id") or 0)))
    return tuple(shapes.line(record, path) for record in ordered)


_ALL: tuple[Reader, ...] = (
    Projects(), Vendors(), CostTypes(), CostCodes(), SubJobs(), BudgetCodes(), BillingPeriods(), Commitments(),
    Variations(),
)  # fmt: skip
READERS: dict[str, Reader] = {reader.kind: reader for reader in _ALL}
