"""Where a run takes hold of the product: its clock, its broker, its network, its failpoints. Installed once a process."""

import logging
import secrets
import sys
from collections.abc import Callable, Iterator, MutableMapping
from datetime import datetime
from random import Random
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tests.mill.run import Run

#: The run that is going on.
now_running: "Run | None" = None
#: What the product says in its log, as the name of a path that was reached by it (I13).
SAID = {
    "a later attempt has it": "a zombie's result was not stored",
    "its source was not told": "the source could not be told at once",
    "is left to the next scan": "an object could not be read when it was waited for",
    "stopped: ": "a scan was stopped by its source",
    "set aside": "a record was set aside",
    "the next pass of": "a pass could not be begun",
    "are still as they were": "settings could not be read",
}


def running() -> "Run":
    """Raises AssertionError outside of a run."""
    assert now_running is not None
    return now_running


class OwnClients(MutableMapping[Any, Any]):
    """In place of sync.clients._clients: every virtual worker has clients of its own, as every process has."""

    def __init__(self) -> None:
        self._mine: dict[Any, Any] = {}

    def _here(self) -> dict[Any, Any]:
        worker = now_running.workers.current() if now_running is not None else None
        return self._mine if worker is None else worker.clients

    def forget(self) -> None:
        self._mine.clear()

    def __getitem__(self, key: Any) -> Any:
        return self._here()[key]

    def __setitem__(self, key: Any, value: Any) -> None:
        self._here()[key] = value

    def __delitem__(self, key: Any) -> None:
        del self._here()[key]

    def __iter__(self) -> Iterator[Any]:
        return iter(self._here())

    def __len__(self) -> int:
        return len(self._here())


class Listener(logging.Handler):
    """Counts what the product says; nothing is printed."""

    def emit(self, record: logging.LogRecord) -> None:
        if now_running is None:
            return
        said = record.getMessage()
        for part, path in SAID.items():
            if part in said:
                now_running.paths[path] += 1
        if record.exc_info:
            now_running.note(f"log: {said}: {record.exc_info[1]!r}")


def install() -> Any:
    """Takes hold; gives the Celery app. Everything of the product is imported here, after the place was opened."""
    from settings import failpoints
    from sync import clients, clock, engine, scan
    from tasks import maintenance, publish
    from tasks import scan as scan_tasks
    from tests.mill import share
    from workers.app import app

    app.loader.import_default_modules()
    clock.source = _now
    failpoints.handler = _reached
    lately = SimpleNamespace(monotonic=_monotonic)
    engine.time = scan.time = lately  # type: ignore[assignment]
    clients._clients = OwnClients()  # type: ignore[assignment]
    publish.send = _send
    scan_tasks.chain = _Chain  # type: ignore[assignment,misc]
    maintenance.lengths = _lengths
    share.install(running)
    for name, task in app.tasks.items():
        if name.startswith("sitebooks."):
            task.retry = _retry_of(task)
    logging.getLogger().handlers = [Listener()]
    logging.getLogger("sitebooks").setLevel(logging.INFO)
    logging.getLogger("httpx").setLevel(logging.WARNING)
    return app


def _now() -> datetime:
    return running().time.now()


def _lengths(_: Any) -> dict[str, int]:
    return running().broker.lengths()


def _monotonic() -> float:
    return running().time.monotonic()


def _reached(name: str, about: str) -> None:
    running().reached(name, about)


def seed_secrets(seed: int) -> None:
    """Salts and addresses come from the seed too: the same run is the same to the last byte."""
    random = Random(seed)
    secrets.token_bytes = lambda n=32: random.randbytes(n)
    secrets.token_hex = lambda n=32: random.randbytes(n).hex()
    secrets.token_urlsafe = lambda n=32: random.randbytes(n).hex()


def _send(name: str, args: Any, queue: str | None = None, countdown: float | None = None, **_: Any) -> bool:
    from settings.failpoints import reach

    reach("before_publish", name)
    running().broker.put(name, list(args), queue, countdown)
    return True


class _Chain:
    """In place of celery.chain: the next link is put when the one before has ended well."""

    def __init__(self, *links: Any) -> None:
        self.links = [(link.task, tuple(link.args)) for link in links]

    def apply_async(self, **_: Any) -> None:
        (name, args), *rest = self.links
        running().broker.put(name, args, "bulk", rest=rest)


def _retry_of(task: Any) -> Callable[..., Any]:
    from celery.exceptions import MaxRetriesExceededError, Retry

    def retry(
        args: Any = None, kwargs: Any = None, exc: Exception | None = None, countdown: float | None = None,
        max_retries: int | None = None, **_: Any,
    ) -> Any:  # fmt: skip
        request, most = task.request, task.max_retries if max_retries is None else max_retries
        if most is not None and request.retries >= most:
            raise exc or MaxRetriesExceededError(f"{task.name} was tried {request.retries} times")
        delay = task.default_retry_delay if countdown is None else countdown
        given = request.args if args is None else args
        worker = running().workers.current()
        rest = worker.message.rest if worker else ()  # a task tried again keeps its chain
        running().broker.put(task.name, given, request.delivery_info["routing_key"], delay, request.retries + 1, rest)
        raise Retry("to be tried again", exc)

    return retry


if "sync.clients" in sys.modules and "tests.conftest" in sys.modules:
    raise ImportError("the mill takes hold of the whole product: start it as a process of its own (sitebooks mill run)")
