"""Each line of the Procfile runs as it is written, from the checkout's root."""

import os
import signal
import subprocess
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography.fernet import Fernet

from tests.worker.running import wait_for
from workers.local.places import ROOT, free_port
from workers.local.servers import servers

pytestmark = [
    pytest.mark.worker,
    pytest.mark.skipif(not (ROOT / ".venv").exists(), reason="its lines use the environment that ./sitebooks makes"),
]
LINES = dict(line.split(": ", 1) for line in (ROOT / "Procfile").read_text().splitlines())


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    folder = tmp_path_factory.mktemp("procfile")
    for above in (folder, *folder.parents[:2]):
        above.chmod(0o755)
    with servers(folder / "servers") as running:
        env = os.environ | {
            "DATABASE_URL": running.database_url,
            "BROKER_URL": running.broker_url,
            "SECRET_KEY": Fernet.generate_key().decode(),
            "DATA_DIR": str(folder),
            "FLOWER_BASIC_AUTH": "somebody:something",
            "PORT": str(free_port()),
            "FLOWER_PORT": str(free_port()),
            "CHILDREN": "1",
        }
        run = ["sh", "-c", LINES["release"]]
        subprocess.run(run, cwd=ROOT, env=env, check=True, timeout=60, stdout=subprocess.DEVNULL)
        yield env


def answers(url: str, statuses: tuple[int, ...]) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=2) as answer:
            return answer.status in statuses
    except urllib.error.HTTPError as refused:
        return refused.code in statuses
    except OSError:
        return False


@pytest.mark.parametrize("name", [name for name in LINES if name != "release"])
def test_a_line_runs_as_written_and_ends_on_sigterm(name: str, environment: dict[str, str], tmp_path: Path) -> None:
    said = tmp_path / "said"
    signs = {
        "web": lambda: answers(f"http://127.0.0.1:{environment['PORT']}/readyz", (200,)),
        "flower": lambda: answers(f"http://127.0.0.1:{environment['FLOWER_PORT']}/workers", (401,)),
        # here it publishes, which a signal must not tear
        "beat": lambda: "Sending due task" in said.read_text(),
    }
    process = subprocess.Popen(
        ["sh", "-c", LINES[name]], cwd=ROOT, env=environment, stdout=said.open("w"), stderr=subprocess.STDOUT,
        start_new_session=True,
    )  # fmt: skip

    def ready() -> bool:
        assert process.poll() is None, said.read_text()
        return signs.get(name, lambda: f"{name}@" in said.read_text() and " ready." in said.read_text())()

    try:
        wait_for(ready, 60, f"{name} was not ready")
        process.send_signal(signal.SIGTERM)
        # uvicorn ends by the signal it was asked with, the others with 0
        assert process.wait(30) in (0, -signal.SIGTERM), said.read_text()
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
