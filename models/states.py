"""The states of records, events and writes, and which moves between record states are legal."""

from enum import StrEnum


class RecordState(StrEnum):
    """The sync status of one object in one flow. The words people read stand in `WORDS`."""

    pending = "pending"
    held = "held"
    awaiting_approval = "awaiting_approval"
    sending = "sending"
    synced = "synced"
    checking = "checking"
    needs_attention = "needs_attention"
    rejected = "rejected"
    conflict = "conflict"
    ignored = "ignored"
    unlinked = "unlinked"
    source_deleted = "source_deleted"


WORDS: dict[RecordState, str] = {
    RecordState.pending: "Waiting its turn",
    RecordState.held: "Held: waiting for {waits_for}",
    RecordState.awaiting_approval: "Waiting for approval",
    RecordState.sending: "Sending",
    RecordState.synced: "In both systems",
    RecordState.checking: "Being checked",
    RecordState.needs_attention: "Needs attention",
    RecordState.rejected: "Rejected",
    RecordState.conflict: "Conflict",
    RecordState.ignored: "Not part of this sync",
    RecordState.unlinked: "Unlinked",
    RecordState.source_deleted: "Deleted at the source",
}

_JUDGED = frozenset(
    {
        RecordState.held,
        RecordState.awaiting_approval,
        RecordState.sending,
        RecordState.synced,
        RecordState.needs_attention,
        RecordState.ignored,
        RecordState.source_deleted,
        RecordState.conflict,
    }
)

#: From each state, the states it may move to. Looking again at a record never takes it out of `sending` or `checking`
#: without an outcome, and only a person takes it out of `rejected` (or a new version at the source).
MOVES: dict[RecordState, frozenset[RecordState]] = {
    RecordState.pending: _JUDGED | {RecordState.pending, RecordState.rejected},
    RecordState.held: _JUDGED | {RecordState.pending, RecordState.rejected},
    RecordState.awaiting_approval: _JUDGED | {RecordState.pending, RecordState.rejected},
    RecordState.sending: frozenset(
        {
            RecordState.synced,
            RecordState.checking,
            RecordState.needs_attention,
            RecordState.held,
            RecordState.pending,
            RecordState.conflict,
            RecordState.sending,
        }
    ),
    RecordState.synced: _JUDGED | {RecordState.pending, RecordState.unlinked},
    RecordState.checking: frozenset(
        {
            RecordState.synced,
            RecordState.pending,
            RecordState.needs_attention,
            RecordState.checking,
            RecordState.sending,
            RecordState.held,
            RecordState.conflict,  # what had arrived after all was changed there before anybody looked
        }
    ),
    RecordState.needs_attention: _JUDGED | {RecordState.pending, RecordState.rejected, RecordState.unlinked},
    RecordState.rejected: _JUDGED | {RecordState.pending},
    RecordState.conflict: _JUDGED | {RecordState.pending, RecordState.unlinked},
    RecordState.ignored: _JUDGED | {RecordState.pending},
    RecordState.unlinked: frozenset({RecordState.pending, RecordState.synced}),
    RecordState.source_deleted: _JUDGED | {RecordState.pending, RecordState.unlinked},
}


class IllegalMove(RuntimeError):
    """A record was about to change its state in a way that has no story."""


def allowed(before: RecordState, after: RecordState) -> None:
    """Raises IllegalMove unless the move has a story."""
    if after != before and after not in MOVES[before]:
        raise IllegalMove(f"{before} to {after}")


class EventState(StrEnum):
    """One webhook delivery."""

    received = "received"
    done = "done"
    ignored = "ignored"
    parked = "parked"


class WriteState(StrEnum):
    """One intended change of an outside system."""

    planned = "planned"
    sending = "sending"
    confirmed = "confirmed"
    rejected = "rejected"
    uncertain = "uncertain"
    abandoned = "abandoned"
