"""What Procore should hold of an accounting document: the forms that flows build and Procore's plans carry out.

All amounts are text with two decimals, all ids text, all dates ISO text: the forms are kept and compared as JSON.
"""

from typing import Literal, NotRequired, TypedDict


class PostingLine(TypedDict):
    """`wbs_code_id` is a Procore budget code's source id. `ref` keeps a line's identity when lines move about."""

    wbs_code_id: str
    amount: str
    description: str
    ref: NotRequired[str]
    #: Procore's id of a tax code.
    tax_code: NotRequired[str]


class DirectCost(TypedDict):
    """An invoice without a purchase order (L-19). Without `vendor_id`, `vendor` says what to do about the supplier."""

    # "as" is "direct_cost"; a class body cannot name it, because it is a Python keyword
    project_id: str
    vendor_id: str | None
    vendor_name: str
    vendor: NotRequired[Literal["create", "blank"]]
    #: Procore's id of the company; needed to create the vendor.
    company_id: NotRequired[str]
    number: str
    date: str
    description: str
    lines: list[PostingLine]


class InvoicedLine(TypedDict):
    """`line_id` is the Procore id of a line of the commitment's schedule of values."""

    line_id: str
    amount: str


class CommitmentInvoice(TypedDict):
    """An invoice against a commitment (L-18), in one open billing period. "as" is "commitment_invoice"."""

    project_id: str
    #: "purchase_order_contract:4711", as commitments are named everywhere.
    commitment_id: str
    period_id: str
    number: str
    date: str
    lines: list[InvoicedLine]


class OrderLine(PostingLine):
    """Quantity, unit and unit cost are information; `amount` is what counts."""

    quantity: NotRequired[str | None]
    unit: NotRequired[str | None]
    unit_cost: NotRequired[str | None]


class PurchaseOrder(TypedDict):
    """A purchase order raised in the books (P-07). "as" is "purchase_order"; `status` is one of Procore's words."""

    project_id: str
    number: str
    title: str
    description: NotRequired[str]
    vendor_id: str | None
    date: NotRequired[str | None]
    status: NotRequired[str]
    lines: list[OrderLine]
