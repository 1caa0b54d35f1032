"""sitebooks audit verify: whether the history is whole, and the head to keep elsewhere."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli.exits import NEEDS_ATTENTION, wrong_usage
from cli.options import AsJson, CompanyRef
from cli.output import Output

if TYPE_CHECKING:
    from sync.audit import Verdict

group = typer.Typer(help="The history of every change.", no_args_is_help=True)

FIX = (
    "Somebody changed the database past Sitebooks: stop sending (sitebooks connections), compare this line with the last "
    "good backup and with the heads in the logs, and find out who had the owner's password. See docs/audit.md."
)
LOST = "The history was cut back or written anew since that head was kept, or it is another company's head."


def register(app: typer.Typer) -> None:
    app.add_typer(group, name="audit")


@group.callback()
def audit() -> None:
    """The history of every change: only ever added to, each line sealed with the one before."""


@group.command("verify")
def verify(
    head: Annotated[str, typer.Option(metavar="HASH", help="A head kept earlier (HASH or NUMBER:HASH): is it still there?")] = "",
    as_json: AsJson = False,
    company: CompanyRef = None,
) -> None:
    """Recompute every seal and replay every record's story. Exit 3: something is wrong."""
    from cli.place import enter
    from sync import audit as reading

    if head and not _is_head(head):
        raise wrong_usage(f"{head} is no head.", "A head is 64 hexadecimal digits, with its number before a colon if you like.")
    place, out = enter(company), Output(as_json)
    found = reading.verify(place.company_id, head)
    _show(out, found)
    out.document(_plain(found))
    if not found.ok:
        raise typer.Exit(NEEDS_ATTENTION)


def _is_head(given: str) -> bool:
    number, _, digest = given.strip().rpartition(":")
    return len(digest) == 64 and set(digest.lower()) <= set("0123456789abcdef") and (number.isdigit() or not number)


def _show(out: Output, found: "Verdict") -> None:
    for one in found.broken:
        place = f"seal {one.no}: " if one.no is not None else ""
        out.bullet(f"{place}{one.said}", "✗", "fail")
    if found.count > len(found.broken):
        out.bullet(f"and {found.count - len(found.broken)} more", "✗", "fail")
    if found.kept is False:
        out.bullet(f"the head you kept is not in the chain. {LOST}", "✗", "fail")
    if found.count:
        out.say(f"Fix: {FIX}")
    if found.ok:
        kept = ", and the head you kept is among them" if found.kept else ""
        out.bullet(f"{found.lines} lines, each sealed once, none changed, each record where its story ends{kept}", "✓", "ok")
    out.say(f"Head: {found.head}. Keep it elsewhere." if found.head else "There is no history yet.")


def _plain(found: "Verdict") -> dict[str, Any]:
    return {
        "ok": found.ok,
        "lines": found.lines,
        "head": found.head,
        "kept_head_found": found.kept,
        "wrong": found.count,
        "broken": found.broken,
        "fix": FIX if found.count else LOST if found.kept is False else None,
    }
