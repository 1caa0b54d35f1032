"""What Procore really holds of ours, read whole for the comparison; anchored by the origin id each record carries."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any

from connectors.flow import Counted
from connectors.ports import Client
from connectors.procore.client import own
from connectors.procore.shapes import PURCHASE_ORDER, ident
from objects.money import amount_of, total


def invoices(client: Client, projects: Sequence[str]) -> Iterator[Counted]:
    """Direct costs, and subcontractor invoices by what each of their items claims for its period (11.11, 11.14)."""
    for project in projects:
        for record in own(client).all(f"/rest/v1.1/projects/{project}/direct_costs"):
            draft = record.get("origin_id") and record.get("status") != "approved"  # begun by us and not finished
            if not record.get("deleted_at") and not draft:
                yield _counted(
                    client, "invoice", record, project, "invoice_number", amount_of(record.get("grand_total") or "0.00")
                )
        for record in own(client).all("/rest/v1.1/requisitions", {"project_id": project, "view": "items"}):
            yield _counted(client, "invoice", record, project, "invoice_number", _claimed(record))


def purchase_orders(client: Client, projects: Sequence[str]) -> Iterator[Counted]:
    """Purchase orders that carry an origin id; the others were raised in Procore."""
    for project in projects:
        for record in own(client).all(f"/rest/v1.0/{PURCHASE_ORDER}s", {"project_id": project}):
            if record.get("origin_id") and not record.get("deleted_at"):
                yield _counted(client, "commitment", record, project, "number", amount_of(record.get("grand_total") or "0.00"))


def _claimed(record: Mapping[str, Any]) -> Decimal:
    return total(amount_of(item.get("work_completed_this_period") or "0.00") for item in record.get("items") or ())


def _counted(client: Client, kind: str, record: Mapping[str, Any], project: str, number: str, amount: Decimal) -> Counted:
    currency = (record.get("currency_configuration") or {}).get("currency_iso_code") or own(client).settings.currency
    return Counted(
        kind,
        project,
        ident(record, kind),
        str(record.get(number) or ""),
        str(record.get("origin_id") or ""),
        amount,
        str(currency),
    )


COUNTS: Mapping[str, Callable[[Client, Sequence[str]], Iterator[Counted]]] = {
    "invoice": invoices,
    "commitment": purchase_orders,
}
