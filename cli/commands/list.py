"""sitebooks list: records, filtered, with totals over everything that matches."""

from typing import Annotated

import typer

from cli.exits import NOTHING_TO_DO, wrong_usage
from cli.options import AsJson, CompanyRef, FailIfEmpty, Kind, Project, System
from cli.output import Output


def register(app: typer.Typer) -> None:
    app.command("list")(list_records)


def list_records(
    kind: Kind = None,
    state: Annotated[str | None, typer.Option(metavar="S", help="Only this state: held, synced, needs_attention, ...")] = None,
    project: Project = None,
    code: Annotated[str | None, typer.Option(metavar="CODE", help="Only what this problem stands against.")] = None,
    text: Annotated[str | None, typer.Option(metavar="TEXT", help="Part of a number, name or supplier; an amount.")] = None,
    differs: Annotated[bool, typer.Option("--differs", help="Only what the other side does not hold as it should.")] = False,
    limit: Annotated[int, typer.Option(min=1, max=100_000, help="At most so many.")] = 200,
    after: Annotated[str, typer.Option(help="Go on where a list ended: its `next`.")] = "",
    fail_if_empty: FailIfEmpty = False,
    as_json: AsJson = False,
    company: CompanyRef = None,
    connection: System = None,
) -> None:
    """List records in the order of their numbers."""
    from cli.matching import parents
    from cli.place import enter
    from cli.rows import row_plain, show_rows
    from sync.views import Filters, records

    _known(kind, state)
    place, out = enter(company), Output(as_json)
    filters = Filters(kind or "", state or "", project or "", place.system(connection), text or "", code or "", differs)
    page = records(place.company_id, filters, after, limit)
    rows = list(page.rows)
    while page.after and len(rows) < limit:
        page = records(place.company_id, filters, page.after, limit - len(rows))
        rows += page.rows
    named = parents(place.company_id, rows)
    if rows:
        show_rows(out, rows, named)
    shown = f"{len(rows)} of {page.count}" if page.count > len(rows) else str(page.count)
    out.say(f"\n{shown} record{'s' if page.count != 1 else ''}" + (f"; go on with --after {page.after}" if page.after else ""))
    for total in page.totals:
        out.say(f"{total.currency}: site {total.site:,.2f}, books {total.books:,.2f}, difference {total.difference:,.2f}")
    out.document(
        {
            "records": [row_plain(row, named.get(row.id, "")) for row in rows],
            "count": page.count,
            "apart": page.apart,
            "totals": [
                {"currency": t.currency, "site": t.site, "books": t.books, "difference": t.difference} for t in page.totals
            ],
            "next": page.after,
        }
    )
    if fail_if_empty and not page.count:
        raise typer.Exit(NOTHING_TO_DO)


def _known(kind: str | None, state: str | None) -> None:
    """A misspelt filter would look like an empty list."""
    from models.states import RecordState
    from objects import KINDS

    if kind and kind not in KINDS:
        raise wrong_usage(f"There is no kind {kind}.", f"Kinds: {', '.join(KINDS)}.", "unknown_kind")
    if state and state not in RecordState.__members__:
        raise wrong_usage(f"There is no state {state}.", f"States: {', '.join(RecordState)}.", "unknown_state")
