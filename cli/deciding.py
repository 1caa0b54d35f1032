"""Approving and rejecting: bound to the version and the amount that were shown."""

from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any

import typer

from cli.exits import REFUSED, Failure, wrong_usage
from cli.output import Output
from cli.rows import called, direction, money

if TYPE_CHECKING:
    from cli.place import Place
    from sync.views import RecordRow


def waiting_record(
    place: "Place", number: str, kind: str | None, system: str, seen: tuple[int | None, str | None]
) -> "RecordRow":
    """The record that waits under this number, of the version and amount that were seen, if they were named. Raises Failure."""
    from cli.matching import one

    row = one(place, number, kind, system, wanted=lambda row: row.state == "awaiting_approval")
    version, amount = seen
    if (version is not None and version != row.version) or (amount is not None and _amount(amount) != row.here):
        now = f"it is version {row.version} now" + (f", {money(row.currency, row.here)}" if row.here is not None else "")
        raise Failure(
            "changed_after_you_looked",
            f"{called(row)} changed after you looked: {now}.",
            "Look again with sitebooks why, then decide on what is there now.",
            REFUSED,
        )
    return row


def show_decision(out: Output, row: "RecordRow", parent: str, verb: str) -> None:
    """What is about to be decided, before anything is."""
    what = f"{called(row, parent)}, version {row.version}" + (
        f", {money(row.currency, row.here)}" if row.here is not None else ""
    )
    out.say(f"{verb} {what}: {row.name}  ({direction(row)}{', ' + row.project if row.project else ''})")


def confirmed(out: Output, yes: bool) -> None:
    """Asks where somebody can answer; a script has decided already. Raises typer.Abort."""
    if not yes and not out.as_json and out.live:
        typer.confirm("Go on?", abort=True)


def decided(company_id: int, record_id: int) -> dict[str, Any]:
    """The approval row just written."""
    from sqlalchemy import text

    from models import session

    with session(company_id) as db:
        row = db.execute(text("SELECT * FROM approval WHERE record_id = :r ORDER BY id DESC LIMIT 1"), {"r": record_id}).one()
        return {
            name: row._mapping[name]
            for name in ("id", "record_id", "version", "amount", "currency", "decision", "actor", "reason", "at")
        }


def _amount(text: str) -> Decimal:
    try:
        return Decimal(text.replace(",", ""))
    except InvalidOperation:
        raise wrong_usage(f"{text} is no amount.", "Write it like 8750.00.") from None
