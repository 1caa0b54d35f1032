"""Every fault that can be switched on, in both simulators, over HTTP and in process: what the client sees and what was done."""

import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

import simulators
from simulators.kit.clock import Clock
from simulators.kit.shell import Shell
from tests.transport import SimulatorTransport

LIMITS = {"procore": {"hourly": 0, "spike": 0}, "lentune": {"rate_per_minute": 0}}
LOST = (httpx.ReadError, httpx.RemoteProtocolError)
SECONDS = 0.5


class Client:
    """A program that writes and reads one kind of record, and switches faults."""

    def __init__(self, system: str, http: httpx.Client, core: Any) -> None:
        self.system, self.http, self.core = system, http, core
        self.company = str(core.credentials.get("company_id", "4100"))
        self.n = 0
        form = {"grant_type": "client_credentials", "client_id": core.credentials["client_id"],
                "client_secret": core.credentials["client_secret"]}  # fmt: skip
        if system == "lentune":
            form["scope"] = "lentune.read lentune.write"
        path = "/oauth/token" if system == "procore" else "/adapter/lentune/oauth/token"
        token = http.post(path, data=form).json()["access_token"]
        http.headers = httpx.Headers({"Authorization": f"Bearer {token}", "Procore-Company-Id": self.company})

    def write(self, name: str) -> httpx.Response:
        self.n += 1
        if self.system == "procore":
            body = {"company_id": int(self.company), "updates": [{"origin_id": name, "name": name}]}
            return self.http.patch("/rest/v1.0/vendors/sync", json=body)
        external = {"procore_company_id": self.company, "procore_id": name, "procore_type": "cost_type"}
        path = f"/adapter/lentune/v1/cost-types/by-procore/{self.company}/{name}"
        body = {"code": name, "description": name, "external": external}
        return self.http.put(path, json=body, headers={"Idempotency-Key": f"test-key-{name}-{self.n}"})

    def read(self) -> httpx.Response:
        if self.system == "procore":
            return self.http.get("/rest/v1.0/vendors", params={"company_id": self.company, "per_page": "1000"})
        return self.http.get("/adapter/lentune/v1/cost-types", params={"limit": "200"})

    def listed(self) -> list[str]:
        body = self.read().json()
        return [row["name"] for row in body] if self.system == "procore" else [row["code"] for row in body["data"]]

    def fault(self, **rule: Any) -> None:
        assert self.http.post("/_sim/faults", json={"times": 1, **rule}).status_code == 201

    def control(self, name: str, body: Any = None) -> Any:
        return self.http.post(f"/_sim/{name}", json=body).json()

    def created(self, name: str) -> int:
        """By the ledger."""
        entries = self.http.get("/_sim/ledger").json()
        return sum(1 for e in entries if e["effect"] == "created" and e["actor"] == "client" and e["key"].endswith(name))


@pytest.fixture(params=[f"{system} {way}" for system in LIMITS for way in ("over HTTP", "in process")])
def client(request: pytest.FixtureRequest) -> Iterator[Client]:
    system, _, way = request.param.partition(" ")
    core = simulators.load(system, dataset="small", clock=Clock(), **LIMITS[system])
    if way == "in process":
        with httpx.Client(transport=SimulatorTransport(core), base_url="http://127.0.0.1", timeout=SECONDS) as http:
            yield Client(system, http, core)
        return
    shell = Shell(core).start()
    with httpx.Client(base_url=shell.url, timeout=SECONDS, trust_env=False) as http:
        yield Client(system, http, core)
    shell.stop()


def test_a_status_with_its_headers_comes_instead_of_the_work(client: Client) -> None:
    client.fault(action="status", status=503, headers={"Retry-After": "7"}, match={"method": "GET"})
    assert client.write("a").is_success, "another method is not meant"
    answer = client.read()
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "7")
    assert client.read().is_success, "once only"


@pytest.mark.parametrize(("action", "done"), [("drop_before", 0), ("reset_connection", 0), ("drop_after", 1), ("truncate", 1)])
def test_the_connection_dies_and_the_work_was_or_was_not_done(client: Client, action: str, done: int) -> None:
    client.fault(action=action)
    with pytest.raises(LOST):
        client.write("a")
    assert client.created("a") == done
    assert client.write("a").is_success and client.created("a") == 1


def test_a_delay_longer_than_the_client_waits_is_a_time_out_of_work_that_was_done(client: Client) -> None:
    client.fault(action="delay", seconds=30)
    with pytest.raises(httpx.ReadTimeout):
        client.write("a")
    assert client.created("a") == 1


def test_a_write_lands_after_the_client_gave_up(client: Client) -> None:
    client.fault(action="apply_later", seconds=300)
    with pytest.raises(httpx.ReadTimeout):
        client.write("a")
    client.control("clock", {"advance_seconds": 295})
    assert client.created("a") == 0 and "a" not in client.listed()
    client.control("clock", {"advance_seconds": 10})
    assert "a" in client.listed() and client.created("a") == 1


@pytest.mark.parametrize("at", [0, 1, 17])
def test_an_answer_ends_at_a_byte_in_good_order(client: Client, at: int) -> None:
    whole = client.read().content
    client.fault(action="truncate", at=at, whole=True)
    answer = client.read()
    assert answer.status_code == 200 and answer.content == whole[:at]
    assert client.read().content == whole


def test_a_field_of_an_answer_is_changed_removed_or_added(client: Client) -> None:
    client.write("a")
    paths = ("name", "id", "new") if client.system == "procore" else ("data.*.code", "data.*.id", "data.0.new")
    client.fault(action="mutate", change={paths[0]: "other", paths[2]: {"x": "1.50"}}, remove=[paths[1]])
    body = client.read().json()
    rows = body if client.system == "procore" else body["data"]
    assert rows[0]["new"] == {"x": "1.50"}
    assert all((row.get("name"), row.get("code")).count("other") == 1 and "id" not in row for row in rows)
    assert "a" in client.listed(), "what it holds is as it was"


def test_a_field_deep_in_the_answer_of_a_write(client: Client) -> None:
    path = "entities.0.origin_id" if client.system == "procore" else "external.procore_id"
    client.fault(action="mutate", change={path: "foreign"})
    body = client.write("a").json()
    assert (body["entities"][0]["origin_id"] if client.system == "procore" else body["external"]["procore_id"]) == "foreign"
    client.fault(action="mutate", remove=["entities.0" if client.system == "procore" else "external"])
    body = client.write("a").json()
    assert body["entities"] == [] if client.system == "procore" else "external" not in body


def test_a_list_lags_behind_for_the_kinds_that_are_meant(client: Client) -> None:
    client.write("a")
    client.fault(action="read_lag", seconds=20, times=None, match={"path": "vendors|cost-types"})
    assert "a" not in client.listed()
    other = "/rest/v1.1/projects" if client.system == "procore" else "/adapter/lentune/v1/suppliers"
    params = {"company_id": client.company} if client.system == "procore" else {}
    assert client.http.get(other, params=params).json()
    client.control("clock", {"advance_seconds": 25})
    assert "a" in client.listed()


def test_a_request_that_a_proxy_sends_twice_is_one_record(client: Client) -> None:
    client.fault(action="duplicate", match={"method": "PATCH" if client.system == "procore" else "PUT"})
    assert client.write("a").is_success and client.created("a") == 1


def test_only_the_named_company_is_hit(client: Client) -> None:
    client.fault(action="status", match={"company": "another"}, times=None)
    assert client.read().is_success
    client.fault(action="status", match={"company": client.company}, times=None)
    assert client.read().status_code == 503


def test_the_same_seed_hits_the_same_requests(client: Client) -> None:
    def run() -> list[int]:
        client.fault(action="status", probability=0.4, seed=11, times=None)
        statuses = [client.read().status_code for _ in range(20)]
        client.http.delete("/_sim/faults")
        return statuses

    first = run()
    assert first == run() and 0 < first.count(503) < 20


def test_a_rollback_restores_everything_but_ids_given_once_are_not_given_again(client: Client) -> None:
    client.write("kept")
    before = client.http.get("/_sim/state").json()
    client.control("snapshot")
    lost = client.write("lost").json()
    client.control("rollback")
    assert client.http.get("/_sim/state").json() == before
    assert "lost" not in client.listed()
    entries = client.http.get("/_sim/ledger").json()
    assert [e["effect"] for e in entries if e["key"].endswith("lost")] == ["created", "deleted"]
    again = client.write("other").json()
    number = (lambda body: body["entities"][0]["id"]) if client.system == "procore" else (lambda body: body["id"])
    assert number(again) != number(lost)


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        ({"action": "drop"}, []), ({"action": "duplicate"}, [1, 1]), ({"action": "truncate", "at": 3}, [3]),
        ({"action": "status", "status": 500}, []), ({"action": "reset_connection"}, []), ({"action": "drop_before"}, []),
        ({"action": "delay", "seconds": 30}, []), ({"action": "mutate", "change": {"x": 1}}, [2]),
    ],
)  # fmt: skip
@pytest.mark.parametrize("system", list(LIMITS))
def test_deliveries_are_hit_too(system: str, rule: dict[str, Any], expected: list[int]) -> None:
    """What leaves the system at the first try. 1: as it was, 2: changed, 3: cut."""
    from simulators.kit.delivery import Delivery

    core = simulators.load(system, dataset="small", clock=Clock(), **LIMITS[system])
    core.faults.add({"on": "delivery", "times": 1, "match": {"path": "hook"}, **rule})
    whole = b'{"event_id": "1"}'
    core.outbox.put(Delivery("1", "http://127.0.0.1/hook", {}, whole, queue="q", company="4100", subject="thing"))
    core.settled = lambda *_: None
    core.passing = lambda: None
    core.retry_at = lambda *_: None
    sent = [delivery.body for delivery in core.tick()]
    kinds = [1 if body == whole else 3 if body == whole[:3] else 2 if json.loads(body).get("x") == 1 else 0 for body in sent]
    assert kinds == expected
