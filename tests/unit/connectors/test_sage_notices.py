"""Paid notices row by row: what is odd is listed and stops nothing, a void is never lost (contract C.4)."""

import csv
from collections.abc import Callable
from io import StringIO
from pathlib import Path
from typing import Any

import pytest

from connectors.calls import NotUnderstood
from connectors.sage_paperless import rows
from connectors.sage_paperless.notices import Notices

pytestmark = [pytest.mark.unit, pytest.mark.fault("F56")]
COLUMNS = (
    "PaymentId", "LinkDocumentID", "ProcoreInvoice", "CheckNumber", "CheckDate", "CheckAmount", "Method", "Voided", "SeenAt",
)  # fmt: skip
GOOD = dict(zip(COLUMNS, (
    "p-good", "procore:4100:77", "77", "9", "2026-11-20", "10.00", "check", "false", "2026-11-22T10:00:00Z",
), strict=True))  # fmt: skip
OTHER = GOOD | {"PaymentId": "p-1"}


class Site:
    """The accounting side's outbox, and our reading of it."""

    def __init__(self, place: Path) -> None:
        self.outbox, self.place, self.told = place / "outbox" / "payments", place, 0
        self.outbox.mkdir(parents=True)

    def tell(self, *given: dict[str, str], more: bytes = b"", columns: tuple[str, ...] = COLUMNS) -> str:
        text = StringIO(newline="")
        csv.writer(text, lineterminator="\n").writerows([columns, *([one[name] for name in columns] for one in given)])
        self.told += 1
        name = f"payments-20261122T1{self.told:02}000000000Z"
        (self.outbox / f"{name}.csv").write_bytes(text.getvalue().encode() + more)
        (self.outbox / f"{name}.ready").touch()
        return name

    def read(self) -> dict[str, dict[str, Any]]:
        return {row["id"]: row for row in Notices(self.place, "4100").payments()}

    def acknowledged(self, name: str) -> bool:
        return (self.outbox / f"{name}.ack").exists()


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return Site(tmp_path)


def odd(row: dict[str, Any]) -> str:
    with pytest.raises(NotUnderstood) as found:
        rows.payment(row, "USD")
    return str(found.value)


@pytest.mark.parametrize(("wrong", "said"), [
    ({"LinkDocumentID": "procore:4100:999999"}, "different invoices"), ({"LinkDocumentID": "DMS-4711"}, "different invoices"),
    ({"LinkDocumentID": ""}, "different invoices"), ({"ProcoreInvoice": ""}, "different invoices"),
    ({"LinkDocumentID": "procore:4190:77"}, "another Procore company"), ({"Voided": "True"}, "Voided"),
    ({"SeenAt": "yesterday"}, "SeenAt"), ({"CheckAmount": "1,000.00"}, "amount"), ({"CheckDate": "20/11/26"}, "day"),
])  # fmt: skip
def test_a_row_that_cannot_be_used_is_listed_with_its_reason_beside_the_others(site, wrong, said):
    name = site.tell(OTHER | wrong, GOOD)
    found = site.read()
    assert said in odd(found["p-1"]) and rows.payment(found["p-good"], "USD").invoice_id == "77"
    assert site.acknowledged(name), "both are kept"


def test_a_row_of_another_system_is_listed_and_names_no_procore_invoice(site):
    site.tell(OTHER | {"LinkDocumentID": "DMS-4711", "ProcoreInvoice": ""}, GOOD)
    assert rows.payment(site.read()["p-1"], "USD").invoice_id == ""


@pytest.mark.parametrize("line", [
    b"p-1,,,\xe9,2026-11-20,5.00,check,false,x\n", b'p-1,"x"y,,8,2026-11-20,5.00,check,false,x\n', b"p-1,procore:4100:7",
    b'"p-1,procore:4100:77,77,8,2026-11-20,5.00,check,false,2026-11-22T10:00:00Z\n', b",,,,,,,,\n", b"p\0-1,,,,,,,,\n",
])  # fmt: skip
def test_a_line_that_cannot_be_read_is_listed_once_however_often_it_is_told(site, line):
    site.tell(GOOD, more=line)
    site.tell(GOOD, more=line)
    found = site.read()
    [unreadable] = [row for name, row in found.items() if name != "p-good"]
    assert odd(unreadable) and rows.payment(found["p-good"], "USD").amount
    site.tell(OTHER)
    assert "p-1" in site.read()


def test_a_notice_without_its_columns_is_listed_and_not_acknowledged(site):
    name = site.tell(OTHER, columns=COLUMNS[:-1])
    site.tell(GOOD)
    found = site.read()
    assert sorted(found) == ["p-good", name] and "columns" in odd(found[name])
    assert not site.acknowledged(name)


def test_a_row_that_was_put_right_takes_the_place_of_the_odd_one(site):
    site.tell(OTHER | {"Voided": "True"})
    site.read()
    site.tell(OTHER)
    assert rows.payment(site.read()["p-1"], "USD").voided is False


@pytest.mark.requirement("Y-12")
@pytest.mark.parametrize("seen", ["2026-11-22T10:00:00Z", "2026-11-22T10:00:00.500Z", "2026-11-22T09:00:00Z"])
def test_a_void_always_counts(site, seen):
    site.tell(OTHER)
    site.read()
    site.tell(OTHER | {"Voided": "true", "SeenAt": seen})
    assert site.read()["p-1"]["voided"] is True
    site.tell(OTHER | {"SeenAt": "2026-11-22T12:00:00Z"})
    assert site.read()["p-1"]["voided"] is True


def test_the_row_seen_last_counts_by_its_time_not_by_its_text(site):
    site.tell(OTHER | {"CheckAmount": "11.00", "SeenAt": "2026-11-22T10:00:00.500Z"})
    site.tell(OTHER | {"CheckAmount": "12.00", "SeenAt": "2026-11-22T10:00:00Z"})
    assert site.read()["p-1"]["amount"] == "11.00"


@pytest.mark.requirement("Y-12")
def test_a_void_told_of_while_the_receipt_is_written_is_kept(site, monkeypatch):
    site.tell(OTHER)
    site.read()
    mine, keep = Notices(site.place, "4100"), Notices._keep

    def meanwhile(self: Notices, path: Path, row: dict[str, Any]) -> None:
        monkeypatch.setattr(Notices, "_keep", keep)
        site.tell(OTHER | {"Voided": "true", "SeenAt": "2026-11-22T11:00:00Z"})
        site.read()
        keep(self, path, row)

    monkeypatch.setattr(Notices, "_keep", meanwhile)
    mine.receipt("p-1", "480001")
    now = site.read()["p-1"]
    assert (now["voided"], now["procore_payment_id"]) == (True, "480001")


def test_what_an_earlier_release_kept_stays_known(site):
    site.tell(OTHER)
    site.read()
    kept: Callable[[], list[Path]] = lambda: list((site.place / "sitebooks" / "payments").glob("*.json"))  # noqa: E731
    [path] = kept()
    path.write_bytes(path.read_bytes().replace(b'"procore_payment_id": null', b'"procore_payment_id": "480001"'))
    path.rename(path.with_name(f"{path.stem.partition('-')[0]}.json"))
    site.tell(OTHER | {"Voided": "true", "SeenAt": "2026-11-22T11:00:00Z"})
    now = site.read()["p-1"]
    assert (now["voided"], now["procore_payment_id"], len(kept())) == (True, "480001", 2)
