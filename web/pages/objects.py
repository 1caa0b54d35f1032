"""The list of records with its filters, one record's page, and what can be done with a record."""

import csv
import io
from collections.abc import Iterator
from decimal import Decimal, InvalidOperation
from typing import Annotated
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response, StreamingResponse

from models.states import RecordState
from objects.problem import Problem
from sync import approval, payments, views, why
from sync.views.records import LARGEST_PAGE, text_of
from web import actions
from web.html import page
from web.pages.sign_in import inside
from web.people import Approving, BadForm, Looking
from web.verdict import verdict

router = APIRouter()

#: What a button did, said on the page it leads to; the address carries the word, never the sentence.
SAID = {
    "approved": "Approved. It is sent next.",
    "rejected": "Rejected. Nothing was sent.",
    "again": "It is read and judged again now.",
    "linked": "Linked with what you named. Nothing was sent; it is compared with the books in some minutes.",
    "kept": "What stands there stays. This record is no longer kept in agreement.",
    "unlinked": "Unlinked. Both sides go their own ways now.",
    "changed": "It changed after you looked, so nothing was decided. This is the present version.",
    "payments": "Payments of synced invoices are being read now.",
    "settled": "It no longer waits for a decision, so nothing was changed.",
}


def filters_of(
    kind: str = "", state: str = "", project: str = "", system: str = "", q: str = "", code: str = "", differs: str = "",
) -> views.Filters:
    """What the address says. A state that does not exist matches nothing, which the list then says."""
    return views.Filters(kind, state, project, system, q.strip()[:200], code, bool(differs))


Chosen = Annotated[views.Filters, Depends(filters_of)]


@router.get("/objects")
def objects(request: Request, who: Looking, chosen: Chosen, after: str = "") -> HTMLResponse:
    return page(
        request, "objects.html", who, listed=views.records(who.company_id, chosen, after), filters=chosen,
        kinds=views.kind_counts(who.company_id), projects=views.projects(who.company_id), states=list(RecordState),
        query=_query(chosen), code_title=text_of(Problem(chosen.code)).title if chosen.code else "",
    )


@router.get("/objects.csv")
def export(who: Looking, chosen: Chosen) -> StreamingResponse:
    """Every row that matches, as the list shows it."""
    headers = {"content-disposition": 'attachment; filename="sitebooks.csv"'}
    return StreamingResponse(_rows(who.company_id, chosen), media_type="text/csv; charset=utf-8", headers=headers)


@router.get("/find")
def find(who: Looking, q: Annotated[str, Query(max_length=200)] = "") -> Response:
    """Straight to the record when only one has this number or id; else to the list."""
    found = views.find(who.company_id, q.strip()) if q.strip() else []
    return RedirectResponse(f"/objects/{found[0].id}" if len(found) == 1 else f"/objects?{urlencode({'q': q})}", 303)


@router.get("/objects/{record_id}")
def one(request: Request, who: Looking, record_id: int, said: str = "") -> HTMLResponse:
    record = views.record(who.company_id, record_id)
    if record is None:
        raise LookupError(f"there is no record {record_id}")
    return page(
        request, "object.html", who, record=record, verdict=verdict(record), why=why.explain(who.company_id, record_id),
        pays=record.row.kind in ("invoice", "payment") and payments.reports(record.row.system), said=SAID.get(said, ""),
    )


@router.post("/objects/{record_id}/approve")
def approve(record_id: int, posted: Approving) -> Response:
    version, amount = seen(posted.fields)
    try:
        actions.approve(posted.visitor.company_id, record_id, version, amount, posted.visitor.actor)
    except approval.Changed:
        return back(posted.fields, record_id, "changed")
    except approval.NotWaiting:
        return back(posted.fields, record_id, "settled")
    return back(posted.fields, record_id, "approved")


@router.post("/objects/{record_id}/reject")
def reject(record_id: int, posted: Approving) -> Response:
    version, amount = seen(posted.fields)
    reason = posted.fields.get("reason", "").strip()[:1000]
    if not reason:
        raise BadForm("a rejection needs a reason")
    try:
        actions.reject(posted.visitor.company_id, record_id, version, amount, posted.visitor.actor, reason)
    except approval.Changed:
        return back(posted.fields, record_id, "changed")
    except approval.NotWaiting:
        return back(posted.fields, record_id, "settled")
    return back(posted.fields, record_id, "rejected")


@router.post("/objects/{record_id}/retry")
def send_again(record_id: int, posted: Approving) -> Response:
    actions.send_again(posted.visitor.company_id, [record_id], posted.visitor.actor)
    return back({}, record_id, "again")


def seen(fields: dict[str, str]) -> tuple[int, Decimal | None]:
    """The version and amount that stood on the page. Raises BadForm."""
    try:
        amount = Decimal(fields["amount"]) if fields.get("amount") else None
        return int(fields["version"]), amount
    except (KeyError, ValueError, InvalidOperation):
        raise BadForm("the form does not say which version and amount it is about") from None


def back(fields: dict[str, str], record_id: int, said: str) -> Response:
    """To the page the form came from."""
    return RedirectResponse(f"{inside(fields.get('back', f'/objects/{record_id}'))}?said={said}", 303)


def _query(chosen: views.Filters) -> str:
    named = {
        "kind": chosen.kind, "state": chosen.state, "project": chosen.project, "system": chosen.system, "q": chosen.text,
        "code": chosen.code, "differs": "1" if chosen.differs else "",
    }
    return urlencode({name: value for name, value in named.items() if value})


COLUMNS = (
    "kind", "number", "number_there", "description", "supplier", "project", "status", "why", "currency", "site", "books",
    "difference", "status_since",
)


def _rows(company_id: int, chosen: views.Filters) -> Iterator[str]:
    yield _line(COLUMNS)
    after = ""
    while True:
        listed = views.records(company_id, chosen, after, LARGEST_PAGE)
        for row in listed.rows:
            yield _line((
                row.kind_word, row.number, row.remote_number or row.remote_id or "", row.name, row.vendor, row.project,
                row.state_word, row.why, row.currency, row.site, row.books, row.difference, row.state_since.isoformat(),
            ))
        after = listed.after
        if not after:
            return


def _line(values: tuple[object, ...]) -> str:
    out = io.StringIO()
    csv.writer(out).writerow(["" if value is None else _harmless(str(value)) for value in values])
    return out.getvalue()


def _harmless(value: str) -> str:
    """A spreadsheet would run a text that starts like a formula; amounts may start with a minus."""
    is_amount = value.removeprefix("-").replace(".", "", 1).isdigit()
    return f"'{value}" if value[:1] in ("=", "+", "-", "@", "\t", "\r") and not is_amount else value
