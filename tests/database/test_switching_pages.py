"""Switching a connection off and on, in the console, by the API and from the command line."""

from collections.abc import Iterator
from typing import Any

import pytest
import typer
from sqlalchemy import text

from cli import connecting
from cli.commands import connections as command
from cli.exits import Failure
from cli.kicking import start_scans
from cli.place import enter
from models import session
from sync import clients
from sync.clients import SwitchedOff
from sync.connections import new_company
from sync.switching import switch
from tasks import publish
from tasks import scan as passes
from tests.database.test_console_pages import text_of
from tests.database.web_clients import post, script, visitor
from tests.world import World

PATHS = ("/", "/systems", "/problems")


@pytest.fixture(scope="module")
def demo(database: str) -> Iterator[World]:
    world = World(new_company("Rata Build Ltd", "4100"), "small")
    world.sync()
    yield world
    world.close()


@pytest.fixture
def rung(demo: World, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Any]]:
    """What is published; at the end both are on again."""
    clients.close_all()
    clients.transports.update(demo.transports)
    sent: list[Any] = []
    monkeypatch.setattr(publish, "send", lambda name, args, *_, **__: bool(sent.append((name, list(args)))) or True)
    monkeypatch.setattr(passes, "start", lambda company, system, **_: sent.append(("scan", system)))
    yield sent
    for system in ("procore", "lentune"):
        switch(demo.company, system, True, "test")


def enabled(demo: World) -> dict[str, bool]:
    with session(demo.company) as db:
        return {row.system: row.enabled for row in db.execute(text("SELECT system, enabled FROM connection"))}


def test_an_admin_switches_it_off_with_a_reason_and_on(demo: World, rung: list[Any]) -> None:
    admin = visitor(demo.company, "admin")
    seen = admin.get("/systems/lentune").text
    assert 'action="/systems/lentune/off"' in seen
    assert 'action="/systems/lentune/on"' not in seen
    assert "Everything of this company stops" in admin.get("/systems/procore").text
    assert post(admin, "/systems/lentune/off", reason=" ").status_code == 400
    assert enabled(demo) == {"procore": True, "lentune": True}
    answer = post(admin, "/systems/lentune/off", reason="The database is doubtful")
    assert answer.headers["location"] == "/systems/lentune?said=off"
    assert enabled(demo) == {"procore": True, "lentune": False}
    assert rung == []
    for path in PATHS:
        shown = text_of(admin.get(path).text)
        assert "Lentune is switched off: nothing is sent there or read from there." in shown, path
        assert "By the admin: The database is doubtful." in shown, path
    assert "Switched off" in text_of(admin.get("/systems").text)
    seen = admin.get("/systems/lentune").text
    assert 'action="/systems/lentune/on"' in seen
    assert 'action="/systems/lentune/off"' not in seen
    assert "Go on writing" not in seen
    assert post(admin, "/systems/lentune/on").headers["location"] == "/systems/lentune?said=on"
    assert enabled(demo) == {"procore": True, "lentune": True}
    assert rung == [("sitebooks.inbox.process", [demo.company, []]), ("scan", "lentune")]
    assert "is switched off" not in admin.get("/").text


def test_procore_off_is_everything_and_on_reads_all_that_are_on(demo: World, rung: list[Any]) -> None:
    admin = visitor(demo.company, "admin")
    post(admin, "/systems/procore/off", reason="stop")
    assert "nothing is sent anywhere or read from anywhere" in text_of(admin.get("/").text)
    assert admin.get("/systems/lentune").status_code == 200
    api = script(demo.company, "approve")
    assert api.post("/scans", json={}).json() == {"systems": []}
    assert api.post("/reconcile").json() == {"systems": []}
    assert rung == []
    post(admin, "/systems/procore/on")
    assert [what for what in rung if what[0] == "scan"] == [("scan", "procore"), ("scan", "lentune")]


@pytest.mark.parametrize("path", ["/systems/lentune/off", "/systems/lentune/on"])
def test_nobody_but_an_admin(demo: World, rung: list[Any], path: str) -> None:
    approver = visitor(demo.company, "approver")
    assert path not in approver.get("/systems/lentune").text
    assert post(approver, path, reason="x").status_code == 403
    api = script(demo.company, "read", "approve")
    assert api.post(path.replace("/systems", "/connections"), json={"reason": "x"}).status_code == 403
    assert enabled(demo)["lentune"]


def test_by_the_api(demo: World, rung: list[Any]) -> None:
    api = script(demo.company, "read", "admin")
    assert api.post("/connections/lentune/off", json={}).status_code == 422
    assert api.post("/connections/lentune/off", json={"reason": "stop"}).json()["enabled"] is False
    assert api.get("/status").json()["systems"][1]["state"] == "off"
    refused = api.put("/connections/lentune/settings", json={"rounding_tolerance": "0.02"})
    assert (refused.status_code, refused.json()["code"]) == (409, "switched_off")
    assert api.post("/connections/lentune/on").json()["enabled"] is True
    assert ("scan", "lentune") in rung
    for word in ("off", "on"):
        assert api.post(f"/connections/acumatica/{word}", json={"reason": "x"}).status_code == 404


def test_from_the_command_line(demo: World, rung: list[Any], capsys: pytest.CaptureFixture[str]) -> None:
    ours = str(demo.company)
    with pytest.raises(Failure, match="needs a reason"):
        command.off("lentune", "", company=ours)
    command.off("lentune", "stop", company=ours)
    assert "Lentune is switched off" in capsys.readouterr().out
    assert not enabled(demo)["lentune"]
    with pytest.raises(typer.Exit) as ended:
        command.test(company=ours, connection="lentune")
    assert ended.value.exit_code == 6
    assert "The connection with Lentune is switched off" in capsys.readouterr().out
    with pytest.raises(SwitchedOff):
        start_scans(enter(ours), ["lentune"], None, None)
    assert rung == []
    start_scans(enter(ours), ["procore", "lentune"], None, None)
    assert rung == [("scan", "procore")]
    command.on("lentune", company=ours)
    assert enabled(demo)["lentune"]
    with pytest.raises(Failure, match="no connection acumatica"):
        command.off("acumatica", "stop", company=ours)


def test_new_credentials_are_kept_and_switch_nothing_on(demo: World, rung: list[Any]) -> None:
    switch(demo.company, "lentune", False, "Ada", "stop")
    values = connecting.stored(demo.company, "lentune", "NZD")
    given = {name: str(value) for name, value in demo.lentune.credentials.items()}
    trial, _, _ = connecting.try_out("lentune", values, given, connecting.site_of(demo.company))
    with pytest.raises(Failure, match="credentials are kept"):
        connecting.store(demo.company, "lentune", values, {}, given, trial, "Ada")
    assert not enabled(demo)["lentune"]
    assert rung == []
