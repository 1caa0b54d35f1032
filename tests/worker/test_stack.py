"""The local stack as a person runs it: start, ready.json, a worker's death, the supervisor's death, an ordered stop."""

import base64
import os
import signal
import stat
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from celery import Celery

from tests.worker.running import Up, alive, family, up, wait_for
from workers.local.places import ROOT

pytestmark = [
    pytest.mark.worker,
    pytest.mark.skipif(sys.platform != "linux", reason="reads /proc, and the parent-death signal is Linux's"),
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("stack")
    for above in (made, *made.parents[:2]):  # as root, Postgres's own user must be able to walk there
        above.chmod(0o755)
    return made / "data"


@pytest.fixture(scope="module")
def running(folder: Path) -> Iterator[Up]:
    with up(folder, EXTRA_TASKS="tests.worker.slow_tasks") as started:
        yield started


def send_slow(run: Up, marker: Path, seconds: int) -> int:
    """Start the slow task; returns the process id of the pool child that runs it."""
    marker.parent.mkdir(exist_ok=True)
    app = Celery(broker=run.ready["broker_url"], set_as_current=False)
    app.conf.broker_transport_options = {"global_keyprefix": "sitebooks:"}
    app.send_task("tests.slow", args=[seconds, str(marker)], queue="interactive", ignore_result=True)
    app.close()
    text = wait_for(lambda: marker.exists() and marker.read_text(), 20, "no worker took the task")
    return int(text.split()[0])


def status(url: str, authority: str = "") -> int:
    headers = {"Authorization": "Basic " + base64.b64encode(authority.encode()).decode()} if authority else {}
    try:
        with urllib.request.urlopen(urllib.request.Request(url, headers=headers), timeout=10) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as refused:
        return refused.code


def test_ready_json_says_what_scripts_rely_on(running: Up, folder: Path) -> None:
    ready = running.ready
    assert {"web", "flower", "database_url", "broker_url", "api_token", "data_dir", "company_id"} <= set(ready)
    assert set(ready["simulators"]) == {path.parent.name for path in (ROOT / "simulators").glob("*/core.py")}
    for told in ready["simulators"].values():
        assert told["url"].startswith("http://127.0.0.1:") and told["credentials"]
    pids = ready["pids"]
    assert len(pids["worker"]) == 2
    assert alive({*pids["worker"], pids["beat"], pids["web"], pids["postgres"], pids["broker"]}) == {
        *pids["worker"], pids["beat"], pids["web"], pids["postgres"], pids["broker"],
    }  # fmt: skip
    for path in (running.ready_file, folder / "ready.json", folder / "secrets.json"):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_web_and_flower_answer_and_flower_asks_who(running: Up) -> None:
    assert status(running.ready["web"] + "/readyz") == 200
    assert status(running.ready["flower"] + "/workers") == 401
    assert status(running.ready["flower"] + "/workers", running.ready["flower_auth"]) == 200


def test_the_owner_is_an_ordinary_role(running: Up) -> None:
    with psycopg.connect(running.ready["database_url"]) as connection:
        row = connection.execute(
            "SELECT rolsuper, rolbypassrls, rolcreaterole FROM pg_roles WHERE rolname = current_user"
        ).fetchone()
    assert row == (False, False, True)


def test_no_secret_on_a_command_line_or_in_a_log(running: Up, folder: Path) -> None:
    secrets = [word.split('"')[3] for word in (folder / "secrets.json").read_text().splitlines() if '": "' in word]
    assert len(secrets) == 5
    lines = [Path(f"/proc/{pid}/cmdline").read_bytes().decode() for pid in alive(family(running.process.pid))]
    lines += [log.read_text(errors="replace") for log in (folder / "logs").glob("*.log")]
    lines.append(running.said.read_text())
    for secret in secrets:
        assert not [line for line in lines if secret in line]


def test_a_second_up_on_the_same_folder_is_refused(running: Up, folder: Path) -> None:
    command = [sys.executable, "-P", "-m", "cli", "up", "--data-dir", str(folder)]
    second = subprocess.run(
        command, env=os.environ | {"PYTHONPATH": str(ROOT)}, capture_output=True, text=True, timeout=30, check=False
    )
    assert second.returncode == 1
    assert f"already runs on {folder} (process {running.process.pid})" in second.stderr


def test_a_killed_worker_is_started_again(running: Up, folder: Path) -> None:
    before = running.ready["pids"]["worker"]
    child = send_slow(running, folder.parent / "marks" / "killed", 60)
    worker = next(pid for pid in before if child in family(pid))
    os.kill(worker, signal.SIGKILL)
    wait_for(lambda: not alive({worker, child}), 5, "the worker's pool child outlived it")

    def replaced() -> bool:
        now = running.wait_ready(1)["pids"]["worker"]
        return len(now) == 2 and worker not in now

    wait_for(replaced, 20, "no new worker in ready.json")
    assert send_slow(running, folder.parent / "marks" / "after", 0)


def test_a_killed_broker_comes_back_on_its_port_with_what_it_held(running: Up) -> None:
    broker = running.ready["pids"]["broker"]
    os.kill(broker, signal.SIGKILL)
    wait_for(lambda: running.wait_ready(1)["pids"]["broker"] not in (0, broker), 20, "no new broker in ready.json")
    assert send_slow(running, running.folder.parent / "marks" / "broker", 0)


def test_stop_waits_for_the_running_task_and_leaves_nothing(running: Up, folder: Path) -> None:
    marker = folder.parent / "marks" / "stopped"
    send_slow(running, marker, 3)
    members = family(running.process.pid)
    assert running.interrupt() == 0
    assert marker.read_text().endswith("done"), "the task was cut off"
    wait_for(lambda: not alive(members), 5, "processes were left behind")
    assert not running.ready_file.exists()


def test_a_killed_supervisor_leaves_no_process_and_the_next_start_finds_the_data(folder: Path) -> None:
    with up(folder, EXTRA_TASKS="tests.worker.slow_tasks") as first:
        with psycopg.connect(first.ready["database_url"]) as connection:
            connection.execute("CREATE TABLE kept AS SELECT 42 AS answer")
        child = send_slow(first, folder.parent / "marks" / "orphan", 60)
        members = family(first.process.pid)
        assert child in members
        first.process.kill()
        first.process.wait()
        wait_for(lambda: not alive(members), 5, "processes were left behind")
    first.ready_file.unlink()
    with up(folder) as second, psycopg.connect(second.ready["database_url"]) as connection:
        assert connection.execute("SELECT answer FROM kept").fetchone() == (42,)


def test_servers_given_by_address_are_used_and_none_is_started(folder: Path, tmp_path: Path) -> None:
    from workers.local.servers import servers

    with servers(folder.parent / "outside") as outside:
        addresses = {"DATABASE_URL": outside.database_url, "BROKER_URL": outside.broker_url}
        with up(folder.parent / "inside", "--no-simulators", **addresses) as run:
            assert run.ready["database_url"] == outside.database_url
            assert run.ready["pids"]["postgres"] == run.ready["pids"]["broker"] == 0
            assert run.ready["simulators"] == {}


@pytest.mark.skipif(not os.environ.get("RABBITMQ_URL"), reason="RABBITMQ_URL is not set; .ci/run starts one")
def test_rabbitmq_works_as_well(folder: Path) -> None:
    env = {"BROKER_URL": os.environ["RABBITMQ_URL"], "EXTRA_TASKS": "tests.worker.slow_tasks"}
    with up(folder.parent / "rabbit", "--no-simulators", **env) as run:
        marker = folder.parent / "rabbit-mark"
        program = "from workers.app import app; app.send_task('tests.slow', args=[0, {!r}], countdown=2)"
        subprocess.run(
            [sys.executable, "-P", "-c", program.format(str(marker))],
            env=os.environ | env | {"PYTHONPATH": str(ROOT)}, check=True, timeout=30,
        )  # fmt: skip
        wait_for(lambda: marker.exists() and marker.read_text().endswith("done"), 20, "the countdown did not end")
        assert run.ready["pids"]["broker"] == 0
