"""sitebooks links rebuild: the links as the outside systems' own keys tell them, shown first, written with --apply."""

from typing import Annotated

import typer

from cli.exits import NEEDS_ATTENTION
from cli.options import AsJson, CompanyRef, System
from cli.output import Output

group = typer.Typer(help="The links between both sides.", no_args_is_help=True)

WORDS = {
    "unlinked": "stands there, not linked here",
    "otherwise": "linked to another one here",
    "gone": "linked here, not there any more",
    "unknown": "carries a key that is not known here",
}


def register(app: typer.Typer) -> None:
    app.add_typer(group, name="links")


@group.command()
def rebuild(
    apply: Annotated[bool, typer.Option("--apply", help="Write the links; without it nothing is changed.")] = False,
    as_json: AsJson = False,
    company: CompanyRef = None,
    connection: System = None,
) -> None:
    """Compare every link with the outside systems' keys; after a restored backup, go on. Exit 3: it differs, or stays stopped."""
    from cli.place import actor, enter
    from sync import rebuild as rebuilding

    place, out = enter(company), Output(as_json)
    found = rebuilding.run(place.company_id, place.system(connection), apply=apply, actor=actor())
    out.table(
        ("System", "Kind", "Number", "Here", "There", "What"),
        [(d.system, d.kind, d.number, d.here, d.there, WORDS[d.what]) for d in found.differences],
    )
    out.say(f"{found.compared} compared, {len(found.differences)} differ" + (f", {found.applied} links written" if apply else ""))
    if found.differences and not apply:
        out.say("Nothing was changed. To write the links: ./sitebooks links rebuild --apply")
    if found.stopped:
        left = ", ".join(found.stopped)
        out.say(f"Still stopped: {left}. Their links were not compared: ./sitebooks links rebuild --apply", "warn")
    document = {"compared": found.compared, "applied": found.applied, "stopped": found.stopped}
    out.document({**document, "differences": found.differences})
    if found.stopped or (found.differences and not apply):
        raise typer.Exit(NEEDS_ATTENTION)
