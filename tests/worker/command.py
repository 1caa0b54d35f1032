"""Running a command of ours inside the test's process, on the test's database and simulators."""

import json
import os
import sys
from dataclasses import dataclass
from typing import Any

import pytest

from cli.main import main


@dataclass(frozen=True)
class Answered:
    """What a command wrote and how it ended."""

    exit_code: int
    out: str
    err: str

    @property
    def document(self) -> Any:
        """The one document on stdout."""
        return json.loads(self.out)


@pytest.fixture
def worker_in_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """A worker that compares at once, in the test's process: its simulators have no address."""
    import cli.comparing
    from sync import reconcile

    class OneWorker:
        def holding(self, name: str) -> bool:
            return False

    def send(name: str, args: list[Any], queue: str) -> bool:
        assert (name, queue) == ("sitebooks.maintenance.compare", "maintenance")
        reconcile.run(*args)
        return True

    monkeypatch.setattr(cli.comparing, "Workers", OneWorker)
    monkeypatch.setattr(cli.comparing.publish, "send", send)


class Command:
    """`sitebooks(…)` for one company."""

    def __init__(self, company: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
        from workers.app import app

        self.company, self.monkeypatch, self.capsys = company, monkeypatch, capsys
        # an earlier test may have loaded the app before there was a broker
        monkeypatch.setattr(app.conf, "broker_url", os.environ["BROKER_URL"])

    def __call__(self, *arguments: str) -> Answered:
        self.capsys.readouterr()
        self.monkeypatch.setattr(sys, "argv", ["sitebooks", *arguments, "--company", str(self.company)])
        with pytest.raises(SystemExit) as ended:
            main()
        said = self.capsys.readouterr()
        code = ended.value.code
        return Answered(code if isinstance(code, int) else 0, said.out, said.err)

    def json(self, *arguments: str) -> Any:
        """The document of a command that ends well or says that somebody is needed."""
        return self(*arguments, "--json").document
