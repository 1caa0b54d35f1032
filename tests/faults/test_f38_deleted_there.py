"""F38: somebody deletes at the other side what we wrote there. It is never made again silently: a person chooses."""

from collections.abc import Callable, Iterator

import pytest

from tests.faults.desk import lent_shortly, person
from tests.faults.stand import Stand

pytestmark = pytest.mark.fault("F38")


@pytest.fixture(autouse=True)
def invoices(site: Stand) -> Iterator[None]:
    """Lentune takes back what it lends for posting as soon as the row's other times pass."""
    with lent_shortly(site):
        yield


def project(site: Stand) -> tuple[str, str]:
    number = site.new_project()
    return "project", number


def order(site: Stand) -> tuple[str, str]:
    return "commitment", site.new_commitment(type="po")


def contract(site: Stand) -> tuple[str, str]:
    return "commitment", site.new_commitment(type="sc")


def direct_cost(site: Stand) -> tuple[str, str]:
    return "invoice", site.new_invoice(net="40.00")


def bill(site: Stand) -> tuple[str, str]:
    commitment = site.new_commitment()
    site.wait_state("commitment", commitment)
    return "invoice", site.new_invoice(commitment, net="40.00")


Made = tuple[str, str]
#: What is written -> how a person deletes it there, how its source changes, and where its copies stand.
CASES: dict[str, tuple[Callable[[Stand], Made], str, str, tuple[str, str, str]]] = {
    "project": (project, "delete_project", "rename_project", ("lentune", "projects", "code")),
    "purchase order": (order, "delete_order", "edit_commitment", ("lentune", "purchase_orders", "number")),
    "subcontract": (contract, "delete_order", "edit_commitment", ("lentune", "subcontracts", "number")),
    "direct cost": (direct_cost, "delete_direct_cost", "change_invoice", ("procore", "direct_costs", "invoice_number")),
    "bill": (bill, "delete_requisition", "change_invoice", ("procore", "requisitions", "invoice_number")),
}


def standing(site: Stand, where: tuple[str, str, str], number: str) -> int:
    system, kind, name = where
    return len(site.state(system, kind, **{name: number}))


def delete(site: Stand, action: str, number: str) -> None:
    if action == "delete_project":
        site.act("lentune", action, project=number)
    elif action == "delete_order":
        site.act("lentune", action, number=number)
    elif action == "delete_direct_cost":
        site.act("procore", action, number=number)
    else:
        commitment = site.rows("SELECT c.number FROM sync_record i JOIN sync_record c ON c.source_id = i.held->>'commitment_id'"
                               " WHERE i.number = %s", number)[0]["number"]  # fmt: skip
        site.act("procore", action, commitment=commitment, invoice_number=number)


def change(site: Stand, action: str, number: str) -> None:
    if action == "rename_project":
        site.act("procore", action, project=number, name="Renamed since")
    elif action == "edit_commitment":
        site.act("procore", action, number=number, title="Changed since")
    else:
        site.act("lentune", action, number=number, net="44.00")
        site.scan("lentune", kinds=["invoice"])


@pytest.mark.parametrize("what", CASES)
def test_a_change_at_the_source_does_not_make_it_again(site: Stand, what: str) -> None:
    make, deleting, changing, where = CASES[what]
    kind, number = make(site)
    site.wait_state(kind, number)
    site.wait_quiet()
    delete(site, deleting, number)
    assert standing(site, where, number) == 0
    change(site, changing, number)
    record = site.wait_state(kind, number, "needs_attention", "conflict")
    assert site.codes(kind, number) == ["vanished_at_target"]
    site.wait_quiet()
    site.scan(full=True)
    site.send("sitebooks." + kind + ".sync", site.company, [record["id"]])
    site.wait_quiet()
    assert standing(site, where, number) == 0, "neither a reading of everything nor a bell makes it again"
    before = len(site.created(where[0]))
    person(site, "retry", record["id"])
    site.wait_state(kind, number)
    assert standing(site, where, number) == 1, "a person said so"
    assert len(site.created(where[0])) <= before + 2


def test_it_is_noticed_without_a_change_at_the_source(site: Stand) -> None:
    """By the comparison of both sides; a person unlinks it, and from then on both go their own ways."""
    number = site.new_commitment(type="po")
    record = site.wait_state("commitment", number)
    site.wait_quiet()
    site.act("lentune", "delete_order", number=number)
    site.send("sitebooks.maintenance.compare", site.company, "lentune", queue="maintenance")
    site.wait_state("commitment", number, "needs_attention")
    assert site.codes("commitment", number) == ["vanished_at_target"]
    person(site, "unlink", record["id"], reason="It was cancelled with the supplier")
    site.wait_state("commitment", number, "unlinked")
    site.act("procore", "edit_commitment", number=number, title="Changed afterwards")
    site.wait_quiet()
    site.scan(full=True)
    site.wait_quiet()
    assert site.record("commitment", number)["state"] == "unlinked"
    assert site.state("lentune", "purchase_orders", number=number) == []
