"""A caller of the Procore simulator in process: signs in, names its company, holds every answer against the document."""

import json
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

import simulators
from simulators.kit.clock import Clock
from simulators.kit.http import Request, Response
from simulators.procore.core import Procore
from tests.contracts.checker import check_response

START = datetime(2026, 11, 20, 8, tzinfo=UTC)
Json = dict[str, Any]


class Caller:
    """One signed-in client; limits are off unless options say otherwise."""

    def __init__(self, dataset: str | Json = "small", company: str = "4100", **options: Any) -> None:
        self.clock = Clock(START)
        core = simulators.load("procore", dataset=dataset, clock=self.clock, **({"hourly": 0, "spike": 0} | options))
        assert isinstance(core, Procore)
        self.core, self.company = core, company
        self.token = self.sign_in().json()["access_token"]

    def sign_in(self, **fields: str) -> Response:
        known = self.core.credentials
        form = {"client_id": known["client_id"], "client_secret": known["client_secret"]}
        return self.form("/oauth/token", {**form, "grant_type": "client_credentials", **fields})

    def form(self, path: str, fields: dict[str, str]) -> Response:
        headers = {"content-type": "application/x-www-form-urlencoded"}
        answer = self.core.handle(Request("POST", path, [], headers, urlencode(fields).encode()))
        assert isinstance(answer, Response)
        return answer

    def raw(self, method: str, path: str, body: Any = None, headers: dict[str, str] | None = None, **query: Any) -> Any:
        """The answer, or what stands for a dead connection, with exactly these headers."""
        pairs = [(name, str(v)) for name, value in query.items() for v in (value if isinstance(value, list) else [value])]
        sent = {"host": "procore.test", "content-type": "application/json", **(headers or {})}
        return self.core.handle(Request(method, path, pairs, sent, json.dumps(body).encode() if body is not None else b""))

    def call(self, method: str, path: str, body: Any = None, **query: Any) -> Response:
        """One checked request; `filters__status` is the query parameter filters[status]."""
        named = {_query_name(name): value for name, value in query.items()}
        headers = {"authorization": f"Bearer {self.token}", "procore-company-id": self.company}
        answer: Response = self.raw(method, path, body, headers, **named)
        check_response("procore", method, path, answer.status, answer.json())
        return answer

    def get(self, path: str, **query: Any) -> Any:
        answer = self.call("GET", path, **query)
        assert answer.status == 200, answer.body
        return answer.json()

    def act(self, action: str, **args: Any) -> Any:
        return self.core.act(action, args)

    def project(self, number: str = "1001") -> int:
        """A project's id by its number."""
        found = self.get("/rest/v1.1/projects", company_id=self.company, filters__project_number=number)
        return int(found[0]["id"])

    def contract(self, number: str) -> Json:
        """A contract's header by its number, without its kind being known."""
        for kind in ("purchase_order_contracts", "work_order_contracts"):
            for row in self.get(f"/rest/v1.0/{kind}", project_id=self.project(number.split("-")[1])):
                if row["number"] == number:
                    return dict(row)
        raise AssertionError(f"no contract {number}")

    def deliver(self, status: int | None = 204) -> list[Json]:
        """Takes every due delivery, answers it, and returns the payloads; repeats until none is due."""
        payloads: list[Json] = []
        while due := self.core.tick():
            for delivery in due:
                payloads.append(json.loads(delivery.body))
                self.core.delivered(delivery, status)
        return payloads


def _query_name(name: str) -> str:
    if not name.startswith("filters__"):
        return name
    inner = name.removeprefix("filters__")
    return f"filters[{inner[:-5]}][]" if inner.endswith("_list") else f"filters[{inner}]"
