"""What Lentune really holds of ours, read whole for the comparison; anchored by the Procore record each row names."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from connectors.calls import CallFailed
from connectors.flow import Counted
from connectors.lentune.client import own
from connectors.lentune.standing import RESOURCES, source_form
from connectors.ports import Client
from objects.money import amount_of

#: Lentune's word for the kind of Procore record -> the prefix of our source ids.
PREFIX = {
    "purchase_order_contract": "purchase_order_contract:", "work_order_contract": "work_order_contract:",
    "change_order": "commitment_change_order:", "cost_code": "", "sub_job_cost_code": "",
}


def _counted(
    client: Client, kind: str, row: dict[str, Any], amount: str, project_id: str, form: str = ""
) -> Counted:
    anchor = row.get("external") or {}
    source_id = PREFIX.get(str(anchor.get("procore_type")), "") + str(anchor["procore_id"]) if anchor else ""
    return Counted(
        kind, project_id, str(row["id"]), str(row.get("number") or row.get("code") or ""), source_id,
        amount_of(row.get(amount) or "0.00"), str(row.get("currency") or own(client).currency),
        link=source_form(form, str(row["id"])),
    )


def orders(client: Client, projects: Sequence[str]) -> Iterator[Counted]:
    """Purchase orders that came from Procore, and subcontracts in Payment Claims."""
    for form in ("purchase_order", "subcontract"):
        for page in own(client).pages(RESOURCES[form]):
            for row in page:
                if not row.get("deleted_at") and row.get("origin", "procore") == "procore":
                    yield _counted(client, "commitment", row, "total", row["project_id"], form)


def variations(client: Client, projects: Sequence[str]) -> Iterator[Counted]:
    """Change orders pulled from Procore."""
    for page in own(client).pages("/variations"):
        for row in page:
            if not row.get("deleted_at"):
                yield _counted(client, "variation", row, "total", "")


def cost_codes(client: Client, projects: Sequence[str]) -> Iterator[Counted]:
    """Project cost codes with their budget amounts, project by project."""
    for project_id in projects:
        for row in _of_project(client, project_id):
            if not row.get("deleted_at") and row.get("external"):
                yield _counted(client, "budget_code", row, "budget_amount", project_id)


def _of_project(client: Client, project_id: str) -> Iterator[dict[str, Any]]:
    """A project that is not there any more has no cost codes there; every other refusal ends the comparison."""
    try:
        for page in own(client).pages(f"/projects/{project_id}/cost-codes"):
            yield from page
    except CallFailed as error:
        body = error.answer.body
        if not isinstance(body, dict) or body.get("code") != "project_unknown":
            raise


def listed(kind: str, form: str) -> Callable[[Client, Sequence[str]], Iterator[Counted]]:
    """A list without amounts: everything in it that carries an anchor of ours."""

    def rows_of(client: Client, projects: Sequence[str]) -> Iterator[Counted]:
        for page in own(client).pages(RESOURCES[form]):
            for row in page:
                if not row.get("deleted_at") and row.get("external"):
                    yield _counted(client, kind, row, "", "", form)

    return rows_of


COUNTS: Mapping[str, Callable[[Client, Sequence[str]], Iterator[Counted]]] = {
    "commitment": orders, "variation": variations, "budget_code": cost_codes,
}
#: Every kind that carries a key of ours; a supplier carries none.
ANCHORED: Mapping[str, Callable[[Client, Sequence[str]], Iterator[Counted]]] = {
    "project": listed("project", "project"), "cost_type": listed("cost_type", "cost_type"),
    "cost_code": listed("cost_code", "master_cost_code"), **COUNTS,
}
