"""Procore's client: sign-in, the company header, limits, pages, and its exceptions to the table of outcomes."""

import logging
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from connectors.calls import Answer, NotUnderstood, Request, SignInRefused, Unavailable, WrongCompany
from connectors.http import HttpClient, Response
from connectors.ports import Budget, Client, CredentialStore, Token, Window
from objects.outcome import Outcome
from settings.procore import ProcoreSettings

log = logging.getLogger("sitebooks.procore")

#: Ceilings below the advised 2,000 a page (contract section 4).
CEILINGS = {"/rest/v1.1/projects": 300, "/rest/v2.0/": 100}
#: Lists that take no page size; they page by Link like the others.
UNSIZED = ("/rest/v1.0/webhooks/",)
#: More pages than any list of a company has: a Link header that never ends is a fault of theirs.
MOST_PAGES = 10_000
#: Readings of one list that changes while it is read; what still moves then, the nightly full reading finds.
MOST_PASSES = 3


class ProcoreClient(HttpClient):
    """Bound to one company: its id goes with every request, and answers that name another are refused."""

    system = "procore"

    def __init__(
        self, settings: ProcoreSettings, store: CredentialStore, budget: Budget, *, company: str = "", **options: Any
    ) -> None:
        super().__init__(settings.base_url, company or settings.company_id, store, budget, **options)
        self.settings = settings
        #: Commitment -> when its payments were last listed, and what the list held (`payments`).
        self.paid: dict[str, tuple[datetime, list[dict[str, Any]]]] = {}

    def sign_in(self, secrets: Mapping[str, str], old: Token | None) -> Token:
        """Client credentials, or a user's grant: the code once, then each single-use refresh token (section 2)."""
        form = {name: secrets[name] for name in ("client_id", "client_secret")}
        if old is not None and old.refresh:
            form |= {"grant_type": "refresh_token", "refresh_token": old.refresh}
        elif "code" in secrets:
            form |= {"grant_type": "authorization_code", "code": secrets["code"],
                     "redirect_uri": secrets["redirect_uri"]}
        elif secrets.get("grant", "client_credentials") == "client_credentials":
            form |= {"grant_type": "client_credentials"}
        else:
            reason = "a person of the company must connect Procore again"
            raise SignInRefused(Request("POST", "/oauth/token"), Answer(Outcome.refused, 401, reason=reason))
        return self._token(self.ask_token(f"{self.settings.login}/oauth/token", form))

    def own_headers(self) -> dict[str, str]:
        return {"Procore-Company-Id": self.company} if self.company else {}  # none is picked yet (S-14)

    def window(self, answer: Response) -> Window | None:
        """The X-Rate-Limit headers speak of whichever window is nearer its limit (section 5)."""
        values = [answer.headers.get(f"X-Rate-Limit-{name}", "") for name in ("Limit", "Remaining", "Reset")]
        if not all(value.isdigit() for value in values):
            return None
        limit, remaining, reset = map(int, values)
        return Window(limit, remaining, datetime.fromtimestamp(reset, UTC))

    def reason(self, body: Any) -> str:
        return sentence(body)

    def send(self, request: Request) -> Answer:
        """As the table says, with three exceptions of Procore's (sections 6, 8 and 11.14)."""
        answer = super().send(request)
        if request.method == "POST" and "contract_id" in (request.body or ()):
            self._paid(str(request.body["contract_id"]), answer)
        if answer.status == 409 and "/direct_costs" in request.path:
            # A concurrent change of the same direct cost: nothing was done, and the sync may be sent again.
            return replace(answer, outcome=Outcome.not_applied)
        if answer.status == 409 and request.method == "POST":
            # Our origin id is taken: an earlier try arrived after all. Looking settles it.
            return replace(answer, outcome=Outcome.uncertain)
        if answer.status == 404 and request.method == "DELETE":
            return replace(answer, outcome=Outcome.confirmed, reason="")
        return answer

    def _paid(self, contract: str, answer: Answer) -> None:
        """A list of payments that was read before a write holds after it what the answer says; in doubt it says nothing."""
        kept = self.paid.pop(contract, None)
        if kept is not None and answer.outcome is Outcome.confirmed and isinstance(answer.body, dict):
            self.paid[contract] = (kept[0], [*kept[1], answer.body])

    def pages(self, path: str, params: Mapping[str, str] | None = None) -> Iterator[list[dict[str, Any]]]:
        """Every page of a list, following Link on our own host only (F55). Raises as `get`, and NotUnderstood.

        When the list's Total changed on the way, rows may have moved to a page already read: then it is read again (F33).
        """
        for _ in range(MOST_PASSES):
            totals = set()
            for answer in self._pass(path, dict(params or {})):
                totals.add(answer.headers.get("total"))
                yield listed(answer.body, path)
            if len(totals) <= 1:
                return
            log.info("%s changed while it was read: it is read again", path)

    def _pass(self, path: str, query: dict[str, str]) -> Iterator[Answer]:
        ceiling = min((size for start, size in CEILINGS.items() if path.startswith(start)), default=2000)
        if not path.startswith(UNSIZED):
            query["per_page"] = str(min(self.settings.page_size, ceiling))
        request, seen = Request("GET", path, query), set[str]()
        for _ in range(MOST_PAGES):
            answer = self.read(request)
            yield answer
            following = next_link(answer.headers.get("link", ""))
            if not following:
                return
            if following in seen:
                raise NotUnderstood(path, "the list links back to a page already read")
            seen.add(following)
            request = Request("GET", self._same_host(following, path))
        raise NotUnderstood(path, f"more than {MOST_PAGES} pages")

    def all(self, path: str, params: Mapping[str, str] | None = None) -> list[dict[str, Any]]:
        """All pages together, for lists known to be short: as the list stood when nothing of it moved (F33)."""
        for _ in range(MOST_PASSES):
            answers = list(self._pass(path, dict(params or {})))
            if len({answer.headers.get("total") for answer in answers}) <= 1:
                return [item for answer in answers for item in listed(answer.body, path)]
        reason = "the list changed each time it was read"
        raise Unavailable(Request("GET", path), Answer(Outcome.not_applied, reason=reason))

    def addresses(self, obj: Any) -> Mapping[str, str]:
        """Attachment id -> address of an invoice's files (section 10); they expire, so they are asked for when needed."""
        record = self.get(f"/rest/v1.1/requisitions/{obj.source_id}", {"project_id": obj.project_id})
        files = record.get("attachments") if isinstance(record, dict) else None
        return {str(one.get("id")): str(one.get("url") or "") for one in files or () if isinstance(one, dict)}

    def same_company(self, value: object, path: str) -> None:
        """Raises WrongCompany when an answer names another company than ours; naming none is allowed."""
        if value is not None and str(value) != self.company:
            raise WrongCompany(path, f"the answer belongs to company {value}, not {self.company}")

    def _same_host(self, link: str, path: str) -> str:
        try:
            return self.url(link)
        except ValueError as error:
            raise NotUnderstood(path, f"the next page is elsewhere: {error}") from error

    def _token(self, body: Mapping[str, Any]) -> Token:
        try:
            lasts = timedelta(seconds=int(body["expires_in"]))
            return Token(str(body["access_token"]), self.clock() + lasts, body.get("refresh_token"))
        except (KeyError, TypeError, ValueError) as error:
            answer = Answer(Outcome.refused, 200, reason="the answer to the sign-in holds no usable token")
            raise SignInRefused(Request("POST", "/oauth/token"), answer) from error


def connect(
    settings: ProcoreSettings, store: CredentialStore, budget: Budget, *, company: str = "", **options: Any
) -> ProcoreClient:
    """A client of one connection; `options` are those of HttpClient (seconds, urgent, transport, clock)."""
    return ProcoreClient(settings, store, budget, company=company, **options)


def own(client: Client) -> ProcoreClient:
    """The client as Procore's own; readers and looks are only ever given that."""
    if not isinstance(client, ProcoreClient):
        raise TypeError(f"{client.system} is not procore")
    return client


def consent_url(settings: ProcoreSettings, client_id: str, redirect_uri: str, state: str) -> str:
    """Where a person's browser is sent to let the app in (section 2)."""
    query = {"response_type": "code", "client_id": client_id, "redirect_uri": redirect_uri, "state": state}
    return f"{settings.login}/oauth/authorize?{urlencode(query)}"


def listed(body: Any, path: str) -> list[dict[str, Any]]:
    """The records of a list answer; v2 and some v1 endpoints wrap them in `data`."""
    items = body.get("data") if isinstance(body, dict) else body
    if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
        raise NotUnderstood(path, "the answer is not a list of records")
    return items


def next_link(header: str) -> str:
    """The address marked rel="next" in a Link header, or nothing on the last page."""
    found = re.search(r"""<([^>]*)>\s*;\s*rel=["']?next\b""", header)
    return found[1] if found else ""


def sentence(body: Any) -> str:
    """What any of Procore's error shapes says, in one line (section 6)."""
    if isinstance(body, str):
        return " ".join(body.split())[:500]
    if isinstance(body, list):
        return "; ".join(filter(None, map(sentence, body)))[:500]
    if not isinstance(body, dict):
        return ""
    for name in ("errors", "error", "error_description", "message", "reason"):
        value = body.get(name)
        if name == "errors" and isinstance(value, dict):
            fields = ((field, sentence(said)) for field, said in value.items())
            return "; ".join(said if field == "base" else f"{field}: {said}" for field, said in fields)[:500]
        if value and (said := sentence(value)):
            detail = body.get("error_description") if name == "error" else None
            return f"{said}: {detail}" if detail else said
    return ""
