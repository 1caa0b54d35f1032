"""Starts processes together, waits until each is ready, starts again what dies, stops all in order."""

import os
import selectors
import signal
import subprocess
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from workers.local.output import LogFile, matters
from workers.local.server import DidNotStart, Server, launched, tail

T = TypeVar("T")

LONGEST_PAUSE_SECONDS = 30.0
CALM_SECONDS = 60.0  # a process that lived this long starts again without a pause
PROBE_SECONDS = 0.1


@dataclass
class Process:
    """One process: how it is started, how it is known to be ready, when and how it is stopped."""

    name: str
    command: list[str]
    ready: Callable[[], bool]
    stop_stage: int = 0  # stages stop one after another, lowest first
    grace_seconds: float = 10.0
    env: dict[str, str] = field(default_factory=dict)
    on_line: Callable[[str], None] | None = None
    running: subprocess.Popen[bytes] | None = None
    started_at: float = 0.0
    deaths: int = 0
    start_again_at: float | None = None

    @property
    def pid(self) -> int:
        return self.running.pid if self.running else 0

    def alive(self) -> bool:
        return self.running is not None and self.running.poll() is None


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

    def start(self, process: Process) -> None:
        """Spawn it in its own session, so that Ctrl-C at the terminal reaches only us."""
        process.running = subprocess.Popen(
            launched(signal.SIGKILL, process.command),
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            start_new_session=True, env={**os.environ, "PYTHONUNBUFFERED": "1", **process.env},
        )  # fmt: skip
        process.started_at, process.start_again_at = time.monotonic(), None
        if process not in self.processes:
            self.processes.append(process)
        pipe = process.running.stdout
        assert pipe is not None
        os.set_blocking(pipe.fileno(), False)
        self._selector.register(pipe, selectors.EVENT_READ, (process, LogFile(self.logs / f"{process.name}.log")))

    def wait_ready(self, seconds: float, on_ready: Callable[[Process, float], None]) -> None:
        """Until every started process is ready. Raises DidNotStart when one dies first or the time is over."""
        waiting = {process.name: _Probe(process) for process in self.processes}
        end = time.monotonic() + seconds
        try:
            while waiting and not self.stopping:
                self._read(0.05)
                for name, probe in list(waiting.items()):
                    if probe.seconds is not None:
                        on_ready(probe.process, probe.seconds)
                        del waiting[name]
                    elif not probe.process.alive() or time.monotonic() > end:
                        raise DidNotStart(self._why(probe.process))
        finally:
            for probe in waiting.values():
                probe.cancelled.set()

    def watch(self) -> None:
        """Until asked to stop: read what they print, start again what dies."""
        while not self.stopping:
            self._read(0.2)
            for server in self.servers:
                if not server.alive():
                    self._server_died(server)
            for process in self.processes:
                if process.start_again_at is not None:
                    if time.monotonic() >= process.start_again_at:
                        self.start(process)
                        self.changed()
                elif not process.alive():
                    self._process_died(process)

    def read_until(self, work: Future[T]) -> T:
        """Wait for work on another thread without letting anybody's output pile up; returns or raises its result."""
        while not work.done():
            self._read(0.05)
        return work.result()

    def stop(self) -> None:
        """Stage by stage; those of one stage together. Servers last, in reverse order of their start."""
        self.stopping = True
        for stage in sorted({process.stop_stage for process in self.processes}):
            self._stop_stage([p for p in self.processes if p.stop_stage == stage and p.alive()])
        self._read(0)
        for key in list(self._selector.get_map().values()):
            self._close(key)
        for server in reversed(self.servers):
            server.stop()

    def _stop_stage(self, processes: list[Process]) -> None:
        started = time.monotonic()
        told = False
        for process in processes:
            process.running.terminate()  # type: ignore[union-attr]
        while any(p.alive() for p in processes):
            self._read(0.05)
            waited = time.monotonic() - started
            slow = [p for p in processes if p.alive()]
            if slow and waited > 3 and not told:
                told = True
                names = ", ".join(p.name for p in slow)
                self.say(f"Waiting for {names} to finish what is running. Ctrl-C again stops at once.")
            for process in slow:
                if self.hurry or waited > process.grace_seconds:
                    self._kill(process)
        for process in processes:
            self._kill(process)  # what it left behind in its session

    @staticmethod
    def _kill(process: Process) -> None:
        try:
            os.killpg(process.pid, signal.SIGKILL)
        except ProcessLookupError:
            return

    def _process_died(self, process: Process) -> None:
        lived = time.monotonic() - process.started_at
        self._kill(process)  # pool children of a worker that was killed
        process.deaths = 1 if lived > CALM_SECONDS else process.deaths + 1
        pause = 0.0 if process.deaths == 1 else min(2.0 ** (process.deaths - 2), LONGEST_PAUSE_SECONDS)
        process.start_again_at = time.monotonic() + pause
        code = process.running.returncode if process.running else None
        self.say(f"{process.name} ended ({_ending(code)}) and is started again in {pause:.0f} s: {process.name}.log")

    def _server_died(self, server: Server) -> None:
        code = server.process.returncode if server.process else None
        self.say(f"{server.name} ended ({_ending(code)}) and is started again")
        server.start()
        self.changed()

    def _why(self, process: Process) -> str:
        if process.alive():
            head = f"{process.name} was not ready in time"
        else:
            code = process.running.returncode if process.running else None
            head = f"{process.name} ended while starting ({_ending(code)})"
        return f"{head}:\n{tail(self.logs / f'{process.name}.log')}"

    def _read(self, seconds: float) -> None:
        for key, _ in self._selector.select(seconds):
            process, log = key.data
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
        self._selector.unregister(key.fileobj)
        key.data[1].close()
        key.fileobj.close()  # type: ignore[union-attr]


def _ending(code: int | None) -> str:
    """How a process ended, in words: a signal's name or the exit code."""
    if code is not None and code < 0:
        return signal.Signals(-code).name
    return f"exit code {code}"


class _Probe:
    """Asks one process whether it is ready, on a thread of its own, for a question may take a second."""

    def __init__(self, process: Process) -> None:
        self.process, self.cancelled = process, threading.Event()
        self.seconds: float | None = None
        threading.Thread(target=self._ask, daemon=True, name=f"probe {process.name}").start()

    def _ask(self) -> None:
        while not self.cancelled.is_set():
            if self.process.ready():
                self.seconds = time.monotonic() - self.process.started_at
                return
            self.cancelled.wait(PROBE_SECONDS)
