"""Vendors, called suppliers in some books."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Vendor:
    """A company that supplies work or goods; matched by name (L-35)."""

    source_id: str
    name: str
    number: str = ""
    active: bool = True
    project_id: str = ""
    updated_at: datetime | None = None
