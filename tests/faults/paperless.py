"""A company on Sage Paperless beside the stack's own: what its people do at both sides, and what stands where."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from simulators import datasets
from tests.faults.judging import FAILED, judge
from tests.faults.neighbour import Neighbour, neighbour
from tests.faults.stand import Stand
from tests.world_paperless import VAULT, only

PROJECT, VENDOR, QUEUE = "1001", "Southern Steel Ltd", "q-ap"
OURS = {"vault_id": VAULT, "vault": "Kauri & Sons (Sage 300)", "bridge": "sage_300_cre", "queue": QUEUE,
        "create_payments_in_procore": True}  # fmt: skip
PAYMENTS = "/rest/v1.0/contract_payments$"
POST = {"method": "POST", "path": PAYMENTS}


@contextmanager
def joined(stand: Stand, share: Path | None = None) -> Iterator[Neighbour]:
    """Connected, with nothing to do yet; with a `share`, through the drop folder. Judged at its end, like every neighbour."""
    way: dict[str, Any] = {"transport": "drop_folder", "folder": str(share)} if share else {}
    options = {"sage_paperless": {"folder": str(share), "heartbeat_seconds": 1}} if share else {}
    with neighbour(
        stand, options, {"sage_paperless": OURS | way}, only(datasets.load("paperless"), "none"), accounting="sage_paperless"
    ) as books:
        yield books


def row(books: Neighbour, request: pytest.FixtureRequest) -> Iterator[Neighbour]:
    """One row on a company that several rows share: afterwards all is mended, it must become quiet, and nothing is broken."""
    broken_before = judge(books, seconds=0)
    books.begin()
    yield books
    books.mend()
    if request.node.stash.get(FAILED, False):
        return
    hurry(books)
    books.wait_quiet(60)
    broken = judge(books, besides=broken_before) + books.stops()
    assert not broken, "\n".join(broken)


def approve(books: Neighbour, amount: str = "1000.00", pages: int = 2) -> str:
    """A commitment that accounting knows, and an approved invoice of it with two files; gives the invoice's number."""
    order = books.new_commitment(amount="50000.00")
    books.act("sage_paperless", "set_reference", kind="commitment", value=order, parent=VENDOR)
    invoice = books.number("SI-")
    files = [{"kind": "pdf", "name": f"Invoice {invoice}.pdf", "pages": pages}, {"kind": "text", "name": "Dockets.txt"}]
    lines = [{"line": 1, "amount": amount}]
    books.act("procore", "create_requisition", commitment=order, invoice_number=invoice, lines=lines, attachments=files)
    books.scan("procore", kinds=("invoice",))  # Procore has no webhook for these
    return invoice


def imported(books: Neighbour, amount: str = "1000.00") -> str:
    """An approved invoice that stands in the vault."""
    invoice = approve(books, amount)
    books.wait_state("invoice", invoice, seconds=40)
    return invoice


def pay(books: Neighbour, invoice: str, amount: str = "") -> str:
    """A check in accounting, in full or of an amount; gives its number."""
    check = books.number("7")
    entered = books.state("sage_paperless", "invoices", invoice_number=invoice)[0]
    books.act("sage_paperless", "pay_invoice", invoice=entered["id"], amount=amount, check=check)
    return check


def issued(books: Neighbour, check: str) -> list[dict[str, Any]]:
    """What stands in Payments Issued of this check."""
    return books.state("procore", "contract_payments", check_number=check)


def hurry(books: Neighbour) -> None:
    """What waits for a time of day is looked at now."""
    books.change(
        """UPDATE sync_record SET due_at = clock_timestamp(), rung_at = NULL
        WHERE company_id = %s AND lease_until IS NULL AND state IN ('sending', 'held') AND due_at > clock_timestamp()""",
        books.company,
    )
