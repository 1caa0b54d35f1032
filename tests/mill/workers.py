"""Virtual workers: each runs a real task function until a place where the run stops it, kills it or lets others go first."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from celery import Task
from celery.exceptions import Retry
from greenlet import getcurrent, greenlet

from tests.mill.broker import Broker, Message
from tests.mill.clock import Time

#: Inside a transaction: a worker may die there, but nobody else may run, for it would wait for its locks for ever.
INSIDE = ("before_commit", "token_fetched", "sign-in")
#: A request that has not arrived yet arrives at most so much later (the tail that the quarantine outlasts).
LATEST_ARRIVAL = timedelta(minutes=10)


#: The how-manieth place from here (0: none), or the how-manieth of those whose names begin so.
Place = int | tuple[str, int]


class Killed(BaseException):
    """This worker's process is gone; its transaction is rolled back, and it does nothing any more."""


def _nearer(place: Place, at: str) -> tuple[Place, bool]:
    """The place as seen from one further on, and whether this is it."""
    if isinstance(place, int):
        return max(place - 1, 0), place == 1
    name, count = place
    if not at.startswith(name):
        return place, False
    return (0, True) if count <= 1 else ((name, count - 1), False)


@dataclass
class Worker:
    """One task being run. `stop_at`, `die_at`: where from here it is stopped or killed."""

    name: str
    message: Message
    thread: greenlet | None = None
    stop_at: Place = 0
    die_at: Place = 0
    at: str = ""
    since: datetime | None = None
    doomed: bool = False
    failed: BaseException | None = None
    clients: dict[Any, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        return f"{self.name} {self.message} at {self.at}"


class Workers:
    """The pool. Only one runs at a time, and who that is only the run decides."""

    def __init__(self, broker: Broker, time: Time, task: Callable[[str], Task], note: Callable[[str], None]) -> None:
        self.broker, self.time, self.task, self.note = broker, time, task, note
        self.stopped: list[Worker] = []
        self.failures: list[str] = []
        self.kills = 0
        self._count = 0
        self._running: dict[greenlet, Worker] = {}
        #: Clients of processes that have nothing to do: the next message, of whatever company, meets them as they are.
        self._idle: list[dict[Any, Any]] = []

    def current(self) -> Worker | None:
        """The worker in whose task this code runs; None outside of any."""
        return self._running.get(getcurrent())

    def start(self, message: Message, stop_at: Place = 0, die_at: Place = 0) -> str:
        """Hands out a message; gives how far it came."""
        self.broker.take(message)
        self._count += 1
        known = self._idle.pop() if self._idle else {}
        worker = Worker(f"w{self._count}", message, stop_at=stop_at, die_at=die_at, clients=known)
        worker.thread = greenlet(lambda: self._run(worker))
        self._running[worker.thread] = worker
        return self._go(worker)

    def resume(self, worker: Worker, stop_at: Place = 0, die_at: Place = 0) -> str:
        """A stopped one goes on, however much later it is."""
        self.stopped.remove(worker)
        worker.stop_at, worker.die_at = stop_at, die_at
        return self._go(worker)

    def kill(self, worker: Worker) -> None:
        """A stopped one never goes on."""
        self.stopped.remove(worker)
        worker.doomed = True
        self._go(worker)

    def end_late_arrivals(self) -> None:
        """A request that was stopped on its way for longer than any network keeps one is dead with its process."""
        for worker in list(self.stopped):
            if worker.at.startswith("asking") and worker.since is not None and self.time.now() - worker.since > LATEST_ARRIVAL:
                self.note(f"too late: {worker}")
                self.kill(worker)

    def point(self, name: str, about: str = "") -> None:
        """A place in the code of whoever runs: nothing, a stop, or its end."""
        worker = self.current()
        if worker is None:
            return
        worker.at = f"{name} {about}".strip()
        if worker.doomed:
            raise Killed
        worker.die_at, here = _nearer(worker.die_at, worker.at)
        if here:
            raise Killed
        if not name.startswith(INSIDE):
            worker.stop_at, here = _nearer(worker.stop_at, worker.at)
            if here:
                worker.since = self.time.now()
                self.stopped.append(worker)
                assert worker.thread is not None and worker.thread.parent is not None
                worker.thread.parent.switch("stopped")
                if worker.doomed:
                    raise Killed

    def _go(self, worker: Worker) -> str:
        assert worker.thread is not None
        said = str(worker.thread.switch())
        if worker.thread.dead:
            del self._running[worker.thread]
            if not said.startswith("killed"):
                self._idle.append(worker.clients)
        self.note(f"{worker}: {said}" if said == "stopped" else f"{worker.name} {worker.message}: {said}")
        return said

    def _run(self, worker: Worker) -> str:
        message, task = worker.message, self.task(worker.message.name)
        task.push_request(
            id=f"m{message.no}", retries=message.retries, called_directly=False, args=message.args, kwargs={},
            delivery_info={"routing_key": message.queue},
        )  # fmt: skip
        try:
            task.run(*message.args)
        except Killed:
            self._died(worker)
            return f"killed at {worker.at}"
        except Retry:
            return "to be tried again"
        except Exception as error:  # whatever a task lets out is a finding
            self.failures.append(f"task {message} ended with {type(error).__name__}: {error}")
            return f"failed: {type(error).__name__}"
        finally:
            task.pop_request()
        if message.rest:
            (name, args), *rest = message.rest
            self.broker.put(name, args, message.queue, rest=rest)
        return "done"

    def _died(self, worker: Worker) -> None:
        """The message of a lost pool child comes again after its task's delay; that of a lost machine when it becomes
        visible again; and some broker forgets it."""
        self.kills += 1
        fate = self.kills % 3
        if fate and worker.message.retries < 6:
            self.broker.back(worker.message, 10 if fate == 1 else 900)
