"""The one place that speaks HTTP to outside systems: sign-in, limits, deadlines, and one table of outcomes."""

import json
import re
import secrets
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any
from urllib.parse import urljoin, urlsplit

import httpx

from connectors import transfers
from connectors.calls import Answer, CallFailed, Forbidden, NotFound, Request, SignInRefused, Unavailable
from connectors.ports import Budget, CredentialStore, Token, Window
from connectors.reach import allowed
from objects.outcome import Outcome
from settings.secret_values import blank, remember

#: What `window` is given; connectors name the type from here.
Response = httpx.Response
#: Bytes of an answer that are read at most; a page of 2,000 Procore contracts is about 6 MB.
LARGEST_ANSWER = 32 * 1024 * 1024
#: Characters kept of an answer that is not JSON.
MOST_TEXT = 2000
#: Longest wait an outside system may ask of us (reliability F23).
LONGEST_WAIT = timedelta(minutes=65)
#: Addresses that a download may be sent on to.
MOST_REDIRECTS = 5

#: Answers by whose dates two clocks are compared: a date has whole seconds, so the best of several counts.
DATES = 16
#: What the cut to whole seconds and an answer's way may add to how far ahead our clock seems.
MOST_CUT = timedelta(seconds=2)

#: Status of a write -> outcome. Reads use the same table; for them 'uncertain' only means 'again'.
OUTCOMES: dict[int, Outcome] = {
    400: Outcome.refused, 401: Outcome.refused, 403: Outcome.refused, 404: Outcome.refused, 405: Outcome.refused,
    406: Outcome.refused, 408: Outcome.uncertain, 409: Outcome.refused, 410: Outcome.refused, 412: Outcome.refused,
    413: Outcome.refused, 415: Outcome.refused, 422: Outcome.refused, 429: Outcome.not_applied,
    500: Outcome.uncertain, 502: Outcome.uncertain, 503: Outcome.uncertain, 504: Outcome.uncertain,
}


def outcome_of(status: int, headers: Mapping[str, str], overrides: Mapping[int, Outcome]) -> Outcome:
    """The verdict on a status. Unknown ones are uncertain, except other 4xx, which say that nothing was done."""
    if status in overrides:
        return overrides[status]
    if 200 <= status < 300:
        return Outcome.confirmed
    return OUTCOMES.get(status, Outcome.refused if 400 <= status < 500 else Outcome.uncertain)


class HttpClient:
    """A client of one connection. Each connector subclasses it with its sign-in, headers, windows and overrides."""

    system = ""
    #: A connector's exceptions to OUTCOMES, with the contract section beside each.
    overrides: Mapping[int, Outcome] = {}

    def __init__(
        self, base_url: str, company: str, store: CredentialStore, budget: Budget, *,
        seconds: float = 60, urgent: bool = False, transport: httpx.BaseTransport | None = None,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC), folder: Path | None = None,
    ) -> None:
        self.base_url, self.company = base_url.rstrip("/"), company
        self.store, self.budget, self.urgent, self.clock, self.folder = store, budget, urgent, clock, folder
        self.seconds = seconds
        self._ahead: deque[timedelta] = deque(maxlen=DATES)
        limits = httpx.Timeout(seconds, connect=min(10, seconds))
        self.http = httpx.Client(timeout=limits, follow_redirects=False, transport=transport, trust_env=False)

    def close(self) -> None:
        """Gives the connections back."""
        self.http.close()

    # What a connector fills in.

    def sign_in(self, secrets: Mapping[str, str], old: Token | None) -> Token:
        """A new access token. Raises SignInRefused or Unavailable."""
        raise NotImplementedError

    def own_headers(self) -> dict[str, str]:
        """Headers that go with every request besides the token."""
        return {}

    def window(self, answer: httpx.Response) -> Window | None:
        """What the answer's headers say of the limit."""
        return None

    def reason(self, body: Any) -> str:
        """The sentence in an error body."""
        return ""

    # What the engine and the readers use.

    def send(self, request: Request) -> Answer:
        """One request, one outcome. A refused token is replaced and the request, known not applied, sent again."""
        wait = self.budget.take(self.urgent)
        if wait is not None:
            return Answer(Outcome.not_applied, reason="our share of the limit is used up", retry_at=wait)
        try:
            for token in self._tokens():
                answer = self._exchange(request, token)
                if answer.status != 401:
                    break
        except Unavailable as error:
            return Answer(Outcome.not_applied, error.answer.status, reason=error.answer.reason,
                          retry_at=error.answer.retry_at)
        except SignInRefused as error:
            return Answer(Outcome.refused, 401, reason=error.answer.reason)
        return answer

    def _tokens(self) -> Iterator[str]:
        """What may let us in, in turn: the token we hold, what another process took meanwhile (it may have ended as well),
        and a new one, whose refusal is the last word. Raises SignInRefused or Unavailable."""
        fetched = False

        def sign_in(secrets: Mapping[str, str], old: Token | None) -> Token:
            nonlocal fetched
            fetched = True
            return self.sign_in(secrets, old)

        yield (token := self.store.token(sign_in))
        fetched = False
        for _ in range(2):
            yield (token := self.store.token(sign_in, refused=token))
            if fetched:
                return

    def get(self, path: str, params: Mapping[str, str] | None = None) -> Any:
        """The JSON body of a successful read. Raises NotFound, Forbidden, SignInRefused, Unavailable or CallFailed."""
        return self.read(Request("GET", path, params or {})).body

    def read(self, request: Request) -> Answer:
        """As get, with the headers."""
        answer = self.send(request)
        if answer.outcome is Outcome.confirmed:
            return answer
        kinds: dict[int, type[CallFailed]] = {401: SignInRefused, 403: Forbidden, 404: NotFound}
        later = answer.outcome is not Outcome.refused
        raise (Unavailable if later else kinds.get(answer.status or 0, CallFailed))(request, answer)

    def ask_token(self, url: str, form: Mapping[str, str]) -> dict[str, Any]:
        """The body of a token endpoint's answer; the form goes unlogged. Raises SignInRefused or Unavailable."""
        request = Request("POST", urlsplit(url).path)
        remember(form)
        try:
            with self.http.stream("POST", url, data=dict(form), headers={"Accept": "application/json"}) as response:
                answer = self._judge(request, response, _limited(response))
        except httpx.HTTPError as error:
            answer = Answer(Outcome.not_applied, reason=f"no answer to the sign-in: {type(error).__name__}")
        if answer.outcome is Outcome.refused:
            raise SignInRefused(request, answer)
        if answer.outcome is not Outcome.confirmed or not isinstance(answer.body, dict):
            raise Unavailable(request, answer)
        remember({name: value for name, value in answer.body.items() if name.endswith("token")})
        return answer.body

    def url(self, path: str) -> str:
        """The absolute address, refused unless it stays on the connection's own host (F55)."""
        url = urljoin(self.base_url + "/", path.lstrip("/")) if not path.startswith("http") else path
        if urlsplit(url)[:2] != urlsplit(self.base_url)[:2]:
            raise ValueError(f"{urlsplit(url).netloc} is not the host of this connection")
        return url

    def _exchange(self, request: Request, token: str) -> Answer:
        headers = {"Authorization": f"Bearer {token}", "Accept": "application/json"}
        headers |= {**self.own_headers(), **request.headers}
        status = None
        try:
            with ExitStack() as opened:
                sent = self._content(request, opened)
                if "content" in sent:
                    headers["Content-Type"] = "application/json"
                params = dict(request.params) or None
                response = opened.enter_context(
                    self.http.stream(request.method, self.url(request.path), params=params, headers=headers, **sent)
                )
                status = response.status_code
                return self._judge(request, response, _limited(response))
        except FileNotFoundError:
            return Answer(Outcome.not_applied, reason="the document must be made again first")
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout) as error:
            return Answer(Outcome.not_applied, reason=f"no connection: {error}")
        except httpx.HTTPError as error:
            return Answer(Outcome.uncertain, status, reason=f"no answer: {type(error).__name__}")

    def _content(self, request: Request, opened: ExitStack) -> dict[str, Any]:
        """The body as JSON, or with a document as multipart, read from disk while it is sent. Raises FileNotFoundError."""
        if request.upload is None:
            return {} if request.body is None else {"content": encoded(request.body)}
        upload = request.upload
        if not upload.sha256:
            return {"files": {upload.body_field: (None, encoded(request.body))}}
        if self.folder is None:
            raise FileNotFoundError(upload.sha256)
        file = opened.enter_context((self.folder / f"{upload.sha256}.pdf").open("rb"))
        return {
            "data": {upload.body_field: encoded(request.body).decode()},
            "files": {upload.field: (upload.filename, file, upload.content_type)},
        }

    def download(self, url: str, into: Path, most: int, until: float | None = None) -> int:
        """A file from an address that the system gave us, written to disk as it comes; gives its size in bytes.

        Our token goes to the connection's own host only, never along a redirect to storage elsewhere (contract section
        10); private addresses are not followed. At `until` (of time.monotonic) it ends with Unavailable; what came by then,
        or before a connection broke, stays, and the next call goes on behind it. Raises CallFailed's subclasses, ValueError
        when larger than `most`, connectors.reach.NotAllowed.
        """
        request = Request("GET", urlsplit(url).path)
        if until is not None and time.monotonic() > until:
            raise self._in_pieces(request)
        if (wait := self.budget.take(self.urgent)) is not None:
            raise Unavailable(request, Answer(Outcome.not_applied, reason="our share of the limit is used up", retry_at=wait))
        tokens, begun = self._tokens(), transfers.begun(into)
        token: str | None = None
        stalled = httpx.Timeout(min(transfers.STALLED, self.seconds), connect=min(10, self.seconds))
        for _ in range(MOST_REDIRECTS):
            own = urlsplit(url)[:2] == urlsplit(self.base_url)[:2]
            token = token or (next(tokens) if own else None)
            headers = {"Authorization": f"Bearer {token}", **self.own_headers()} if own else {}
            if not own:
                allowed(url, self.base_url)
            try:
                with self.http.stream("GET", url, headers=headers | transfers.asked(begun), timeout=stalled) as response:
                    if own and response.status_code == 401 and (another := next(tokens, None)) is not None:
                        token = another
                    elif response.is_redirect:
                        url = urljoin(url, response.headers.get("Location", ""))
                    elif begun is not None and not transfers.goes_on(response, begun):
                        begun = None  # it is another file by now: from its beginning
                    else:
                        return self._kept(request, response, into, transfers.Wanted(begun, most, until))
            except httpx.HTTPError as error:
                answer = Answer(Outcome.not_applied, reason=f"no answer: {type(error).__name__}")
                raise Unavailable(request, answer) from error
        raise CallFailed(request, Answer(Outcome.refused, reason="it leads from address to address"))

    def _kept(self, request: Request, response: httpx.Response, into: Path, wanted: transfers.Wanted) -> int:
        if response.status_code not in (200, 206 if wanted.begun else 200):
            answer = self._judge(request, response, _limited(response))
            kinds: dict[int, type[CallFailed]] = {401: SignInRefused, 403: Forbidden, 404: NotFound, 410: NotFound}
            later = answer.outcome is not Outcome.refused
            raise (Unavailable if later else kinds.get(answer.status or 0, CallFailed))(request, answer)
        try:
            return transfers.receive(response, into, wanted)
        except transfers.TimeIsUp as error:
            raise self._in_pieces(request, error.further) from error

    def _in_pieces(self, request: Request, further: bool = True) -> Unavailable:
        """The next task goes on at once, for nothing is wrong with the system; later where trying again gains nothing now."""
        reason = "the files take longer than one task has; what came is kept"
        return Unavailable(request, Answer(Outcome.not_applied, reason=reason, retry_at=self.clock() if further else None))

    def away(self, body: Any) -> bool:
        """Whether a 503 with this body says that the whole system is away, and not only that this request was refused."""
        return True

    def _judge(self, request: Request, response: httpx.Response, content: bytes) -> Answer:
        self._compare_clocks(_http_date(response.headers.get("Date", "")))
        self.budget.seen(self._on_our_clock(response))
        outcome = outcome_of(response.status_code, response.headers, self.overrides)
        if outcome is not Outcome.confirmed:  # errors are kept and shown, and some repeat the request with its headers
            content = blank(content.decode(errors="replace")).encode()
        try:
            body, text = json.loads(content, parse_float=Decimal) if content.strip() else None, ""
        except ValueError:
            text = blank(content.decode(errors="replace"))[:MOST_TEXT]
            body, outcome = None, Outcome.uncertain if outcome is Outcome.confirmed else outcome
            reason = "the answer is not JSON"
        else:
            reason = "" if outcome is Outcome.confirmed else (self.reason(body) or response.reason_phrase)
        away = response.status_code == 429 or (response.status_code == 503 and self.away(body))
        retry_at = self._retry_at(response) if away else None
        if retry_at is not None:
            self.budget.seen(Window(0, 0, retry_at))  # nothing more until then, from any worker (F22, F24)
        return Answer(outcome, response.status_code, body, dict(response.headers), reason, retry_at, text)

    def _on_our_clock(self, response: httpx.Response) -> Window | None:
        """The window with its reset judged against the answers' own Date: their clock may be minutes off (F23)."""
        window = self.window(response)
        if window is None:
            return None
        return replace(window, reset_at=min(window.reset_at + self._ahead_of_theirs(), self.clock() + LONGEST_WAIT))

    def _compare_clocks(self, theirs: datetime | None) -> None:
        if theirs is None:
            return
        ahead = self.clock() - theirs
        if ahead > self._ahead_of_theirs() + MOST_CUT:
            self._ahead.clear()  # one of the clocks was set; or this answer travelled long, and the next one tells
        self._ahead.append(ahead)

    def _ahead_of_theirs(self) -> timedelta:
        """How far our clock is ahead, by the dates of the last answers; the least is the one that was cut and travelled
        least."""
        return min(self._ahead, default=timedelta(0))

    def _retry_at(self, response: httpx.Response) -> datetime | None:
        """The later of Retry-After and a 429's reset, judged against the answer's own Date, at most 65 minutes. None: it
        did not say, or a time that is past."""
        now = self.clock()
        theirs = now - self._ahead_of_theirs()
        waits = []
        after = response.headers.get("Retry-After", "")
        if after.isdigit():
            waits.append(timedelta(seconds=int(after)))
        elif (at := _http_date(after)) is not None:
            waits.append(at - theirs)
        if response.status_code == 429 and (window := self.window(response)) is not None:
            waits.append(window.reset_at - theirs)
        longest = max(waits, default=timedelta(0))
        return now + min(longest, LONGEST_WAIT) if longest > timedelta(0) else None


def _limited(response: httpx.Response) -> bytes:
    parts, size = [], 0
    for part in response.iter_bytes():
        size += len(part)
        if size > LARGEST_ANSWER:
            raise httpx.ReadError("the answer is too large")
        parts.append(part)
    return b"".join(parts)


def _http_date(value: str) -> datetime | None:
    try:
        said = parsedate_to_datetime(value)
    except ValueError:
        return None
    return said if said.tzinfo else said.replace(tzinfo=UTC)  # "-0000": UTC, of an unknown place


def encoded(body: object) -> bytes:
    """JSON in which every Decimal stands as the exact number it is (json itself only knows floats)."""
    mark = f"number:{secrets.token_hex(8)}:"

    def exact(value: object) -> str:
        if isinstance(value, Decimal):
            return f"{mark}{value:f}"
        if isinstance(value, datetime):
            return value.isoformat()
        raise TypeError(f"{type(value).__name__} does not go into a request")

    text = json.dumps(body, default=exact, ensure_ascii=False)
    return re.sub(f'"{mark}(-?[0-9.]+)"', r"\1", text).encode()
