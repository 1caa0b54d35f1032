"""Commitments (purchase orders and subcontracts) with their schedule of values, and their variations."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from objects.money import total


@dataclass(frozen=True, slots=True)
class CommitmentLine:
    """One line of a schedule of values. `budget_code_id` is the source id of its BudgetCode.

    `external_id` is the line's name elsewhere (from Lentune: the Procore line; from Procore: the origin id).
    """

    source_id: str
    budget_code_id: str
    code: str
    description: str
    amount: Decimal | None
    quantity: str | None = None
    unit: str | None = None
    external_id: str = ""


@dataclass(frozen=True, slots=True)
class Commitment:
    """`form` is purchase_order or subcontract; `status` is draft, approved, closed, terminated or void.

    `source_status` keeps the source's own word. `revised` and `invoiced` are sums the source computes, where it does.
    `version` is filled where a change at the source must name it.
    """

    source_id: str
    project_id: str
    form: str
    number: str
    name: str
    status: str
    source_status: str
    currency: str
    lines: tuple[CommitmentLine, ...]
    vendor_id: str = ""
    vendor_name: str = ""
    retainage_percent: str | None = None
    revised: Decimal | None = None
    invoiced: Decimal | None = None
    origin_id: str = ""
    version: str = ""
    updated_at: datetime | None = None

    @property
    def amount(self) -> Decimal:
        return total(line.amount for line in self.lines)


@dataclass(frozen=True, slots=True)
class Variation:
    """A change order to a commitment; its lines may be negative."""

    source_id: str
    project_id: str
    commitment_id: str
    number: str
    name: str
    status: str
    currency: str
    lines: tuple[CommitmentLine, ...]
    commitment_number: str = ""
    updated_at: datetime | None = None

    @property
    def amount(self) -> Decimal:
        return total(line.amount for line in self.lines)
