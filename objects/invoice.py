"""Supplier invoices with their lines, as the accounting side received them."""

from dataclasses import dataclass
from datetime import date as Day
from datetime import datetime
from decimal import Decimal

from objects.document import Attachment, Document


@dataclass(frozen=True, slots=True)
class InvoiceLine:
    """Ids are those of the system the invoice was read from; `order_line_id` is a line of its order or subcontract."""

    source_id: str
    description: str
    net: Decimal
    tax: Decimal
    project_id: str | None = None
    cost_code_id: str | None = None
    order_line_id: str | None = None
    tax_code: str | None = None


@dataclass(frozen=True, slots=True)
class Invoice:
    """`overhead` invoices belong to no project. `order_id` names a purchase order or subcontract of the same system.

    `posted_as` is the id it was posted under, `posted_to` what it was posted as (commitment_invoice, direct_cost).
    """

    source_id: str
    number: str
    supplier_id: str
    supplier_name: str
    date: Day
    status: str
    overhead: bool
    currency: str
    lines: tuple[InvoiceLine, ...]
    net: Decimal
    tax: Decimal
    gross: Decimal
    due_date: Day | None = None
    order_id: str | None = None
    version: str = ""
    posting_state: str = ""
    posted_as: str | None = None
    posted_to: str = ""
    updated_at: datetime | None = None
    retainage: Decimal | None = None
    #: Totals of its source's own, for comparing: what its lines claim, and what is to be paid now.
    claimed: Decimal | None = None
    due: Decimal | None = None
    attachments: tuple[Attachment, ...] = ()
    document: Document | None = None  # made when it is needed, never kept with the object

    @property
    def name(self) -> str:
        return self.supplier_name

    @property
    def amount(self) -> Decimal:
        return self.gross

    @property
    def project_id(self) -> str:
        return next((line.project_id for line in self.lines if line.project_id), "") or ""
