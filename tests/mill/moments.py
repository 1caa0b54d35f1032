"""Moments in which several things meet at one document: what single random steps bring about too seldom to rely on."""

from collections.abc import Callable
from random import Random
from typing import TYPE_CHECKING, Any

from simulators.kit.actions import BadAction
from tests.mill import deciding, people
from tests.mill.broker import Message
from tests.mill.people import People
from tests.mill.site import Site
from tests.mill.workers import Place, Worker

if TYPE_CHECKING:
    from tests.mill.run import Run

#: What is written when somebody does this: creates that nobody keeps single, documents in several steps, updates.
WRITTEN = (
    people.bill_order, people.bill_order, people.bill_order, people.bill_order, people.create_invoice, people.create_invoice,
    people.create_commitment, people.retitle_commitment, people.change_invoice,
)  # fmt: skip
LOOKED = "answered procore GET /rest/v1.1/requisitions"
#: Where a worker stands still, of what goes to Procore and of what comes from there. After a look and right before a
#: request are the places at which it knows what is no longer so; the first write of an invoice is Lentune's claim.
STANDS: tuple[tuple[Place, ...], ...] = (
    (("claimed", 1), ("before_remote_write", 1), ("before_remote_write", 2), ("before_remote_write", 3), (LOOKED, 1), (LOOKED, 2),
     ("before_look", 1), ("answered procore P", 1), ("asking procore P", 1), ("outcome_stored", 2), ("before_telling", 1)),
    (("claimed", 1), ("before_remote_write", 1), ("answered lentune PUT", 1), ("asking lentune PUT", 1), ("outcome_stored", 1)),
)  # fmt: skip
#: Where it dies: before the request, with the answer, inside the transaction, before the source is told.
DIES: tuple[tuple[Place, ...], ...] = (
    (("answered procore P", 1), ("answered procore P", 1), ("answered procore P", 1), ("answered procore P", 2),
     ("before_remote_write", 2), ("before_commit", 2), ("outcome_stored", 2), ("before_telling", 1)),
    (("before_remote_write", 1), ("answered lentune PUT", 1), ("before_commit", 1), ("outcome_stored", 1)),
)  # fmt: skip
#: A lease, or long enough for an outcome to be looked up twice and settled by others (lease, quarantine, two looks).
PAST_LEASE, PAST_QUARANTINE = 200, 1500
#: Deaths in a row after which a record is set aside, and one more.
DEATHS = 4
#: Documents as the simulators' ledgers call them.
PEOPLES = ("invoice", "purchase_order_contracts", "work_order_contracts")
SYNCED_KINDS = ("invoice", "commitment", "variation")


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
                if entry["kind"] in PEOPLES:
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
        record = self.record or ({"kind": "invoice", "source_id": remote, "project_id": ""} if system == "lentune" else {})
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
            self.site.company, list(SYNCED_KINDS), system == "procore", remote,
        )  # fmt: skip
        return rows[0] if rows else {}

    def _rows(self, sql: str, *params: Any) -> list[dict[str, Any]]:
        return self.run.sights[self.run.sites.index(self.site)].rows(sql, params)

    def written(self) -> Message | None:
        """Somebody does something that is to be written, and its message is about to be handed out."""
        message = None
        for act in self.random.sample(WRITTEN, 4):
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
        record = self.record
        number = _number_of(self.site, record)
        if number:
            self.somebody(_changing(record, number))

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


def _number_of(site: Site, record: dict[str, Any]) -> str:
    """What people call it at its source."""
    source = site.simulators["procore" if record["direction"] == "from_procore" else "lentune"].state()
    kinds = {"invoice": ("invoices",), "commitment": ("purchase_order_contracts", "work_order_contracts")}
    wanted = record["source_id"].rpartition(":")[2]
    rows = [row for kind in kinds.get(record["kind"], ()) for row in source.get(kind, [])]
    return next((str(row["number"]) for row in rows if str(row["id"]) == wanted), "")


def _changing(record: dict[str, Any], number: str) -> Callable[[People], Any]:
    if record["kind"] == "invoice":
        def change_invoice(p: People) -> Any:
            return p.act("lentune", "change_invoice", number=number, net=p.money(300))

        return change_invoice

    def retitle_commitment(p: People) -> Any:
        return p.act("procore", "edit_commitment", number=number, title=f"Title {p.random.randrange(100)}")

    return retitle_commitment


def _called(number: str, title: str) -> Callable[[People], Any]:
    def retitle_commitment(p: People) -> Any:
        return p.act("procore", "edit_commitment", number=number, title=title)

    return retitle_commitment


# the moments


def overtaken(moment: Moment) -> None:
    """A worker stands still for longer than its lease; others take its record to its end; then it goes on."""
    message = moment.written()
    worker = moment.stopped(message, moment.place(STANDS)) if message is not None else None
    if worker is None:
        return
    if moment.random.random() < 0.5:
        moment.changed()
    moment.others_work(moment.random.choice([PAST_LEASE, PAST_LEASE, PAST_QUARANTINE]))
    moment.goes_on(worker)


def changed_while_written(moment: Moment) -> None:
    """What a worker is busy with is changed at its source, and another worker is rung for it."""
    message = moment.written()
    worker = moment.stopped(message, moment.place(STANDS)) if message is not None else None
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
    said = moment.starts(message, die_at=moment.place(DIES))
    if not said.startswith("killed"):
        return
    moment.run.paths[f"killed at {said.split()[2]}"] += 1
    if moment.random.random() < 0.6:
        moment.changed()
    if moment.random.random() < 0.5:
        moment.others_work(moment.random.choice([PAST_LEASE, PAST_QUARANTINE]))


def taken_back(moment: Moment) -> None:
    """A change lands, no worker lives to hear of it, and the change is taken back."""
    people_ = People(moment.site, moment.random.randrange(100_000))
    try:
        contract = people_.contract()
    except BadAction:
        return
    for title in ("Changed and taken back", contract["title"]):
        if not moment.somebody(_called(contract["number"], title)):
            return
        message = moment.message()
        if title == contract["title"]:
            break
        for _ in range(moment.random.choice([1, DEATHS, DEATHS])):
            if message is None or not moment.starts(message, die_at=("answered lentune PUT", 1)).startswith("killed"):
                break
            moment.run.paths["killed at answered"] += 1
            moment.run.time.pass_(PAST_LEASE)
            moment.run.tick()
            for swept in [m for m in moment.run.broker.ready() if m.name.endswith(".sweep")]:
                moment.run.workers.start(swept)
            message = next((m for m in moment.run.broker.ready() if m.name == message.name and m.args == message.args), None)


MOMENTS = (overtaken, overtaken, changed_while_written, changed_while_written, dead_and_changed, dead_and_changed, taken_back)
