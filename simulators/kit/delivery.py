"""Outgoing webhooks: ordered queues, one delivery in flight per queue, due by the simulator's clock."""

from collections import deque
from dataclasses import dataclass
from datetime import datetime


@dataclass(slots=True)
class Delivery:
    """One webhook on its way; `subject` is its event name, for faults and pages."""

    id: str
    url: str
    headers: dict[str, str]
    body: bytes
    attempt: int = 0
    queue: str = ""
    company: str = ""
    subject: str = ""
    first_failed_at: datetime | None = None
    # What an injected fault did to it.
    copy: bool = False
    answer_lost: bool = False
    held_back: bool = False


class Outbox:
    """A queue per destination: its head is sent, and the rest waits until the head is done."""

    def __init__(self) -> None:
        self.queues: dict[str, deque[Delivery]] = {}
        self.paused_until: dict[str, datetime] = {}
        self.in_flight: set[str] = set()

    def put(self, delivery: Delivery) -> None:
        self.queues.setdefault(delivery.queue, deque()).append(delivery)

    def take(self, now: datetime) -> list[Delivery]:
        """The due head of every idle queue; each stays in flight until settled."""
        due = []
        for name, waiting in self.queues.items():
            if not waiting or name in self.in_flight or self.paused_until.get(name, now) > now:
                continue
            self.in_flight.add(name)
            waiting[0].attempt += 1
            due.append(waiting[0])
        return due

    def done(self, delivery: Delivery) -> None:
        """Delivered, or given up: the next one of the queue may go."""
        waiting = self.queues.get(delivery.queue)
        if waiting and waiting[0].id == delivery.id:
            waiting.popleft()
        self.paused_until.pop(delivery.queue, None)
        self._settle(delivery.queue)

    def again(self, delivery: Delivery, at: datetime) -> None:
        """The queue pauses and the same delivery is sent again at `at`."""
        self.paused_until[delivery.queue] = at
        self.in_flight.discard(delivery.queue)

    def flush(self, queue: str) -> list[Delivery]:
        """Empties a queue; answers what was thrown away."""
        thrown = list(self.queues.pop(queue, ()))
        self.paused_until.pop(queue, None)
        self.in_flight.discard(queue)
        return thrown

    def behind_next(self, delivery: Delivery) -> bool:
        """Puts the head behind the one that follows it; False if none follows."""
        waiting = self.queues.get(delivery.queue)
        if waiting is None or len(waiting) < 2:
            return False
        waiting[0], waiting[1] = waiting[1], waiting[0]
        self.in_flight.discard(delivery.queue)
        return True

    def waiting(self) -> int:
        """How many deliveries are not settled."""
        return sum(len(queue) for queue in self.queues.values())

    def _settle(self, queue: str) -> None:
        self.in_flight.discard(queue)
        if not self.queues.get(queue):
            self.queues.pop(queue, None)
