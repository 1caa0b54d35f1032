"""F56: the drop folder. Nobody ever sees half a file, and each invoice is taken once, whatever happens to writer and share."""

import json
import threading
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from simulators.sage_paperless.folder import RENAMED
from tests.faults import paperless
from tests.faults.neighbour import Neighbour
from tests.faults.paperless import QUEUE, approve, hurry, issued, pay
from tests.faults.stand import Stand, home
from tests.world_paperless import VAULT

pytestmark = [pytest.mark.fault("F56"), pytest.mark.timeout(180)]

PARTS = ("csv", "json", "pdf", "ready")
#: A program beside us looks this often (reliability, row F56).
LOOKS_EVERY = 0.005


@pytest.fixture(scope="module")
def company(stand: Stand) -> Iterator[Neighbour]:
    with home() as folder:
        (folder / "share").mkdir()
        with paperless.joined(stand, folder / "share") as books:
            yield books


@pytest.fixture
def books(company: Neighbour, request: pytest.FixtureRequest) -> Iterator[Neighbour]:
    """The importer must never have read half a file, in any row."""
    rows = paperless.row(company, request)
    yield next(rows)
    folder(company, running=True, renames=False, gone=False, slow_seconds=0)
    with suppress(StopIteration):
        next(rows)
    stood = folder(company)
    assert (stood["torn"], stood["incomplete"]) == (0, 0)


def folder(books: Neighbour, **wanted: Any) -> dict[str, Any]:
    """How the importer stands, after this was changed."""
    return dict(books.http("sage_paperless", "/_sim/folder", wanted))


def share(books: Neighbour) -> Path:
    return Path(str(books.cores["sage_paperless"].options["folder"])) / VAULT


def stem(books: Neighbour, invoice: str) -> str:
    """The one name of an invoice's files, but for its revision."""
    [there] = books.state("procore", "requisitions", invoice_number=invoice)
    return f"4100-{there['id']}-r"


def lying(books: Neighbour, place: str, invoice: str) -> list[str]:
    """Endings of this invoice's files there; temporary ones, and what another program took and renamed, are left out."""
    found = [path.name.partition(".")[2] for path in (share(books) / place).glob(f"{stem(books, invoice)}*")]
    return sorted(ending for ending in found if not ending.endswith(RENAMED))


def taken(books: Neighbour, invoice: str) -> dict[str, Any]:
    """Once the importer has it and we know: one invoice there, its four files in the archive."""

    def arrived() -> bool:
        hurry(books)
        return bool(books.record("invoice", invoice).get("state") == "synced")

    books.wait(arrived, 60, f"{invoice} does not arrive")
    assert lying(books, "archive", invoice) == list(PARTS) and lying(books, f"inbox/{QUEUE}", invoice) == []
    [there] = books.state("sage_paperless", "invoices", invoice_number=invoice)
    creates = [e for e in books.created("sage_paperless", "invoices") if e["remote_id"] == there["id"]]
    assert len(creates) == 1 and there["gross"] == "1000.00"
    return there


class Reader(threading.Thread):
    """Another program that reads every file as soon as it has its name; `half` names those that were not whole."""

    def __init__(self, inbox: Path) -> None:
        super().__init__(daemon=True)
        self.inbox, self.half, self.whole, self.ended = inbox, [], set(), threading.Event()  # type: ignore[var-annotated]

    def run(self) -> None:
        while not self.ended.wait(LOOKS_EVERY):
            for path in self.inbox.glob("[!.]*.*") if self.inbox.is_dir() else ():
                with suppress(FileNotFoundError):
                    (self.whole.add if _whole(path) else self.half.append)(path.name)

    def __enter__(self) -> "Reader":
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.ended.set()
        self.join(5)


def _whole(path: Path) -> bool:
    content = path.read_bytes()
    if path.suffix == ".pdf":
        return content.startswith(b"%PDF-") and content.rstrip().endswith(b"%%EOF")
    if path.suffix == ".csv":
        return content.endswith(b"\n") and content.startswith(b"LinkDocumentID")
    if path.suffix == ".json":
        try:
            return bool(json.loads(content)["document"]["pages"])
        except ValueError:
            return False
    return True


@pytest.mark.parametrize("ending", ["pdf", "csv", "json"])
def test_killed_between_the_files_nothing_is_read_and_it_is_dropped_once(books: Neighbour, ending: str) -> None:
    with Reader(share(books) / "inbox" / QUEUE) as reader:
        books.arm("dropped_part", "kill", ending)
        invoice = approve(books)
        books.taken("dropped_part")
        there = lying(books, f"inbox/{QUEUE}", invoice)
        assert ending in there and "ready" not in there, "without its mark nobody takes it"
        assert books.state("sage_paperless", "invoices", invoice_number=invoice) == []
        taken(books, invoice)
    assert reader.half == [] and any(name.endswith(f".{ending}") for name in reader.whole)


def test_killed_after_the_mark_it_is_found_and_not_dropped_again(books: Neighbour) -> None:
    books.arm("after_remote_write", "kill", "import")
    invoice = approve(books)
    books.taken("after_remote_write")
    taken(books, invoice)
    assert folder(books)["ignored"] == 0, "the same files were never offered a second time"


def test_a_share_that_vanishes_between_the_files_makes_nothing_where_it_was(books: Neighbour) -> None:
    books.arm("dropped_part", "stop", "pdf")
    invoice = approve(books)
    stopped = books.taken("dropped_part")
    folder(books, gone=True)
    books.go_on(stopped)
    books.wait_state("invoice", invoice, "held", "sending", seconds=30)
    books.wait(lambda: books.codes("invoice", invoice) == ["site_down"], 30, "nobody is told that the share is gone")
    assert not share(books).parent.exists(), "nothing is made where the share was mounted"
    folder(books, gone=False)
    taken(books, invoice)


def test_while_the_share_is_away_invoices_wait_and_go_when_it_is_back(books: Neighbour) -> None:
    folder(books, gone=True)
    invoices = [approve(books) for _ in range(3)]
    for invoice in invoices:
        books.wait_state("invoice", invoice, "held", seconds=30)
        assert books.codes("invoice", invoice) == ["site_down"]
    assert not share(books).parent.exists()
    folder(books, gone=False)
    for invoice in invoices:
        taken(books, invoice)


def test_a_reader_that_renames_files_under_us_gets_them_again(books: Neighbour) -> None:
    before = folder(books, renames=True)["renamed"]
    books.arm("dropped_part", "sleep 0.5", "pdf")  # long enough for it to take the file
    invoice = approve(books)
    books.taken("dropped_part")
    books.wait(lambda: folder(books)["renamed"] > before, 20, "it renamed nothing")
    folder(books, renames=False)
    taken(books, invoice)


def test_without_a_fresh_heartbeat_nothing_is_dropped(books: Neighbour) -> None:
    folder(books, running=False)
    old = datetime.now(UTC) - timedelta(minutes=16)
    (share(books) / "state" / "heartbeat.json").write_text(json.dumps({"at": old.isoformat()}))
    invoice = approve(books)
    books.wait_state("invoice", invoice, "held", seconds=30)
    assert books.codes("invoice", invoice) == ["site_down"] and lying(books, f"inbox/{QUEUE}", invoice) == []
    folder(books, running=True)
    taken(books, invoice)


def test_many_at_once_are_whole_at_every_look_and_taken_once_each(books: Neighbour) -> None:
    with Reader(share(books) / "inbox" / QUEUE) as reader:
        folder(books, slow_seconds=0.5)
        invoices = [approve(books) for _ in range(6)]
        for invoice in invoices:
            taken(books, invoice)
    assert reader.half == [] and len(reader.whole) >= 4 * len(invoices)


def test_a_paid_notice_becomes_one_payment_and_is_acknowledged(books: Neighbour) -> None:
    invoice = approve(books)
    taken(books, invoice)
    books.arm("after_remote_write", "kill", "payment ")
    check = pay(books, invoice, "250.00")
    books.wait(lambda: any((share(books) / "outbox" / "payments").glob("*.ready")), 20, "no notice")
    books.scan("sage_paperless", full=True)
    books.taken("after_remote_write")
    books.wait_state("payment", check, seconds=40)
    for _ in range(2):
        books.scan("sage_paperless", full=True)
        books.wait_quiet()
    [made] = issued(books, check)
    assert made["amount"] == "250.00" and len(books.created("procore", "contract_payments")) == 1
