"""Starts processes together, waits until each is ready, starts again what dies, stops all in order."""

import os
import selectors
import signal
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from workers.local.children import Child, executed_child, forked_child
from workers.local.output import LogFile, matters
from workers.local.server import DidNotStart, Server, tail

T = TypeVar("T")

LONGEST_PAUSE_SECONDS = 30.0
CALM_SECONDS = 60.0  # a process that lived this long starts again without a pause
PROBE_SECONDS = 0.1
SERVER_PAUSE_SECONDS = 2.0  # before a server that did not start is tried again


@dataclass
class Process:
    """One `python -m module arguments`: how it is known to be ready, when and how it is stopped."""

    name: str
    module: str
    arguments: list[str]
    ready: Callable[[], bool]
    stop_stage: int = 0  # stages stop one after another, lowest first
    grace_seconds: float = 10.0
    env: dict[str, str] = field(default_factory=dict)
    on_line: Callable[[str], None] | None = None
    foreign: bool = False  # imports nothing of ours, so it is not forked from a process that has
    child: Child | None = None
    started_at: float = 0.0
    deaths: int = 0
    start_again_at: float | None = None

    @property
    def pid(self) -> int:
        return self.child.pid if self.child else 0

    def alive(self) -> bool:
        return self.child is not None and self.child.alive()

    def ending(self) -> str:
        """How it ended, in words: a signal's name or the exit code."""
        return ending(self.child.code() if self.child else None)


def ending(code: int | None) -> str:
    return signal.Signals(-code).name if code is not None and code < 0 else f"exit code {code}"


class Supervisor:
    """Runs on the main thread: the kernel ends our children when the thread that started them ends."""

    def __init__(self, logs: Path, say: Callable[[str], None]) -> None:
        self.logs, self.say = logs, say
        self.processes: list[Process] = []
        self.servers: list[Server] = []
        self.stopping = False
        self.hurry = False
        self.changed: Callable[[], None] = lambda: None  # called after a process got a new pid
        self._selector = selectors.DefaultSelector()
        self._servers_again_at = 0.0

    def start(self, process: Process) -> None:
        start = executed_child if process.foreign else forked_child
        process.child = start(process.module, process.arguments, process.env)
        process.started_at, process.start_again_at = time.monotonic(), None
        if process not in self.processes:
            self.processes.append(process)
        log = LogFile(self.logs / f"{process.name}.log")
        self._selector.register(process.child.output, selectors.EVENT_READ, (process, process.child, log))

    def wait_ready(self, seconds: float, on_ready: Callable[[Process, float], None]) -> None:
        """Until every started process is ready. Raises DidNotStart when one dies first or the time is over."""
        waiting = [_Probe(process) for process in self.processes]
        end = time.monotonic() + seconds
        try:
            while waiting and not self.stopping:
                self._read(0.05)
                for probe in [p for p in waiting if p.seconds is not None]:
                    on_ready(probe.process, probe.seconds or 0.0)
                    waiting.remove(probe)
                for probe in waiting:
                    if not probe.process.alive():
                        self._read(0.1)
                        raise self._failed(probe.process, f"ended while starting ({probe.process.ending()})")
                    if time.monotonic() > end:
                        raise self._failed(probe.process, f"was not ready within {seconds:.0f} s")
        finally:
            for probe in waiting:
                probe.cancel()

    def _failed(self, process: Process, what: str) -> DidNotStart:
        return DidNotStart(f"{process.name} {what}:\n{tail(self.logs / f'{process.name}.log')}")

    def read_until(self, work: Future[T]) -> T:
        """Wait for work elsewhere without letting anybody's output pile up; returns or raises its result."""
        while not work.done():
            self._read(0.05)
        return work.result()

    def watch(self) -> None:
        """Until asked to stop: read what they print, start again what dies."""
        while not self.stopping:
            self._read(0.2)
            for server in self.servers:
                if not server.alive() and time.monotonic() >= self._servers_again_at:
                    self._server_died(server)
            for process in self.processes:
                if process.start_again_at is None:
                    if not process.alive():
                        self._process_died(process)
                elif time.monotonic() >= process.start_again_at:
                    self.start(process)
                    self.changed()

    def _process_died(self, process: Process) -> None:
        lived = time.monotonic() - process.started_at
        if process.child:
            process.child.kill()  # what it left behind in its session
        process.deaths = 1 if lived > CALM_SECONDS else process.deaths + 1
        pause = 0.0 if process.deaths == 1 else min(2.0 ** (process.deaths - 2), LONGEST_PAUSE_SECONDS)
        process.start_again_at = time.monotonic() + pause
        log = self.logs / f"{process.name}.log"
        self.say(f"{process.name} ended ({process.ending()}) and is started again in {pause:.0f} s; see {log}")

    def _server_died(self, server: Server) -> None:
        code = server.process.returncode if server.process else None
        self.say(f"{server.name} ended ({ending(code)}) and is started again")
        try:
            server.start()
        except DidNotStart as error:  # a full disk, say: what runs without it goes on, and it is tried again
            self.say(str(error))
            self._servers_again_at = time.monotonic() + SERVER_PAUSE_SECONDS
        else:
            self.changed()

    def stop(self) -> None:
        """Stage by stage; those of one stage together. Servers last, in reverse order of their start."""
        self.stopping = True
        for stage in sorted({process.stop_stage for process in self.processes}):
            self._stop_stage([p for p in self.processes if p.stop_stage == stage])
        self._read(0)
        for key in list(self._selector.get_map().values()):
            self._close(key)
        for server in reversed(self.servers):
            server.stop()

    def _stop_stage(self, processes: list[Process]) -> None:
        started, told = time.monotonic(), False
        slow = [p for p in processes if p.child and p.alive()]
        for process in slow:
            process.child.terminate()  # type: ignore[union-attr]
        while slow := [p for p in slow if p.alive()]:
            self._read(0.05)
            waited = time.monotonic() - started
            if waited > 4 and not told:
                told = True
                names = ", ".join(p.name for p in slow)
                self.say(f"Waiting for {names} to finish what is running. Ctrl-C again stops at once.")
            for process in slow:
                if self.hurry or waited > process.grace_seconds:
                    process.child.kill()  # type: ignore[union-attr]
        for process in processes:
            if process.child:
                process.child.kill()

    def _read(self, seconds: float) -> None:
        for key, _ in self._selector.select(seconds):
            process, _, log = key.data
            chunk = os.read(key.fd, 65536)
            if not chunk:
                self._close(key)
                continue
            for line in log.feed(chunk):
                if process.on_line:
                    process.on_line(line)
                if matters(line):
                    self.say(f"{process.name}: {line[:300]}")

    def _close(self, key: selectors.SelectorKey) -> None:
        _, child, log = key.data
        self._selector.unregister(key.fileobj)
        log.close()
        child.close()


class _Probe:
    """Asks one process whether it is ready, on a thread of its own, for a question may take a second."""

    def __init__(self, process: Process) -> None:
        self.process, self.cancelled = process, threading.Event()
        self.seconds: float | None = None
        self._thread = threading.Thread(target=self._ask, daemon=True, name=f"probe {process.name}")
        self._thread.start()

    def cancel(self) -> None:
        """And wait for the question that is under way."""
        self.cancelled.set()
        self._thread.join(3)

    def _ask(self) -> None:
        while not self.cancelled.is_set():
            if self.process.ready():
                self.seconds = time.monotonic() - self.process.started_at
                return
            self.cancelled.wait(PROBE_SECONDS)
