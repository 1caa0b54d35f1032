"""Reads a project's budget codes: the budget view says which lines there are, WBS codes what they are made of."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any, Literal

from connectors.calls import NotFound, NotUnderstood, WrongCompany
from connectors.flow import Page
from connectors.ports import Client
from connectors.procore import shapes
from connectors.procore.client import ProcoreClient, own
from objects import BudgetCode, SubJobRef
from objects.text import clean

Record = Mapping[str, Any]


class BudgetCodes:
    """11.5 and 11.6. There is no list of budget lines and no filter by time: whole reads, four requests a project."""

    kind: str = "budget_code"
    scope: Literal["company", "project"] = "project"
    filtered: bool = False
    headers_only: bool = False

    def pages(self, client: Client, project_id: str | None, since: datetime | None) -> Iterator[Page]:
        rows = self._rows(own(client), project_id or "", {})
        parts = Parts(own(client), project_id or "", rows)
        objects, odd = [], []
        for row in rows:
            try:
                objects.append(parts.budget_code(row))
            except WrongCompany:
                raise
            except NotUnderstood as error:
                odd.append((str(row.get("wbs_code_id")), error))
        yield Page(objects, (), odd)

    def complete(self, client: Client, obj: Any) -> Any:
        return obj

    def one(self, client: Client, ref: str, project_id: str) -> BudgetCode | None:
        """`ref` is a WBS code's id, or "line:" and a budget line's id as its events name it."""
        form, _, line_id = ref.partition(":")
        try:
            rows = self._rows(own(client), project_id, {"budget_line_item_id[]": line_id} if line_id else {})
        except NotFound:
            return None
        rows = [row for row in rows if str(row.get("id") if line_id else row.get("wbs_code_id")) == (line_id or form)]
        return Parts(own(client), project_id, rows).budget_code(rows[0]) if rows else None

    def _rows(self, client: ProcoreClient, project_id: str, params: dict[str, str]) -> list[dict[str, Any]]:
        view = self._view(client, project_id)
        if not view:
            return []
        path = f"/rest/v1.0/budget_views/{view}/detail_rows"
        return client.all(path, {"project_id": project_id, "budget_row_type": "budgeted", **params})

    def _view(self, client: ProcoreClient, project_id: str) -> str:
        """The view of the settings, else the oldest; empty when the project has no budget at all."""
        views = client.all("/rest/v1.0/budget_views", {"project_id": project_id})
        wanted = client.settings.budget_view
        fitting = [view for view in views if clean(view.get("name")) == wanted] if wanted else views
        if views and not fitting:
            raise NotUnderstood("budget_views", f"project {project_id} has no budget view named {wanted!r}")
        return min((shapes.ident(view, "budget_views") for view in fitting), key=int, default="")


class Parts:
    """What the rows of one project are made of, each list fetched once and only if a row needs it."""

    def __init__(self, client: ProcoreClient, project_id: str, rows: Iterable[Record]) -> None:
        self.client, self.project_id = client, project_id
        rows = list(rows)
        path = f"/rest/v1.0/projects/{project_id}/work_breakdown_structure/wbs_codes"
        self.codes = {str(code.get("id")): code for code in client.all(path)} if rows else {}
        in_sub_job = any(row.get("biller_type") == "SubJob" for row in rows)
        jobs = client.all("/rest/v1.0/sub_jobs", {"project_id": project_id}) if in_sub_job else []
        self.sub_jobs = {str(job.get("id")): job for job in jobs}

    def budget_code(self, row: Record) -> BudgetCode:
        """One budget line. Raises NotUnderstood when its code, cost type or sub job cannot be told."""
        path = f"budget_lines/{row.get('id')}"
        self._belongs(row, path)
        code_id = row.get("wbs_code_id")
        code = self.codes.get(str(code_id))
        if code is None:
            raise NotUnderstood(f"{path}.wbs_code_id", f"{code_id!r} is no WBS code of the project")
        segments = segments_of(code)
        cost_code = segments.get("cost_code")
        if cost_code is None:
            raise NotUnderstood(f"wbs_codes/{code_id}", "it has no cost code segment")
        cost_type = segments.get("line_item_type") or {}
        return BudgetCode(
            source_id=str(code_id),
            project_id=self.project_id,
            number=code_number(cost_code),
            name=clean(cost_code.get("name")),
            cost_code_id=_text(row.get("cost_code_id")),
            cost_type_id=_text(row.get("category_id")),
            cost_type=clean(cost_type.get("code")),
            sub_job=self._sub_job(row, path),
            amount=shapes.money(row.get("original_budget_amount"), f"{path}.original_budget_amount"),
            currency=shapes.currency(row, self.client.settings.currency, path),
            line_id=shapes.ident(row, path),
        )

    def _belongs(self, row: Record, path: str) -> None:
        self.client.same_company(row.get("company_id"), path)
        if row.get("project_id") is not None and str(row["project_id"]) != self.project_id:
            raise NotUnderstood(f"{path}.project_id", f"{row['project_id']} is not the project asked for")

    def _sub_job(self, row: Record, path: str) -> SubJobRef | None:
        if row.get("biller_type") != "SubJob":
            return None
        job = self.sub_jobs.get(str(row.get("biller_id")))
        if job is None:
            raise NotUnderstood(f"{path}.biller_id", f"{row.get('biller_id')!r} is no sub job of the project")
        return SubJobRef(shapes.ident(job, "sub_jobs"), clean(job.get("code")), clean(job.get("name")))


def segments_of(code: Record) -> dict[str, Record]:
    """Segment type -> the item this WBS code has of it (cost_code, line_item_type, sub_job, custom)."""
    found: dict[str, Record] = {}
    for item in code.get("segment_items") or []:
        kind = (item.get("segment") or {}).get("type") or item.get("segment_type")
        if isinstance(kind, str):
            found[kind] = item
    return found


def code_number(item: Record) -> str:
    """A tiered code with the codes above it, joined by a dash ("03-300")."""
    path = item.get("path_code") or "-".join(map(str, item.get("path_codes") or ())) or item.get("code")
    return clean(path)


def _text(value: object) -> str:
    return "" if value is None else str(value)
