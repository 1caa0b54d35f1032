"""sitebooks sync: reads what has changed and brings it over; with --dry-run only says what would happen."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli.exits import PARTLY_DONE, UNREACHABLE, wrong_usage
from cli.options import AsJson, CompanyRef, DryRun, Kind, Project, System
from cli.output import Output

if TYPE_CHECKING:
    from cli.place import Place

#: Once everything is at rest for this long, it is done.
SOON_SECONDS = 2.5


def register(app: typer.Typer) -> None:
    app.command("sync")(sync)


def sync(
    kind: Kind = None,
    project: Project = None,
    dry_run: DryRun = False,
    wait: Annotated[bool, typer.Option(help="Wait until everything has come to rest.")] = True,
    timeout: Annotated[int, typer.Option(metavar="SECONDS", min=1, help="Wait at most so long.")] = 600,
    as_json: AsJson = False,
    company: CompanyRef = None,
    connection: System = None,
) -> None:
    """Read the connected systems now. --kind invoice also pushes what waits for its schedule. Exit 5: some needs a person."""
    from cli.place import enter, publish_from_here

    _known(kind)
    place, out = enter(company), Output(as_json)
    system = place.system(connection)
    if dry_run:
        _foresee(out, place, kind, project, system)
        return
    publish_from_here()
    _go(out, place, kind, project, system, timeout if wait else 0)


def _foresee(out: Output, place: "Place", kind: str | None, project: str | None, system: str) -> None:
    from cli import foreseen
    from sync.preview import foresee

    found = foresee(place.company_id, system=system, kind=kind or "", project=project or "", push=kind == "invoice")
    foreseen.show(out, found)
    out.document(foreseen.plain(found))


def _go(out: Output, place: "Place", kind: str | None, project: str | None, system: str, seconds: int) -> None:
    from cli.counting import counts, show_counts, since
    from cli.kicking import push_waiting, start_scans

    began = since(place.company_id)
    # a connection's records come from both its own side and the site's
    systems = [name for name in place.systems if system in ("", name) or name == "procore"]
    start_scans(place, systems, kind, project)
    at_rest, pushed = True, 0
    if seconds:
        at_rest = _rest(out, place, seconds)
    if kind == "invoice":
        pushed = push_waiting(place, system, project)
        at_rest = _rest(out, place, seconds) if pushed and seconds else at_rest
    found = counts(place.company_id, began, kind, system)
    if seconds:
        show_counts(out, found)
    else:
        out.say("The reading has been started; see how it goes: sitebooks status")
    out.document({"waited": bool(seconds), "at_rest": at_rest, "pushed": pushed, **found})
    _end(out, seconds, at_rest, found)


def _end(out: Output, seconds: int, at_rest: bool, found: dict[str, Any]) -> None:
    if seconds and not at_rest:
        out.say(f"Not everything came to rest within {seconds} s; it goes on by itself: sitebooks status", "warn")
        raise typer.Exit(UNREACHABLE)
    if seconds and found["failed"]:
        raise typer.Exit(PARTLY_DONE)


def _rest(out: Output, place: "Place", seconds: int) -> bool:
    from cli.quiet import wait_until_quiet
    from cli.waiting import Waiting

    with Waiting(out, "Syncing") as waiting:
        return wait_until_quiet(place.company_id, waiting, seconds=seconds, soon_seconds=SOON_SECONDS)


def _known(kind: str | None) -> None:
    from objects import KINDS

    if kind and kind not in KINDS:
        raise wrong_usage(f"There is no kind {kind}.", f"Kinds: {', '.join(KINDS)}.", "unknown_kind")
