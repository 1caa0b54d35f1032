"""sitebooks settle: what only a person decides, from the command line."""

import json
from typing import Any

import pytest
from sqlalchemy import text

from models import session
from sync.stops import stop
from tests.worker.command import Command, worker_in_process  # noqa: F401
from tests.world import World

pytestmark = pytest.mark.worker
NUMBER = "PO-1001-01"


@pytest.fixture
def sitebooks(world: World, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Command:
    world.sync()
    return Command(world.company, monkeypatch, capsys)


def put(world: World, state: str, code: str, **values: Any) -> None:
    problem = {"code": code, "values": {"kind": "commitment", "number": NUMBER, "system": "lentune", **values}, "waits_for": []}
    with session(world.company) as db:
        db.execute(
            text("UPDATE sync_record SET state = :s, problems = CAST(:p AS jsonb) WHERE kind = 'commitment' AND number = :n"),
            {"s": state, "p": json.dumps([problem]), "n": NUMBER},
        )


def test_it_is_there_links_and_sends_nothing(sitebooks: Command, world: World) -> None:
    put(world, "needs_attention", "outcome_needs_person", key="SB-1")
    answered = sitebooks("settle", NUMBER, "--kind", "commitment", "--there", "purchase_order:po-77", "--yes", "--json")
    assert (answered.exit_code, answered.document["settled"]) == (0, "there")
    record = world.record("commitment", NUMBER)
    assert (record.state, record.remote_id) == ("synced", "purchase_order:po-77")
    again = sitebooks("settle", NUMBER, "--kind", "commitment", "--there", "po-78", "--yes", "--json")
    assert (again.exit_code, again.document["error"]["code"]) == (6, "not_to_decide")


def test_it_is_not_there_asks_for_one_more_send(sitebooks: Command, world: World) -> None:
    put(world, "needs_attention", "outcome_needs_person", key="SB-1")
    assert sitebooks("settle", NUMBER, "--kind", "commitment", "--not-there", "--yes").exit_code == 0
    assert world.record("commitment", NUMBER).consent == "outcome_needs_person"


@pytest.mark.parametrize(("option", "after"), [("--ours", "pending"), ("--theirs", "unlinked")])
def test_a_conflict_is_settled_either_way(sitebooks: Command, world: World, option: str, after: str) -> None:
    put(world, "conflict", "edited_on_both_sides", fields="title")
    assert sitebooks("settle", NUMBER, "--kind", "commitment", option, "--yes").exit_code == 0
    assert world.record("commitment", NUMBER).state == after


def test_a_stopped_connection_goes_on(sitebooks: Command, world: World) -> None:
    with session(world.company) as db:
        stop(db, world.company, "lentune", "duplicate_found", "commitment SC-1 stands there 2 times")
    assert "a document was found there more than once" in sitebooks("status").out
    assert sitebooks("settle", "--go-on", "--connection", "lentune").exit_code == 0
    assert sitebooks("settle", "--go-on", "--connection", "lentune", "--json").document["error"]["code"] == "not_stopped"


def test_nothing_waits_for_being_unusually_many(sitebooks: Command) -> None:
    answered = sitebooks("settle", "--release", "invoice", "--connection", "lentune", "--json")
    assert (answered.exit_code, answered.document["released"]) == (0, 0)


WRONG = ((), (NUMBER,), (NUMBER, "--ours", "--theirs"), ("--ours",), ("--go-on",), (NUMBER, "--go-on"))


@pytest.mark.parametrize("options", WRONG)
def test_one_decision_at_a_time(sitebooks: Command, options: tuple[str, ...]) -> None:
    assert sitebooks("settle", *options).exit_code == 2
