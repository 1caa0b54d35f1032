"""Rings for stored events off the event loop: at most one message per commit, never faster than every 20 ms."""

import threading
import time
from collections import defaultdict
from collections.abc import Callable

import structlog
from kombu.exceptions import OperationalError

PACE_SECONDS = 0.020
RETRY_SECONDS = 5.0
#: Ids in one message, so that no task gets an endless list.
MOST_IN_MESSAGE = 1_000
#: Beyond this the rest is left to the sweep, which finds every event that is still `received`.
MOST_WAITING = 20_000
STOP_SECONDS = 5.0

log = structlog.get_logger(__name__)


def ring_inbox(company_id: int, event_ids: list[int]) -> None:
    """Publish one message. Raises kombu's OperationalError when the broker is away."""
    from tasks import inbox

    inbox.process.apply_async(args=[company_id, event_ids], queue="interactive")


class Publisher:
    """A thread that publishes what was committed. The rows are the memory: losing what waits here costs only time."""

    def __init__(self, publish: Callable[[int, list[int]], None] = ring_inbox) -> None:
        self._publish = publish
        self._waiting: dict[int, list[int]] = defaultdict(list)
        self._changed = threading.Condition()
        self._stopping = False
        self._away = False
        self._thread = threading.Thread(target=self._run, name="publisher", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def add(self, rows: list[tuple[int, int]]) -> None:
        """(company_id, event id) pairs that are committed. Never blocks on the broker."""
        with self._changed:
            for company_id, event_id in rows:
                if len(self._waiting[company_id]) < MOST_WAITING:
                    self._waiting[company_id].append(event_id)
            self._changed.notify()

    def stop(self) -> None:
        """One last try to publish what waits, then the thread ends."""
        with self._changed:
            self._stopping = True
            self._changed.notify()
        self._thread.join(STOP_SECONDS)

    def _run(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._stopping or self._waiting)
                batch, stopping = self._take(), self._stopping
            started = time.monotonic()
            published = self._publish_all(batch)
            pause = PACE_SECONDS - (time.monotonic() - started) if published else RETRY_SECONDS
            with self._changed:
                if stopping and not (published and self._waiting):
                    return
                self._changed.wait_for(lambda: self._stopping, max(pause, 0))

    def _take(self) -> list[tuple[int, list[int]]]:
        waiting, self._waiting = self._waiting, defaultdict(list)
        for company_id, ids in waiting.items():
            if len(ids) > MOST_IN_MESSAGE:
                self._waiting[company_id] = ids[MOST_IN_MESSAGE:]
        return [(company_id, ids[:MOST_IN_MESSAGE]) for company_id, ids in waiting.items()]

    def _publish_all(self, batch: list[tuple[int, list[int]]]) -> bool:
        for place, (company_id, ids) in enumerate(batch):
            try:
                self._publish(company_id, ids)
            except (OperationalError, OSError) as error:
                if not self._away:
                    log.warning("the broker is away; events are stored and rung for later", reason=type(error).__name__)
                self._away = True
                self._put_back(batch[place:])
                return False
        if batch and self._away:
            log.info("the broker is back")
            self._away = False
        return True

    def _put_back(self, batch: list[tuple[int, list[int]]]) -> None:
        with self._changed:
            for company_id, ids in batch:
                self._waiting[company_id] = (ids + self._waiting[company_id])[:MOST_WAITING]
