"""sitebooks events: the webhooks that arrived and what became of them."""

from typing import Annotated

import typer

from cli.exits import NOTHING_TO_DO, wrong_usage
from cli.options import AsJson, CompanyRef, FailIfEmpty, System
from cli.output import Output

STYLES = {"received": "pending", "done": "synced", "ignored": "ignored", "parked": "needs_attention"}


def register(app: typer.Typer) -> None:
    app.command("events")(list_events)


def list_events(
    state: Annotated[str | None, typer.Option(metavar="S", help="Only received, done, ignored or parked.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="At most so many, the newest first.")] = 50,
    after: Annotated[str, typer.Option(help="Go on where a list ended: its `next`.")] = "",
    fail_if_empty: FailIfEmpty = False,
    as_json: AsJson = False,
    company: CompanyRef = None,
    connection: System = None,
) -> None:
    """List webhook deliveries, the newest first."""
    from cli.place import enter
    from cli.times import local
    from models.states import EventState
    from sync.views import events

    if state and state not in EventState.__members__:
        raise wrong_usage(f"There is no event state {state}.", f"States: {', '.join(EventState)}.", "unknown_state")
    place, out = enter(company), Output(as_json)
    system = place.system(connection)
    page = events(place.company_id, state or "", system, after, limit)
    rows = list(page.rows)
    while page.after and len(rows) < limit:
        page = events(place.company_id, state or "", system, page.after, limit - len(rows))
        rows += page.rows
    if rows:
        out.table(
            ("id", "received", "from", "about", "what we did", "tries"),
            [
                (
                    e.id,
                    local(e.received_at, place.zone),
                    e.system_word,
                    e.about,
                    e.state_word + (f": {e.note}" if e.note else ""),
                    e.tries,
                )
                for e in rows
            ],
            right=("id", "tries"),
            styles=[STYLES[e.state] for e in rows],
        )
    counts = ", ".join(f"{n:,} {name}" for name, n in page.counts.items())
    out.say(
        f"\n{counts}" if counts else "No events yet. Each connected system tells us of changes by webhook: sitebooks connections"
    )
    out.document({"events": rows, "counts": page.counts, "next": page.after})
    if fail_if_empty and not rows:
        raise typer.Exit(NOTHING_TO_DO)
