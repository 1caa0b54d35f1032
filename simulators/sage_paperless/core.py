"""The Sage Paperless simulator: routes of the adapter contract behind sign-in, limit and repeat protection."""

import json
from collections.abc import Callable
from datetime import datetime
from random import Random
from typing import Any, ClassVar

from simulators.kit.delivery import Delivery
from simulators.kit.http import BadJson, Request, Response
from simulators.kit.router import Match, Router
from simulators.kit.simulator import Context, Simulator
from simulators.sage_paperless import (
    access,
    configuration,
    connection,
    dataset,
    folder,
    holdings,
    invoices,
    jobs,
    multipart,
    payments,
    people,
    references,
    repeats,
    webhooks,
)
from simulators.sage_paperless.problems import Refusal, malformed
from simulators.sage_paperless.site import DEFAULT_OPTIONS, Answer, Call, Handler, Site
from simulators.sage_paperless.store import Store, Vault

BASE = "/adapter/sage-paperless/v1"
OPERATIONS: list[tuple[str, str, Handler]] = [
    ("GET", "/vaults", connection.list_vaults),
    ("GET", "/vaults/{vault_id}", connection.get_vault),
    ("GET", "/vaults/{vault_id}/procore-connection", connection.get_connection),
    ("POST", "/vaults/{vault_id}/procore-connection", connection.grant_access),
    ("DELETE", "/vaults/{vault_id}/procore-connection", connection.drop_connection),
    ("GET", "/vaults/{vault_id}/procore-configuration", configuration.get_configuration),
    ("PUT", "/vaults/{vault_id}/procore-configuration", configuration.put_configuration),
    ("GET", "/vaults/{vault_id}/queues", configuration.list_queues),
    ("GET", "/vaults/{vault_id}/reference-values", references.list_references),
    ("POST", "/vaults/{vault_id}/validations", invoices.dry_run),
    ("GET", "/vaults/{vault_id}/invoices", invoices.list_invoices),
    ("POST", "/vaults/{vault_id}/invoices", invoices.import_invoice),
    ("GET", "/vaults/{vault_id}/invoices/{invoice_id}", invoices.get_invoice),
    ("PATCH", "/vaults/{vault_id}/invoices/{invoice_id}", invoices.edit_invoice),
    ("GET", "/vaults/{vault_id}/invoices/{invoice_id}/document", invoices.get_document),
    ("POST", "/vaults/{vault_id}/invoices/{invoice_id}/refresh", invoices.refresh_invoice),
    ("POST", "/vaults/{vault_id}/invoices/{invoice_id}/route", invoices.route_invoice),
    ("GET", "/vaults/{vault_id}/import-candidates", invoices.list_candidates),
    ("GET", "/vaults/{vault_id}/payments", payments.list_payments),
    ("PUT", "/vaults/{vault_id}/payments/{payment_id}/procore-receipt", payments.confirm_payment),
    ("GET", "/vaults/{vault_id}/jobs", jobs.list_jobs),
    ("POST", "/vaults/{vault_id}/jobs/{job_name}/runs", jobs.run_job),
    ("GET", "/vaults/{vault_id}/webhook-subscriptions", webhooks.list_subscriptions),
    ("POST", "/vaults/{vault_id}/webhook-subscriptions", webhooks.create_subscription),
    ("DELETE", "/vaults/{vault_id}/webhook-subscriptions/{subscription_id}", webhooks.delete_subscription),
    ("GET", "/vaults/{vault_id}/webhook-deliveries", webhooks.list_deliveries),
    ("POST", "/vaults/{vault_id}/webhook-deliveries/{event_id}/replay", webhooks.replay),
]
# Writes that the contract's document lists without an Idempotency-Key.
WITHOUT_KEY = (invoices.dry_run, connection.drop_connection, webhooks.delete_subscription)


def routes() -> Router:
    router = Router()
    for method, path, handler in OPERATIONS:
        router.route(method, BASE + path)(guarded(handler))
    router.route("GET", f"{BASE}/health")(lambda simulator, request: Response.of(200, jobs.health(simulator.site())))
    router.route("GET", connection.PAGE)(connection.page)
    router.route("POST", connection.PAGE)(connection.page)
    return router


def guarded(handler: Handler) -> Callable[..., Response]:
    """A handler behind sign-in, rate limit and Idempotency-Key, in that order."""

    def run(simulator: "SagePaperless", request: Request, **params: str) -> Response:
        site = simulator.site()
        site.store.base = f"http://{request.headers.get('host', 'localhost:8444')}"
        own = access.signed_in(site, request)
        left = access.take(site, own)
        call = call_of(request, params, access.entered(site, own, params.get("vault_id")))
        keyed = request.method != "GET" and handler not in WITHOUT_KEY
        again = repeats.earlier(site, request, call) if keyed else None
        if again is not None:
            return again
        response = simulator.reply(handler(site, call))
        if left is not None:
            response.headers["X-RateLimit-Remaining"] = str(left)
        if keyed:
            repeats.keep(site, request, call, response)
        return response

    return run


def call_of(request: Request, params: dict[str, str], vault: Vault) -> Call:
    """Raises Refusal validation_failed when there is a body and it is neither a JSON object nor a form."""
    call = Call(request.method, request.path, params, dict(request.query), request.headers, vault)
    if not request.body or request.method == "GET":
        return call
    kind = request.headers.get("content-type", "")
    if kind.lower().startswith("multipart/"):
        call.parts = multipart.read(kind, request.body)
        return call
    try:
        call.content = request.json()
    except BadJson as error:
        raise malformed("", f"is not JSON: {error}") from error
    if not isinstance(call.content, dict):
        raise malformed("", "must be a JSON object")
    return call


class SagePaperless(Simulator):
    """Several vaults of the adapter contract, and the drop folder beside them."""

    system: ClassVar[str] = "sage_paperless"
    router: ClassVar[Router] = routes()
    actions = people.actions
    default_options: ClassVar[dict[str, Any]] = DEFAULT_OPTIONS
    controls = folder.CONTROLS
    largest_body = 512 * 1024 * 1024  # one document may be of 200 MB
    data: Store

    @property
    def credentials(self) -> dict[str, str]:
        """Of the first vault."""
        return self.credentials_of(next(iter(self.data.vaults), dataset.FIRST))

    def credentials_of(self, vault_id: str) -> dict[str, str]:
        token = access.token_of(self.credentials_seed, vault_id)
        return {"token": token, "vault_id": vault_id, "folder": str(self.options["folder"])}

    def site(self) -> Site:
        """The site as it is now, for one call or one act."""
        visible = self.visible if self.lag_seconds else None
        return Site(self.data, self.clock.now(), self.options, self.outbox.put, visible)

    def build(self, dataset_: dict[str, Any]) -> None:
        self.data = Store(Random(self.seed_number if dataset_ else 0))
        if dataset_:
            dataset.build(self.site(), dataset_, self.credentials_seed)
        self.data.changes.clear()

    def keep_numbering(self, before: Store) -> None:
        self.data.serial = dict(before.serial)

    def company_of(self, request: Request) -> str:
        parts = request.path.split("/")
        vault = self.data.vaults.get(parts[5]) if len(parts) > 5 else None
        return vault.company_id if vault else ""

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
        return f"sp-{self.data.number('correlation'):08d}"

    def enter_changes(self) -> None:
        """What the call changed goes into the ledger."""
        for change in self.data.changes:
            self.record(change.kind, change.key, change.remote_id, change.effect, change.company)
        self.data.changes.clear()

    def passing(self) -> None:
        """The payment job and the importer work, and what is about to be sent is signed with the time of now."""
        site, now = self.site(), self.clock.now()
        self.as_person("/payment_backfill")
        jobs.work(site)
        self.enter_changes()
        if self.options["folder"]:
            self.context = Context("client", "PUT", "drop folder", "", "")
            folder.work(site)
            self.enter_changes()
        for name, queue in self.outbox.queues.items():
            if queue and name not in self.outbox.in_flight and self.outbox.paused_until.get(name, now) <= now:
                webhooks.sign(self.data, queue[0], now)

    def settled(self, delivery: Delivery, status: int | None, ok: bool) -> None:
        webhooks.settle(self.data, delivery, status, ok)

    def retry_at(self, delivery: Delivery, now: datetime) -> datetime | None:
        return webhooks.next_try(self.site(), delivery)

    def state(self) -> dict[str, list[dict[str, Any]]]:
        return holdings.state(self.data)

    def as_person(self, path: str, vault: Vault | None = None) -> None:
        """What follows is done by a person, for the ledger."""
        self.context = Context("person", "POST", f"/_sim/act{path}", vault.company_id if vault else "", "")
