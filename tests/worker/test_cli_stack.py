"""The commands as processes of their own, on a stack that `up` started: found by its data folder, answered by real workers."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.worker.running import Up, up
from workers.local.places import ROOT

pytestmark = [
    pytest.mark.worker,
    pytest.mark.skipif(sys.platform != "linux", reason="the local stack's tests read /proc"),
]

Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Up]:
    made = tmp_path_factory.mktemp("cli")
    for above in (made, *made.parents[:2]):  # as root, Postgres's own user must be able to walk there
        above.chmod(0o755)
    with up(made / "data", "--dataset", "small") as started:
        yield started


@pytest.fixture
def sitebooks(running: Up) -> Run:
    keep = {k: v for k, v in os.environ.items() if k not in ("DATABASE_URL", "BROKER_URL", "SECRET_KEY")}

    def run(*arguments: str, folder: Path = running.folder) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-P", "-m", "cli", *arguments]
        env = keep | {"PYTHONPATH": str(ROOT), "DATA_DIR": str(folder)}
        return subprocess.run(command, env=env, capture_output=True, text=True, timeout=90, check=False)

    return run


@pytest.mark.timeout(240)
def test_sync_waits_until_everything_has_come_to_rest(sitebooks: Run) -> None:
    ran = sitebooks("sync", "--json")
    said = json.loads(ran.stdout)
    assert (ran.returncode, said["at_rest"]) == (0, True), ran.stderr
    assert said["kinds"]["commitment"]["states"] == {"synced": 2}
    again = json.loads(sitebooks("sync", "--json").stdout)
    assert again["written"] == 0


def test_status_and_doctor_are_content(sitebooks: Run) -> None:
    status = sitebooks("status", "--json")
    assert status.returncode == 0 and json.loads(status.stdout)["healthy"] is True, status.stdout + status.stderr
    doctor = sitebooks("doctor", "--json")
    failing = [f for f in json.loads(doctor.stdout)["findings"] if f["mark"] == "fail"]
    assert (doctor.returncode, failing) == (0, [])


def test_one_project_and_one_kind_can_be_synced_alone(sitebooks: Run) -> None:
    ran = sitebooks("sync", "--kind", "commitment", "--project", "1001", "--json")
    assert ran.returncode == 0 and list(json.loads(ran.stdout)["kinds"]) == ["commitment"]
    assert sitebooks("sync", "--project", "9999").returncode == 2


def test_a_worker_compares_both_sides(sitebooks: Run) -> None:
    ran = sitebooks("reconcile", "--json")
    said = json.loads(ran.stdout)
    assert (ran.returncode, said["agrees"]) == (0, True), ran.stderr
    line = next(x for x in said["connections"][0]["lines"] if x["kind"] == "commitment")
    assert (line["here"], line["there"], line["unexplained"]) == ("240000.00", "240000.00", "0.00")


def test_where_nothing_runs_a_command_says_how_to_start_it(sitebooks: Run, tmp_path: Path) -> None:
    ran = sitebooks("status", "--json", folder=tmp_path)
    assert ran.returncode == 7 and json.loads(ran.stdout)["error"]["code"] == "nothing_runs"
    assert "./sitebooks up" in ran.stderr and "Traceback" not in ran.stderr


def test_wrong_options_are_exit_2(sitebooks: Run) -> None:
    assert sitebooks("list", "--nonsense").returncode == 2
    assert sitebooks("reject", "PO-1").returncode == 2
