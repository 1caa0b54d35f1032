"""sitebooks settle: a person decides what the machine may not: is it there or not, ours or theirs, may it go on."""

from typing import TYPE_CHECKING, Annotated

import typer

from cli.exits import REFUSED, Failure, wrong_usage
from cli.options import AsJson, CompanyRef, Kind, System, Yes
from cli.output import Output

if TYPE_CHECKING:
    from cli.place import Place
    from sync.records import Rung
    from sync.views import RecordRow

HOW = "One of --there ID, --not-there, --ours, --theirs, --unlink REASON; or, without a number, --release KIND or --go-on."
EXAMPLE = "sitebooks settle SC-001 --there 4711, or: sitebooks settle --go-on --connection lentune"


def register(app: typer.Typer) -> None:
    app.command("settle")(settle)


def settle(
    number: Annotated[str | None, typer.Argument(metavar="NUMBER", help="A number or id; #12 is a record's own id.")] = None,
    there: Annotated[str | None, typer.Option(metavar="ID", help="It is there: link it with this id; nothing is sent.")] = None,
    not_there: Annotated[bool, typer.Option("--not-there", help="It is not there: look once more, then send.")] = False,
    ours: Annotated[bool, typer.Option("--ours", help="In conflict: replace what stands there.")] = False,
    theirs: Annotated[bool, typer.Option("--theirs", help="In conflict: keep what stands there, and unlink.")] = False,
    unlink: Annotated[str | None, typer.Option(metavar="REASON", help="Both sides go their own ways.")] = None,
    release: Annotated[str | None, typer.Option(metavar="KIND", help="Approve all that wait for being unusually many.")] = None,
    go_on: Annotated[bool, typer.Option("--go-on", help="Writing to a stopped connection goes on; name it.")] = False,
    kind: Kind = None,
    yes: Yes = False,
    as_json: AsJson = False,
    company: CompanyRef = None,
    connection: System = None,
) -> None:
    """Decide what nobody but a person can. Exit 6: there is nothing of this sort to decide."""
    from cli.place import enter

    chosen = {"there": there, "not_there": not_there, "ours": ours, "theirs": theirs, "unlink": unlink}
    given = [name for name, value in chosen.items() if value]
    whole = [name for name, value in (("release", release), ("go_on", go_on)) if value]
    if len(given) + len(whole) != 1 or bool(number) != bool(given):
        raise wrong_usage(HOW, EXAMPLE)
    if whole and connection is None:
        raise wrong_usage("Name the connection with --connection.", EXAMPLE)
    place, out = enter(company), Output(as_json)
    system = place.system(connection)
    if number:
        _record(place, out, number, kind, system, given[0], there or unlink or "", yes)
    elif release:
        _release(place, out, system, release)
    else:
        _go_on(place, out, system)


def _record(
    place: "Place", out: Output, number: str, kind: str | None, system: str, what: str, value: str, yes: bool
) -> None:
    from cli.deciding import confirmed
    from cli.matching import one, parents
    from cli.rows import row_plain, show_rows

    row = one(place, number, kind, system, wanted=lambda row: row.state in ("checking", "needs_attention", "conflict"))
    named = parents(place.company_id, [row])
    show_rows(out, [row], named)
    confirmed(out, yes)
    said = _decide(place, row, what, value)
    out.say(f"\n{said} See what becomes of it: sitebooks why '#{row.id}'")
    out.document({"settled": what, "record": row_plain(row, named.get(row.id, ""))})


def _decide(place: "Place", row: "RecordRow", what: str, value: str) -> str:
    from cli.place import actor
    from sync import settling

    try:
        match what:
            case "there":
                _ring(place, settling.link(place.company_id, row.id, value, actor()))
                return f"Linked with {value}. Nothing was sent."
            case "not_there":
                _ring(place, settling.not_there(place.company_id, row.id, actor()))
                return "It is looked for once more, and sent if it is not found."
            case "ours":
                _ring(place, settling.send_ours(place.company_id, row.id, actor()))
                return "Ours is sent now."
            case "theirs":
                settling.keep_theirs(place.company_id, row.id, actor())
                return "What stands there stays; the record is unlinked."
            case _:
                settling.unlink(place.company_id, row.id, actor(), value)
                return "Unlinked."
    except settling.NotToDecide as error:
        fix = f"Look at what it is now: sitebooks why '#{row.id}'"
        raise Failure("not_to_decide", f"{error}.", fix, REFUSED) from error


def _release(place: "Place", out: Output, system: str, kind: str) -> None:
    from sqlalchemy import text

    from cli.place import actor
    from models import session
    from sync import settling

    with session(place.company_id) as db:
        connection_id = db.execute(text("SELECT id FROM connection WHERE system = :s"), {"s": system}).scalar_one()
    rung = settling.release_hold(place.company_id, connection_id, kind, actor())
    _ring(place, rung)
    number = sum(len(ids) for ids in rung.values())
    out.say(f"{number} approved and sent next." if number else "Nothing waits for being unusually many.")
    out.document({"settled": "release", "released": number})


def _go_on(place: "Place", out: Output, system: str) -> None:
    from cli.place import actor
    from sync import stops

    try:
        _ring(place, stops.go_on(place.company_id, system, actor()))
    except stops.NotStopped as error:
        fix = "After a restored database: sitebooks links rebuild --apply. Otherwise: sitebooks status"
        raise Failure("not_stopped", f"{error}.", fix, REFUSED) from error
    out.say("Writing goes on, and what waited is looked at now.")
    out.document({"settled": "go_on", "connection": system})


def _ring(place: "Place", rung: "Rung") -> None:
    from cli.place import publish_from_here
    from tasks import publish

    publish_from_here()
    publish.ring_all(place.company_id, rung, "interactive")
