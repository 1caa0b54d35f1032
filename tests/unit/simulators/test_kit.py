"""The kit: routes, faults, deliveries, ledger, control surface and shell, with a system of three routes."""

import http.client
import json
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any, ClassVar

import pytest

from simulators import datasets
from simulators.kit.actions import Actions
from simulators.kit.clock import Clock
from simulators.kit.delivery import Delivery
from simulators.kit.http import Cut, Request, Response
from simulators.kit.keeper import Keeper
from simulators.kit.router import Router
from simulators.kit.shell import Shell
from simulators.kit.simulator import Simulator

START = datetime(2026, 11, 20, 8, tzinfo=UTC)
routes, actions = Router(), Actions()


@routes.route("GET", "/things")
def list_things(simulator: "Things", request: Request) -> Response:
    return Response.of(200, [t for t in simulator.data["things"] if simulator.visible(t["created_at"])])


@routes.route("POST", "/things")
def create_thing(simulator: "Things", request: Request) -> Response:
    simulator.make(request.json()["name"])
    return Response.of(201, simulator.data["things"][-1])


@routes.route("GET", "/things/{id}/parts/{part}")
def show_part(simulator: "Things", request: Request, id: str, part: str) -> Response:
    return Response.of(200, {"id": id, "part": part})


@routes.route("GET", "/things/{id}/parts/all")
def show_all(simulator: "Things", request: Request, id: str) -> Response:
    return Response.of(200, {"all": True})


@actions.add
def make_thing(simulator: "Things", name: str, times: int = 1) -> None:
    """Makes things."""
    for _ in range(times):
        simulator.make(name)


class Things(Simulator):
    """A system that knows things."""

    system: ClassVar[str] = "things"
    router, actions = routes, actions

    def build(self, dataset: dict[str, Any]) -> None:
        self.data: dict[str, Any] = {"things": []}

    def state(self) -> dict[str, list[dict[str, Any]]]:
        return {"things": list(self.data["things"])}

    @property
    def credentials(self) -> dict[str, Any]:
        return {}

    def make(self, name: str) -> None:
        number = len(self.data["things"]) + 1
        self.data["things"].append({"id": number, "name": name, "created_at": self.clock.now().isoformat()})
        self.record("things", name, number, "created", "1")
        self.outbox.put(Delivery(str(number), "http://127.0.0.1:1/hook", {}, b'{"n":1}', queue="hook", subject="thing"))

    def retry_at(self, delivery: Delivery, now: datetime) -> datetime | None:
        return now + timedelta(seconds=10) if delivery.attempt < 3 else None


@pytest.fixture
def things() -> Things:
    return Things(clock=Clock(START), dataset={})


def call(things: Things, method: str, path: str, body: Any = None) -> Any:
    return things.handle(Request(method, path, body=b"" if body is None else json.dumps(body).encode()))


def fault(things: Things, **spec: Any) -> None:
    assert call(things, "POST", "/_sim/faults", spec).status == 201


def test_literal_segments_win_and_requests_are_counted_by_template(things: Things) -> None:
    assert call(things, "GET", "/things/4/parts/7").json() == {"id": "4", "part": "7"}
    assert call(things, "GET", "/things/4/parts/all").json() == {"all": True}
    assert call(things, "GET", "/nothing").status == 404
    counted = call(things, "GET", "/_sim/requests/count").json()
    assert counted == {"GET /things/{id}/parts/{part}": 1, "GET /things/{id}/parts/all": 1, "GET (unknown)": 1}


@pytest.mark.parametrize(
    ("action", "cut", "done"),
    [("drop_before", "before", 0), ("drop_after", "after", 1), ("truncate", "truncate", 1), ("reset_connection", "reset", 0)],
)
def test_a_connection_dies_before_or_after_the_work(things: Things, action: str, cut: str, done: int) -> None:
    fault(things, action=action, times=1)
    answer = call(things, "POST", "/things", {"name": "a"})
    assert isinstance(answer, Cut) and answer.kind == cut
    assert len(things.data["things"]) == done
    assert call(things, "POST", "/things", {"name": "b"}).status == 201


def test_a_change_is_applied_after_the_client_gave_up(things: Things) -> None:
    fault(things, action="apply_later", seconds=30, times=1)
    assert call(things, "POST", "/things", {"name": "late"}).delay_seconds > 600
    things.clock.advance(29)
    things.tick()
    assert things.data["things"] == []
    things.clock.advance(1)
    things.tick()
    assert [t["name"] for t in things.data["things"]] == ["late"]


def test_read_lag_hides_young_records_from_lists(things: Things) -> None:
    call(things, "POST", "/things", {"name": "a"})
    fault(things, action="read_lag", seconds=60)
    assert call(things, "GET", "/things").json() == []
    things.clock.advance(61)
    assert len(call(things, "GET", "/things").json()) == 1


def test_status_delay_mutate_and_duplicate(things: Things) -> None:
    fault(things, action="status", status=429, headers={"Retry-After": "7"}, times=1)
    answer = call(things, "GET", "/things")
    assert answer.status == 429 and answer.headers["Retry-After"] == "7"
    fault(things, action="delay", seconds=4, times=1)
    assert call(things, "GET", "/things").delay_seconds == 4
    fault(things, action="duplicate", times=1)
    call(things, "POST", "/things", {"name": "twice"})
    assert len(things.data["things"]) == 2
    fault(things, action="mutate", change={"name": None}, times=1)
    assert call(things, "GET", "/things").json()[0]["name"] is None


def test_matching_times_and_probability(things: Things) -> None:
    fault(things, action="status", match={"method": "POST", "path": "^/things$"}, probability=0.5, seed=3)
    assert call(things, "GET", "/things").status == 200
    statuses = [call(things, "POST", "/things", {"name": "x"}).status for _ in range(60)]
    assert 15 < statuses.count(503) < 45
    assert call(things, "DELETE", "/_sim/faults").status == 200
    assert call(things, "POST", "/things", {"name": "x"}).status == 201


@pytest.mark.parametrize(
    "spec", [{"action": "explode"}, {"on": "delivery", "action": "read_lag"}, {"action": "status", "match": {"path": "("}}]
)
def test_a_fault_that_cannot_be_is_refused(things: Things, spec: dict[str, Any]) -> None:
    assert call(things, "POST", "/_sim/faults", spec).status == 400


def test_deliveries_keep_their_order_and_are_tried_again(things: Things) -> None:
    call(things, "POST", "/_sim/act", {"action": "make_thing", "args": {"name": "a", "times": 2}})
    (first,) = things.tick()
    assert things.tick() == []
    things.delivered(first, 500)
    assert things.tick() == []
    things.clock.advance(10)
    (again,) = things.tick()
    assert again.id == first.id and again.attempt == 2
    things.delivered(again, 204)
    assert [d.id for d in things.tick()] == ["2"]


def test_a_delivery_is_given_up_when_the_system_says_so(things: Things) -> None:
    things.make("a")
    for _ in range(3):
        (delivery,) = things.tick()
        things.delivered(delivery, None)
        things.clock.advance(10)
    assert things.tick() == [] and things.outbox.waiting() == 0


@pytest.mark.parametrize(("action", "ids"), [("drop", ["2"]), ("duplicate", ["1", "1", "2"]), ("reorder", ["2", "1"])])
def test_deliveries_are_dropped_doubled_and_reordered(things: Things, action: str, ids: list[str]) -> None:
    fault(things, on="delivery", action=action, times=1)
    things.make("a")
    things.make("b")
    seen: list[str] = []
    for _ in range(8):
        for delivery in things.tick():
            seen.append(delivery.id)
            things.delivered(delivery, 204)
        things.clock.advance(10)
    assert seen == ids


def test_a_lost_answer_makes_a_delivery_come_twice(things: Things) -> None:
    fault(things, on="delivery", action="drop_after", times=1)
    things.make("a")
    (first,) = things.tick()
    things.delivered(first, 204)
    things.clock.advance(10)
    (second,) = things.tick()
    assert second.id == first.id


def test_rollback_restores_data_and_tells_the_ledger(things: Things) -> None:
    things.make("kept")
    call(things, "POST", "/_sim/snapshot")
    things.make("lost")
    call(things, "POST", "/_sim/rollback")
    assert [t["name"] for t in things.data["things"]] == ["kept"]
    ledger = call(things, "GET", "/_sim/ledger").json()
    assert [(e["key"], e["effect"]) for e in ledger] == [("kept", "created"), ("lost", "created"), ("lost", "deleted")]
    assert [e["seq"] for e in ledger] == [1, 2, 3]
    assert [e["seq"] for e in things.ledger.after(2)] == [3]
    assert list(things.ledger.live()) == [("1", "things", "1")]


def test_person_and_client_are_told_apart(things: Things) -> None:
    call(things, "POST", "/things", {"name": "a"})
    call(things, "POST", "/_sim/act", {"action": "make_thing", "args": {"name": "b"}})
    assert [e["actor"] for e in things.ledger.entries] == ["client", "person"]
    assert things.ledger.entries[0]["body_sha256"]


@pytest.mark.parametrize(
    "body", [{"action": "nope"}, {"action": "make_thing"}, {"action": "make_thing", "args": {"name": "a", "size": 1}}]
)
def test_an_action_that_cannot_be_is_refused(things: Things, body: dict[str, Any]) -> None:
    answer = call(things, "POST", "/_sim/act", body)
    assert answer.status == 422 and answer.json()["error"]


def test_the_page_has_a_form_per_action(things: Things) -> None:
    things.make("<script>")
    page = call(things, "GET", "/").body.decode()
    assert "make_thing" in page and "&lt;script&gt;" in page and "<script" not in page
    form = Request(
        "POST", "/_sim/act", [], {"content-type": "application/x-www-form-urlencoded"}, b"action=make_thing&name=f&times=2"
    )
    answer = things.handle(form)
    assert isinstance(answer, Response) and answer.status == 303
    assert len(things.data["things"]) == 3


def test_data_sets_are_the_same_for_the_same_seed() -> None:
    assert datasets.load("large", 5, 600) == datasets.load("large", 5, 600)
    assert datasets.load("large", 5, 600) != datasets.load("large", 6, 600)
    assert {"demo", "small", "large"} <= set(datasets.names())
    with pytest.raises(datasets.UnknownDataset):
        datasets.load("../demo")


class _Hook(BaseHTTPRequestHandler):
    seen: ClassVar[list[bytes]] = []

    def do_POST(self) -> None:
        self.seen.append(self.rfile.read(int(self.headers["Content-Length"])))
        self.send_response(204)
        self.end_headers()

    def log_message(self, format: str, *args: Any) -> None:
        """Quiet."""


@pytest.fixture
def shell() -> Iterator[Shell]:
    running = Shell(Things(dataset={})).start()
    yield running
    running.stop()


def _connect(shell: Shell) -> http.client.HTTPConnection:
    return http.client.HTTPConnection(shell.url.removeprefix("http://"), timeout=5)


def _ask(connection: http.client.HTTPConnection, method: str, path: str, body: Any = None) -> tuple[int, bytes]:
    connection.request(method, path, None if body is None else json.dumps(body))
    answer = connection.getresponse()
    return answer.status, answer.read()


def test_the_shell_keeps_connections_open_and_reads_queries(shell: Shell) -> None:
    connection = _connect(shell)
    for name in ("a", "b", "c"):
        assert _ask(connection, "POST", "/things", {"name": name})[0] == 201
    assert len(json.loads(_ask(connection, "GET", "/_sim/ledger?after=2")[1])) == 1


@pytest.mark.parametrize(
    ("action", "expected"),
    [
        ("drop_before", http.client.RemoteDisconnected),
        ("drop_after", http.client.RemoteDisconnected),
        ("reset_connection", ConnectionResetError),
        ("truncate", http.client.IncompleteRead),
    ],
)
def test_the_shell_cuts_resets_and_truncates(shell: Shell, action: str, expected: type[Exception]) -> None:
    _ask(_connect(shell), "POST", "/_sim/faults", {"action": action, "times": 1})
    with pytest.raises(expected):
        _ask(_connect(shell), "POST", "/things", {"name": "a"})


def test_a_delayed_answer_holds_up_nobody_else(shell: Shell) -> None:
    _ask(_connect(shell), "POST", "/_sim/faults", {"action": "delay", "seconds": 60, "times": 1})
    slow = _connect(shell)
    slow.request("GET", "/things")
    deadline = time.monotonic() + 10
    while not json.loads(_ask(_connect(shell), "GET", "/_sim/faults")[1])[0]["fired"] and time.monotonic() < deadline:
        threading.Event().wait(0.01)  # its thread may be the later one
    assert _ask(_connect(shell), "GET", "/things")[0] == 200
    slow.close()


def test_a_slow_answer_comes_whole_in_its_own_time_and_ends_with_its_client(shell: Shell) -> None:
    for name in ("a", "b", "c"):
        _ask(_connect(shell), "POST", "/things", {"name": name})
    whole = _ask(_connect(shell), "GET", "/things")[1]
    _ask(_connect(shell), "POST", "/_sim/faults", {"action": "slow", "rate": len(whole) * 5, "match": {"path": "/things"}})
    began = time.monotonic()
    assert _ask(_connect(shell), "GET", "/things")[1] == whole and time.monotonic() - began >= 0.1
    _ask(_connect(shell), "POST", "/_sim/faults", {"action": "slow", "rate": 1})
    waiting = _connect(shell)
    waiting.request("GET", "/things")
    assert waiting.getresponse().read(1) == whole[:1]
    waiting.close()


def test_the_shell_delivers_webhooks(shell: Shell) -> None:
    server = HTTPServer(("127.0.0.1", 0), _Hook)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    _Hook.seen.clear()
    with shell.lock:
        for number in range(20):
            url = f"http://127.0.0.1:{server.server_port}/x"
            shell.simulator.outbox.put(Delivery(str(number), url, {}, str(number).encode(), queue="q"))
    shell.wake.set()
    deadline = time.monotonic() + 10
    while len(_Hook.seen) < 20 and time.monotonic() < deadline:
        threading.Event().wait(0.01)
    server.shutdown()
    assert _Hook.seen == [str(number).encode() for number in range(20)]


def test_the_shell_refuses_what_is_no_request(shell: Shell) -> None:
    host, port = shell.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=5) as raw:
        raw.sendall(b"nonsense\r\n\r\n")
        assert raw.recv(100).startswith(b"HTTP/1.1 400")


def test_a_restarted_simulator_goes_on_from_its_file(tmp_path: Path) -> None:
    lock, file = threading.Lock(), tmp_path / "things.state"
    first = Things(clock=Clock(START), dataset={})
    keeper = Keeper(first, file, "things demo 1")
    assert not keeper.load()
    first.make("kept")
    keeper.save(lock)
    written = file.stat().st_mtime_ns
    keeper.save(lock)
    assert file.stat().st_mtime_ns == written and file.stat().st_mode & 0o077 == 0
    second = Things(clock=Clock(START), dataset={})
    assert not Keeper(second, file, "things demo 2").load()
    assert Keeper(second, file, "things demo 1").load()
    assert second.data == first.data and second.ledger.entries == first.ledger.entries
    assert [d.id for d in second.tick()] == ["1"]


def test_every_request_is_logged_with_its_answer_and_every_answer_is_dated(shell: Shell) -> None:
    connection = http.client.HTTPConnection(shell.url.removeprefix("http://"), timeout=5)
    page = {"on": "request", "action": "status", "status": 502, "times": 1, "body": "<html>",
            "headers": {"Content-Type": "text/html"}}  # fmt: skip
    _ask(connection, "POST", "/_sim/faults", page)
    connection.request("GET", "/things")
    answer = connection.getresponse()
    assert (answer.status, answer.read(), answer.headers["Content-Type"]) == (502, b"<html>", "text/html")
    assert answer.headers["Date"].endswith("GMT")
    connection.request("GET", "/nowhere")
    assert connection.getresponse().read()
    asked = [(e["seq"], e["method"], e["path"], e["status"]) for e in json.loads(_ask(connection, "GET", "/_sim/requests")[1])]
    assert asked[-2:] == [(asked[-2][0], "GET", "/things", 502), (asked[-2][0] + 1, "GET", "/nowhere", 404)]
    later = json.loads(_ask(connection, "GET", f"/_sim/requests?after={asked[-2][0]}")[1])
    assert [e["path"] for e in later] == ["/nowhere"]


def test_an_unknown_option_is_refused() -> None:
    with pytest.raises(TypeError, match="things has no option speed"):
        Things(dataset={}, speed=3)


def test_the_command_serves_until_stopped(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "simulators", "procore", "--dataset", "small", "--state", str(tmp_path / "s")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, cwd=Path(__file__).parents[3]) as process:
        assert process.stdout is not None
        told = json.loads(process.stdout.readline())
        assert told["system"] == "procore" and told["credentials"]["company_id"] == 4100
        connection = http.client.HTTPConnection(told["url"].removeprefix("http://"), timeout=5)
        assert _ask(connection, "POST", "/_sim/act", {"action": "create_vendor", "args": {"name": "New Ltd"}})[0] == 200
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 0
    assert (tmp_path / "s").is_file()
