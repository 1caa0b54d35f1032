"""The Lentune simulator: routes of the adapter contract behind sign-in, limit and repeat protection."""

import hashlib
import json
from collections.abc import Callable
from datetime import datetime
from random import Random
from typing import Any, ClassVar

from simulators.kit.delivery import Delivery
from simulators.kit.http import BadJson, Request, Response
from simulators.kit.router import Match, Router
from simulators.kit.simulator import Context, Simulator
from simulators.lentune import (
    access,
    clerk,
    company,
    cost_codes,
    dataset,
    invoices,
    orders,
    people_orders,
    posting,
    projects,
    repeats,
    subcontracts,
    webhooks,
)
from simulators.lentune.problems import FieldError, Refusal
from simulators.lentune.store import Store
from simulators.lentune.tenant import DEFAULT_OPTIONS, Answer, Call, Handler, Tenant

BASE = "/adapter/lentune/v1"
TOKEN = "/adapter/lentune/oauth/token"
PROCORE = "by-procore/{procore_company_id}/{procore_id}"

OPERATIONS: list[tuple[str, str, Handler]] = [
    ("GET", "/procore-companies", company.list_companies),
    ("GET", "/procore-companies/{procore_company_id}/settings", company.get_settings),
    ("PUT", "/procore-companies/{procore_company_id}/settings", company.put_settings),
    ("GET", "/branches", projects.list_branches),
    ("GET", "/projects", projects.list_projects),
    ("GET", f"/projects/{PROCORE}", projects.get_project),
    ("PUT", f"/projects/{PROCORE}", projects.put_project),
    ("GET", "/cost-types", projects.list_cost_types),
    ("PUT", f"/cost-types/{PROCORE}", projects.put_cost_type),
    ("GET", "/master-cost-codes", cost_codes.list_master_cost_codes),
    ("PUT", f"/master-cost-codes/{PROCORE}", cost_codes.put_master_cost_code),
    ("GET", "/projects/{project_id}/cost-codes", cost_codes.list_project_cost_codes),
    ("PUT", f"/projects/{{project_id}}/cost-codes/{PROCORE}", cost_codes.put_project_cost_code),
    ("GET", "/suppliers", projects.list_suppliers),
    ("PUT", f"/suppliers/{PROCORE}", projects.put_supplier),
    ("GET", "/purchase-orders", orders.list_orders),
    ("POST", "/purchase-orders", orders.create_order),
    ("GET", "/purchase-orders/{purchase_order_id}", orders.get_order),
    ("PUT", "/purchase-orders/{purchase_order_id}/external-key", orders.link_order),
    ("PUT", f"/purchase-orders/{PROCORE}", orders.put_order),
    ("GET", "/subcontracts", subcontracts.list_subcontracts),
    ("PUT", f"/subcontracts/{PROCORE}", subcontracts.put_subcontract),
    ("GET", "/payment-claims", subcontracts.list_claims),
    ("GET", "/variations", subcontracts.list_variations),
    ("PUT", f"/variations/{PROCORE}", subcontracts.put_variation),
    ("GET", "/invoices", invoices.list_invoices),
    ("GET", "/invoices/{invoice_id}", invoices.get_invoice),
    ("GET", "/invoices/{invoice_id}/document", invoices.get_document),
    ("POST", "/invoices/{invoice_id}/posting-claims", invoices.claim),
    ("PUT", "/invoices/{invoice_id}/posting-result", invoices.report),
    ("GET", "/webhook-subscriptions", webhooks.list_subscriptions),
    ("POST", "/webhook-subscriptions", webhooks.create_subscription),
    ("DELETE", "/webhook-subscriptions/{subscription_id}", webhooks.delete_subscription),
    ("GET", "/webhook-deliveries", webhooks.list_deliveries),
    ("POST", "/webhook-deliveries/{event_id}/replay", webhooks.replay),
]


def routes() -> Router:
    router = Router()
    for method, path, handler in OPERATIONS:
        router.route(method, BASE + path)(guarded(handler))
    router.route("GET", f"{BASE}/health")(lambda simulator, request: simulator.health())
    router.route("POST", TOKEN)(lambda simulator, request: access.token(simulator.tenant(), request))
    return router


def guarded(handler: Handler) -> Callable[..., Response]:
    """A handler behind sign-in, rate limit and Idempotency-Key, in that order."""

    def run(simulator: "Lentune", request: Request, **params: str) -> Response:
        tenant = simulator.tenant()
        tenant.store.base = f"http://{request.headers.get('host', 'localhost:8443')}"
        access.check_token(tenant, request)
        left = access.take(tenant)
        write = request.method != "GET"
        again = repeats.earlier(tenant, request) if write else None
        if again is not None:
            return again
        response = simulator.reply(handler(tenant, call_of(request, params)))
        if left is not None:
            response.headers["X-RateLimit-Remaining"] = str(left)
        if write:
            repeats.keep(tenant, request, response)
        return response

    return run


def call_of(request: Request, params: dict[str, str]) -> Call:
    """Raises Refusal validation_failed when there is a body and it is not a JSON object."""
    content = None
    if request.body and request.method != "GET":
        try:
            content = request.json()
        except BadJson as error:
            fault = FieldError("", "malformed", str(error))
            raise Refusal("validation_failed", "The body is not JSON.", field_errors=[fault]) from error
        if not isinstance(content, dict):
            raise Refusal("validation_failed", "The body must be a JSON object.")
    return Call(request.method, request.path, params, dict(request.query), request.headers, content)


class Lentune(Simulator):
    """One tenant of the adapter contract."""

    system: ClassVar[str] = "lentune"
    router: ClassVar[Router] = routes()
    actions = people_orders.actions
    default_options: ClassVar[dict[str, Any]] = DEFAULT_OPTIONS
    data: Store

    @property
    def credentials(self) -> dict[str, str]:
        """Derived from the seed, so that the same seed needs no new set-up."""
        secret = hashlib.sha256(f"lentune client secret {self.credentials_seed}".encode()).hexdigest()[:40]
        seed = self.credentials_seed
        return {"client_id": f"sitebooks-{seed}", "client_secret": secret, "tenant": f"tenant-{seed}"}

    def tenant(self) -> Tenant:
        """The tenant as it is now, for one call or one act."""
        visible = self.visible if self.lag_seconds else None
        return Tenant(self.data, self.clock.now(), self.options, self.outbox.put, visible)

    def build(self, dataset_: dict[str, Any]) -> None:
        client = self.credentials
        company_id = str((dataset_.get("company") or {}).get("procore_id", ""))
        self.data = Store(client["tenant"], company_id, Random(self.seed_number if dataset_ else 0), client)
        if dataset_:
            dataset.build(self.tenant(), dataset_)
        self.data.changes.clear()

    def keep_numbering(self, before: Store) -> None:
        self.data.serial = dict(before.serial)

    def company_of(self, request: Request) -> str:
        return self.data.company_id

    def answer(self, request: Request, match: Match) -> Response:
        try:
            response: Response = match.handler(self, request, **match.params)
        except Refusal as refusal:
            response = self.refuse(refusal)
        self.enter_changes()
        return response

    def unknown(self, request: Request) -> Response:
        return self.refuse(Refusal("not_found", f"There is no {request.method} {request.path}."))

    def refuse(self, refusal: Refusal) -> Response:
        correlation = self.correlation()
        body = json.dumps(refusal.plain(correlation), separators=(",", ":")).encode()
        headers = {"Content-Type": "application/problem+json", "X-Correlation-Id": correlation} | refusal.headers
        return Response(refusal.http_status(), headers, body)

    def reply(self, answer: Answer) -> Response:
        headers = {"X-Correlation-Id": self.correlation()} | answer.headers
        if answer.body is None:
            return Response(answer.status, headers)
        if isinstance(answer.body, bytes):
            return Response(answer.status, {"Content-Type": answer.content_type} | headers, answer.body)
        body = json.dumps(answer.body, separators=(",", ":")).encode()
        return Response(answer.status, {"Content-Type": "application/json"} | headers, body)

    def correlation(self) -> str:
        return f"lc-{self.data.number('correlation'):08d}"

    def enter_changes(self) -> None:
        """What the call changed goes into the ledger."""
        for change in self.data.changes:
            self.record(change.kind, change.key, change.remote_id, change.effect, self.data.company_id)
        self.data.changes.clear()

    def health(self) -> Response:
        """Open to all: how many events wait, and for how long the oldest."""
        now = self.clock.now()
        waiting = [
            datetime.fromisoformat(entry["queued_at"])
            for event in self.data.events.values()
            for entry in event["deliveries"].values()
            if entry["state"] in ("pending", "failing")
        ]
        oldest = int((now - min(waiting)).total_seconds()) if waiting else 0
        body = {"status": "ok" if oldest < 300 else "degraded", "webhook_backlog": len(waiting),
                "oldest_backlog_seconds": oldest}  # fmt: skip
        return Response.of(200, body)

    def passing(self) -> None:
        """Leases run out, the desk clerk works, and what is about to be sent is signed with the time of now."""
        tenant = self.tenant()
        now = tenant.now
        posting.release_leases(tenant)
        if self.options["clerk"] and self.data.coding:
            self.as_person("/clerk")
            clerk.work(tenant)
            self.enter_changes()
        for name, queue in self.outbox.queues.items():
            if queue and name not in self.outbox.in_flight and self.outbox.paused_until.get(name, now) <= now:
                webhooks.sign(self.data, queue[0], now)

    def settled(self, delivery: Delivery, status: int | None, ok: bool) -> None:
        webhooks.settle(self.tenant(), delivery, status, ok)

    def retry_at(self, delivery: Delivery, now: datetime) -> datetime | None:
        return webhooks.next_try(self.tenant(), delivery)

    def state(self) -> dict[str, list[dict[str, Any]]]:
        """Every table, tombstones too; invoices with the reason for their target (B.4)."""
        kinds = {name: list(rows.values()) for name, rows in self.data.tables.items()}
        kinds["invoices"] = [
            posting.public(self.data, row) | {"posting_reason": self.data.reasons.get(row["id"], "")}
            for row in kinds["invoices"]
        ]
        entries = [entry for event in self.data.events.values() for entry in event["deliveries"].values()]
        kinds["webhook_deliveries"] = [
            webhooks.public_delivery(entry) | {"type": entry["type"], "resource_id": entry["resource_id"]}
            for entry in entries
        ]
        return kinds

    def as_person(self, path: str) -> None:
        """What follows is done by a person, for the ledger."""
        self.context = Context("person", "POST", f"/_sim/act{path}", self.data.company_id, "")
