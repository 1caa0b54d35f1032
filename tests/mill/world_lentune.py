"""Procore and Lentune, as a run drives them."""

from collections.abc import Callable, Mapping
from typing import Any

from simulators.kit.actions import BadAction
from tests.mill import people
from tests.mill.dataset import small_with_two_projects
from tests.mill.meddling import MEDDLING
from tests.mill.moments import EVERYWHERE, PAST_LEASE, Moment
from tests.mill.people import People
from tests.mill.site import Site
from tests.mill.workers import Place
from tests.mill.world import World

#: What is written when somebody does this: creates that nobody keeps single, documents in several steps, updates.
WRITTEN = (
    people.bill_order, people.bill_order, people.bill_order, people.bill_order, people.create_invoice, people.create_invoice,
    people.create_commitment, people.retitle_commitment, people.change_invoice,
)  # fmt: skip
LOOKED = "answered procore GET /rest/v1.1/requisitions"
#: Where a worker stands still, of what goes to Procore and of what comes from there. After a look and right before a
#: request are the places at which it knows what is no longer so; the first write of an invoice is Lentune's claim.
STANDS: tuple[tuple[Place, ...], tuple[Place, ...]] = (
    (("claimed", 1), ("before_remote_write", 1), ("before_remote_write", 2), ("before_remote_write", 3), (LOOKED, 1), (LOOKED, 2),
     ("before_look", 1), ("answered procore P", 1), ("asking procore P", 1), ("outcome_stored", 2), ("before_telling", 1)),
    (("claimed", 1), ("before_remote_write", 1), ("answered lentune PUT", 1), ("asking lentune PUT", 1), ("outcome_stored", 1)),
)  # fmt: skip
#: Where it dies: before the request, with the answer, inside the transaction, before the source is told.
DIES: tuple[tuple[Place, ...], tuple[Place, ...]] = (
    (("answered procore P", 1), ("answered procore P", 1), ("answered procore P", 1), ("answered procore P", 2),
     ("before_remote_write", 2), ("before_commit", 2), ("outcome_stored", 2), ("before_telling", 1)),
    (("before_remote_write", 1), ("answered lentune PUT", 1), ("before_commit", 1), ("outcome_stored", 1)),
)  # fmt: skip
#: Deaths in a row after which a record is set aside, and one more.
DEATHS = 4


def paged(rows: int) -> None:
    from connectors.lentune import client

    client.PAGE_SIZE = str(rows)


def options(limits: Mapping[str, int]) -> dict[str, Any]:
    return {"rate_per_minute": limits["minute"]}


def unseen(site: Site, system: str, remote: str) -> dict[str, Any]:
    """An invoice is read by its id alone."""
    return {"kind": "invoice", "source_id": remote, "project_id": ""} if system == "lentune" else {}


def changed(site: Site, record: dict[str, Any]) -> Callable[[People], Any] | None:
    """A person changes the document of a record at its source once more."""
    number = _number_of(site, record)
    return _changing(record, number) if number else None


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


WORLD = World(
    system="lentune", dataset=small_with_two_projects, options=options, paged=paged, acts=people.ACTS, drawn=people.DRAWN,
    meddling=MEDDLING, approvals=("", "", "commitment", "invoice"),
    focus=("/requisitions$", "/direct_costs", "by-procore", "posting-", "purchase_order_contracts"),
    written=WRITTEN, unseen=unseen, changed=changed, stands=STANDS, dies=DIES, moments=(*EVERYWHERE, taken_back),
    touched={"invoice": "invoice", "purchase_order_contracts": "commitment", "work_order_contracts": "commitment"},
    counted={}, must_reach=(), passes=("changes", "lentune_invoice_push"),
    # what it was refused for may have been mended, such as an order deleted and written anew
    asked_again=frozenset({"worker_lost", "lentune_rejected", "procore_rejected"}),
)  # fmt: skip
