"""The core every simulator is: requests in, answers out, on an injected clock, with no socket, thread or sleep."""

import hashlib
import pickle
from collections import Counter, deque
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, ClassVar

from simulators import datasets
from simulators.kit import control
from simulators.kit.actions import Actions
from simulators.kit.clock import Clock
from simulators.kit.delivery import Delivery, Outbox
from simulators.kit.faults import Fault, Faults, mutated, shortened
from simulators.kit.http import Cut, Request, Response
from simulators.kit.ledger import Effect, Ledger
from simulators.kit.router import Match, Router

# An answer later than any client waits: the client sees a time-out, the shell lets go when it hangs up.
NEVER = 3600.0
# Requests of which the log is kept.
REQUESTS_KEPT = 50_000


@dataclass(frozen=True, slots=True)
class Context:
    """Who is acting now, for the ledger and for what webhooks say of their cause."""

    actor: str
    method: str
    path: str
    company: str
    body_sha256: str


class Simulator:
    """Base of the simulated systems. A system gives routes, actions, `build`, `state` and its own rules.

    `data` holds everything the system knows, as plain picklable values, so that it can be kept and restored whole.
    """

    system: ClassVar[str]
    router: ClassVar[Router]
    actions: ClassVar[Actions]
    default_options: ClassVar[dict[str, Any]] = {}
    # What the system answers under /_sim/ beside what all do: (method, name) -> handler(simulator, request).
    controls: ClassVar[dict[tuple[str, str], Any]] = {}
    # Bytes of a request; a longer one is refused.
    largest_body: ClassVar[int] = 64 * 1024 * 1024

    def __init__(self, clock: Clock | None = None, dataset: str | dict[str, Any] = "demo", seed: int = 1, **options: Any) -> None:
        objects = int(options.pop("objects", datasets.LARGE_DEFAULT))
        unknown = sorted(set(options) - set(self.default_options))
        if unknown:
            raise TypeError(f"{self.system} has no option {', '.join(unknown)}")
        self.clock = clock or Clock()
        self.options = {**self.default_options, **options}
        self.credentials_seed = seed
        self.ledger = Ledger()
        self.faults = Faults()
        self.outbox = Outbox()
        self.counts: Counter[str] = Counter()
        self.requests: deque[dict[str, Any]] = deque(maxlen=REQUESTS_KEPT)
        self.asked = 0
        self.lag_seconds = 0.0
        self.context = Context("person", "", "", "", "")
        self.data: Any = None
        self._later: list[tuple[datetime, Request]] = []
        self._kept: tuple[bytes, int] | None = None
        self._settled = 0
        self.seed(dataset, seed, objects)

    # What a system provides.

    def build(self, dataset: dict[str, Any]) -> None:
        """Fills `data` from the data set; an empty mapping gives the system with nothing in it."""
        raise NotImplementedError

    def state(self) -> dict[str, list[dict[str, Any]]]:
        """Everything it holds, by kind."""
        raise NotImplementedError

    def answer(self, request: Request, match: Match) -> Response:
        """The real system's answer to one request."""
        response: Response = match.handler(self, request, **match.params)
        return response

    def unknown(self, request: Request) -> Response:
        """The real system's answer to a path it has not."""
        return Response.of(404, {"error": "Not Found"})

    def company_of(self, request: Request) -> str:
        """The company or tenant a request is for; empty if it names none."""
        return ""

    def retry_at(self, delivery: Delivery, now: datetime) -> datetime | None:
        """When a failed delivery is sent again; None gives it up (the system notes that itself)."""
        return None

    def settled(self, delivery: Delivery, status: int | None, ok: bool) -> None:
        """Called once per delivery attempt, for the system's own delivery log."""

    def passing(self) -> None:
        """Called by every tick, before deliveries: what happens in the system by itself."""

    @property
    def credentials(self) -> dict[str, Any]:
        """What a client needs to sign in."""
        raise NotImplementedError

    # The surface the shell and in-process tests use.

    def handle(self, request: Request) -> Response | Cut:
        """Answers one request; every request to the API itself is counted and may meet a fault."""
        self._apply_due()
        if request.path == "/" or request.path.startswith("/_sim/"):
            return control.answer(self, request)
        answer = self._answered(request)
        self._note(request, answer)
        return answer

    def tick(self) -> list[Delivery]:
        """What is due now: deferred changes are applied, and the deliveries to send are returned."""
        self._apply_due()
        self.passing()
        due: list[Delivery] = []
        now = self.clock.now()
        for delivery in self.outbox.take(now):
            due.extend(self._outgoing(delivery, now))
        return due

    def delivered(self, delivery: Delivery, status: int | None) -> None:
        """The outcome of a delivery; `status` None is a connection failure or a time-out."""
        if delivery.copy:
            return
        self._settled += 1
        if delivery.answer_lost:
            status, delivery.answer_lost = None, False
        ok = status is not None and 200 <= status < 300
        self.settled(delivery, status, ok)
        if ok:
            self.outbox.done(delivery)
            return
        now = self.clock.now()
        delivery.first_failed_at = delivery.first_failed_at or now
        at = self.retry_at(delivery, now)
        if at is None:
            self.outbox.done(delivery)
        else:
            self.outbox.again(delivery, at)

    def record(self, kind: str, key: str, remote_id: object, effect: Effect, company: object = None) -> None:
        """Writes a ledger entry for what the current actor just did."""
        who = self.context
        self.ledger.add(
            self.clock.now(),
            actor=who.actor,
            method=who.method,
            path=who.path,
            company=who.company if company is None else str(company),
            kind=kind,
            key=key,
            remote_id=str(remote_id),
            effect=effect,
            body_sha256=who.body_sha256,
        )

    def visible(self, created_at: str) -> bool:
        """False while a read-lag fault hides a record this young (ISO 8601 text in UTC) from lists and searches."""
        if not self.lag_seconds:
            return True
        return datetime.fromisoformat(created_at) <= self.clock.now() - timedelta(seconds=self.lag_seconds)

    def act(self, name: str, args: dict[str, Any]) -> Any:
        """Does what a person would do there. Raises BadAction."""
        company = str(args.get("company") or "")
        self.context = Context("person", "POST", f"/_sim/act/{name}", company, "")
        return self.actions.run(self, name, args)

    def seed(self, dataset: str | dict[str, Any], seed: int = 1, objects: int = datasets.LARGE_DEFAULT) -> None:
        """Replaces everything by a data set; the same seed gives the same data, ids included."""
        self.dataset = dataset if isinstance(dataset, dict) else datasets.load(dataset, seed, objects)
        self.seed_number = seed
        self._start_over(self.dataset)

    def reset(self) -> None:
        """Empties it: no data, ledger, counts, faults or deliveries."""
        self.dataset = {}
        self._start_over({})

    def snapshot(self) -> None:
        """Keeps the whole state."""
        self._kept = (pickle.dumps((self.data, self.outbox)), len(self.ledger.entries))

    def rollback(self) -> None:
        """Goes back to the state kept, as from a backup. Raises LookupError if there is none."""
        if self._kept is None:
            raise LookupError("no snapshot was taken")
        before = self.data
        self.data, self.outbox = pickle.loads(self._kept[0])
        self.outbox.in_flight.clear()
        self.ledger.restore(self.clock.now(), self._kept[1])
        self.keep_numbering(before)
        self.restored()

    def version(self) -> int:
        """Grows with everything worth keeping: changes, and deliveries settled."""
        return len(self.ledger.entries) + self._settled

    def keep(self) -> bytes:
        """Everything, for a restart: data, ledger and what waits to be delivered."""
        return pickle.dumps((self.data, self.outbox, self.ledger))

    def take_up(self, kept: bytes) -> None:
        """Goes on from what `keep` gave. Only for bytes that this program wrote itself."""
        self.data, self.outbox, self.ledger = pickle.loads(kept)
        self.outbox.in_flight.clear()
        self.restored()

    def keep_numbering(self, before: Any) -> None:
        """After a rollback: an id that was ever given is not given again, as where all tenants share one series."""

    def restored(self) -> None:
        """Called after `data` was replaced, for a system that keeps an index beside it."""

    # Inside.

    def _answered(self, request: Request) -> Response | Cut:
        match = self.router.match(request.method, request.path)
        self.counts[f"{request.method} {match.template if match else '(unknown)'}"] += 1
        if not self.faults.rules:
            return self._client(request, match)
        company = self.company_of(request)
        path = request.path
        lag = self.faults.hit("request", request.method, path, company, only={"read_lag"})
        fault = self.faults.hit(
            "request", request.method, path, company, only={f.action for f in self.faults.rules} - {"read_lag"}
        )
        self.lag_seconds = lag.seconds if lag else 0.0
        try:
            return self._faulty(request, match, fault) if fault else self._client(request, match)
        finally:
            self.lag_seconds = 0.0

    def _note(self, request: Request, answer: Response | Cut) -> None:
        """The log of requests, read or write: when, what, and the status, None when no answer was given."""
        self.asked += 1
        self.requests.append(
            {
                "seq": self.asked,
                "at": self.clock.now().isoformat().replace("+00:00", "Z"),
                "method": request.method,
                "path": request.path,
                "company": self.company_of(request),
                "status": answer.status if isinstance(answer, Response) and answer.delay_seconds < NEVER else None,
            }
        )

    def _start_over(self, dataset: dict[str, Any]) -> None:
        self.ledger, self.faults, self.outbox = Ledger(), Faults(), Outbox()
        self.counts.clear()
        self.requests.clear()
        self._later.clear()
        self._kept = None
        self.build(dataset)
        # What the data set holds is the start, not something that anybody did.
        self.ledger, self.outbox = Ledger(), Outbox()

    def _client(self, request: Request, match: Match | None) -> Response:
        sha = hashlib.sha256(request.body).hexdigest() if request.body else ""
        self.context = Context("client", request.method, request.path, self.company_of(request), sha)
        return self.answer(request, match) if match else self.unknown(request)

    def _faulty(self, request: Request, match: Match | None, fault: Fault) -> Response | Cut:
        action = fault.action
        if action == "drop_before":
            return Cut("before")
        if action == "reset_connection":
            return Cut("reset")
        if action == "status":
            if isinstance(fault.body, str) and "Content-Type" in fault.headers:  # a page that some proxy made
                return Response(fault.status, dict(fault.headers), fault.body.encode())
            body = fault.body if fault.body is not None else {"error": "injected"}
            return Response.of(fault.status, body, fault.headers)
        if action == "apply_later":
            self._later.append((self.clock.now() + timedelta(seconds=fault.seconds), request))
            return Response(504, delay_seconds=NEVER)
        response = self._client(request, match)
        if action == "drop_after":
            return Cut("after", response)
        if action == "truncate":
            left = shortened(response.body, fault)
            if not fault.whole:
                return Cut("truncate", response, len(left))
            response.body = left
        if action == "duplicate":
            # A proxy on the way sends the same request a second time.
            return self._client(request, match)
        if action == "delay":
            response.delay_seconds = fault.seconds
        elif action == "slow":
            response.rate = fault.rate
        elif action == "mutate":
            response.body = mutated(response.body, fault)
        return response

    def _apply_due(self) -> None:
        if not self._later:
            return
        now = self.clock.now()
        due = [request for at, request in self._later if at <= now]
        self._later = [(at, request) for at, request in self._later if at > now]
        for request in due:
            self._client(request, self.router.match(request.method, request.path))

    def _outgoing(self, delivery: Delivery, now: datetime) -> list[Delivery]:
        fault = None
        if self.faults.rules:
            subject = f"{delivery.url} {delivery.subject}"
            fault = self.faults.hit("delivery", "POST", subject, delivery.company)
        if fault is None:
            return [delivery]
        action = fault.action
        if action in ("delay", "reorder") and not delivery.held_back:
            delivery.held_back, delivery.attempt = True, delivery.attempt - 1
            if action == "reorder" and self.outbox.behind_next(delivery):
                return [d for d in self.outbox.take(now) if d.queue == delivery.queue]
            self.outbox.again(delivery, now + timedelta(seconds=fault.seconds))
            return []
        return self._spoilt(delivery, fault)

    def _spoilt(self, delivery: Delivery, fault: Fault) -> list[Delivery]:
        action = fault.action
        if action == "drop":
            self.outbox.done(delivery)
            return []
        if action in ("status", "drop_before", "reset_connection"):
            self.delivered(delivery, fault.status if action == "status" else None)
            return []
        if action == "duplicate":
            return [delivery, replace(delivery, copy=True)]
        if action == "drop_after":
            delivery.answer_lost = True
        if action in ("truncate", "mutate"):
            body = shortened(delivery.body, fault) if action == "truncate" else mutated(delivery.body, fault)
            return [replace(delivery, body=body)]
        return [delivery]
