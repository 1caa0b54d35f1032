"""What the tests share: one Postgres and one broker a session, a company a test, and the table of requirements covered."""

import os
import shutil
import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from cryptography.fernet import Fernet

if TYPE_CHECKING:
    from workers.local.servers import Servers

#: Seconds, with the ratios of production kept (design section 13).
TIMES = {
    "REQUEST_SECONDS": "4", "SOFT_LIMIT_SECONDS": "20", "HARD_LIMIT_SECONDS": "24", "LEASE_SECONDS": "30",
    "VISIBILITY_SECONDS": "60", "QUARANTINE_SECONDS": "15", "SWEEP_SECONDS": "1", "RERING_SECONDS": "2",
    "RECHECK_SECONDS": "5", "SCAN_SECONDS": "5",
}
for name, seconds in TIMES.items():
    os.environ.setdefault(name, seconds)
os.environ.setdefault("SECRET_KEY", Fernet.generate_key().decode())

pytest_plugins = ["tests.requirements", "tests.faults.matrix"]
OPENED = pytest.StashKey[ExitStack]()
RUNNING = pytest.StashKey["Servers"]()


#: The folders, those with the longest files first: test processes that work side by side then end together.
GROUPS = ("mill", "faults", "worker", "browser", "database", "unit")


def _folder(item: pytest.Item) -> str:
    return Path(item.fspath).relative_to(Path(__file__).parent).parts[0]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The folder a test stands in says what it needs.

    Real processes on a busy machine may miss a deadline, or find a port taken that was free a moment ago: that is tried once
    more, and the summary says so. Where the ledgers are judged, nothing but a missed deadline is.
    """
    items.sort(key=lambda item: GROUPS.index(_folder(item)) if _folder(item) in GROUPS else len(GROUPS))
    for item in items:
        folder = _folder(item)
        if folder in GROUPS:
            item.add_marker(getattr(pytest.mark, folder))
        if folder == "faults" or item.path.name == "test_pipeline.py":
            item.add_marker(pytest.mark.flaky(reruns=1, only_rerun=[r"\(waited \d+ s\)", r"up ended with \d"]))
        elif folder in ("worker", "browser"):
            item.add_marker(pytest.mark.flaky(reruns=1))


def pytest_sessionstart(session: pytest.Session) -> None:
    """Before anything of ours is imported: the Celery app takes the broker's address once, when it is made."""
    from workers.local.servers import servers as start

    if session.config.option.collectonly or getattr(session.config.option, "numprocesses", None):
        return  # with several test processes each starts its own
    folder = Path(tempfile.mkdtemp(prefix="sitebooks-test-", dir="/var/tmp"))
    opened = session.config.stash[OPENED] = ExitStack()
    opened.callback(shutil.rmtree, folder, ignore_errors=True)
    running = session.config.stash[RUNNING] = opened.enter_context(start(folder))
    os.environ["DATABASE_URL"], os.environ["BROKER_URL"] = running.database_url, running.broker_url
    os.environ["DATA_DIR"] = str(folder / "data")  # documents made by one run are not found by the next


def pytest_sessionfinish(session: pytest.Session) -> None:
    if OPENED in session.config.stash:
        session.config.stash[OPENED].close()


@pytest.fixture(scope="session", autouse=True)
def _walkable(tmp_path_factory: pytest.TempPathFactory) -> None:
    """As root, Postgres runs as a user of its own, who must be able to walk down to a test's folder."""
    base = tmp_path_factory.getbasetemp()
    for above in (base, *base.parents):
        if above.name.startswith(("pytest-", "popen-")):
            above.chmod(0o755)


@pytest.fixture(scope="session")
def servers(request: pytest.FixtureRequest) -> "Servers":
    """Postgres and the broker of this run."""
    return request.config.stash[RUNNING]


@pytest.fixture(scope="session")
def database(servers: "Servers") -> str:
    """The migrated database's address, also in DATABASE_URL; its owner is an ordinary role."""
    from models.migrate import upgrade

    upgrade(servers.database_url)
    return servers.database_url


@pytest.fixture
def company(database: str) -> int:
    """A company of its own for each test: row-level security keeps it apart from all others."""
    from sync.connections import new_company

    return new_company("Test company", "4100")


@pytest.fixture
def world(company: int):
    """Both simulators in process, connected to a company; `world.settle()` works until nothing is due."""
    from tests.world import World

    made = World(company)
    yield made
    made.close()
