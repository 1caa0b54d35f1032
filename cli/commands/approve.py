"""sitebooks approve: agrees to exactly the version and amount shown; it is sent next."""

from typing import Annotated

import typer

from cli.options import AsJson, CompanyRef, Kind, System, Yes
from cli.output import Output


def register(app: typer.Typer) -> None:
    app.command("approve")(approve)


def approve(
    number: Annotated[str, typer.Argument(metavar="NUMBER", help="A number or id; SC-1/001 is number 001 of SC-1.")],
    version: Annotated[int | None, typer.Option(help="The version you looked at; refused if it is another by now.")] = None,
    amount: Annotated[str | None, typer.Option(help="The amount you looked at; refused if it is another by now.")] = None,
    kind: Kind = None,
    yes: Yes = False,
    as_json: AsJson = False,
    company: CompanyRef = None,
    connection: System = None,
) -> None:
    """Approve one waiting record. A newer version asks anew."""
    from cli.deciding import confirmed, decided, show_decision, waiting_record
    from cli.matching import parents
    from cli.place import actor, enter, publish_from_here
    from sync import approval

    place, out = enter(company), Output(as_json)
    row = waiting_record(place, number, kind, place.system(connection), (version, amount))
    show_decision(out, row, parents(place.company_id, [row]).get(row.id, ""), "Approve")
    confirmed(out, yes)
    rung = approval.approve(place.company_id, row.id, row.version, row.here, actor())
    from tasks import publish

    publish_from_here()
    publish.ring_all(place.company_id, rung, "interactive")
    written = decided(place.company_id, row.id)
    out.say(f"Approved (entry {written['id']}). It is sent now; see what becomes of it: sitebooks why '#{row.id}'")
    out.document({"approval": written})
