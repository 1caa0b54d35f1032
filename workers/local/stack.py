"""The whole product on this machine: servers, migrations, processes, simulators; until it is told to stop."""

import fcntl
import json
import os
import signal
import time
from collections.abc import Callable
from concurrent.futures.process import BrokenProcessPool
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from workers.local import forked, processes
from workers.local.places import Secrets, Unusable, free_port, prepare, write_private
from workers.local.postgres import Postgres
from workers.local.server import DidNotStart
from workers.local.supervisor import Process, Supervisor
from workers.local.valkey import Valkey

WEB_PORT, FLOWER_PORT, POSTGRES_PORT, VALKEY_PORT = 8700, 5555, 8710, 8711
SIMULATOR_PORTS = {"procore": 8701, "lentune": 8702, "acumatica": 8703, "sage_paperless": 8704}
READY_SECONDS = 90.0
FLOWER_USER = "sitebooks"

Ready = dict[str, Any]


@dataclass(frozen=True)
class Options:
    """What `up` was asked for. Ports that are taken, or all with `free_ports`, give way to free ones."""

    data_dir: Path
    ready_file: Path | None = None
    simulators: bool = True
    dataset: str = "demo"
    seed: int = 1
    free_ports: bool = False


@dataclass
class Stack:
    """One run. `seed` is called once everything answers; what it returns is added to ready.json."""

    options: Options
    say: Callable[[str], None]
    seed: Callable[[Ready], Ready]
    found: dict[str, Any] = field(default_factory=dict)  # simulators: url and credentials, as they told

    def run(self) -> None:
        """Start, tell, watch, stop. Raises Unusable, DidNotStart."""
        folder = prepare(self.options.data_dir.resolve())
        with Alone(folder):
            self.folder, self.secrets = folder, Secrets.of(folder)
            self.supervisor = Supervisor(folder / "logs", self.say)
            self.calls = forked.pool()
            self._listen_to_signals()
            self.started = time.monotonic()
            try:
                self._start()
                self._tell()
                self.supervisor.watch()
            except (EOFError, BrokenProcessPool) as error:  # the process that the others are forked from is gone
                raise DidNotStart("The product could not be imported; the reason stands above.") from error
            finally:
                self._stop()

    def _listen_to_signals(self) -> None:
        """The first signal stops in order, the second at once."""

        def stop(*_: object) -> None:
            self.supervisor.hurry = self.supervisor.stopping
            self.supervisor.stopping = True

        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, stop)

    def _port(self, usual: int) -> int:
        return free_port(0 if self.options.free_ports else usual)

    def _start(self) -> None:
        self._remove_ready()
        self.say(f"Sitebooks is starting; its data is in {self.folder}")
        self._choose_servers()
        self._set_environment()
        forked.begin()
        if self.options.simulators:
            for system in processes.simulated_systems():
                port = self._port(SIMULATOR_PORTS.get(system, 0))
                made = processes.simulator(system, port, self.options.dataset, self.options.seed, self.folder, self.found)
                self.supervisor.start(made)
        for server in self.supervisor.servers:
            began = time.monotonic()
            server.start()
            self._line(server.name, time.monotonic() - began)
        authority = f"{FLOWER_USER}:{self.secrets.flower}"
        self.supervisor.start(processes.flower(self.flower_port, self.folder, authority))
        self._migrate()
        for name in processes.WORKERS:
            self.supervisor.start(processes.worker(name, self._ping))
        self.supervisor.start(processes.web(self.web_port))
        self.supervisor.start(processes.beat(self.folder, self._ping))
        self.supervisor.wait_ready(READY_SECONDS, self._one_ready)

    def _choose_servers(self) -> None:
        """Ours only where no address is given. Addresses are settled before anything starts."""
        logs = self.folder / "logs"
        self.database_url, self.broker_url = os.environ.get("DATABASE_URL", ""), os.environ.get("BROKER_URL", "")
        if not self.broker_url:
            port = self._port(VALKEY_PORT)
            valkey = Valkey(self.folder / "valkey", self.secrets.broker, logs / "valkey.log", port=port)
            self.supervisor.servers.append(valkey)
            self.broker_url = valkey.url
        if not self.database_url:
            port = self._port(POSTGRES_PORT)
            passwords = self.secrets.superuser, self.secrets.owner
            postgres = Postgres(self.folder / "postgres", *passwords, logs / "postgres.log", port=port)
            self.supervisor.servers.append(postgres)
            self.database_url = postgres.url

    def _set_environment(self) -> None:
        """For this process and all its children; from here on settings may be read."""
        self.web_port, self.flower_port = self._port(WEB_PORT), self._port(FLOWER_PORT)
        os.environ.update(
            DATABASE_URL=self.database_url,
            BROKER_URL=self.broker_url,
            DATA_DIR=str(self.folder),
            SECRET_KEY=os.environ.get("SECRET_KEY") or self.secrets.secret_key,
            PUBLIC_URL=os.environ.get("PUBLIC_URL") or self.web_url,
            FLOWER_URL=os.environ.get("FLOWER_URL") or self.flower_url,
            DIE_WITH_PARENT="1",
        )

    @property
    def web_url(self) -> str:
        return f"http://127.0.0.1:{self.web_port}"

    @property
    def flower_url(self) -> str:
        return f"http://127.0.0.1:{self.flower_port}"

    def _migrate(self) -> None:
        began = time.monotonic()
        self.supervisor.read_until(self.calls.submit(processes.migrate, self.database_url))
        self._line("migrations", time.monotonic() - began)

    def _ping(self, node: str) -> bool:
        return self.calls.submit(processes.ping, node).result()

    def _one_ready(self, process: Process, seconds: float) -> None:
        self._line(process.name, seconds)

    def _line(self, name: str, seconds: float) -> None:
        self.say(f"  {name:<20} {seconds:5.1f} s")

    def _tell(self) -> None:
        """Seed, write ready.json, and say where things are."""
        if self.supervisor.stopping:
            return
        self.seeded = self.supervisor.read_until(self.calls.submit(self.seed, self._ready({})))
        self.calls.shutdown()
        self.supervisor.changed = self._write_ready_again
        self._write_ready()
        write_private(self.folder / "flower-password", self.secrets.flower + "\n")
        self.say("")
        self.say(f"Console    {self.seeded.get('sign_in') or self.web_url}")
        if self.seeded.get("sign_in"):
            self.say("           (signs you in once; ./sitebooks up prints a new link at each start)")
        self.say(f"Flower     {self.flower_url}  (user {FLOWER_USER}, password in {self.folder / 'flower-password'})")
        for system, told in self.found.items():
            self.say(f"Simulator  {told['url']}  {system}")
        self.say(f"Logs       {self.folder / 'logs'}")
        self.say(f"\nReady after {time.monotonic() - self.started:.1f} s. Ctrl-C stops everything.")

    def _ready(self, seeded: Ready) -> Ready:
        """What scripts rely on; names are never changed."""
        pids = {process.name: process.pid for process in self.supervisor.processes}
        servers = {server.name: server.pid for server in self.supervisor.servers}
        return {
            "web": self.web_url,
            "flower": self.flower_url,
            "flower_auth": f"{FLOWER_USER}:{self.secrets.flower}",
            "database_url": self.database_url,
            "broker_url": self.broker_url,
            "api_token": seeded.get("api_token", ""),
            "data_dir": str(self.folder),
            "company_id": seeded.get("company_id"),
            "simulators": self.found,
            "pids": {
                "supervisor": os.getpid(),
                "worker": [pid for name, pid in pids.items() if name.startswith("worker-")],
                "beat": pids["beat"],
                "web": pids["web"],
                "flower": pids["flower"],
                "postgres": servers.get("Postgres", 0),
                "broker": servers.get("Valkey", 0),
                "simulators": {s: pids[f"simulator-{s}"] for s in self.found},
            },
        }

    def _write_ready(self) -> None:
        text = json.dumps(self._ready(self.seeded), indent=1)
        for path in self._ready_files():
            write_private(path, text)

    def _write_ready_again(self) -> None:
        """After a process was started again. On a full disk what runs goes on, with the file as it was."""
        try:
            self._write_ready()
        except OSError as error:
            self.say(f"ready.json cannot be written: {error.strerror}")

    def _ready_files(self) -> list[Path]:
        return [path for path in (self.folder / "ready.json", self.options.ready_file) if path]

    def _remove_ready(self) -> None:
        for path in self._ready_files():
            path.unlink(missing_ok=True)

    def _stop(self) -> None:
        began = time.monotonic()
        self._remove_ready()
        self.say("\nStopping ...")
        self.calls.shutdown(cancel_futures=True)
        self.supervisor.stop()
        self.say(f"Everything has stopped ({time.monotonic() - began:.1f} s); the data is kept in {self.folder}")


class Alone:
    """Holds the data folder: two runs on one folder would share one database. Raises Unusable."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "up.lock"

    def __enter__(self) -> None:
        self.file = self.path.open("a+")
        try:
            fcntl.flock(self.file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            self.file.seek(0)
            pid = self.file.read().strip() or "unknown"
            self.file.close()
            raise Unusable(
                f"Sitebooks already runs on {self.path.parent} (process {pid}). "
                "Stop it with Ctrl-C in its terminal, or choose another folder with --data-dir."
            ) from None
        self.file.truncate(0)
        self.file.write(str(os.getpid()))
        self.file.flush()

    def __exit__(self, *_: object) -> None:
        with suppress(OSError):
            self.file.truncate(0)
        self.file.close()
