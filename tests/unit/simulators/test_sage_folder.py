"""The drop folder of the Sage Paperless simulator (part C): what its importer takes, refuses, ignores and tells."""

import csv
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from simulators.kit.http import Request, Response
from tests.unit.simulators.sage_calls import Caller, Json, drop, index_file, index_rows, invoice, stem_of

pytestmark = pytest.mark.unit
LINE = invoice()[0]["lines"][0]


class FolderCaller(Caller):
    torn = 0  # how many torn files the test meant to send


@pytest.fixture
def caller(tmp_path: Path) -> Iterator[FolderCaller]:
    caller = FolderCaller(folder=str(tmp_path / "share"))
    caller.core.tick()
    yield caller
    assert folder(caller)["torn"] == caller.torn and folder(caller)["trouble"] == ""


def place(caller: Caller, name: str) -> Path:
    return Path(str(caller.core.options["folder"])) / "sage300" / name


def inbox(caller: Caller) -> Path:
    return place(caller, "inbox/q-ap")


def folder(caller: Caller, **changes: Any) -> Json:
    body = json.dumps(changes).encode()
    answer = caller.core.handle(Request("POST" if changes else "GET", "/_sim/folder", body=body))
    assert isinstance(answer, Response) and answer.status == 200, answer
    return dict(answer.json())


def names(path: Path) -> list[str]:
    return sorted(one.name for one in path.iterdir())


def refusal(caller: Caller, stem: str) -> Json:
    """What the importer wrote beside the files it moved to error/."""
    assert {f"{stem}.{ending}" for ending in ("err.json", "ready")} <= set(names(place(caller, "error")))
    return dict(json.loads((place(caller, "error") / f"{stem}.err.json").read_text()))


# C.1


def test_nothing_is_read_before_the_mark_and_then_all_of_it_is_archived(caller: Caller) -> None:
    meta, content = invoice()
    stem = drop(inbox(caller), meta, content, ready=False)
    caller.core.tick()
    assert caller.core.state()["invoices"] == [] and len(names(inbox(caller))) == 3
    (inbox(caller) / f"{stem}.ready").touch()
    caller.core.tick()
    assert names(place(caller, "archive")) == sorted(f"{stem}.{ending}" for ending in ("csv", "json", "pdf", "ready"))
    assert names(inbox(caller)) == []
    row = caller.core.state()["invoices"][0]
    assert (row["procore_invoice_id"], row["placement"], row["queue_id"]) == ("470001", "queue", "q-ap")
    assert [(e["key"], e["actor"]) for e in caller.ledger("invoices")] == [("procore:4100:470001", "client")]
    assert caller.send("GET", f"/invoices/{row['id']}/document").body == content


def test_the_same_stem_again_is_ignored(caller: Caller) -> None:
    meta, content = invoice()
    for _ in range(2):
        drop(inbox(caller), meta, content)
        caller.core.tick()
    assert len(caller.core.state()["invoices"]) == 1 and names(inbox(caller)) == []
    assert (folder(caller)["read"], folder(caller)["ignored"]) == (1, 1)


def test_a_newer_revision_only_while_unprocessed(caller: Caller) -> None:
    drop(inbox(caller), *invoice())
    caller.core.tick()
    drop(inbox(caller), *invoice(procore_revision="ba9876543210"))
    caller.core.tick()
    assert [row["procore_revision"] for row in caller.core.state()["invoices"]] == ["ba9876543210"]
    caller.act("start_work", invoice="470001")
    stem = drop(inbox(caller), *invoice(procore_revision="cccccccccccc"))
    caller.core.tick()
    assert refusal(caller, stem)["code"] == "procore_invoice_already_imported"


# C.2


def test_every_column_is_held_against_the_metadata(caller: Caller) -> None:
    wrong = {
        "LinkDocumentID": "procore:4100:9", "Vault": "sage100", "Queue": "q-check", "DocumentType": "Other",
        "ProcoreCompany": "1", "ProcoreProject": "1", "ProcoreInvoice": "1", "ProcoreRevision": "1", "Vendor": "X",
        "CommitmentType": "X", "Commitment": "X", "InvoiceNumber": "X", "InvoiceDate": "10.11.2026", "DueDate": "X",
        "LineNo": "7", "CommitmentLine": "X", "Job": "X", "CostCode": "X", "Category": "X", "Description": "X",
        "Amount": "999.00", "Retainage": "5", "InvoiceTotal": "1000.01", "DocumentFile": "x.pdf",
        "DocumentSha256": "0" * 64, "DocumentPages": "9",
    }  # fmt: skip
    for number, (column, value) in enumerate(wrong.items()):
        meta, content = invoice(procore_revision=f"{number:012d}")
        stem = drop(inbox(caller), meta, content, index_rows(meta, **{column: value}))
        caller.core.tick()
        assert refusal(caller, stem)["code"] == "index_mismatch", column
    assert caller.core.state()["invoices"] == []


def test_lines_and_tax_add_up_to_the_total(caller: Caller) -> None:
    meta, content = invoice(tax="150.00")
    rows = index_rows(meta)
    stem = drop(inbox(caller), meta, content, rows)
    caller.core.tick()
    assert refusal(caller, stem)["code"] == "index_mismatch", "the tax has no row"
    meta, content = invoice(tax="150.00", procore_revision="aaaaaaaaaaaa")
    rows = index_rows(meta)
    rows.append(rows[0] | {"LineNo": "2", "CommitmentLine": "", "CostCode": "", "Category": "", "Description": "Tax",
                           "Amount": "150.00", "Retainage": ""})  # fmt: skip
    drop(inbox(caller), meta, content, rows)
    caller.core.tick()
    assert [row["gross"] for row in caller.core.state()["invoices"]] == ["1150.00"]


@pytest.mark.parametrize("ending", ["pdf", "csv", "json"])
def test_a_torn_file_is_counted(caller: FolderCaller, ending: str) -> None:
    meta, content = invoice()
    stem = drop(inbox(caller), meta, content)
    path = inbox(caller) / f"{stem}.{ending}"
    path.write_bytes(path.read_bytes()[:-30])
    caller.core.tick()
    assert refusal(caller, stem)["code"] in ("torn", "document_must_be_single_pdf")
    caller.torn = 1


def test_a_document_that_is_not_the_announced_one_is_torn(caller: FolderCaller) -> None:
    meta, _ = invoice()
    stem = drop(inbox(caller), meta, invoice(pages=3)[1])
    caller.core.tick()
    assert refusal(caller, stem)["code"] == "document_must_be_single_pdf"
    caller.torn = 1


def test_a_mark_without_its_files(caller: Caller) -> None:
    stem = stem_of(invoice()[0])
    (inbox(caller) / f"{stem}.ready").touch()
    caller.core.tick()
    assert refusal(caller, stem)["code"] == "incomplete" and folder(caller)["incomplete"] == 1


# C.3


def test_rules_of_the_import_hold_here_too(caller: Caller) -> None:
    meta, content = invoice(procore_status="under_review")
    stem = drop(inbox(caller), meta, content)
    caller.core.tick()
    told = refusal(caller, stem)
    assert set(told) == {"code", "message", "at"} and told["code"] == "procore_status_not_approved"
    meta, content = invoice(vendor="Nobody", procore_invoice_id="470002")
    drop(inbox(caller), meta, content)
    caller.core.tick()
    row = caller.core.state()["invoices"][0]
    assert row["validation"]["passed"] is False, "it arrives all the same"
    assert caller.get("/import-candidates")["data"][0]["last_error"].startswith("procore_status_not_approved")


def test_an_unknown_queue_and_a_named_one(caller: Caller) -> None:
    for queue in ("q-other", "AP Intake"):
        place(caller, f"inbox/{queue}").mkdir()
    stem = drop(place(caller, "inbox/q-other"), *invoice())
    meta, content = invoice(procore_invoice_id="470002")
    drop(place(caller, "inbox/AP Intake"), meta, content, index_rows(meta, Queue="AP Intake"))
    caller.core.tick()
    assert refusal(caller, stem)["code"] == "queue_unknown"
    assert [row["queue_id"] for row in caller.core.state()["invoices"]] == ["q-ap"]


def test_cloud_sync_stopped_leaves_the_files_where_they_are(caller: Caller) -> None:
    caller.act("stop_cloud_sync")
    drop(inbox(caller), *invoice())
    caller.core.tick()
    assert len(names(inbox(caller))) == 4 and names(place(caller, "error")) == []
    caller.act("start_cloud_sync")
    caller.core.tick()
    assert names(inbox(caller)) == []


def test_the_heart_beats_by_the_clock_until_the_importer_stops(caller: Caller) -> None:
    beat = place(caller, "state/heartbeat.json")
    assert json.loads(beat.read_text()) == {"at": "2026-11-20T08:00:00.000000Z", "vault": "sage300"}
    caller.clock.advance(60)
    caller.core.tick()
    assert json.loads(beat.read_text())["at"] == "2026-11-20T08:01:00.000000Z"
    folder(caller, running=False)
    caller.clock.advance(3600)
    drop(inbox(caller), *invoice())
    caller.core.tick()
    assert json.loads(beat.read_text())["at"] == "2026-11-20T08:01:00.000000Z" and len(names(inbox(caller))) == 4
    folder(caller, running=True)
    caller.core.tick()
    assert names(inbox(caller)) == []


def test_a_slow_importer_waits(caller: Caller) -> None:
    folder(caller, slow_seconds=120)
    drop(inbox(caller), *invoice())
    caller.core.tick()
    caller.clock.advance(119)
    caller.core.tick()
    assert len(names(inbox(caller))) == 4
    caller.clock.advance(1)
    caller.core.tick()
    assert len(caller.core.state()["invoices"]) == 1


def test_files_are_renamed_under_the_writer(caller: Caller) -> None:
    folder(caller, renames=True)
    (inbox(caller) / ".470001.ready").touch()  # a name that is only on its way
    caller.core.tick()
    assert names(inbox(caller)) == [".470001.ready"] and folder(caller)["read"] == 0
    (inbox(caller) / ".470001.ready").unlink()
    meta, content = invoice()
    stem = drop(inbox(caller), meta, content, ready=False)
    caller.core.tick()
    assert names(inbox(caller)) == sorted(f"{stem}.{ending}.scanned" for ending in ("csv", "json", "pdf"))
    assert folder(caller)["renamed"] == 3


def test_the_share_disappears_and_comes_back(caller: Caller) -> None:
    folder(caller, gone=True)
    assert not place(caller, "").exists()
    caller.core.tick()
    assert not place(caller, "").exists()
    folder(caller, gone=False)
    assert inbox(caller).is_dir()
    answer = caller.core.handle(Request("POST", "/_sim/folder", body=b'{"torn": 0}'))
    assert isinstance(answer, Response) and answer.status == 422


# C.4, and the lists


def notices(caller: Caller) -> dict[str, list[Json]]:
    found = sorted(place(caller, "outbox/payments").glob("*.ready"))
    return {one.stem: list(csv.DictReader(one.with_suffix(".csv").read_text().splitlines())) for one in found}


def test_paid_notices_are_repeated_until_they_are_acknowledged(caller: Caller) -> None:
    drop(inbox(caller), *invoice())
    caller.core.tick()
    caller.act("pay_invoice", invoice="470001", amount="400.00", check="90001")
    caller.core.tick()
    (stem, rows), = notices(caller).items()
    assert stem == "payments-20261120T080000000000Z"
    assert rows == [
        {"PaymentId": "pay-000001", "LinkDocumentID": "procore:4100:470001", "ProcoreInvoice": "470001", "CheckNumber": "90001",
         "CheckDate": "2026-11-20", "CheckAmount": "400.00", "Method": "check", "Voided": "false",
         "SeenAt": "2026-11-20T08:00:00.000000Z"}
    ]  # fmt: skip
    caller.core.tick()
    assert len(notices(caller)) == 1, "nothing is new"
    caller.clock.advance(30)
    caller.act("pay_invoice", invoice="470001")
    caller.core.tick()
    both = notices(caller)
    assert [len(found) for found in both.values()] == [1, 2], "the first row is told again"
    (place(caller, "outbox/payments") / f"{max(both)}.ack").touch()
    caller.core.tick()
    assert list(notices(caller)) == [stem], "the acknowledged notice is cleared away"
    caller.clock.advance(60)
    caller.act("void_payment", payment="90001")
    caller.core.tick()
    assert [row["Voided"] for row in notices(caller)[max(notices(caller))]] == ["true"]


def test_a_notice_nobody_takes_is_written_again_after_a_while(caller: Caller) -> None:
    drop(inbox(caller), *invoice())
    caller.core.tick()
    caller.act("pay_invoice", invoice="470001")
    caller.core.tick()
    caller.clock.advance(901)
    caller.core.tick()
    assert [[row["PaymentId"] for row in rows] for rows in notices(caller).values()] == [["pay-000001"], ["pay-000001"]]


def test_lists_of_what_accounting_accepts(caller: Caller) -> None:
    def lines(kind: str) -> list[list[str]]:
        return list(csv.reader((place(caller, "state") / f"reference-{kind}.csv").read_text().splitlines()))

    assert lines("vendor")[0] == ["value", "name", "parent", "active"]
    assert ["SC-1001-01", "Structural steel", "Southern Steel Ltd", "true"] in lines("commitment")
    assert lines("job")[1:] == [["1001", "Harbour View Apartments", "", "true"]] and len(lines("cost_code")) == 4
    caller.act("rename_vendor", name="Southern Steel Ltd", to="Steel of the South")
    caller.core.tick()
    assert "Steel of the South" in [row[0] for row in lines("vendor")]


def test_only_vaults_with_a_procore_part_have_a_tree(caller: Caller) -> None:
    assert names(Path(str(caller.core.options["folder"]))) == ["nosync", "sage100", "sage300", "unlicensed"]
    assert index_file(index_rows(invoice()[0])).count(b"\n") == 2
