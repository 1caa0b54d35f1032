"""A newer build of the product beside the running one: a copy of the checkout with changed messages, and its worker."""

import os
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.faults.stand import Stand
from tests.worker.running import wait_for
from workers.local.places import ROOT, Secrets

PACKAGES = ("objects", "settings", "models", "connectors", "sync", "tasks", "workers")
#: File, what stands there, what the newer build has in its place.
NEWER = (
    ("tasks/commitment.py", "record_ids: list[int])", 'record_ids: list[int], hint: str = "")'),
    ("tasks/project.py", 'policy("project",', 'policy("project", name="sitebooks.project.sync_next",'),
    (
        "tasks/publish.py",
        'if not send(f"sitebooks.{kind}.sync", [company_id, list(record_ids[start : start + MOST_IDS])], queue):',
        """if not send(
            f"sitebooks.{kind}.sync" + ("_next" if kind == "project" else ""),
            [company_id, list(record_ids[start : start + MOST_IDS])] + (["a hint"] if kind == "commitment" else []),
            queue,
        ):""",
    ),
)


def newer(folder: Path) -> Path:
    """A copy in which commitments are rung with one argument more, and projects by a task of another name."""
    for package in PACKAGES:
        shutil.copytree(ROOT / package, folder / package, ignore=shutil.ignore_patterns("__pycache__"))
    for file, here, there in NEWER:
        text = (folder / file).read_text()
        assert text.count(here) == 1, f"{file} does not say {here}"
        (folder / file).write_text(text.replace(here, there))
    return folder


@contextmanager
def process(site: Stand, build: Path, said: Path, *arguments: str) -> Iterator[subprocess.Popen[bytes]]:
    """`python -m workers.start ...` of this build on the stand's servers; what it prints goes to the file `said`."""
    ready, secrets = site.ready, Secrets.of(site.run.folder)
    ours = {
        "PYTHONPATH": str(build), "DATABASE_URL": site.database_url, "BROKER_URL": ready["broker_url"], "PUBLIC_URL": site.web,
        "SECRET_KEY": secrets.secret_key, "DATA_DIR": str(site.run.folder), "FAILPOINTS": "", "DIE_WITH_PARENT": "1",
        "SITEBOOKS_ROLE": said.stem,
    }  # fmt: skip
    env = {**os.environ, **site.run.env, **ours}
    command = [sys.executable, "-P", "-m", "workers.start", *arguments]
    with said.open("wb") as log:
        running = subprocess.Popen(command, cwd=build, env=env, stdout=log, stderr=log, start_new_session=True)
        try:
            yield running
        finally:
            running.send_signal(signal.SIGTERM)
            try:
                running.wait(20)
            finally:
                running.kill()


@contextmanager
def worker(site: Stand, build: Path, name: str) -> Iterator[subprocess.Popen[bytes]]:
    """A worker of this build on all queues, once it takes messages."""
    node = f"{name}@{socket.gethostname()}"
    queues = ["-Q", "interactive,bulk,maintenance", "-c", "2", "--without-gossip", "--without-mingle"]
    said = build / f"{name}.log"
    with process(site, build, said, "worker", "-n", node, *queues) as running:
        wait_for(lambda: f"{node} ready" in said.read_text(), 40, f"{name} is not ready")
        yield running
