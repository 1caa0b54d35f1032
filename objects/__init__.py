"""What moves between a site and its books: plain frozen data of ours that belongs to no system."""

from objects.budget_code import BudgetCode, SubJob, SubJobRef
from objects.commitment import Commitment, CommitmentLine, Variation
from objects.cost import CostCode, CostType
from objects.invoice import Invoice, InvoiceLine
from objects.payment import Payment
from objects.project import BillingPeriod, Branch, Project
from objects.vendor import Vendor

Object = (
    Project | SubJob | Vendor | CostCode | CostType | BudgetCode | Commitment | Variation | Invoice | Payment
    | BillingPeriod | Branch
)

#: Kind name -> class. The first ten move; billing periods and branches are only looked at.
KINDS: dict[str, type[Object]] = {
    "project": Project,
    "sub_job": SubJob,
    "vendor": Vendor,
    "cost_code": CostCode,
    "cost_type": CostType,
    "budget_code": BudgetCode,
    "commitment": Commitment,
    "variation": Variation,
    "invoice": Invoice,
    "payment": Payment,
    "billing_period": BillingPeriod,
    "branch": Branch,
}

__all__ = [
    "KINDS", "BillingPeriod", "Branch", "BudgetCode", "Commitment", "CommitmentLine", "CostCode", "CostType",
    "Invoice", "InvoiceLine", "Object", "Payment", "Project", "SubJob", "SubJobRef", "Variation", "Vendor",
]
