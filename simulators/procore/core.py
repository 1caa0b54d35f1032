"""The simulated Procore: who may ask, how often, and which handler answers."""

import hashlib
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, ClassVar

from simulators.kit.delivery import Delivery
from simulators.kit.http import BadJson, Request, Response
from simulators.kit.router import Match
from simulators.kit.simulator import Simulator
from simulators.procore import attachments, errors, tools, webhooks
from simulators.procore.errors import Refused
from simulators.procore.limits import Limits
from simulators.procore.routes import ACTIONS, ROUTER, load
from simulators.procore.store import Company, Row

load()

# With client credentials these two need the company header too, with a user's token they do not.
NO_COMPANY = ("/rest/v1.0/me", "/rest/v1.0/companies")


@dataclass
class World:
    """Everything the simulated Procore holds."""

    companies: dict[int, Company] = field(default_factory=dict)
    # Companies that installed the app.
    installed: set[int] = field(default_factory=set)
    # access token -> {grant, expires_at, refresh_token, created_at}
    tokens: dict[str, Row] = field(default_factory=dict)
    # refresh token -> access token; single use
    refresh_tokens: dict[str, str] = field(default_factory=dict)
    codes: dict[str, Row] = field(default_factory=dict)
    issued: int = 0
    # Whether somebody has allowed the app before: then sign-in is enough.
    allowed: bool = False
    limits: Limits = field(default_factory=Limits)


class Procore(Simulator):
    """Options: see README.md; a limit of 0 is off."""

    system: ClassVar[str] = "procore"
    router = ROUTER
    actions = ACTIONS
    default_options: ClassVar[dict[str, Any]] = {
        "hourly": 3600,
        "spike": 25,
        "hour_seconds": 3600,  # tests let an hour pass sooner
        "retry_after": True,
        "origin_clash_status": 422,
        "lock_approved": True,
        "keeps_invoices_single": True,
        "require_project_for_types": False,
        "file_seconds": 600,  # how long the address of a file works
        "storage_host": "",  # where files are sent from; empty: the host that was asked
    }
    data: World
    company: Company

    def build(self, dataset: dict[str, Any]) -> None:
        from simulators.procore import building

        self.data = World()
        building.build(self, dataset)

    def state(self) -> dict[str, list[dict[str, Any]]]:
        from simulators.procore import holdings

        return holdings.state(self.data)

    def keep_numbering(self, before: World) -> None:
        for number, company in self.data.companies.items():
            if number in before.companies:
                company.next_ids = dict(before.companies[number].next_ids)

    def restored(self) -> None:
        self.company = next(iter(self.data.companies.values()))

    @property
    def credentials(self) -> dict[str, Any]:
        companies = list(self.data.companies) or [4100]
        return {
            "client_id": self.secret("client")[:32],
            "client_secret": self.secret("client secret"),
            "company_id": companies[0],
            "email": "office@kauri.example",
            "password": self.secret("password")[:16],
        }

    def secret(self, purpose: str) -> str:
        """Derived from the seed, so that it is the same after a restart."""
        return hashlib.sha256(f"procore {self.credentials_seed} {purpose}".encode()).hexdigest()

    def company_of(self, request: Request) -> str:
        named = request.headers.get("procore-company-id") or request.q("company_id") or ""
        parts = request.path.split("/")
        if parts[1] in ("attachments", "storage") and len(parts) > 2:
            return parts[2]
        return parts[4] if not named and len(parts) > 4 and parts[3] == "companies" else named

    def answer(self, request: Request, match: Match) -> Response:
        if match.template.startswith(("/oauth/", "/storage/")):
            return self._guarded(request, match)
        try:
            token = self._token(request)
            headers = self.data.limits.take(
                self.clock.now(),
                int(self.options["hourly"]),
                int(self.options["spike"]),
                bool(self.options["retry_after"]),
                float(self.options["hour_seconds"]),
            )
        except Refused as error:
            return errors.response(error, request.path)
        try:
            self._enter(request, match, token)
        except Refused as error:
            response = errors.response(error, request.path)
        else:
            response = self._guarded(request, match)
        response.headers.update(headers)
        return response

    def unknown(self, request: Request) -> Response:
        return Response.of(404, {"error": "Not Found", "message": f"No route for {request.method} {request.path}"})

    def retry_at(self, delivery: Delivery, now: datetime) -> datetime | None:
        return webhooks.retry_at(self, delivery, now)

    def settled(self, delivery: Delivery, status: int | None, ok: bool) -> None:
        webhooks.log(self, delivery, status, ok)

    # What handlers use.

    def now_text(self) -> str:
        """Times have whole seconds, as in the real system: two changes of one second look the same."""
        return self.clock.now().strftime("%Y-%m-%dT%H:%M:%SZ")

    def project(self, number: Any) -> Row:
        """The project a request names. Raises 400 when it names none, 404 when there is none."""
        if number in (None, ""):
            raise errors.missing("project_id")
        return self.company.get("projects", number)

    def body(self, request: Request, key: str | None = None) -> Row:
        """The JSON object sent, or the object under `key`. Raises 400."""
        try:
            sent = request.json()
        except BadJson as error:
            raise Refused(400, f"The body is not JSON: {error}") from error
        if key is not None:
            sent = sent.get(key) if isinstance(sent, dict) else None
            if sent is None:
                raise errors.missing(key)
        if not isinstance(sent, dict):
            raise Refused(400, {key or "body": ["is not an object"]})
        return sent

    def changed(
        self,
        kind: str,
        row: Row,
        effect: Any,
        key: Any = None,
        resource: str | None = None,
        related: tuple[tuple[int, str], ...] = (),
    ) -> None:
        """Notes a change in the ledger, and tells the hooks when `resource` is one that Procore announces."""
        self.record(kind, str(key if key is not None else row["id"]), row["id"], effect, self.company.id)
        if resource is not None and effect != "action":
            webhooks.emit(self, self.company, resource, effect, row, related)

    def announce(self, resource: str, row: Row, effect: str = "updated") -> None:
        """Tells the hooks of a change that the ledger has under another name."""
        webhooks.emit(self, self.company, resource, effect, row, ())

    def touch(self, row: Row) -> None:
        row["updated_at"] = self.now_text()

    @property
    def clash_status(self) -> int:
        return int(self.options["origin_clash_status"])

    # Inside.

    def _guarded(self, request: Request, match: Match) -> Response:
        try:
            if request.body and request.method in ("POST", "PATCH", "PUT") and not _readable(request, match.template):
                raise Refused(406, "Content-Type must be application/json")
            return super().answer(request, match)
        except Refused as error:
            return errors.response(error, request.path)

    def _token(self, request: Request) -> Row:
        kind, _, value = request.headers.get("authorization", "").partition(" ")
        token = self.data.tokens.get(value.strip()) if kind.lower() == "bearer" else None
        if token is None or token["expires_at"] <= self.clock.now():
            raise Refused(401, "The access token is invalid")
        return token

    def _enter(self, request: Request, match: Match, token: Row) -> None:
        """Finds the company: the header counts, and what path or query say must agree with it."""
        named = request.headers.get("procore-company-id")
        if match.template == attachments.DOWNLOAD:  # an address to be followed as it is
            named = named or match.params["company_id"]
        if not named:
            if match.template in NO_COMPANY and token["grant"] != "client_credentials":
                self.company = next(iter(self.data.companies.values()))
                return
            raise Refused(400, errors.MISSING_COMPANY)
        self.company = self._installed(named)
        attachments.at(self, request)
        for other in (match.params.get("company_id"), request.q("company_id")):
            if other is not None and other != named:
                self._installed(other)
                raise Refused(400, {"company_id": ["is not the company of the Procore-Company-Id header"]})
        project_id = match.params.get("project_id")
        if project_id is not None:
            self.company.get("projects", project_id)
        tools.allow(self, request, match)

    def _installed(self, named: str) -> Company:
        number = int(named) if named.isdigit() else -1
        if number not in self.data.companies or number not in self.data.installed:
            raise Refused(403, errors.NOT_CONNECTED)
        return self.data.companies[number]


def _readable(request: Request, template: str) -> bool:
    kind = request.headers.get("content-type", "application/json").lower()
    return "json" in kind or (template.startswith("/oauth/") and "form" in kind)
