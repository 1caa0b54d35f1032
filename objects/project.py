"""Projects, and the parts of one that are only looked at: billing periods and branches."""

from dataclasses import dataclass
from datetime import date, datetime


@dataclass(frozen=True, slots=True)
class Project:
    """A construction job."""

    source_id: str
    number: str
    name: str
    stage: str = ""
    region: str = ""
    active: bool = True
    address: str = ""
    updated_at: datetime | None = None

    @property
    def project_id(self) -> str:
        return self.source_id


@dataclass(frozen=True, slots=True)
class BillingPeriod:
    """A period in which invoices of a project may be billed; open or closed."""

    source_id: str
    project_id: str
    start: date | None
    end: date | None
    status: str
    updated_at: datetime | None = None

    @property
    def number(self) -> str:
        return f"{self.start} to {self.end}"

    @property
    def name(self) -> str:
        return self.status


@dataclass(frozen=True, slots=True)
class Branch:
    """A branch of the company in its books; matched with a region by equal name (L-36)."""

    source_id: str
    number: str
    name: str
    active: bool = True
    project_id: str = ""
    updated_at: datetime | None = None
