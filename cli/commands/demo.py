"""sitebooks demo: the main job, start to finish, on pretend systems; fails unless all ends as it must."""

import time
from typing import TYPE_CHECKING, Annotated

import typer

from cli.exits import UNEXPECTED
from cli.options import AsJson, System
from cli.output import Output

if TYPE_CHECKING:
    from cli.demo.play import Played


def register(app: typer.Typer) -> None:
    app.command("demo")(demo)


def demo(
    seed: Annotated[int, typer.Option(help="The same seed gives the same data.")] = 1,
    as_json: AsJson = False,
    connection: System = None,
) -> None:
    """Connect pretend systems, sync, let people act, compare, stop. Exit 1 and a list when anything is not as it must be."""
    from cli.pretending import accounting, systems

    accounting(connection)
    out = Output(as_json)
    if connection is None:
        from cli.demo.each import play_each

        told = play_each(out, systems(), seed)
        out.document(told)
        if not told["ok"]:
            raise typer.Exit(UNEXPECTED)
        return
    _play(out, seed, connection)


def _play(out: Output, seed: int, connection: str) -> None:
    from cli.demo.stage import Stage
    from cli.waiting import Waiting

    began = time.monotonic()
    out.say("A pretend Procore and pretend accounting systems start on this computer. Nothing leaves it.")
    with Stage(seed, connection) as stage:
        with Waiting(out, "Starting") as waiting:
            ready = stage.open(waiting)
        from cli.demo.play import Play
        from cli.place import enter, publish_from_here

        place = enter(str(ready["company_id"]), ready)
        publish_from_here()
        system = place.system(connection)
        out.say(f"{place.company} is connected: {', '.join(place.systems)}. Console: {ready['web']}")
        played = Play(out, place, system).perform()
        out.say("\nEverything is being stopped ...")
    seconds = time.monotonic() - began
    _card(out, played, seconds)
    out.document(played.plain(seconds))
    if not played.ok:
        raise typer.Exit(UNEXPECTED)


def _card(out: Output, played: "Played", seconds: float) -> None:
    """What was seen, in three lines; or everything that is not as it must be."""
    from decimal import Decimal

    there: dict[str, Decimal] = {}
    unexplained = Decimal("0.00")
    for report in played.reports.values():
        unexplained += report.unexplained
        for line in report.lines:
            there[line.currency] = there.get(line.currency, Decimal("0.00")) + line.there
    planted = sum(problem["expected"] for problem in played.ending.problems)
    money = " and ".join(f"{currency} {amount:,.2f}" for currency, amount in there.items())
    out.heading(f"You saw {played.records} records and {money} on both sides in {seconds:.0f} s.")
    out.say(
        f"Unexplained difference {unexplained:,.2f}; duplicates {len(played.duplicates)}; "
        f"problems {len(played.ending.problems)}, of which the data set planted {planted}."
    )
    for difference in played.differences():
        out.bullet(difference, "✗", "fail")
    if played.ok:
        out.say("All is as it must be. Next: ./sitebooks up and look round, then ./sitebooks connect for your own company.", "ok")
    else:
        out.say("This is not how it must end.", "fail")
