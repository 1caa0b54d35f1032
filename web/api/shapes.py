"""The documents of the API. Amounts are text with two decimals, times RFC 3339 in UTC; fields are only ever added."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, PlainSerializer

from sync import views

Amount = Annotated[Decimal, PlainSerializer(lambda value: f"{value:.2f}", return_type=str)]
Time = Annotated[datetime, PlainSerializer(lambda value: value.astimezone(UTC).isoformat(), return_type=str)]


class Document(BaseModel):
    """Made from the views' dataclasses."""

    model_config = ConfigDict(from_attributes=True)


class ProblemOut(Document):
    code: str
    severity: str
    heals: bool
    to_mend: bool
    owner: str
    title: str
    cause: str
    fix: tuple[str, ...]
    next: str
    requirement: str


class RecordOut(Document):
    """`here` is the amount at the source, `there` what the target was last confirmed to hold."""

    id: int
    kind: str
    direction: str
    system: str
    source: str
    target: str
    source_id: str
    number: str
    name: str
    vendor: str
    project: str
    state: str
    state_word: str
    why: str
    problems: tuple[ProblemOut, ...]
    currency: str
    here: Amount | None
    there: Amount | None
    difference: Amount | None
    version: int
    remote_id: str | None
    remote_number: str | None
    state_since: Time
    synced_at: Time | None
    due_at: Time | None


class TotalOut(Document):
    currency: str
    site: Amount
    books: Amount
    difference: Amount


class RecordsOut(Document):
    """`totals` are over everything that matches; `after` fetches the next page and is empty on the last."""

    rows: tuple[RecordOut, ...]
    count: int
    apart: int
    totals: tuple[TotalOut, ...]
    after: str


class FieldOut(Document):
    label: str
    here: str | None
    there: str | None
    mark: str


class LineOut(Document):
    position: int
    code: str
    description: str
    here: Amount | None
    there: Amount | None
    mark: str


class EntryOut(Document):
    at: Time
    mark: str
    title: str
    detail: str
    amount: Amount | None


class RecordDetailOut(Document):
    """One record with both sides and its story, the newest first."""

    record: RecordOut = Field(validation_alias="row")
    agreed: bool
    fields: tuple[FieldOut, ...]
    lines: tuple[LineOut, ...]
    story: tuple[EntryOut, ...]
    warnings: tuple[ProblemOut, ...]
    data: dict[str, Any] | None
    held: dict[str, Any] | None
    read_at: Time | None
    protected_by: str
    key: str
    attempt: int


class CheckOut(Document):
    name: str
    requirement: str
    ok: bool
    problem: ProblemOut | None


class WhyOut(Document):
    """Every check with its result, and what happens next."""

    record: RecordOut
    checks: list[CheckOut]
    problems: tuple[ProblemOut, ...]
    next_at: Time | None
    next: str


class GroupOut(Document):
    code: str
    state: str
    needs_you: bool
    text: ProblemOut
    records: int
    money: dict[str, Amount]
    first_seen: Time
    next_look: Time | None


class ProblemsOut(Document):
    needs_you: tuple[GroupOut, ...]
    healing: tuple[GroupOut, ...]
    needs_you_records: int
    healing_records: int
    needs_you_money: dict[str, Amount]
    healing_money: dict[str, Amount]


class EventOut(Document):
    id: int
    event_id: str
    system: str
    state: str
    kind: str
    ref: str
    note: str
    tries: int
    received_at: Time
    settled_at: Time | None
    record_id: int | None


class EventsOut(Document):
    rows: tuple[EventOut, ...]
    counts: dict[str, int]
    after: str


class KindOut(Document):
    kind: str
    system: str
    currency: str
    records: int
    agreed: int
    site: Amount
    books: Amount
    difference: Amount
    unexplained: Amount


class SystemOut(Document):
    system: str
    state: str
    blocked_code: str | None
    last_call_at: Time | None
    last_event_at: Time | None
    due: int
    oldest_due: Time | None


class StatusOut(Document):
    """The overview: `sentence` first, then its figures."""

    at: Time
    company: str
    sentence: str
    lead: str
    records: int
    agreed: int
    needs_you: int
    healing: int
    states: dict[str, int]
    kinds: tuple[KindOut, ...]
    systems: tuple[SystemOut, ...]
    events: dict[str, int]
    compared_at: Time | None
    unexplained: Amount | None


class ConnectionOut(Document):
    system: str
    enabled: bool
    settings: dict[str, Any]
    version: int
    blocked_code: str | None
    covered: tuple[str, ...]


class Exact(BaseModel):
    """A body with a field we do not know is refused: a misspelt one must not be ignored."""

    model_config = ConfigDict(extra="forbid")


class Approve(Exact):
    """What was seen; the amount as text, or null where the record has none."""

    version: int
    amount: Annotated[Decimal | None, Field(max_digits=18, decimal_places=2)] = None


class Reject(Approve):
    reason: Annotated[str, Field(min_length=1, max_length=1000)]


class Link(Exact):
    """Its id in the target, as a person read it there."""

    remote_id: Annotated[str, Field(min_length=1, max_length=200)]


class Reason(Exact):
    reason: Annotated[str, Field(min_length=1, max_length=1000)]


class Release(Exact):
    """The connection's system and the kind whose records wait for being unusually many."""

    system: str
    kind: str


class Scan(Exact):
    """Empty: every connected system."""

    system: str = ""


class Retry(Exact):
    """No fields: everything is read and judged again."""


def status_of(company_id: int) -> StatusOut:
    """The overview as a document."""
    seen, groups = views.overview(company_id), views.problem_groups(company_id)
    figures = {name: getattr(seen, name) for name in StatusOut.model_fields if hasattr(seen, name)}
    figures |= {"kinds": [KindOut.model_validate(one) for one in seen.kinds]}
    figures |= {"systems": [SystemOut.model_validate(one) for one in seen.systems]}
    return StatusOut(**figures, sentence=views.sentence(seen, groups), lead=views.lead(seen, groups))

