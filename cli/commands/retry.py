"""sitebooks retry: a person asks that records are read, judged and, if nothing stands against it, sent again."""

from typing import TYPE_CHECKING, Annotated

import typer

from cli.exits import NOTHING_TO_DO, wrong_usage
from cli.options import AsJson, CompanyRef, DryRun, FailIfEmpty, Kind, System
from cli.output import Output

if TYPE_CHECKING:
    from cli.place import Place
    from sync.views import RecordRow


def register(app: typer.Typer) -> None:
    app.command("retry")(retry)


def retry(
    number: Annotated[str | None, typer.Argument(metavar="NUMBER", help="A number or id; #12 is a record's own id.")] = None,
    code: Annotated[str | None, typer.Option(metavar="CODE", help="Everything this problem stands against.")] = None,
    kind: Kind = None,
    dry_run: DryRun = False,
    fail_if_empty: FailIfEmpty = False,
    as_json: AsJson = False,
    company: CompanyRef = None,
    connection: System = None,
) -> None:
    """Look again at once. What is in doubt or in conflict is only looked at: `settle` decides."""
    from cli.matching import parents
    from cli.place import actor, enter, publish_from_here
    from cli.rows import row_plain, show_rows
    from sync import records

    if (number is None) == (code is None):
        raise wrong_usage("Retry needs one number, or --code.", "sitebooks retry SC-001, or: sitebooks retry --code over_billing")
    place, out = enter(company), Output(as_json)
    rows = _wanted(place, number, code, kind, place.system(connection))
    named = parents(place.company_id, rows)
    if rows:
        show_rows(out, rows, named)
    if rows and not dry_run:
        from tasks import publish

        publish_from_here()
        publish.ring_all(place.company_id, records.retry(place.company_id, [row.id for row in rows], actor()), "interactive")
    count = f"{len(rows)} record{'s' if len(rows) != 1 else ''}"
    out.say(f"\n{count} {'would be' if dry_run else 'will be'} looked at again now." if rows else "Nothing has this problem.")
    out.document({"records": [row_plain(row, named.get(row.id, "")) for row in rows], "dry_run": dry_run})
    if fail_if_empty and not rows:
        raise typer.Exit(NOTHING_TO_DO)


def _wanted(place: "Place", number: str | None, code: str | None, kind: str | None, system: str) -> "list[RecordRow]":
    from cli.matching import one
    from sync import problems
    from sync.views import Filters, records

    if number is not None:
        return [one(place, number, kind, system)]
    if not problems.has(code or ""):
        raise wrong_usage(f"There is no problem {code}.", "See those there are: sitebooks status", "unknown_code")
    filters, rows, after = Filters(kind=kind or "", system=system, code=code or ""), list["RecordRow"](), ""
    while True:
        page = records(place.company_id, filters, after, 200)
        rows += page.rows
        if not (after := page.after):
            return rows
