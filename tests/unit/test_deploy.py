"""What deploy/ starts is what the Procfile has, and every queue is served."""

import configparser
import re
from pathlib import Path

import pytest
import yaml

from settings import celery

ROOT = Path(__file__).resolve().parents[2]
PROCESSES = {line.split(": ", 1)[0] for line in (ROOT / "Procfile").read_text().splitlines()}
pytestmark = pytest.mark.unit


def test_every_queue_is_served_by_exactly_one_line() -> None:
    served = [queue for found in re.findall(r"-Q (\S+)", (ROOT / "Procfile").read_text()) for queue in found.split(",")]
    assert sorted(served) == sorted(celery.task_queues)


def test_compose_starts_every_process() -> None:
    services = yaml.safe_load((ROOT / "deploy/compose.yaml").read_text())["services"]
    started = [word for service in services.values() if service.get("image") == "sitebooks" for word in service["command"]]
    assert sorted(started) == sorted(PROCESSES)


def test_kubernetes_starts_every_process() -> None:
    documents = yaml.safe_load_all((ROOT / "deploy/kubernetes.yaml").read_text())
    started = [
        word
        for document in documents
        if document["kind"] in ("Deployment", "Job")
        for container in document["spec"]["template"]["spec"]["containers"]
        for word in container["args"]
    ]
    assert sorted(started) == sorted(PROCESSES)


def test_the_units_start_every_process_and_wait_above_the_hard_limit() -> None:
    target = (ROOT / "deploy/systemd/sitebooks.target").read_text()
    assert set(re.findall(r"sitebooks@(\w+)\.service", target)) == PROCESSES - {"release"}
    unit = configparser.ConfigParser(strict=False, interpolation=None)
    unit.read(ROOT / "deploy/systemd/sitebooks@.service")
    assert unit.getint("Service", "TimeoutStopSec") > celery.task_time_limit


def test_times_protect_each_other() -> None:
    """A countdown is at most 60 s; Redis gives a message out again only when no run of it can be under way."""
    from settings.environment import Environment

    standard = {name: field.default for name, field in Environment.model_fields.items()}
    assert standard["visibility_seconds"] > 2 * (standard["hard_limit_seconds"] + 60)
    assert standard["lease_seconds"] > standard["hard_limit_seconds"] > standard["soft_limit_seconds"]
