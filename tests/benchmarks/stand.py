"""What a benchmark stands on: durable servers, the product's own processes, simulators, and their processor time."""

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cryptography.fernet import Fernet

from settings.environment import environment
from workers.local.places import ROOT, free_port
from workers.local.server import launched
from workers.local.servers import Servers, servers

TICK_SECONDS = 1 / os.sysconf("SC_CLK_TCK")
READY_SECONDS = 60.0


@dataclass
class Stand:
    """Postgres (fsync and synchronous_commit on) and Valkey, migrated, with an empty database; both are ours alone."""

    folder: Path
    servers: Servers
    children: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def start(self, module: str, *arguments: str, env: dict[str, str] | None = None) -> subprocess.Popen[bytes]:
        """`python -m module arguments` as a process of its own; its output goes to a log file in `folder`."""
        command = launched(signal.SIGTERM, [sys.executable, "-P", "-m", module, *arguments])  # ends with us, however we end
        log = self.folder / f"{module}-{len(self.children)}.log"
        environment = os.environ | {"PYTHONPATH": str(ROOT)} | (env or {})
        with log.open("wb") as out:
            child = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=out, stderr=out, start_new_session=True)
        self.children.append(child)
        return child

    def web(self) -> tuple[subprocess.Popen[bytes], str]:
        """The web process as the Procfile starts it, answering."""
        port = free_port()
        url = f"http://127.0.0.1:{port}"
        os.environ["PUBLIC_URL"] = url  # where simulators deliver
        environment.cache_clear()
        child = self.start("uvicorn", "web.app:app", "--host", "127.0.0.1", "--port", str(port), "--no-access-log")
        wait(lambda: _answers(f"{url}/readyz"), READY_SECONDS, "the web process did not get ready")
        return child, url

    def worker(self, queues: str, children: int = 1, extra_tasks: str = "") -> subprocess.Popen[bytes]:
        """A worker as the Procfile starts it, answering pings."""
        from workers.app import app

        node = f"bench{len(self.children)}@localhost"
        options = ["-n", node, "-Q", queues, "-c", str(children), "--without-gossip", "--without-mingle"]
        child = self.start("workers.start", "worker", *options, env={"EXTRA_TASKS": extra_tasks})
        wait(lambda: app.control.ping(destination=[node], timeout=0.5), READY_SECONDS, "the worker did not get ready")
        return child

    def simulator(self, system: str, *options: str, objects: int) -> "Simulated":
        """A simulator as a process of its own, with the data set `large` and no limits."""
        arguments = [system, "--dataset", "large", "--objects", str(objects)]
        for option in options:
            arguments += ["--option", option]
        child = self.start("simulators", *arguments)
        log = self.folder / f"simulators-{len(self.children) - 1}.log"
        wait(lambda: b"\n" in log.read_bytes(), READY_SECONDS, f"the simulator {system} did not get ready")
        told = json.loads(log.read_bytes().splitlines()[0])
        return Simulated(system, told["url"], told["credentials"], child)

    def stop(self, child: subprocess.Popen[bytes]) -> None:
        """Orderly, then at once."""
        if child.poll() is None:
            child.send_signal(signal.SIGTERM)
            try:
                child.wait(15)
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait()


@dataclass(frozen=True)
class Simulated:
    """A running simulator."""

    system: str
    url: str
    credentials: dict[str, Any]
    process: subprocess.Popen[bytes]

    def control(self, method: str, name: str, body: Any = None) -> Any:
        """One call of its control surface, /_sim/NAME."""
        data = None if body is None else json.dumps(body).encode()
        headers = {"Content-Type": "application/json"}
        request = urllib.request.Request(f"{self.url}/_sim/{name}", data, headers, method=method)
        with urllib.request.urlopen(request, timeout=60) as answer:
            return json.loads(answer.read() or b"null")

    def counts(self) -> dict[str, int]:
        """Requests so far, by method and path template."""
        found: dict[str, int] = self.control("GET", "requests/count")
        return found


@contextmanager
def stand() -> Iterator[Stand]:
    """Everything fresh in a folder of its own; at the end all of it is stopped and removed."""
    from models import dispose
    from models.migrate import upgrade

    folder = Path(tempfile.mkdtemp(prefix="sitebooks-bench-", dir="/var/tmp"))
    kept = {name: os.environ.get(name) for name in ("DATABASE_URL", "BROKER_URL", "SECRET_KEY", "PUBLIC_URL")}
    with ExitStack() as stack:
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        stack.callback(_restore, kept)
        running = stack.enter_context(servers(folder, durable=True))
        os.environ.update(
            DATABASE_URL=running.database_url, BROKER_URL=running.broker_url, SECRET_KEY=Fernet.generate_key().decode(),
            LOG_LEVEL=os.environ.get("LOG_LEVEL", "WARNING"),
        )
        environment.cache_clear()
        upgrade(running.database_url)
        made = Stand(folder, running)
        stack.callback(dispose)
        stack.callback(lambda: [made.stop(child) for child in reversed(made.children)])
        yield made


def _restore(kept: dict[str, str | None]) -> None:
    for name, value in kept.items():
        os.environ.pop(name, None)
        if value is not None:
            os.environ[name] = value


def wait(what: Callable[[], Any], seconds: float, why: str) -> Any:
    """The first true answer. Raises TimeoutError with `why`."""
    end = time.monotonic() + seconds
    while not (answer := what()):
        if time.monotonic() > end:
            raise TimeoutError(f"{why} (waited {seconds:.0f} s)")
        time.sleep(0.02)
    return answer


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=2) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


def cpu_seconds(pid: int) -> float:
    """Processor time of this process and all below it so far, children that have ended and were waited for included."""
    parents: dict[int, int] = {}
    spent: dict[int, float] = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rsplit(")", 1)[1].split()
        except (FileNotFoundError, ProcessLookupError):
            continue
        number = int(stat.parent.name)
        parents[number] = int(fields[1])
        spent[number] = sum(map(int, fields[11:15])) * TICK_SECONDS
    found = {pid}
    while more := {child for child, parent in parents.items() if parent in found and child not in found}:
        found |= more
    return sum(spent.get(number, 0.0) for number in found)


def peak_megabytes(pid: int) -> float:
    """The most resident memory this process ever had."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) / 1024
    return 0.0


def shown(result: dict[str, Any]) -> None:
    """The result as one JSON document, as `sitebooks bench NAME` prints it."""
    print(json.dumps(result, indent=1))
