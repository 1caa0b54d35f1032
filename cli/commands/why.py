"""sitebooks why: for any number or id, how it stands, each check, both sides, what was sent and what happens next."""

from typing import Annotated

import typer

from cli.exits import UNREACHABLE
from cli.options import AsJson, CompanyRef, Kind, System
from cli.output import Output


def register(app: typer.Typer) -> None:
    app.command("why")(why)


def why(
    number: Annotated[str, typer.Argument(metavar="NUMBER", help="A number or id; SC-1/001 is number 001 of SC-1.")],
    live: Annotated[bool, typer.Option("--live", help="Read both systems now and show what differs.")] = False,
    kind: Kind = None,
    everything: Annotated[bool, typer.Option("--all", help="The whole story, not only its newest part.")] = False,
    as_json: AsJson = False,
    company: CompanyRef = None,
    connection: System = None,
) -> None:
    """Say why a record is where it is."""
    from cli.matching import one, parents
    from cli.place import enter
    from cli.telling import tell
    from cli.verdict import why_plain
    from sync.views import record
    from sync.why import explain

    place, out = enter(company), Output(as_json)
    row = one(place, number, kind, place.system(connection))
    parent = parents(place.company_id, [row]).get(row.id, "")
    seen, explained = record(place.company_id, row.id), explain(place.company_id, row.id)
    if seen is None:
        raise LookupError(f"record {row.id} is gone")
    now = None
    if live:
        from cli.live import look

        now = look(place.company_id, row, seen.key, seen.data)
    tell(out, place, seen, explained, parent, now, everything)
    out.document(why_plain(seen, explained, parent, now))
    if now is not None and now.failed:
        raise typer.Exit(UNREACHABLE)
