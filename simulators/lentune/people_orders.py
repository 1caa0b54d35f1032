"""What a person can do in Lentune beside the posting: projects of its own; copies of Procore's changed and deleted."""

from simulators.lentune import clerk, dataset, posting
from simulators.lentune.commitments import lines_total
from simulators.lentune.people import actions, person
from simulators.lentune.store import Row
from simulators.lentune.tenant import Tenant


@person
def change_order(
    tenant: Tenant, number: str, description: str | None = None, line: int = 1, amount: str | None = None
) -> Row:
    """Change a purchase order's or subcontract's description, or the amount of a line (counted from 1), silently."""
    row = clerk.order_called(tenant, number)
    fields: Row = {} if description is None else {"description": description}
    if amount is not None:
        lines = [dict(entry) for entry in row["lines"]]
        lines[line - 1]["amount"] = dataset.amount(amount)
        fields |= {"lines": lines, "total": lines_total(lines)}
    return tenant.store.update(_table(row), row, tenant.now, fields)


@person
def delete_order(tenant: Tenant, number: str) -> Row:
    """Delete a purchase order or subcontract; lists show its tombstone with updated_since."""
    row = clerk.order_called(tenant, number)
    tenant.store.delete(_table(row), row, tenant.now)
    posting.refresh(tenant)
    return row


@person
def create_project(tenant: Tenant, code: str, description: str) -> Row:
    """Set up a project that only Lentune knows."""
    if tenant.store.holder("projects", code) is not None:
        raise LookupError(f"there is a project {code} already")
    return dataset.add_project(tenant, {"code": code, "description": description}, {})


def _table(row: Row) -> str:
    return "subcontracts" if "module" in row else "purchase_orders"


__all__ = ["actions", "change_order", "create_project", "delete_order"]
