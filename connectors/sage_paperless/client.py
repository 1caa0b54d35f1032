"""Sage Paperless's client over REST: one bearer token per vault, pages by cursor, problem documents, a key on every write."""

import secrets as random
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any, Protocol, runtime_checkable

from connectors.calls import Answer, CallFailed, NotUnderstood, Request, SignInRefused, Unavailable
from connectors.http import HttpClient
from connectors.ports import Budget, Client, CredentialStore, Token
from objects.outcome import Outcome
from settings.sage_paperless import SagePaperlessSettings

#: Contract B.1.
API = "/adapter/sage-paperless/v1"
PAGE_SIZE = "200"
#: More pages than any list has: a cursor that never ends is a fault of theirs.
MOST_PAGES = 10_000
#: How long the vault's company is believed before it is asked for again.
LASTS = timedelta(hours=1)


@runtime_checkable
class Vault(Client, Protocol):
    """What both ways in offer besides ports.Client."""

    settings: SagePaperlessSettings

    def pages(self, path: str, params: Mapping[str, str] | None = None) -> Iterator[list[dict[str, Any]]]:
        """Every page of a list below the vault."""

    def write(self, request: Request) -> Answer:
        """A write outside a plan. Raises CallFailed when it was not confirmed."""

    def read(self, request: Request) -> Answer:
        """A read with its headers. Raises CallFailed's subclasses."""


class PaperlessClient(HttpClient):
    """Bound to one vault and the one Procore company it holds (S-15); `company` is Procore's id of that."""

    system = "sage_paperless"

    def __init__(
        self, settings: SagePaperlessSettings, store: CredentialStore, budget: Budget, *, company: str, **options: Any
    ) -> None:
        super().__init__(settings.base_url + API, company, store, budget, **options)
        self.settings = settings

    def sign_in(self, secrets: Mapping[str, str], old: Token | None) -> Token:
        """The vault's own token, which does not end. A vault that holds another company is not entered (S-15, F50)."""
        token = Token(secrets["token"], self.clock() + LASTS)
        request = Request("GET", "/procore-configuration")
        answer = self._exchange(request, token.access)
        if answer.outcome is Outcome.confirmed:
            holds = answer.body.get("procore_company_id") if isinstance(answer.body, dict) else ""
            if holds not in (None, self.company):
                reason = f"vault {self.settings.vault_id} holds Procore company {holds}, not {self.company}"
                raise SignInRefused(request, Answer(Outcome.refused, 401, reason=reason))
        elif answer.status == 401 or (answer.status == 403 and code_of(answer) == "forbidden"):
            raise SignInRefused(request, answer)
        elif answer.outcome is not Outcome.refused:
            raise Unavailable(request, answer)
        return token  # 403 and 404 there: no licence, or a bridge without a Procore part; what is asked next says so

    def url(self, path: str) -> str:
        """All addresses but the list of vaults are below this vault's own."""
        return super().url(path if path.startswith(("/vaults", "http")) else f"/vaults/{self.settings.vault_id}{path}")

    def reason(self, body: Any) -> str:
        """Detail of a problem document (RFC 9457)."""
        return str(body.get("detail") or body.get("title") or "") if isinstance(body, dict) else ""

    def away(self, body: Any) -> bool:
        """Cloud sync that is stopped refuses imports; payments and all that is read go on."""
        return not isinstance(body, dict) or body.get("code") in (None, "", "unavailable")

    def send(self, request: Request) -> Answer:
        """As ever; a write that brings no Idempotency-Key of its own gets one for this one sending.

        A 503 of the adapter's own says that nothing was done; with a code of a rule it is a refusal, not a passing trouble.
        """
        if request.method != "GET" and "Idempotency-Key" not in request.headers:
            request = replace(request, headers={**request.headers, "Idempotency-Key": random.token_hex(16)})
        answer = super().send(request)
        if answer.status == 503 and (code := code_of(answer)):
            outcome = Outcome.not_applied if code == "unavailable" else Outcome.refused
            return replace(answer, outcome=outcome)
        return answer

    def write(self, request: Request) -> Answer:
        answer = self.send(request)
        if answer.outcome is not Outcome.confirmed:
            raise CallFailed(request, answer)
        return answer

    def pages(self, path: str, params: Mapping[str, str] | None = None) -> Iterator[list[dict[str, Any]]]:
        """Every page of a list (B.1). Raises as `get`, and NotUnderstood."""
        query, seen = {"limit": PAGE_SIZE, **(params or {})}, set[str]()
        for _ in range(MOST_PAGES):
            body = self.get(path, query)
            if not isinstance(body, dict) or not isinstance(body.get("data"), list) or "next_cursor" not in body:
                raise NotUnderstood(path, "a page has `data` and `next_cursor`")
            yield [row for row in body["data"] if isinstance(row, dict)]
            cursor = body["next_cursor"]
            if cursor is None:
                return
            if cursor in seen:
                raise NotUnderstood(path, "the cursor leads back to a page already read")
            seen.add(cursor)
            query = {**query, "cursor": str(cursor)}
        raise NotUnderstood(path, f"more than {MOST_PAGES} pages")


def code_of(answer: Answer) -> str:
    """The code of a problem document, or nothing."""
    return str(answer.body.get("code") or "") if isinstance(answer.body, dict) else ""


def own(client: Client) -> Vault:
    """The client as one of Sage Paperless's own; readers and looks are only ever given that."""
    if client.system != "sage_paperless" or not isinstance(client, Vault):
        raise TypeError(f"{client.system} is not sage_paperless")
    return client
