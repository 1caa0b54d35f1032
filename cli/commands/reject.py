"""sitebooks reject: turns exactly the version shown down, with the reason; a new version comes back."""

from typing import Annotated

import typer

from cli.exits import wrong_usage
from cli.options import AsJson, CompanyRef, Kind, System, Yes
from cli.output import Output


def register(app: typer.Typer) -> None:
    app.command("reject")(reject)


def reject(
    number: Annotated[str, typer.Argument(metavar="NUMBER", help="A number or id; SC-1/001 is number 001 of SC-1.")],
    reason: Annotated[str, typer.Option(metavar="R", help="Why; it is kept and shown.")],
    version: Annotated[int | None, typer.Option(help="The version you looked at; refused if it is another by now.")] = None,
    amount: Annotated[str | None, typer.Option(help="The amount you looked at; refused if it is another by now.")] = None,
    kind: Kind = None,
    yes: Yes = False,
    as_json: AsJson = False,
    company: CompanyRef = None,
    connection: System = None,
) -> None:
    """Reject one waiting record. Nothing is sent; a new version at the source asks anew."""
    from cli.deciding import confirmed, decided, show_decision, waiting_record
    from cli.matching import parents
    from cli.place import actor, enter
    from sync import approval

    if not reason.strip():
        raise wrong_usage("A rejection needs a reason.", "Say it with --reason; whoever made the document reads it.")
    place, out = enter(company), Output(as_json)
    row = waiting_record(place, number, kind, place.system(connection), (version, amount))
    show_decision(out, row, parents(place.company_id, [row]).get(row.id, ""), "Reject")
    confirmed(out, yes)
    approval.reject(place.company_id, row.id, row.version, row.here, actor(), reason.strip())
    written = decided(place.company_id, row.id)
    out.say(f"Rejected (entry {written['id']}). Nothing is sent until there is a new version.")
    out.document({"approval": written})
