"""One run: a company or two, workers, a broker, trouble, and steps done one after the other, each judged at once."""

import hashlib
import json
import shutil
from collections import Counter
from collections.abc import Callable, Sequence
from random import Random
from typing import Any

from simulators.kit.actions import BadAction
from simulators.kit.http import Request, Response
from tests.mill import deciding, faults, paths, product
from tests.mill.broker import Broker, Message
from tests.mill.clock import Time
from tests.mill.moments import Moment
from tests.mill.network import Network
from tests.mill.people import Act, People
from tests.mill.place import SHARES, Place
from tests.mill.share import Share
from tests.mill.site import Site
from tests.mill.workers import Killed, Worker, Workers
from tests.mill.workers import Place as Spot
from tests.mill.world import World, named
from tests.oracles import InProcess, cheap
from tests.oracles.asked import Asked, Requests

#: Workers that may be stopped at once; one more and the first goes on.
MOST_STOPPED = 3
#: How many of the runs take another way into the system than its first, where it has any.
OTHERS = 1 / 3
UNLIMITED = {"hourly": 0, "spike": 0, "minute": 0}
#: Seconds that pass with each step.
STEP_SECONDS = 0.25


class Broken(AssertionError):
    """An invariant does not hold; the message says which."""


class Run:
    """`troubles` from tests.mill.faults.draw, `shape` from `drawn_shape`; the steps come from outside."""

    def __init__(self, place: Place, app: Any, troubles: dict[str, Any], shape: dict[str, Any]) -> None:
        self.troubles, self.shape, self.world = troubles, shape, named(shape["connection"]).by(shape["way"])
        self.paths: Counter[str] = Counter()
        self.steps: Counter[str] = Counter()
        self.refused = 0
        self.acted: Counter[str] = Counter()
        self._hash = hashlib.sha256()
        self.lines: list[str] = []
        product.now_running = self
        product.seed_secrets(troubles["seed"])
        place.empty()
        self.time = Time(place)
        self.broker = Broker(self.time)
        self.workers = Workers(self.broker, self.time, lambda name: app.tasks[name], self.note)
        self.requests = Requests(self._deleted, self._said)
        self._next_tick: dict[str, float] = {}
        self.place, self.share = place, Share(self)
        self._open(place)

    def _open(self, place: Place) -> None:
        from connectors.procore import client as procore
        from sync import clients
        from sync import company as companies

        self.world.paged(self.shape["page"])
        procore.CEILINGS = {"/rest/": self.shape["page"]}
        clients._clients.forget()  # type: ignore[attr-defined]
        companies._known.clear()
        networks = {system: Network(system, self.workers, self._heard) for system in self.world.systems}
        clients.transports.update(networks)
        limits = self.shape["limits"]
        shares = place.folder / SHARES
        self.sites = [Site(n, self.world, self.time, limits, shares) for n in range(self.shape["companies"])]
        if self.world.others or self.world.way:
            self.note(f"by way of {self.world.way or 'requests'}")
            self.paths[f"by way of {self.world.way or 'requests'}"] += 1
        if self.world.shared:
            self.time.passed.append(self.share.work)
        for site in self.sites:
            for system, network in networks.items():
                network.at[site.port(system)] = site.simulators[system]
            site.connect()
        if self.shape["approval"]:
            for site in self.sites:
                deciding.ask_for_approval(site, self.shape["approval"])
        self.sights = [InProcess(site.company, site.simulators, place.url) for site in self.sites]
        if self.shape["loaded"]:
            self._load()
        for site in self.sites:
            faults.begin(site, self.troubles)

    def _load(self) -> None:
        """The first pass of both systems, before anything goes wrong."""
        for site in self.sites:
            for number in range(len(self.world.systems)):
                self._push(number, site)
        for _ in range(500):
            heard = any(site.hear(self.broker) for site in self.sites)
            ready = self.broker.ready()
            if ready:
                self.workers.start(ready[0])
            elif not heard:
                return
            self.time.pass_(0.02)

    def close(self) -> None:
        """Ends what is still stopped, so that nothing of this run reaches into the next."""
        for worker in list(self.workers.stopped):
            self.workers.kill(worker)
        for sight in self.sights:
            sight.close()
        shutil.rmtree(self.place.folder / SHARES, ignore_errors=True)
        product.now_running = None

    def count_paths(self) -> None:
        """What the tables tell of the paths it took."""
        paths.count(self)

    # what happens

    def note(self, line: str) -> None:
        """One line of the trace: the same seed gives the same lines."""
        line = f"{self.time.monotonic():9.3f} {line}"
        self.lines.append(line)
        self._hash.update(line.encode() + b"\n")

    def trace_hash(self) -> str:
        """Of everything that happened so far."""
        return self._hash.hexdigest()

    def do(self, op: str, number: int) -> None:
        """One step, and what must hold after it. Raises Broken."""
        self.steps[op] += 1
        self.note(f"> {op} {number}")
        try:
            getattr(self, f"_{op}")(number)
        except Killed:
            self.note("killed outside of a task")
        self.time.pass_(STEP_SECONDS)
        self.workers.end_late_arrivals()
        self.judge()

    def counted(self, op: str) -> None:
        """A step within a moment, judged like any other. Raises Broken."""
        self.steps[op] += 1
        self.judge()

    def judge(self) -> None:
        found = [said for sight in self.sights for said in cheap(sight)]
        found += [f"I2: {failure}" for failure in self.workers.failures] + self.requests.found
        if found:
            raise Broken("\n".join(found))

    def reached(self, name: str, about: str) -> None:
        self.paths[f"at {name}"] += self.workers.current() is not None
        self.workers.point(name, about)

    def _heard(self, system: str, asked: Request, status: Any) -> Callable[[Response], None]:
        """A request arrived; gives what to call when its sender is told what came of it."""
        worker = self.workers.current()
        self.note(f"  {system} {asked.method} {asked.path} -> {status}")
        if status in (401, 412, 429):
            self.paths[f"answered {status}"] += 1
        if any(name in ("page", "cursor") for name, _ in asked.query):
            self.paths["a list of several pages"] += 1
        port = int(asked.headers["host"].rpartition(":")[2])
        body = json.loads(asked.body) if asked.body and "json" in asked.headers.get("content-type", "") else None
        sender = worker.name if worker else "a person"
        one = Asked(self.time.now(), sender, system, str(port % 100), asked.method, asked.path, dict(asked.query), body)
        self.requests.take(one)

        def told(answer: Response) -> None:
            after = answer.headers.get("Retry-After", "")
            self.requests.answered(one, answer.status, int(after) if after.isdigit() else 0)

        return told

    def _deleted(self, before: Asked) -> bool:
        """Whether a person has deleted since what this request made."""
        core = self.sites[int(before.company)].simulators[before.system]
        since = before.at.isoformat().replace("+00:00", "Z")
        return any(
            entry["key"] == before.key() and entry["effect"] == "deleted" and entry["actor"] == "person" and entry["at"] >= since
            for entry in core.ledger.after(0)
        )

    def _said(self, before: Asked) -> bool:
        """Whether a person has decided since about the payment that this request sent."""
        sight = self.sights[int(before.company)]
        wanted = (
            "SELECT 1 FROM history h JOIN sync_record r ON r.id = h.record_id WHERE h.company_id = %s AND r.key = %s"
            " AND h.actor NOT LIKE 'sitebooks%%' AND h.at >= %s LIMIT 1"
        )
        return bool(sight.rows(wanted, [sight.company, before.key(), before.at]))

    # the steps

    def _site(self, number: int) -> Site:
        return self.sites[number % len(self.sites)]

    def _message(self, number: int) -> Message | None:
        """Mostly of the queue that goes first, as in production; else any."""
        ready = self.broker.ready()
        first = [message for message in ready if message.queue == "interactive"]
        chosen = first if first and number % 5 else ready
        return chosen[number % len(chosen)] if chosen else None

    def _work(self, number: int) -> None:
        """A message runs to its end; without one, time passes until there is something to do."""
        message = self._message(number)
        if message is not None:
            self.workers.start(message)
        else:
            self._idle()

    def _idle(self) -> None:
        if any(site.hear(self.broker) for site in self.sites):
            return
        self.time.pass_(5)
        self.tick()

    def _part(self, number: int) -> None:
        """A message runs until it is stopped at some place; others go first."""
        message = self._message(number // 32)
        if message is None:
            return self._idle()
        if len(self.workers.stopped) >= MOST_STOPPED:
            self.workers.resume(self.workers.stopped[0])
        self.workers.start(message, stop_at=_place(number, self.world.stands[number // 32 % 2]))
        self.paths["a worker was stopped half-way"] += 1
        return None

    def _resume(self, number: int) -> None:
        worker = self._stopped(number)
        if worker is None:
            return self._work(number)
        if worker.since is not None and (self.time.now() - worker.since).total_seconds() > 180:
            self.paths["a zombie went on after its lease"] += 1
        self.workers.resume(worker, stop_at=number % 5)
        return None

    def _kill(self, number: int) -> None:
        """A worker dies where it stands, or a message's worker somewhere on its way."""
        worker = self._stopped(number)
        if worker is not None and number % 3 == 0:
            self.paths[f"killed at {worker.at.split()[0]}"] += 1
            return self.workers.kill(worker)
        message = self._message(number // 32)
        if message is None:
            return self._idle()
        said = self.workers.start(message, die_at=_place(number, self.world.dies[number // 32 % 2]))
        if said.startswith("killed"):
            self.paths[f"killed at {said.split()[2]}"] += 1
        return None

    def _moment(self, number: int) -> None:
        """Several things meet at one document."""
        moments = self.world.moments
        moment = moments[number % len(moments)]
        self.note(f"  {moment.__name__}")
        moment(Moment(self, number // len(moments)))
        self.paths[f"moment: {moment.__name__}"] += 1

    def _meddle(self, number: int) -> None:
        """A person changes or deletes what we wrote."""
        if self.shape["meddled"]:
            self._does(Random(number).choice(self.world.meddling), number // 32)
        else:
            self._work(number)

    def _stopped(self, number: int) -> Worker | None:
        stopped = self.workers.stopped
        return stopped[number % len(stopped)] if stopped else None

    def _hooks(self, number: int) -> None:
        if not self._site(number).hear(self.broker):
            self._work(number)

    def _act(self, number: int, name: str = "") -> None:
        drawn = self.world.drawn
        self._does(self.world.acts[name or drawn[number % len(drawn)]], number, self._site(number // len(drawn)))

    def _does(self, act: Act, number: int, site: Site | None = None) -> None:
        name = act.__name__
        self.acted[name] += 1
        try:
            act(People(site or self._site(number), number))
            self.note(f"  {name}")
        except BadAction as error:
            self.refused += 1
            self.note(f"  {name}: refused: {error}")
        if any(w.message.name.startswith("sitebooks.scan") and w.at.startswith("answered") for w in self.workers.stopped):
            self.paths["somebody acted while a list was being read"] += 1

    def _decide(self, number: int) -> None:
        said = deciding.decide(self._site(number), self.broker, Random(number))
        self.paths[f"a person {said}"] += 1
        self.note(f"  {said}")

    def _pass(self, number: int) -> None:
        """Time passes: seconds, minutes, now and then half an hour."""
        self.time.pass_([1, 2, 5, 10, 20, 30, 60, 60, 90, 200, 400, 1000, 1900][number % 13])
        self.tick()

    def tick(self, without: Sequence[str] = ()) -> None:
        """Beat sends what is due on its schedule."""
        from workers.beat import app

        now = self.time.monotonic()
        waiting = [(message.name, message.args) for message in self.broker.waiting]
        for name, entry in app.conf.beat_schedule.items():
            sent = entry["task"], tuple(entry["args"])
            if name in without or name.startswith("heartbeat") or sent in waiting:
                continue
            if now >= self._next_tick.get(name, 0.0):
                self._next_tick[name] = now + entry["schedule"]
                self.broker.put(*sent, "maintenance")

    def _lose(self, number: int) -> None:
        """The broker forgets a message, delivers it twice, or forgets everything."""
        message = self._message(number // 8)
        if number % 8 == 0:
            self.note(f"  flushed {self.broker.flush()}")
            self.paths["the broker forgot everything"] += 1
        elif message is not None and number % 2:
            self.broker.take(message)
            self.paths["a message was lost"] += 1
        elif message is not None:
            self.broker.double(message)
            self.paths["a message came twice"] += 1

    def _web(self, number: int) -> None:
        """The web process is away, or back."""
        site = self._site(number)
        site.web_down = not site.web_down
        self.paths["webhooks met no web process"] += site.web_down

    def _push(self, number: int, site: Site | None = None) -> None:
        """A person asks for a whole pass now."""
        from tasks import scan

        site = site or self._site(number)
        scan.start(site.company, self.world.systems[number % 2], full=number % 5 == 0)


def _place(number: int, named: Sequence[Spot]) -> Spot:
    """The how-manieth place of any sort, or one of those at which something is known or done."""
    n = number % 32
    return n + 1 if n < 16 else named[n % len(named)]


def drawn_shape(random: Random, world: World) -> dict[str, Any]:
    """What kind of run it is, as plain data for its trace."""
    limited = random.random() < 0.3
    shape: dict[str, Any] = {
        "connection": world.system, "way": world.way,
        "companies": 2 if random.random() < 0.2 else 1,
        "loaded": random.random() < 0.85,
        "page": random.choice([3, 3, 200]),
        "limits": {"hourly": 3600, "spike": 25, "minute": 120} if limited else dict(UNLIMITED),
        "approval": random.choice(world.approvals),
        "meddled": random.random() < 0.25,
    }
    if shape["meddled"]:  # what people deleted is found by a comparison, which is not gone on with after a limit
        shape["limits"] = dict(UNLIMITED)
    if world.others and random.random() < OTHERS:
        shape["way"] = random.choice(world.others).way
    return shape
