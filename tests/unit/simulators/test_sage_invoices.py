"""Findings (B.5), states (B.6), revisions and edits of invoices in the Sage Paperless simulator."""

from typing import Any

import pytest

from simulators.kit.actions import BadAction
from simulators.procore import files
from simulators.sage_paperless.pdf import NotAPdf, page_count
from tests.unit.simulators.sage_calls import Caller, Json, document, invoice

pytestmark = pytest.mark.unit
LINE = invoice()[0]["lines"][0]


@pytest.fixture
def caller() -> Caller:
    return Caller()


@pytest.mark.parametrize(
    ("changes", "code", "quoted"),
    [
        ({"vendor": "Southern Steel Limited"}, "vendor_unknown", ("Southern Steel Limited", "Southern Steel Ltd")),
        ({"commitment_number": "SC-1001-1"}, "commitment_unknown", ("SC-1001-1", "SC-1001-01")),
        ({"commitment_number": "PO-1001-01"}, "commitment_vendor_mismatch", ("Pacific Concrete Ltd", "Southern Steel Ltd")),
        ({"lines": [LINE | {"job": "1009"}]}, "job_unknown", ("1009", "1001")),
        ({"lines": [LINE | {"cost_code": "05-200"}]}, "cost_code_unknown", ("05-200", "05-100")),
        ({"lines": [LINE | {"amount": "999.99"}]}, "amount_not_allocated", ("999.99", "1000.00")),
        ({"lines": [LINE | {"amount": "0.00"}], "net": "0.00"}, "zero_amount_not_allowed", ("0.00",)),
    ],
)
def test_a_finding_is_recorded_quotes_both_values_and_blocks_nothing(
    caller: Caller, changes: Json, code: str, quoted: tuple[str, ...]
) -> None:
    row = caller.imported(**changes)
    assert [one["code"] for one in row["validation"]["findings"]] == [code] and not row["validation"]["passed"]
    assert all(text in row["validation"]["findings"][0]["message"] for text in quoted)
    meta, _ = invoice(**changes)
    dry = caller.send("POST", "/validations", meta, key="").json()
    assert [one["code"] for one in dry["findings"]] == [code] and dry["would_place"] == "queue"


def test_findings_that_hang_on_what_accounting_holds(caller: Caller) -> None:
    caller.act("set_reference", kind="vendor", value="Southern Steel Ltd", active=False)
    caller.act("close_periods", before="2026-11-15")
    row = caller.imported(vendor="  Southern Steel Ltd ")
    assert [one["code"] for one in row["validation"]["findings"]] == ["vendor_inactive", "period_closed"]
    caller.act("set_reference", kind="vendor", value="Southern Steel Ltd", active=True)
    caller.act("close_periods", before="")
    twin = caller.imported(procore_invoice_id="470002", invoice_number="SI-470001", vendor="  Southern Steel Ltd ")
    assert [one["code"] for one in twin["validation"]["findings"]] == ["invoice_number_duplicate"]
    warned = caller.imported(procore_invoice_id="470003", lines=[LINE | {"commitment_line": "7"}])
    found = warned["validation"]["findings"][0]
    assert (found["code"], found["severity"]) == ("commitment_line_unknown", "warning") and warned["validation"]["passed"]


def test_a_renamed_vendor_is_known_once_it_is_routed_again(caller: Caller) -> None:
    row = caller.imported(vendor="Steel of the South")
    caller.act("rename_vendor", name="Southern Steel Ltd", to="Steel of the South")
    caller.act("set_rules", rules=[{"name": "All", "reviewers": ["mere@kauri.example"]}])
    assert caller.send("POST", f"/invoices/{row['id']}/route").json()["placement"] == "routed"


def test_rules_by_vendor_job_and_amount_and_an_exclusive_one(caller: Caller) -> None:
    rules: list[Json] = [
        {"name": "Job", "job": "1001", "reviewers": ["job@k.example"]},
        {"name": "Large", "over": "5000.00", "reviewers": ["boss@k.example"]},
    ]
    caller.act("set_rules", rules=rules)
    meta, _ = invoice()
    routed = caller.send("POST", "/validations", meta, key="").json()["routing"]
    assert routed == [{"line_id": "7000000001", "reviewers": ["job@k.example"], "rule": "Job"}]
    large = meta | {"net": "6000.00", "lines": [LINE | {"amount": "6000.00"}]}
    routed = caller.send("POST", "/validations", large, key="").json()["routing"]
    assert routed[0]["reviewers"] == ["job@k.example", "boss@k.example"]
    steel = {"name": "Steel", "vendor": "Southern Steel Ltd", "reviewers": ["steel@k.example"], "exclusive": True}
    caller.act("set_rules", rules=[*rules, steel])
    assert caller.send("POST", "/validations", large, key="").json()["routing"][0]["rule"] == "Steel"


def test_the_same_revision_is_found_and_a_newer_one_taken_while_unprocessed(caller: Caller) -> None:
    first = caller.imported()
    assert caller.imported(status=200) == first
    newer: dict[str, Any] = {"procore_revision": "ba9876543210", "net": "1200.00", "lines": [LINE | {"amount": "1200.00"}]}
    renewed = caller.imported(status=200, **newer)
    assert (renewed["id"], renewed["gross"], renewed["version"]) == (first["id"], "1200.00", "2")
    meta, content = invoice(procore_revision="cccccccccccc")
    refreshed = caller.form("POST", f"/invoices/{first['id']}/refresh", meta, content)
    assert (refreshed.status, refreshed.json()["procore_revision"]) == (200, "cccccccccccc")
    assert [e["effect"] for e in caller.ledger("invoices")] == ["created", "updated", "updated"]
    caller.act("start_work", invoice=first["id"])
    late, content = invoice(procore_revision="dddddddddddd")
    assert caller.refused(caller.form("POST", "/invoices", late, content)) == (409, "procore_invoice_already_imported")
    answer = caller.form("POST", f"/invoices/{first['id']}/refresh", late, content)
    assert caller.refused(answer) == (409, "invoice_not_unprocessed")
    assert caller.imported(status=200, procore_revision="cccccccccccc")["status"] == "incomplete"


def test_edits_only_where_they_are_allowed(caller: Caller) -> None:
    row = caller.imported(vendor="Steel")
    path = f"/invoices/{row['id']}"
    version = caller.send("GET", path).headers["ETag"]
    change = {"vendor": "Southern Steel Ltd"}
    refused = caller.send("PATCH", path, change, headers={"if-match": version})
    assert caller.refused(refused) == (403, "invoice_edit_not_allowed") and row["read_only"]
    caller.configure(allow_edit_of_imported_invoices=True)
    assert caller.refused(caller.send("PATCH", path, change, headers={"if-match": '"9"'})) == (412, "stale_version")
    answer = caller.send("PATCH", path, {"net": "1.00"}, headers={"if-match": version})
    assert caller.refused(answer) == (400, "validation_failed")
    edited = caller.send("PATCH", path, change, headers={"if-match": version}).json()
    assert edited["validation"]["passed"] and not edited["read_only"]
    caller.act("approve_invoice", invoice=row["id"])
    version = caller.send("GET", path).headers["ETag"]
    again = caller.send("PATCH", path, {"description": "Recoded"}, headers={"if-match": version}).json()
    assert again["status"] == "pending", "it must be approved again"
    caller.act("approve_invoice", invoice=row["id"])
    caller.act("export_invoice", invoice=row["id"])
    version = caller.send("GET", path).headers["ETag"]
    assert caller.refused(caller.send("PATCH", path, change, headers={"if-match": version})) == (409, "invoice_not_unprocessed")


def test_people_take_an_invoice_through_its_states(caller: Caller) -> None:
    caller.subscribe("invoice.approved", "invoice.rejected", "invoice.exported")
    row = caller.imported()
    for action, status in (
        ("start_work", "incomplete"), ("hold_invoice", "on_hold"), ("reject_invoice", "rejected"),
        ("approve_invoice", "approved"), ("export_invoice", "exported"),
    ):  # fmt: skip
        assert caller.act(action, invoice="470001")["status"] == status
    assert caller.get(f"/invoices/{row['id']}")["accounting_reference"] == "AP-000001"
    assert [d.subject for d in caller.deliver()] == ["invoice.rejected", "invoice.approved", "invoice.exported"]
    with pytest.raises(BadAction, match="is exported"):
        caller.act("approve_invoice", invoice="470001")
    assert caller.act("void_invoice", invoice="470001")["status"] == "void"
    caller.imported(procore_invoice_id="470002", vendor="Nobody")
    with pytest.raises(BadAction, match="no vendor 'Nobody'"):
        caller.act("approve_invoice", invoice="470002")
    with pytest.raises(BadAction, match="no invoice 4711"):
        caller.act("approve_invoice", invoice="4711")


def test_what_is_not_there(caller: Caller) -> None:
    for path in ("/invoices/inv-9", "/invoices/inv-9/document"):
        assert caller.refused(caller.send("GET", path)) == (404, "not_found")
    assert caller.refused(caller.send("POST", "/invoices/inv-9/route")) == (404, "not_found")


def test_pages_of_a_pdf_are_counted_and_a_torn_one_is_seen() -> None:
    whole = files.pdf("whole", 3)
    assert page_count(whole) == 3
    table = whole.rindex(b"xref\n0 ")
    moved = whole[:200] + whole[207:table] + b" " * 7 + whole[table:]  # only the places of objects are wrong
    for spoilt in (b"", whole[:-20], whole[5:], whole[:200] + whole[207:], moved, files.pdf("locked", 1, locked=True)):
        with pytest.raises(NotAPdf):
            page_count(spoilt)
    assert document(whole, 3)["pages"] == 3
