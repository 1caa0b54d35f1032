"""A caller of the Lentune simulator in process: signs in, gives keys, and holds every answer against the document."""

import json
from datetime import UTC, datetime
from itertools import count
from typing import Any

import simulators
from simulators.kit.clock import Clock
from simulators.kit.http import Request, Response
from simulators.lentune import Lentune
from tests.unit.simulators.lentune_document import check_answer

BASE = "/adapter/lentune/v1"
TOKEN = "/adapter/lentune/oauth/token"
START = datetime(2026, 11, 20, 8, 0, tzinfo=UTC)
COMPANY = "4100"
Json = dict[str, Any]


class Caller:
    """One signed-in client. `keys` numbers the Idempotency-Keys."""

    def __init__(self, dataset: str = "small", scope: str = "", **options: Any) -> None:
        self.clock = Clock(START)
        core = simulators.load("lentune", dataset=dataset, clock=self.clock, **({"rate_per_minute": 0} | options))
        assert isinstance(core, Lentune)
        self.core = core
        self.keys = count(1)
        self.token = self.sign_in(scope).json()["access_token"]

    def sign_in(self, scope: str = "", **changes: str) -> Response:
        known = self.core.credentials
        form = {"grant_type": "client_credentials", "client_id": known["client_id"],
                "client_secret": known["client_secret"], "scope": scope} | changes  # fmt: skip
        body = "&".join(f"{name}={value}" for name, value in form.items()).encode()
        answer = self.core.handle(Request("POST", TOKEN, body=body))
        assert isinstance(answer, Response)
        return answer

    def send(
        self,
        method: str,
        path: str,
        body: object = None,
        key: str | None = None,
        headers: Json | None = None,
        **query: str,
    ) -> Response:
        """One call. Writes get a fresh Idempotency-Key unless `key` is given ("" sends none)."""
        sent = {"authorization": f"Bearer {self.token}", "host": "lentune.test"} | (headers or {})
        if method in ("PUT", "POST") and key != "":
            sent["idempotency-key"] = key or f"key-{next(self.keys):06d}"
        raw = b"" if body is None else json.dumps(body).encode()
        answer = self.core.handle(Request(method, BASE + path, list(query.items()), sent, raw))
        assert isinstance(answer, Response)
        if answer.headers.get("Content-Type") != "application/pdf":
            check_answer(method, path, answer.status, answer.json())
        return answer

    def get(self, path: str, **query: str) -> Any:
        answer = self.send("GET", path, **query)
        assert answer.status == 200, answer.body
        return answer.json()

    def everything(self, path: str, **query: str) -> list[Json]:
        """All pages of a list."""
        rows, cursor = [], None
        while True:
            page = self.get(path, **query, **({"cursor": cursor} if cursor else {}))
            rows += page["data"]
            cursor = page["next_cursor"]
            if cursor is None:
                return rows

    def put(self, path: str, body: Json, status: int = 201) -> Json:
        answer = self.send("PUT", path, body)
        assert answer.status == status, answer.body
        content: Json = answer.json()
        return content

    def refused(self, method: str, path: str, body: object = None, **extra: Any) -> tuple[int, str]:
        """Status and code of a refusal, which must also leave the ledger as it was."""
        before = len(self.core.ledger.entries)
        answer = self.send(method, path, body, **extra)
        assert answer.status >= 400, answer.body
        assert answer.headers["Content-Type"] == "application/problem+json"
        assert answer.json()["correlation_id"] == answer.headers["X-Correlation-Id"]
        assert len(self.core.ledger.entries) == before
        return answer.status, answer.json()["code"]

    def project(self, number: str = "1001", procore_id: str = "11", **changes: Any) -> Json:
        return self.put(by_procore("projects", procore_id), project_body(number, procore_id, **changes))

    def cost_type(self, code: str, procore_id: str) -> Json:
        body = {"code": code, "description": f"Type {code}", "external": external("cost_type", procore_id)}
        answer = self.send("PUT", by_procore("cost-types", procore_id), body)
        assert answer.status in (200, 201), answer.body
        return answer.json()

    def cost_code(self, project: Json, code: str, procore_id: str, **changes: Any) -> Json:
        body = {"code": code, "description": f"Work {code}", "on_budget": True, "budget_amount": "1000.00",
                "external": external("cost_code", procore_id)} | changes  # fmt: skip
        return self.put(by_procore(f"projects/{project['id']}/cost-codes", procore_id), body)

    def act(self, action: str, **args: Any) -> Any:
        return self.core.act(action, args)

    def pass_time(self, seconds: float = 0) -> list[Any]:
        """Moves the clock and lets the system do what it does by itself; answers the deliveries due."""
        self.clock.advance(seconds)
        return self.core.tick()


def by_procore(path: str, procore_id: str, company: str = COMPANY) -> str:
    return f"/{path}/by-procore/{company}/{procore_id}"


def external(procore_type: str, procore_id: str, content: str = "") -> Json:
    key = {"procore_company_id": COMPANY, "procore_id": procore_id, "procore_type": procore_type}
    return key | ({"content_hash": content} if content else {})


def project_body(number: str = "1001", procore_id: str = "11", **changes: Any) -> Json:
    return {"code": number, "description": "Harbour View", "stage": "Course of Construction", "region": "Auckland",
            "external": external("project", procore_id)} | changes  # fmt: skip


def line(code: Json, amount: str = "100.00", line_id: str = "1", **changes: Any) -> Json:
    return {
        "external_line_id": line_id,
        "cost_code_id": code["id"],
        "description": "Ready-mix",
        "amount": amount,
    } | changes


def order_body(project: Json, lines: list[Json], procore_id: str = "21", **changes: Any) -> Json:
    return {"number": "PO-1", "description": "Concrete", "project_id": project["id"], "status": "approved",
            "supplier_name": "Pacific Concrete Ltd", "lines": lines,
            "external": external("purchase_order_contract", procore_id)} | changes  # fmt: skip


def subcontract_body(project: Json, lines: list[Json], procore_id: str = "31", **changes: Any) -> Json:
    return {"number": "SC-1", "description": "Steel", "project_id": project["id"], "status": "approved",
            "supplier_name": "Southern Steel Ltd", "lines": lines,
            "external": external("work_order_contract", procore_id)} | changes  # fmt: skip
