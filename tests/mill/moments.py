"""Moments in which several things meet at one document: what single random steps bring about too seldom to rely on."""

from collections.abc import Callable
from random import Random
from typing import TYPE_CHECKING, Any

from simulators.kit.actions import BadAction
from tests.mill import deciding
from tests.mill.broker import Message
from tests.mill.people import People
from tests.mill.site import Site
from tests.mill.workers import Place, Worker

if TYPE_CHECKING:
    from tests.mill.run import Run

#: A lease, or long enough for an outcome to be looked up twice and settled by others (lease, quarantine, two looks).
PAST_LEASE, PAST_QUARANTINE = 200, 1500


class Moment:
    """One document of one company, and what happens to it."""

    def __init__(self, run: "Run", number: int) -> None:
        self.run, self.random = run, Random(number)
        self.site: Site = run.sites[number % len(run.sites)]
        #: (system, its id) of the document that a person touched last.
        self.touched = "", ""

    # pieces

    def somebody(self, act: Callable[[People], Any]) -> bool:
        """A person does this; whether the system let them."""
        name = act.__name__
        self.run.acted[name] += 1
        before = {system: len(core.ledger.after(0)) for system, core in self.site.simulators.items()}
        try:
            act(People(self.site, self.random.randrange(100_000)))
        except BadAction as error:
            self.run.refused += 1
            self.run.note(f"  {name}: refused: {error}")
            return False
        self.run.note(f"  {name}")
        self.run.counted("act")
        for system, core in self.site.simulators.items():
            for entry in core.ledger.after(before[system]):
                if entry["kind"] in self.site.world.touched:
                    self.touched = system, entry["remote_id"]
        return True

    def starts(self, message: Message, **at: Place) -> str:
        """A worker takes it; what came of it."""
        said = self.run.workers.start(message, **at)
        self.run.counted("work")
        return said

    def heard(self) -> None:
        """Webhooks come in and are taken up."""
        for _ in range(20):
            news = [m for m in self.run.broker.ready() if m.name == "sitebooks.inbox.process"]
            if news:
                self.starts(news[0])
            elif not self.site.hear(self.run.broker):
                return

    def message(self) -> Message | None:
        """What is about to be handed out for the document that somebody has just touched; None when it cannot be sent."""
        self.heard()
        due = "SELECT 1 FROM sync_record WHERE id = %s AND due_at <= mill.clock_timestamp() AND state <> 'unlinked'"
        if not self.record or not self._rows(due, self.record["id"]):
            self._ring()  # its webhook was lost or is late: a pass would find it
        record = self.record
        if not record or not self._rows(due, record["id"]):
            return None
        name, args = f"sitebooks.{record['kind']}.sync", (self.site.company, [record["id"]])
        self.run.broker.put(name, args)
        return self.run.broker.waiting[-1]

    def _ring(self) -> None:
        from models import session
        from sync import company, records

        system, remote = self.touched
        record = self.record or self.site.world.unseen(self.site, system, remote)
        if record:
            with session(self.site.company) as db:
                known = company.load(db, self.site.company)
                records.doorbell(db, known, system, record["kind"], {record["source_id"]: record["project_id"]})

    @property
    def record(self) -> dict[str, Any]:
        """Of the document that a person touched last, as far as it was ever seen."""
        system, remote = self.touched
        rows = self._rows(
            "SELECT id, kind, direction, source_id, project_id FROM sync_record WHERE company_id = %s AND kind = ANY(%s)"
            " AND (direction = 'from_procore') = %s AND split_part(':' || source_id, ':', -1) = %s ORDER BY id",
            self.site.company, sorted({*self.site.world.touched.values()}), system == "procore", remote,
        )  # fmt: skip
        return rows[0] if rows else {}

    def _rows(self, sql: str, *params: Any) -> list[dict[str, Any]]:
        return self.run.sights[self.run.sites.index(self.site)].rows(sql, params)

    def written(self) -> Message | None:
        """Somebody does something that is to be written, and its message is about to be handed out."""
        message = None
        for act in self.random.sample(self.site.world.written, 4):
            if self.somebody(act) and (message := self.message()) is not None:
                break
        if message is None:
            return None
        return self._approved(message) if self.run.shape["approval"] == self.record["kind"] else message

    def _approved(self, message: Message) -> Message | None:
        """It came to the person who must agree, and they did."""
        self.starts(message)
        deciding.agree_to_all(self.site, self.run.broker)
        return self.message()

    def place(self, places: tuple[tuple[Place, ...], ...]) -> Place:
        """Of those that its direction has."""
        return self.random.choice(places[self.record["direction"] == "from_procore"])

    def others_work(self, seconds: int = 0) -> None:
        """Time passes, beat goes on, and whatever is ready is done by other workers."""
        left = seconds
        while True:
            for _ in range(30):
                ready = [m for m in self.run.broker.ready() if m.queue == "interactive" or m.name.endswith(".sweep")]
                if ready:
                    self.starts(ready[0])
                elif not self.site.hear(self.run.broker):
                    break
            if left <= 0:
                return
            self.run.time.pass_(min(left, 200))
            self.run.workers.end_late_arrivals()
            self.run.tick()
            left -= 200

    def changed(self) -> None:
        """A person changes the document at its source once more."""
        act = self.site.world.changed(self.site, self.record)
        if act is not None:
            self.somebody(act)

    def stopped(self, message: Message, place: Place) -> Worker | None:
        """A worker takes it and stands still there; None when it came to its end without."""
        if len(self.run.workers.stopped) > 3 or self.starts(message, stop_at=place) != "stopped":
            return None
        return self.run.workers.stopped[-1]

    def goes_on(self, worker: Worker) -> None:
        """Unless it has come to its end meanwhile."""
        if worker in self.run.workers.stopped:
            self.run.paths["a worker went on after others had acted"] += 1
            self.run.workers.resume(worker)
            self.run.counted("resume")


# the moments


def overtaken(moment: Moment) -> None:
    """A worker stands still for longer than its lease; others take its record to its end; then it goes on."""
    message = moment.written()
    worker = moment.stopped(message, moment.place(moment.site.world.stands)) if message is not None else None
    if worker is None:
        return
    if moment.random.random() < 0.5:
        moment.changed()
    moment.others_work(moment.random.choice([PAST_LEASE, PAST_LEASE, PAST_QUARANTINE]))
    moment.goes_on(worker)


def changed_while_written(moment: Moment) -> None:
    """What a worker is busy with is changed at its source, and another worker is rung for it."""
    message = moment.written()
    worker = moment.stopped(message, moment.place(moment.site.world.stands)) if message is not None else None
    if worker is None:
        return
    moment.changed()
    moment.others_work()
    moment.goes_on(worker)


def dead_and_changed(moment: Moment) -> None:
    """A worker dies at a write, and its document is changed before anybody has found out what became of it."""
    message = moment.written()
    if message is None:
        return
    said = moment.starts(message, die_at=moment.place(moment.site.world.dies))
    if not said.startswith("killed"):
        return
    moment.run.paths[f"killed at {said.split()[2]}"] += 1
    if moment.random.random() < 0.6:
        moment.changed()
    if moment.random.random() < 0.5:
        moment.others_work(moment.random.choice([PAST_LEASE, PAST_QUARANTINE]))


EVERYWHERE = (overtaken, overtaken, changed_while_written, changed_while_written, dead_and_changed, dead_and_changed)
