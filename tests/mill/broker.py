"""The broker of a run: messages in a list, handed out in the order the run chooses, forgotten when it says so."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from tests.mill.clock import Time


@dataclass(frozen=True, slots=True)
class Message:
    """`rest`: the links of a chain that follow when this one has ended well."""

    no: int
    name: str
    args: tuple[Any, ...]
    queue: str
    due: datetime
    retries: int = 0
    rest: tuple[tuple[str, tuple[Any, ...]], ...] = ()

    def __str__(self) -> str:
        return f"{self.name.removeprefix('sitebooks.')}{list(self.args)}"


class Broker:
    """`waiting` in the order of arrival."""

    def __init__(self, time: Time) -> None:
        self.time = time
        self.waiting: list[Message] = []
        self._count = 0

    def put(
        self, name: str, args: Sequence[Any], queue: str | None = None, countdown: float | None = None,
        retries: int = 0, rest: Sequence[tuple[str, tuple[Any, ...]]] = (),
    ) -> None:  # fmt: skip
        """One message, not handed out before `countdown` seconds have passed."""
        self._count += 1
        due = self.time.now() + timedelta(seconds=countdown or 0)
        self.waiting.append(Message(self._count, name, tuple(args), queue or "interactive", due, retries, tuple(rest)))

    def ready(self) -> list[Message]:
        """What may be handed out now."""
        now = self.time.now()
        return [message for message in self.waiting if message.due <= now]

    def take(self, message: Message) -> None:
        """It was handed to a worker."""
        self.waiting.remove(message)

    def back(self, message: Message, seconds: float) -> None:
        """A message whose worker died comes again, later."""
        self.waiting.append(replace(message, due=self.time.now() + timedelta(seconds=seconds), retries=message.retries + 1))

    def double(self, message: Message) -> None:
        """The same message a second time."""
        self._count += 1
        self.waiting.append(replace(message, no=self._count))

    def flush(self) -> int:
        """Forgets everything; gives how much that was."""
        lost, self.waiting = len(self.waiting), []
        return lost

    def lengths(self, _: Any = None) -> dict[str, int]:
        """In place of tasks.queues.lengths."""
        return {queue: sum(1 for m in self.waiting if m.queue == queue) for queue in ("interactive", "bulk", "maintenance")}

    def next_due(self) -> datetime | None:
        """When the first of the late ones may be handed out."""
        now = self.time.now()
        return min((message.due for message in self.waiting if message.due > now), default=None)
