"""One record in one run of the engine: what was claimed, what is known of it by now, and what came of it."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from connectors.flow import Flow
from connectors.flow import Verdict as Told
from connectors.plan import Done, Plan, Seen, Stale, Step
from models.states import RecordState
from objects.problem import Problem
from sync.company import Connected

#: A defect, of ours or of an answer, met with data nobody foresaw: the record is set aside or doubted, the others go on.
UNFORESEEN = (ArithmeticError, AttributeError, LookupError, TypeError, ValueError, RuntimeError)


@dataclass(frozen=True, slots=True)
class Verdict:
    """How a record leaves a run: its state, when it is looked at again, and why."""

    state: RecordState
    problems: tuple[Problem, ...] = ()
    due_at: datetime | None = None
    reason: str = ""
    done: Done | None = None
    soon: bool = False  # a passing trouble: the task tries again by its own retry policy


@dataclass(slots=True)
class Work:
    """`row` is the record as it was claimed; `row.attempt` is the fence, `row.due_at` the due time the claim set."""

    row: Any
    connected: Connected
    flow: Flow
    obj: Any = None
    fresh: Any = None  # what was read in this run and is not stored yet
    gone: bool = False
    held: dict[str, Any] | None = None
    held_hash: bytes | None = None
    version: int = 0
    state: RecordState = RecordState.pending
    warnings: list[Problem] = field(default_factory=list)
    plan: Plan | None = None
    step: Step | None = None
    write_id: int = 0
    action: Literal["send", "look", "verify", "compare", ""] = ""
    found: Done | None = None
    done: Done | None = None  # what a step left, before it was read back
    seen: Seen | None = None  # and as it was read back
    stale: Stale | None = None  # what stands there after somebody else changed it
    compared: int = 0
    died: bool = False  # all this run did was to find that the one before it had ended in the middle of a step
    landed: bool = False  # nothing that was sent for an earlier version is still on its way
    doubtful: bool = False  # the step in hand may have been carried out already
    by_sight: bool = False  # the step in hand has no look of its own: what stands under the record's key is looked for
    stop: Problem | None = None  # why it is no part of this sync any more: what was in doubt is looked for, and not sent
    telling: Told | None = None  # what its source is owed
    due_after: datetime | None = None  # when it is looked at again once the source was told
    told: bytes | None = None
    unread: list[tuple[str, str, str, str]] = field(default_factory=list)
    changed: bool = False  # a plan that was begun before goes on, and something else would be sent by now
    joined: bool = False  # a project that is in the sync from now on
    verdict: Verdict | None = None
    released: dict[str, list[int]] = field(default_factory=dict)

    def __str__(self) -> str:
        number = (self.obj.number if self.obj is not None else "") or self.row.number or self.row.source_id
        return f"{self.row.kind} {number} {self.step.name if self.step is not None else ''}"

    @property
    def id(self) -> int:
        """The record's id."""
        return int(self.row.id)

    def resuming(self) -> bool:
        """A plan was begun and has not ended: it goes on from where it stopped, with what was held then."""
        return self.row.state in (RecordState.sending, RecordState.checking)
