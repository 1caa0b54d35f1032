"""How something is written outside: an ordered plan of steps, each with a key by which it can be found again.

A plan is a generator: it yields a Step and is sent back what became of it (Done). The engine commits an intent before
each step and its outcome after it; when it resumes, steps already confirmed are fed back without being sent again.
A plan must therefore be a pure function of its arguments.
"""

from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Literal

from connectors.calls import Answer, Request
from connectors.ports import Client
from objects.problem import Problem


@dataclass(frozen=True, slots=True)
class Done:
    """What a step left on the other side. `data` is JSON-ready and is all a later step may use besides the ids."""

    remote_id: str
    remote_number: str | None = None
    version: str | None = None
    warnings: tuple[Problem, ...] = ()
    data: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Seen:
    """A document as it really stands there, read for comparing with what was sent. None: the system does not say."""

    remote_id: str
    amount: Decimal | None = None
    lines: int | None = None
    key: str | None = None


@dataclass(frozen=True, slots=True)
class Stale:
    """What stands there after somebody else changed it since we last wrote.

    `ours`: it is our own write after all. `again`: the same step, for the version that stands there now. `differing`:
    our fields that somebody changed there: name, what we had sent, what stands there, what we want to send.
    """

    again: "Step"
    ours: Done | None = None
    differing: tuple[tuple[str, str, str, str], ...] = ()


class ChangedThere(Exception):
    """The system wrote nothing, since our write stands there already; but it does not stand as we left it.

    Raised by a step's `read`. `left` is the record as it stands, `reason` how it differs, in words.
    """

    def __init__(self, left: Done, reason: str) -> None:
        super().__init__(reason)
        self.left, self.reason = left, reason


@dataclass(frozen=True, slots=True)
class Batch:
    """Steps with an equal `endpoint` may travel in one request of up to `size` rows, with one verdict per row."""

    endpoint: str
    size: int
    merge: Callable[[Sequence["Step"]], Request]
    split: Callable[[Answer, Sequence["Step"]], Sequence[Answer]]


@dataclass(frozen=True, slots=True)
class Step:
    """One intended change.

    `read` turns the answer into Done and raises NotUnderstood when it cannot (the outcome is then uncertain).
    `look` finds what an earlier, uncertain try may have left: Done, or None when it is not there.
    `links`: what `look` finds is whole, so it becomes the link at once, whatever comes of the steps after it.
    `repeatable`: the server itself enforces the key, so sending again cannot double.
    `undoes`: carried out late it would undo what later steps did, so even a repeatable one waits out its doubt.
    `explain` names the problem when the system refuses.
    `awaited`: nobody here sends it; absent, this is the problem, and it is looked for again.
    `verify` reads a document back by its id; it must hold `amount` and `lines`. None: it is not there.
    `on_stale` compares after the answer 412, given what we last sent.
    """

    name: str
    request: Request
    key: str
    read: Callable[[Answer], Done]
    explain: Callable[[Answer], Problem]
    look: Callable[[Client], Done | None] | None = None
    look_first: bool = False
    links: bool = False
    repeatable: bool = False
    undoes: bool = False
    irreversible: bool = False
    awaited: Problem | None = None
    side: Literal["target", "source"] = "target"
    amount: str | None = None
    lines: int | None = None
    verify: Callable[[Client, Done], Seen | None] | None = None
    on_stale: Callable[[Client, Mapping[str, Any] | None], Stale] | None = None
    batch: Batch | None = None

    @property
    def at_once(self) -> bool:
        """Whether it may be sent again without waiting for what an earlier try may still do."""
        return self.repeatable and not self.undoes


#: Yields steps, is sent their Done, returns the Done that stands for the whole (its remote id becomes the link).
Plan = Generator[Step, Done, Done]
