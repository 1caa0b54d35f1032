"""Budget codes: a cost code, its cost type and perhaps a sub job, as they stand on a project's budget."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal


@dataclass(frozen=True, slots=True)
class SubJobRef:
    """The sub job a code belongs to, with the name people know (L-04)."""

    source_id: str
    number: str
    name: str


@dataclass(frozen=True, slots=True)
class SubJob:
    """A part of a project with codes of its own; it moves as the codes under it (L-03)."""

    source_id: str
    project_id: str
    number: str
    name: str
    updated_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class BudgetCode:
    """`source_id` is the WBS code: unique for sub job, cost code and cost type together.

    `number` is the cost code ("03-300") without the sub job; `cost_type` the short code ("M").
    """

    source_id: str
    project_id: str
    number: str
    name: str
    cost_code_id: str = ""
    cost_type_id: str = ""
    cost_type: str = ""
    sub_job: SubJobRef | None = None
    amount: Decimal | None = None
    currency: str = "NZD"
    on_budget: bool = True
    line_id: str = ""
    updated_at: datetime | None = None
