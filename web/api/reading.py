"""What can be read: status, records, problems, events, approvals, connections."""

from typing import Annotated

from fastapi import APIRouter, Query

from models.states import RecordState
from sync import views, why
from web.api.access import Reader
from web.api.shapes import (
    CheckOut,
    ConnectionOut,
    EventsOut,
    ProblemOut,
    ProblemsOut,
    RecordDetailOut,
    RecordOut,
    RecordsOut,
    StatusOut,
    WhyOut,
    status_of,
)
from web.errors import not_there

router = APIRouter()

Limit = Annotated[int, Query(ge=1, le=200)]
After = Annotated[str, Query(max_length=300)]
Word = Annotated[str, Query(max_length=100)]


@router.get("/status")
def status(who: Reader) -> StatusOut:
    """The one sentence and the figures behind it."""
    return status_of(who.company_id)


@router.get("/records")
def records(
    who: Reader, kind: Word = "", state: Word = "", project: Word = "", system: Word = "",
    q: Annotated[str, Query(max_length=200)] = "", code: Word = "", differs: bool = False, after: After = "",
    limit: Limit = 50,
) -> RecordsOut:
    """Filtered, in the order of their numbers; `project` is a project's number, `code` a problem's."""
    chosen = views.Filters(kind, state, project, system, q, code, differs)
    return RecordsOut.model_validate(views.records(who.company_id, chosen, after, limit))


@router.get("/records/{record_id}")
def record(who: Reader, record_id: int) -> RecordDetailOut:
    """Both sides and the story."""
    found = views.record(who.company_id, record_id)
    if found is None:
        raise not_there(f"record {record_id}")
    return RecordDetailOut.model_validate(found)


@router.get("/records/{record_id}/why")
def why_it_is_so(who: Reader, record_id: int) -> WhyOut:
    """Every check, evaluated anew on what is known now."""
    found = views.record(who.company_id, record_id)
    if found is None:
        raise not_there(f"record {record_id}")
    explained = why.explain(who.company_id, record_id)
    return WhyOut(
        record=RecordOut.model_validate(found.row), next_at=explained.next_at, next=explained.next_text,
        checks=[CheckOut.model_validate(check) for check in explained.checks],
        problems=tuple(ProblemOut.model_validate(problem) for problem in found.row.problems),
    )


@router.get("/problems")
def problems(who: Reader) -> ProblemsOut:
    """Grouped by cause: what needs somebody here, and what closes by itself (`to_mend`: once somebody mended it elsewhere)."""
    return ProblemsOut.model_validate(views.problem_groups(who.company_id))


@router.get("/events")
def events(who: Reader, state: Word = "", system: Word = "", after: After = "", limit: Limit = 50) -> EventsOut:
    """Webhook deliveries, the newest first."""
    return EventsOut.model_validate(views.events(who.company_id, state, system, after, limit))


@router.get("/approvals")
def approvals(who: Reader, kind: Word = "", after: After = "", limit: Limit = 50) -> RecordsOut:
    """What waits for a decision: approve it with the version and amount given here."""
    chosen = views.Filters(kind=kind, state=RecordState.awaiting_approval)
    return RecordsOut.model_validate(views.records(who.company_id, chosen, after, limit))


@router.get("/connections/{system}")
def connection(who: Reader, system: str) -> ConnectionOut:
    """Settings and state of one connection, without secrets."""
    found = views.connection(who.company_id, system)
    if found is None:
        raise not_there(f"connection with {system}")
    return ConnectionOut.model_validate(found)
