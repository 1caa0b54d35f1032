"""The connector in docs/add-a-system.md is run as it stands there."""

import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

import connectors
import settings
from connectors import registry
from connectors.flow import Connector
from connectors.plan import Done
from objects import Project
from tests.documents import DOCS
from tests.fakes import MemoryBudget, MemoryStore

HEAD = re.compile(r"^## (\S+/ledgerly\S*)$", re.M)
FENCED = re.compile(r"^```\w+\n(.*?)^```$", re.M | re.S)


def files_of(page: str) -> dict[str, str]:
    """File name -> the fenced text under its heading."""
    parts = HEAD.split(page)
    return {name: FENCED.findall(text)[0] for name, text in zip(parts[1::2], parts[2::2], strict=True)}


@pytest.fixture
def example(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Connector]:
    """The folder written out and found by the registry, as any other."""
    files = files_of((DOCS / "add-a-system.md").read_text())
    assert len(files) == 7
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    (tmp_path / "connectors/ledgerly/__init__.py").write_text("")
    monkeypatch.setattr(connectors, "__path__", [*connectors.__path__, str(tmp_path / "connectors")])
    monkeypatch.setattr(settings, "__path__", [*settings.__path__, str(tmp_path / "settings")])
    registry.all_connectors.cache_clear()
    yield registry.connector("ledgerly")
    registry.all_connectors.cache_clear()
    for name in [name for name in sys.modules if name.split(".")[-1] == "ledgerly" or ".ledgerly." in name]:
        del sys.modules[name]
    for package in (connectors, settings):
        package.__dict__.pop("ledgerly", None)


def answer(request: httpx.Request) -> httpx.Response:
    jobs = [{"id": 7, "code": "1001", "title": "Harbour View"}]
    match request.method, request.url.path:
        case "POST", "/oauth/token":
            return httpx.Response(200, json={"access_token": "t", "expires_in": 3600})
        case "GET", "/jobs":
            return httpx.Response(200, json=jobs)
        case "GET", "/jobs/7":
            return httpx.Response(200, json=jobs[0])
        case "PUT", "/jobs/by-key/KEY":
            return httpx.Response(200, json={"id": 7})
    return httpx.Response(404, json={"message": "not here"})


def client_of(example: Connector) -> Any:
    values = example.settings.model_validate({"base_url": "https://ledgerly.example"})
    secrets = {"client_id": "a", "client_secret": "b"}
    return example.connect(values, MemoryStore(secrets), MemoryBudget(), company="4100", transport=httpx.MockTransport(answer))


def test_it_reads(example: Connector) -> None:
    reader, client = example.readers["project"], client_of(example)
    assert [o.number for page in reader.pages(client, None, None) for o in page.objects] == ["1001"]
    assert reader.one(client, "7", "7") == Project("7", "1001", "Harbour View")
    assert reader.one(client, "8", "8") is None


def test_it_writes(example: Connector) -> None:
    flow, known = example.flows[0], None
    held = flow.hold(Project("9", "1001", "Harbour View"), known, "KEY")  # type: ignore[arg-type]
    plan = example.plans[held["as"]](held, None, "KEY")
    step = next(plan)
    done = step.read(client_of(example).send(step.request))
    with pytest.raises(StopIteration) as end:
        plan.send(done)
    assert end.value.value == Done("7", "1001")


def test_its_check_has_a_text(example: Connector) -> None:
    problem = example.flows[0].checks[0].run(Project("9", "12345678901", "Long"), None)  # type: ignore[arg-type]
    texts = yaml.safe_load((Path(sys.modules["connectors.ledgerly.flows"].__file__ or "").parent / "problems.yaml").read_text())
    assert problem is not None and problem.code in texts
