"""F26 to F28, F01 and F02 for payments: whatever became of the request, money stands in Payments Issued once, by the ledger."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.faults import paperless
from tests.faults.desk import Traffic, person
from tests.faults.neighbour import Neighbour
from tests.faults.paperless import PAYMENTS, POST, imported, issued, pay
from tests.faults.stand import Stand

pytestmark = pytest.mark.timeout(180)

LATE = 600  # seconds of Procore's clock, which the test moves when the time has come


@pytest.fixture(scope="module")
def company(stand: Stand) -> Iterator[Neighbour]:
    with paperless.joined(stand) as books:
        yield books


@pytest.fixture
def books(company: Neighbour, request: pytest.FixtureRequest) -> Iterator[Neighbour]:
    yield from paperless.row(company, request)


def paid(books: Neighbour, **fault: Any) -> tuple[str, Traffic]:
    """A payment of 250.00 whose request meets this fault; its check's number, and the traffic from before it."""
    invoice = imported(books)
    traffic = Traffic(books, "procore")
    books.fault("procore", match=POST, times=1, **fault)
    return pay(books, invoice, "250.00"), traffic


def parked(books: Neighbour, check: str) -> dict[str, Any]:
    """Looked for twice and not found: a person decides."""
    record = books.wait_state("payment", check, "needs_attention", seconds=40)
    assert books.codes("payment", check) == ["outcome_needs_person"]
    return record


def stands_once(books: Neighbour, check: str, traffic: Traffic, posts: int) -> None:
    [there] = issued(books, check)
    assert there["amount"] == "250.00" and there["origin_id"] == books.record("payment", check)["key"]
    assert [e["remote_id"] for e in books.created("procore", "contract_payments")] == [str(there["id"])]
    assert len(traffic.of("POST", PAYMENTS)) == posts
    [told] = books.state("sage_paperless", "payments", check_number=check)
    assert told["procore_payment_id"] == str(there["id"]), "accounting is told which one it became"


def again(books: Neighbour, check: str, traffic: Traffic) -> None:
    """Everything that could start it by itself does: the schedule, every look that is due, and the same notice again."""
    before = len(traffic.of("POST", PAYMENTS))
    for _ in range(2):
        books.scan("sage_paperless", full=True)
        books.wait_quiet()
        books.send("sitebooks.payment.sync", books.company, [books.record("payment", check)["id"]])
        books.wait_quiet()
    assert len(traffic.of("POST", PAYMENTS)) == before


@pytest.mark.fault("F26")
@pytest.mark.parametrize(
    "fault", [{"action": "drop_before"}, {"action": "apply_later", "seconds": 10**9}], ids=["cut", "no answer"]
)
def test_not_carried_out_it_waits_for_a_person_whose_word_sends_exactly_one(books: Neighbour, fault: dict[str, Any]) -> None:
    check, traffic = paid(books, **fault)
    record = parked(books, check)
    looks = [e for e in traffic.of("GET", PAYMENTS) if e["at"] > traffic.of("POST", PAYMENTS)[0]["at"]]
    assert len({e["at"][:19] for e in looks}) >= 2, "two looks, apart in time"
    again(books, check, traffic)
    assert issued(books, check) == [] and len(traffic.of("POST", PAYMENTS)) == 1
    person(books, "not-there", record["id"])
    books.wait_state("payment", check, seconds=40)
    books.wait_quiet()
    stands_once(books, check, traffic, posts=2)


@pytest.mark.fault("F26")
@pytest.mark.slow
def test_the_word_of_a_person_is_good_for_one_more_and_not_for_a_third(books: Neighbour) -> None:
    check, traffic = paid(books, action="drop_before")
    record = parked(books, check)
    books.fault("procore", "drop_before", POST, times=1)
    person(books, "not-there", record["id"])
    books.wait(lambda: len(traffic.of("POST", PAYMENTS)) == 2, 20, "their word did not send it")
    books.wait_state("payment", check, "checking", seconds=20)
    parked(books, check)
    again(books, check, traffic)
    person(books, "not-there", record["id"])
    books.wait_state("payment", check, seconds=40)
    books.wait_quiet()
    stands_once(books, check, traffic, posts=3)


@pytest.mark.fault("F27")
@pytest.mark.parametrize("fault", [{"action": "drop_after"}, {"action": "delay", "seconds": 2.5}], ids=["cut", "too slow"])
def test_carried_out_it_is_found_by_its_key_and_not_sent_again(books: Neighbour, fault: dict[str, Any]) -> None:
    check, traffic = paid(books, **fault)
    books.wait_state("payment", check, seconds=40)
    assert "checking" in books.story("payment", check)
    again(books, check, traffic)
    stands_once(books, check, traffic, posts=1)


@pytest.mark.fault("F28")
def test_landing_between_the_looks_it_is_found(books: Neighbour) -> None:
    check, traffic = paid(books, action="apply_later", seconds=LATE)
    books.wait_state("payment", check, "checking", seconds=20)
    books.advance("procore", LATE + 1)
    books.wait_state("payment", check, seconds=40)
    books.wait_quiet()
    stands_once(books, check, traffic, posts=1)


@pytest.mark.fault("F28")
def test_landing_when_a_person_has_it_already_their_word_finds_it_and_sends_nothing(books: Neighbour) -> None:
    check, traffic = paid(books, action="apply_later", seconds=LATE)
    record = parked(books, check)
    books.advance("procore", LATE + 1)
    again(books, check, traffic)
    person(books, "not-there", record["id"])
    books.wait_state("payment", check, seconds=40)
    books.wait_quiet()
    stands_once(books, check, traffic, posts=1)


@pytest.mark.fault("F28")
def test_landing_after_a_person_had_it_sent_again_procore_refuses_the_late_one(books: Neighbour) -> None:
    check, traffic = paid(books, action="apply_later", seconds=LATE)
    person(books, "not-there", parked(books, check)["id"])
    books.wait_state("payment", check, seconds=40)
    books.advance("procore", LATE + 1)
    books.wait_quiet()
    stands_once(books, check, traffic, posts=2)


@pytest.mark.fault("F02")
def test_killed_after_the_payment_was_made_the_next_try_finds_it(books: Neighbour) -> None:
    invoice = imported(books)
    traffic = Traffic(books, "procore")
    books.arm("after_remote_write", "kill", "payment ")
    check = pay(books, invoice, "250.00")
    books.taken("after_remote_write")
    books.wait_state("payment", check, seconds=40)
    books.wait_quiet()
    assert "checking" in books.story("payment", check)
    stands_once(books, check, traffic, posts=1)


@pytest.mark.fault("F01")
def test_killed_before_the_request_nobody_knows_so_a_person_decides(books: Neighbour) -> None:
    """Nothing was sent, and the process that knew it is gone: for money that is not enough to send it again."""
    invoice = imported(books)
    traffic = Traffic(books, "procore")
    books.arm("before_remote_write", "kill", "payment ")
    check = pay(books, invoice, "250.00")
    books.taken("before_remote_write")
    person(books, "not-there", parked(books, check)["id"])
    books.wait_state("payment", check, seconds=40)
    books.wait_quiet()
    stands_once(books, check, traffic, posts=1)


@pytest.mark.fault("F02")
def test_killed_after_an_import_the_next_try_finds_the_invoice(books: Neighbour) -> None:
    books.arm("after_remote_write", "kill", "import")
    invoice = paperless.approve(books)
    books.taken("after_remote_write")
    record = books.wait_state("invoice", invoice, seconds=40)
    books.wait_quiet()
    assert [e["remote_id"] for e in books.created("sage_paperless", "invoices")] == [record["remote_id"]]
    [there] = books.state("sage_paperless", "invoices", invoice_number=invoice)
    assert (there["gross"], there["document"]["pages"]) == ("1000.00", 3)
    assert "checking" in books.story("invoice", invoice), "in doubt, until it was looked up"
