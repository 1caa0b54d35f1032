"""The company's own lists: standard cost codes (master cost codes in Lentune) and cost types."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class CostType:
    """Labour, materials, subcontract and so on; `number` is its short code."""

    source_id: str
    number: str
    name: str
    project_id: str = ""
    updated_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class CostCode:
    """One code of the company's standard list; `number` joins division and code with a dash."""

    source_id: str
    number: str
    name: str
    parent_id: str = ""
    project_id: str = ""
    updated_at: datetime | None = None
