"""sitebooks replay: events are received again; a doorbell may be rung any number of times."""

from datetime import datetime
from typing import Annotated

import typer

from cli.exits import NOTHING_TO_DO, wrong_usage
from cli.options import AsJson, CompanyRef, DryRun, FailIfEmpty, System
from cli.output import Output

#: Events in one message.
MOST_IDS = 200


def register(app: typer.Typer) -> None:
    app.command("replay")(replay)


def replay(
    event: Annotated[str | None, typer.Argument(metavar="EVENT", help="An event's id, ours or the sender's.")] = None,
    since: Annotated[str | None, typer.Option(metavar="T", help="All since then: 2h, 30m, 2026-11-22T10:00.")] = None,
    dry_run: DryRun = False,
    fail_if_empty: FailIfEmpty = False,
    as_json: AsJson = False,
    company: CompanyRef = None,
    connection: System = None,
) -> None:
    """Read again what these events were about. Safe: what has not changed since is not written again."""
    from cli.place import enter, publish_from_here
    from cli.times import typed

    if (event is None) == (since is None):
        raise wrong_usage("Replay needs one event, or --since.", "sitebooks replay 4711, or: sitebooks replay --since 2h")
    place, out = enter(company), Output(as_json)
    try:
        moment = typed(since, place.zone) if since else None
    except ValueError:
        raise wrong_usage(f"{since} is no time.", "Write it like 2h, 30m, 2026-11-22 or 2026-11-22T10:00.") from None
    ids = _wanted(place.company_id, event, moment, place.system(connection))
    if event is not None and not ids:
        raise wrong_usage(f"There is no event {event}.", "See those that arrived: sitebooks events", "not_found")
    if not dry_run and ids:
        from sync import inbox
        from tasks import publish

        publish_from_here()
        ids = inbox.replay(place.company_id, ids)
        for start in range(0, len(ids), MOST_IDS):
            publish.send("sitebooks.inbox.process", [place.company_id, ids[start : start + MOST_IDS]], "interactive")
    would = "would be" if dry_run else "is" if len(ids) == 1 else "are"
    out.say(f"{len(ids)} event{'s' if len(ids) != 1 else ''} {would} read again." if ids else "No event arrived since then.")
    out.document({"events": ids, "dry_run": dry_run})
    if fail_if_empty and not ids:
        raise typer.Exit(NOTHING_TO_DO)


def _wanted(company_id: int, event: str | None, since: datetime | None, system: str) -> list[int]:
    from sqlalchemy import text

    from models import session

    with session(company_id) as db:
        return list(
            db.scalars(
                text("""
            SELECT id FROM event WHERE (:system = '' OR system = :system)
                AND (CAST(:since AS timestamptz) IS NULL OR received_at >= :since)
                AND (CAST(:ref AS text) IS NULL OR CAST(id AS text) = :ref OR event_id = :ref) ORDER BY id
        """),
                {"system": system, "since": since, "ref": event},
            )
        )
