"""Where the local stack keeps its data, which ports it takes, and its own secrets."""

import hashlib
import json
import os
import secrets
import socket
import stat
from dataclasses import asdict, dataclass
from pathlib import Path

from cryptography.fernet import Fernet

ROOT = Path(__file__).resolve().parents[2]
IS_ROOT = os.geteuid() == 0
RUN_AS = "nobody"  # Postgres refuses root; any account with a name will do, and none is created


class Unusable(RuntimeError):
    """The data folder cannot be used; the message says why and what to do."""


def data_folder() -> Path:
    """DATA_DIR, else .data in the checkout; for root a folder that Postgres's own user can reach."""
    if named := os.environ.get("DATA_DIR"):
        return Path(named).resolve()
    if not (ROOT / "pyproject.toml").exists():  # installed, not a checkout
        home = Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local/share")
        folder = home / "sitebooks"
    else:
        folder = ROOT / ".data"
    if IS_ROOT and not open_to_all(folder.parent):
        mark = hashlib.sha256(str(ROOT).encode()).hexdigest()[:8]
        folder = Path("/var/tmp") / f"sitebooks-{mark}"
    return folder


def open_to_all(folder: Path) -> bool:
    """Whether any user may walk to this folder; what does not exist yet will be made by us."""
    return all(p.stat().st_mode & stat.S_IXOTH for p in [folder, *folder.parents] if p.exists())


def prepare(folder: Path) -> Path:
    """Make the data folder. Raises Unusable."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "logs").mkdir(mode=0o700, exist_ok=True)
    except OSError as error:
        why = f"The data folder {folder} cannot be made: {error.strerror}."
        raise Unusable(f"{why} Choose another with --data-dir.") from None
    if not os.access(folder, os.W_OK | os.X_OK):
        raise Unusable(f"The data folder {folder} is not writable. Choose another with --data-dir.")
    if IS_ROOT:
        folder.chmod(0o711)
        if not open_to_all(folder):
            raise Unusable(
                f"The data folder {folder} lies where only root may go, and Postgres does not run as root. "
                "Choose another with --data-dir, for example below /var/tmp."
            )
    else:
        folder.chmod(0o700)
    return folder


def free_port(preferred: int = 0) -> int:
    """The preferred port of the loopback interface if nobody has it, else a free one."""
    for port in (preferred, 0):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return int(probe.getsockname()[1])
    raise Unusable("This machine has no free port on 127.0.0.1.")


def write_private(path: Path, text: str) -> None:
    """Replace a file in one step, readable by its owner only from its first byte on."""
    part = path.with_name(f".{path.name}.{os.getpid()}")
    with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        file.write(text)
    part.replace(path)


@dataclass(frozen=True)
class Secrets:
    """Made once per data folder; they never leave it but through the environment of our own processes."""

    superuser: str  # Postgres's own administrator: used to make the owner role, never handed to a process of ours
    owner: str
    broker: str
    flower: str
    secret_key: str

    @classmethod
    def of(cls, folder: Path) -> "Secrets":
        path = folder / "secrets.json"
        if path.exists():
            return cls(**json.loads(path.read_text()))
        fresh = [secrets.token_urlsafe(18) for _ in range(4)]
        made = cls(*fresh, secret_key=Fernet.generate_key().decode())
        write_private(path, json.dumps(asdict(made), indent=1))
        return made
