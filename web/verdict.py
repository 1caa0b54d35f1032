"""The sentence on top of a record: its state, the money, then what that means."""

from dataclasses import dataclass

from markupsafe import Markup

from models.states import RecordState
from sync import views
from sync.names import system_word
from web.html import money


@dataclass(frozen=True, slots=True)
class Verdict:
    """`bold` names the state, `rest` says where the money is, `second` what that means."""

    bold: str
    rest: str | Markup = ""
    second: str = ""


def verdict(record: views.Record) -> Verdict:
    """In the words of the states table."""
    row = record.row
    target, source = system_word(row.target), system_word(row.source)
    first = row.problems[0] if row.problems else None
    there = _there(record, target)
    match RecordState(row.state):
        case RecordState.synced:
            bold = "In both systems, equal to the cent." if row.here is not None else "In both systems."
            return Verdict(bold, f"{target} has version {row.version}.")
        case RecordState.awaiting_approval:
            amount = Markup(", {}").format(money(row.here, row.currency)) if row.here is not None else ""
            return Verdict(
                Markup("Waiting for approval of version {}{}.").format(row.version, amount),
                there or "Nothing has been sent.",
            )
        case RecordState.held:
            bold = f"Held: waiting for {row.waits}." if row.waits else f"Held: {first.title}." if first else "Held."
            return Verdict(
                bold, first.cause if first else there,
                "Nothing is lost and nothing will be sent twice. It goes on by itself when that arrives.",
            )
        case RecordState.needs_attention | RecordState.conflict:
            title = first.title if first else row.state_word
            return Verdict(f"{row.state_word}: {title}.", first.cause if first else "", there)
        case RecordState.checking:
            return Verdict(
                "Being checked.", first.cause if first else f"We do not know whether {target} took it.",
                f"We look in {target} before anything is sent again.",
            )
        case RecordState.ignored:
            return Verdict("Not part of this sync.", f"{first.title}." if first else f"It stays in {source}.")
        case RecordState.rejected:
            said = record.approvals[-1] if record.approvals else None
            why = f"“{said['reason']}”" if said and said["reason"] else ""
            return Verdict(f"Rejected: version {row.version}.", why, f"A new version in {source} comes back for approval.")
        case RecordState.source_deleted:
            return Verdict(f"Deleted in {source}.", there, "Nothing is deleted on the other side by us.")
        case RecordState.unlinked:
            return Verdict("Unlinked.", f"{source} and {target} are no longer compared.")
        case RecordState.sending:
            return Verdict("Sending.", f"Version {row.version} is on its way to {target}.")
        case RecordState.pending:
            return Verdict("Waiting its turn.", there or f"Nothing of it is in {target} yet.")


def _there(record: views.Record, target: str) -> str:
    """What the other side has in the meantime."""
    row = record.row
    if row.remote_id is None:
        return ""
    return f"{target} has it as last confirmed" + (f", {row.currency} {row.there:,.2f}." if row.there is not None else ".")
