"""Lentune's client: client credentials, pages by cursor, problem documents, a key on every write."""

import secrets as random
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from connectors.calls import Answer, CallFailed, NotUnderstood, Request, SignInRefused, Unavailable, WrongCompany
from connectors.http import LONGEST_WAIT, HttpClient
from connectors.ports import Budget, Client, CredentialStore, Token
from objects.outcome import Outcome
from settings.lentune import LentuneSettings

#: Contract B.1.
API, TOKEN = "/adapter/lentune/v1", "/adapter/lentune/oauth/token"
PAGE_SIZE = "200"
#: More pages than any list has: a cursor that never ends is a fault of theirs.
MOST_PAGES = 10_000


class LentuneClient(HttpClient):
    """Bound to one tenant and the one Procore company it is linked with; `company` is Procore's id of that."""

    system = "lentune"

    def __init__(
        self, settings: LentuneSettings, store: CredentialStore, budget: Budget, *, company: str, **options: Any
    ) -> None:
        super().__init__(settings.base_url + API, company, store, budget, **options)
        self.currency = settings.currency
        self.token_url = settings.base_url + TOKEN
        #: The list last read for second looks: what was asked, when, and what it held (`standing`).
        self.listed: tuple[Any, datetime, dict[tuple[str, ...], list[dict[str, Any]]]] | None = None

    def sign_in(self, secrets: Mapping[str, str], old: Token | None) -> Token:
        """Client credentials of the tenant, lives 3600 s. Only a tenant that is linked with our company is let in."""
        form = {"grant_type": "client_credentials", "client_id": secrets["client_id"],
                "client_secret": secrets["client_secret"], "scope": "lentune.read lentune.write"}
        body = self.ask_token(self.token_url, form)
        try:
            token = Token(str(body["access_token"]), self.clock() + timedelta(seconds=int(body["expires_in"])))
        except (KeyError, TypeError, ValueError) as error:
            raise NotUnderstood(TOKEN, f"no usable token in the answer ({type(error).__name__})") from error
        self._same_tenant(token.access)
        return token

    def _same_tenant(self, token: str) -> None:
        """Nothing else says whose books a sign-in opens: with another tenant's, its invoices would become ours (F50)."""
        request = Request("GET", "/procore-companies", {"limit": PAGE_SIZE})
        answer = self._exchange(request, token)
        if answer.outcome is not Outcome.confirmed:
            # a token that was given a moment ago and is refused was ended meanwhile: the next one may be good (F35)
            refused = answer.outcome is Outcome.refused and answer.status != 401
            raise (SignInRefused if refused else Unavailable)(request, answer)
        rows = answer.body.get("data") if isinstance(answer.body, dict) else None
        if not isinstance(rows, list):
            raise NotUnderstood("/procore-companies", "a page has `data`")
        linked = [str(row.get("procore_company_id")) for row in rows if isinstance(row, dict)]
        if self.company not in linked:
            whose = f"the books of Procore company {', '.join(linked)}" if linked else "books that are linked with no company"
            reason = f"this sign-in opens {whose}, not of {self.company}"
            raise SignInRefused(request, Answer(Outcome.refused, 401, reason=reason))

    def reason(self, body: Any) -> str:
        """Detail of a problem document (RFC 9457), or the word of a token refusal."""
        if not isinstance(body, dict):
            return ""
        return str(body.get("detail") or body.get("title") or body.get("error") or "")

    def send(self, request: Request) -> Answer:
        """As ever; a write that brings no Idempotency-Key of its own gets one for this one sending.

        Upserts are anchored on the Procore id and set the whole state, so sending again is harmless; a key kept for
        longer would let a change that goes back to an earlier state be answered from memory and not be carried out.
        """
        if request.method != "GET" and "Idempotency-Key" not in request.headers:
            request = replace(request, headers={**request.headers, "Idempotency-Key": random.token_hex(16)})
        answer = super().send(request)
        after = answer.headers.get("retry-after", "")
        if answer.status == 409 and request.path.endswith("/posting-claims") and after.isdigit():
            # lent to another worker, or to an earlier try of ours: nothing was done, and it says how long (B.2)
            until = self.clock() + timedelta(seconds=min(int(after), LONGEST_WAIT.seconds))
            return replace(answer, outcome=Outcome.not_applied, retry_at=until)
        if answer.status == 412 and isinstance(answer.body, dict) and answer.body.get("code") == "not_found":
            # no version of it stands there: it is gone, and nothing can be compared (README, "Versions")
            return replace(answer, status=410)
        return answer

    def write(self, request: Request) -> Answer:
        """A write outside a plan (settings, subscriptions). Raises CallFailed when it was not confirmed."""
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

    def same_company(self, row: Mapping[str, Any], path: str) -> None:
        """Raises WrongCompany when a record is anchored in another Procore company; one without anchor is fine."""
        external = row.get("external")
        if isinstance(external, dict) and str(external.get("procore_company_id")) != self.company:
            named = external.get("procore_company_id")
            raise WrongCompany(path, f"the record belongs to Procore company {named}, not {self.company}")


def connect(
    settings: LentuneSettings, store: CredentialStore, budget: Budget, *, company: str, **options: Any
) -> LentuneClient:
    """A client of one connection; `options` are those of HttpClient (seconds, urgent, transport, clock)."""
    return LentuneClient(settings, store, budget, company=company, **options)


def own(client: Client) -> LentuneClient:
    """The client as Lentune's own; readers and looks are only ever given that."""
    if not isinstance(client, LentuneClient):
        raise TypeError(f"{client.system} is not lentune")
    return client
