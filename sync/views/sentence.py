"""The one sentence of the overview and of `status`, and the one below it: both made from what is the case."""

from collections.abc import Mapping, Sequence
from decimal import Decimal

from models.states import RecordState
from sync import problems
from sync.views.overview import Overview, SystemView
from sync.views.problems import ProblemGroups
from sync.views.stops import stop_words

#: Not counted among what should agree.
NOT_MEANT = (RecordState.ignored, RecordState.unlinked)
MOVING = (RecordState.pending, RecordState.sending)


def sentence(seen: Overview, groups: ProblemGroups) -> str:
    """What a person must know first."""
    meant = seen.records - seen.count(*NOT_MEANT)
    stopped = next((s for s in seen.systems if s.enabled and s.blocked_code), None)
    if not seen.systems:
        return "Nothing is connected yet."
    if stopped:
        return _stopped(stopped, meant - seen.agreed)
    if not seen.records:
        return "Nothing has been read yet. The first look is under way or about to start."
    waiting = [
        part for part in (
            _needs(len(groups.needs_you), "problem needs you", "problems need you"),
            _needs(len(groups.to_mend), "problem is to be mended in your systems", "problems are to be mended in your systems"),
            _needs(seen.count(RecordState.awaiting_approval), "approval is waiting", "approvals are waiting"),
        ) if part
    ]
    agree = f"{seen.agreed:,} of {meant:,} records agree to the cent"
    if waiting:
        return f"{listed(waiting)}; {agree}."
    if seen.agreed == meant:
        return f"All good: {counted(meant, 'record agrees', 'records agree')} to the cent."
    if seen.count(*MOVING) > seen.healing:
        return f"Copying: {agree} so far."
    return f"Nothing needs you; {agree}."


def lead(seen: Overview, groups: ProblemGroups) -> str:
    """The money behind the sentence, and what needs nobody."""
    parts = [f"{system.system_word} is switched off." for system in seen.systems if not system.enabled]
    if groups.needs_you_money:
        many = len(groups.needs_you) > 1
        parts.append(f"The problem{'s affect' if many else ' affects'} {in_words(groups.needs_you_money)}.")
    by_itself = [
        part for part in (
            _needs(seen.healing - groups.to_mend_records, "record is healing by itself", "records are healing by themselves"),
            _needs(seen.count(*MOVING), "waits its turn", "wait their turn"),
        ) if part
    ]
    if by_itself:
        parts.append(f"{' and '.join(by_itself)}; nothing is needed from you for that.")
    if not parts and seen.last_event_at is None and seen.systems:
        parts.append("No system has told us of a change yet.")
    return " ".join(parts)


def counted(number: int, one: str, many: str) -> str:
    """"1 record agrees", "1,204 records agree"."""
    return f"{number:,} {one if number == 1 else many}"


def listed(parts: Sequence[str]) -> str:
    """"one, two and three"."""
    return " and ".join(part for part in (", ".join(parts[:-1]), *parts[-1:]) if part)


def in_words(money: Mapping[str, Decimal]) -> str:
    """"NZD 121,417.60 and AUD 1.00"."""
    return " and ".join(f"{currency} {amount:,.2f}".replace("-", "\N{MINUS SIGN}") for currency, amount in money.items())


def _needs(number: int, one: str, many: str) -> str:
    return counted(number, one, many) if number else ""


def _stopped(system: SystemView, waiting: int) -> str:
    code = system.blocked_code or ""
    if words := stop_words(code, [system.system]):
        return f"{words} Nothing is lost; {counted(waiting, 'record is', 'records are')} waiting."
    cause = problems.text(code, {"system": system.system_word}).title if problems.has(code) else (
        f"{system.system_word} cannot be used"
    )
    return f"Not sending: {cause}. Nothing is lost; {counted(waiting, 'record is', 'records are')} waiting."
