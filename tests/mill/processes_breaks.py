"""What is done to the processes and to the outside systems: kills, stops, a broker that forgets, faults; all seeded."""

import os
import signal
import time
from contextlib import suppress
from random import Random
from typing import Any

from tests.mill.processes_stack import Stack
from tests.worker.running import alive, family, wait_for

#: Failpoints at which a process is killed, and the draw of tests.mill.processes_people that leads there.
POINTS = {
    "claimed": "invoice", "before_remote_write": "bill", "after_remote_write": "bill", "before_commit": "invoice",
    "outcome_stored": "invoice", "before_telling": "bill", "before_look": "bill", "before_event_read": "",
    "before_publish": "commitment",
}  # fmt: skip
#: Seconds until a failpoint that nobody reached is taken back.
REACH_SECONDS = 4.0
#: Longer than a lease: whoever was stopped wakes up when somebody else may have its records.
STOPPED_SECONDS = 9.0
#: Each strikes so many requests and is over.
FAULTS: tuple[dict[str, Any], ...] = (
    {"action": "drop_after", "times": 1}, {"action": "drop_before", "times": 1}, {"action": "apply_later", "times": 1},
    {"action": "delay", "seconds": 1.5, "times": 3}, {"action": "status", "status": 503, "times": 2},
    {"action": "status", "status": 429, "headers": {"Retry-After": "1"}, "times": 1}, {"action": "truncate", "times": 1},
    {"action": "status", "status": 500, "times": 2}, {"action": "reset_connection", "times": 1},
)  # fmt: skip
WRITES = {"procore": ("POST", "/requisitions|/direct_costs"), "lentune": ("PUT", "/by-procore/")}


class Breaks:
    """Draws breaks and carries them out. `stopped` is what sleeps now, with the time at which it is woken."""

    def __init__(self, stack: Stack, random: Random) -> None:
        self.stack, self.random = stack, random
        self.stopped: list[tuple[float, list[int]]] = []

    def next_kill(self) -> str:
        """A failpoint's name, or which process."""
        if self.random.random() < 0.5:
            return self.random.choice(list(POINTS))
        return self.random.choices(("child", "worker", "beat", "web"), (75, 9, 6, 10))[0]

    def kill(self, what: str) -> bool:
        """SIGKILL to a running process. False when there is none just now."""
        pids = self.stack.pids()
        if what == "child":
            found = self.stack.children()
            target = self.random.choice(found) if found else 0
        else:
            known = pids[what]
            target = self.random.choice(known) if isinstance(known, list) else known
        if not target or not alive({target}):
            return False
        os.kill(target, signal.SIGKILL)
        wait_for(lambda: not alive({target}), 10, f"process {target} outlived SIGKILL")
        return True

    def arm(self, point: str) -> None:
        self.stack.arm(point, "kill")

    def reached(self, point: str) -> bool:
        """Waits until some process died there; takes the failpoint back when none did in time."""
        end = time.monotonic() + REACH_SECONDS
        while time.monotonic() < end:
            if pid := self.stack.taken(point):
                wait_for(lambda: not alive({pid}), 10, f"process {pid} outlived failpoint {point}")
                return True
            time.sleep(0.02)
        self.stack.disarm()
        return bool(self.stack.taken(point))

    def other(self) -> tuple[str, dict[str, Any]]:
        """A break that kills no process of ours: drawn, not done."""
        draw = self.random.random()
        if draw < 0.55:
            return "fault", self._fault()
        if draw < 0.75:
            return "flush", {}
        if draw < 0.85:
            return "stop", {"worker": self.random.randrange(2)}
        if draw < 0.93:
            return "restart_postgres", {}
        return ("restart_broker", {}) if self.stack.on_valkey else ("flush", {})

    def do(self, name: str, args: dict[str, Any]) -> None:
        match name:
            case "fault":
                spec = {key: value for key, value in args.items() if key != "system"}
                self.stack.sim(args["system"], "faults", spec)
            case "flush":
                self.stack.forget()
            case "stop":
                self._stop(self.stack.pids()["worker"][args["worker"]])
            case "restart_postgres":
                self._restart("postgres", signal.SIGQUIT)  # "immediate": no checkpoint, sessions are cut
            case "restart_broker":
                self._restart("broker", signal.SIGKILL)

    def wake(self, everybody: bool = False) -> None:
        """SIGCONT to whoever has slept long enough."""
        for until, pids in list(self.stopped):
            if everybody or time.monotonic() >= until:
                self.stopped.remove((until, pids))
                for pid in pids:
                    with suppress(ProcessLookupError):
                        os.kill(pid, signal.SIGCONT)

    def _fault(self) -> dict[str, Any]:
        system = self.random.choice(list(WRITES))
        method, path = WRITES[system]
        spec = {"system": system, "on": "request", **self.random.choice(FAULTS)}
        if spec["action"] == "apply_later":
            spec["seconds"] = self.random.choice((1, 4, 7))  # at most the lease and the quarantine together
        anything = spec["action"] in ("status", "delay", "truncate", "reset_connection") and self.random.random() < 0.5
        return spec if anything else {**spec, "match": {"method": method, "path": path}}

    def _stop(self, worker: int) -> None:
        """The whole worker: its parent would end a child that answers nothing, and no zombie were left."""
        pids = sorted(family(worker), reverse=True)
        for pid in pids:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGSTOP)
        self.stopped.append((time.monotonic() + STOPPED_SECONDS, pids))

    def _restart(self, name: str, number: int) -> None:
        before = self.stack.pids()[name]
        os.kill(before, number)
        wait_for(lambda: self.stack.pids()[name] not in (0, before), 40, f"{name} was not started again")
