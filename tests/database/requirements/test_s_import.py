"""Approved subcontractor invoices arrive in Sage Paperless, with their files as one document (S-03, S-04, S-17 to S-31)."""

from decimal import Decimal
from types import SimpleNamespace

import pytest

from connectors import transfers
from models import session
from sync import preview, records
from tests.world import DOUBTS_OVER
from tests.world_paperless import PaperlessWorld

ROUTE = "automated_import_and_auto_route_with_queue_failover"


def there(world: PaperlessWorld, number: str) -> dict:
    return world.one("sage_paperless", "invoices", invoice_number=number)


def document_parts(invoice: dict) -> list[tuple[str, int, int]]:
    return [(part["name"], part["first_page"], part["pages"]) for part in invoice["document"]["parts"]]


def warned(world: PaperlessWorld, number: str) -> list[str]:
    return [one["code"] for one in world.record("invoice", number).warnings if one["code"] != "paperless_status"]


@pytest.mark.requirement("S-03", "S-07", "S-18", "S-19", "S-32")
def test_an_approved_invoice_with_its_pdf_arrives_in_the_queue(paperless):
    world = paperless("SI-103")
    invoice = there(world, "SI-103")
    assert (invoice["gross"], invoice["placement"], invoice["queue_id"]) == ("42000.00", "queue", "q-ap")
    assert invoice["vendor"] == "Pacific Concrete Ltd" and invoice["commitment_number"] == "PO-1001-01"
    assert [(line["job"], line["cost_code"], line["amount"]) for line in invoice["lines"]] == [
        ("1001", "03-300", "30000.00"), ("1001", "B.03-300", "12000.00"),
    ]  # fmt: skip
    assert invoice["validation"] == {"passed": True, "findings": []}
    assert world.record("invoice", "SI-103").state == "synced"
    entered = [(entry["effect"], entry["key"]) for entry in world.ledger("sage_paperless", kind="invoices")]
    assert entered == [("created", invoice["procore_invoice_id"])]


@pytest.mark.requirement("S-21", "S-25")
@pytest.mark.parametrize("behavior", ["automated_import_into_queue", ROUTE])
def test_all_files_become_one_document_in_procores_order(paperless, behavior):
    world = paperless("SI-101", "SI-102", sync=False)
    world.save(import_behavior=behavior)
    world.sync()
    assert document_parts(there(world, "SI-101")) == [
        ("Invoice SI-101.pdf", 1, 3), ("Site photo.jpg", 4, 1), ("Delivery notes.txt", 5, 1),
    ]  # fmt: skip
    assert document_parts(there(world, "SI-102")) == [
        ("Invoice SI-102.pdf", 1, 2), ("Scanned dockets.tif", 3, 4), ("Plan.png", 7, 1),
    ]  # fmt: skip
    assert [there(world, n)["document"]["pages"] for n in ("SI-101", "SI-102")] == [5, 7]


def test_files_of_two_hundred_pages_simply_work_and_are_fetched_once(paperless):
    world = paperless("SI-113")
    assert there(world, "SI-113")["document"]["pages"] == 200
    fetched = len(world.transports["procore"].sent("GET", "/attachments/"))
    world.scan(full=True)
    world.run(records.retry(world.company, [world.record("invoice", "SI-113").id], "test"))
    world.settle()
    assert fetched == 2 == len(world.transports["procore"].sent("GET", "/attachments/"))
    assert len(world.transports["sage_paperless"].sent("POST", "/invoices")) == 1


def test_files_that_take_longer_than_a_task_come_in_pieces(paperless, monkeypatch):
    """Each task has time for one piece; none begins anew, and the record is never taken for lost."""
    world, at = paperless("SI-113", sync=False), 10_000
    monkeypatch.setattr(transfers, "PIECE", at)
    monkeypatch.setattr(transfers, "time", SimpleNamespace(monotonic=lambda: float("inf")))
    world.sync()
    asked = [request.headers.get("Range", "") for request in world.transports["procore"].sent("GET", "/storage/")]
    second = asked.index("", 1)
    for one in (asked[:second], asked[second:]):
        assert len(one) >= 2 and one == ["", *(f"bytes={at * n}-" for n in range(1, len(one)))]
    assert there(world, "SI-113")["document"]["pages"] == 200 and world.record("invoice", "SI-113").state == "synced"


def test_our_token_stays_with_procore_where_its_files_lie_elsewhere(paperless):
    world = paperless("SI-101")
    assert world.transports["procore"].sent("GET", "/storage/")
    assert all("authorization" in r.headers for r in world.transports["procore"].sent("GET", "/attachments/"))


@pytest.mark.requirement("S-04")
def test_only_approved_invoices_go(paperless):
    world = paperless("SI-104", "SI-105")
    assert world.state("sage_paperless", "invoices") == []
    assert world.states("invoice") == {"SI-104": "ignored", "SI-105": "ignored"}
    assert world.problems("invoice", "SI-104") == ["procore_status_not_approved"]
    world.act("procore", "approve_requisition", commitment="PO-1001-02", number=1)
    world.scan("procore")
    world.settle()
    assert there(world, "SI-105")["gross"] == "6000.00"


def test_a_company_without_sage_paperless_is_not_asked_for_its_invoices(start):
    world = start()
    assert world.transports["procore"].sent("GET", "/requisitions") == []


@pytest.mark.requirement("S-04")
def test_an_approval_taken_back_after_the_import_is_shown_and_changes_nothing_there(paperless):
    world = paperless("SI-103")
    world.act("procore", "approve_requisition", commitment="PO-1001-01", number=1, status="under_review")
    world.scan("procore")
    world.settle()
    assert world.problems("invoice", "SI-103") == ["approval_taken_back"]
    assert [e["effect"] for e in world.ledger("sage_paperless", kind="invoices")] == ["created"]


@pytest.mark.requirement("S-20", "S-25")
def test_without_a_file_nothing_is_imported_until_one_is_attached(paperless):
    world = paperless("SI-106")
    assert (world.record("invoice", "SI-106").state, world.problems("invoice", "SI-106")) == ("held", ["attachment_required"])
    assert world.transports["sage_paperless"].sent("POST", "/invoices") == []
    world.act("procore", "attach_file", commitment="SC-1001-02", number=1, name="Invoice.pdf")
    world.scan("procore")
    world.settle()
    assert document_parts(there(world, "SI-106")) == [("Invoice.pdf", 1, 1)]


@pytest.mark.requirement("S-29", "S-30")
def test_a_docusign_document_stays_out_and_is_listed_until_somebody_attaches_it(paperless):
    world = paperless("SI-103")
    invoice = there(world, "SI-103")
    assert document_parts(invoice) == [("Invoice SI-103.pdf", 1, 1)]
    assert [one["reason"] for one in invoice["document"]["excluded"]] == ["docusign_not_accessible"]
    assert warned(world, "SI-103") == ["docusign_left_out"]
    world.act("procore", "attach_file", commitment="PO-1001-01", number=1, name="Signed SI-103.pdf", pages=2)
    world.scan("procore")
    world.settle()
    assert document_parts(there(world, "SI-103")) == [("Invoice SI-103.pdf", 1, 1), ("Signed SI-103.pdf", 2, 2)]


@pytest.mark.requirement("S-20", "S-29")
def test_a_docusign_document_alone_is_no_attachment(paperless):
    world = paperless("SI-106", sync=False)
    world.act("procore", "attach_docusign", commitment="SC-1001-02", number=1)
    world.sync()
    assert world.problems("invoice", "SI-106") == ["attachment_required"]
    assert "DocuSign" in world.shown("invoice", "SI-106").problems[0].cause


@pytest.mark.requirement("S-28")
def test_a_vendor_or_commitment_that_accounting_spells_otherwise_arrives_and_fails_validation_there(paperless):
    world = paperless("SI-107", "SI-108")
    found = {n: [f["code"] for f in there(world, n)["validation"]["findings"]] for n in ("SI-107", "SI-108")}
    assert found == {"SI-107": ["vendor_unknown"], "SI-108": ["commitment_unknown"]}
    assert world.states("invoice") == {"SI-107": "synced", "SI-108": "synced"}
    assert warned(world, "SI-107") == warned(world, "SI-108") == ["paperless_validation_failed"]
    world.act("sage_paperless", "rename_vendor", name="Tasman Scaffold Ltd", to="Tasman Scaffolding Limited")
    world.act("sage_paperless", "route_invoice", invoice="SI-107")
    world.scan("sage_paperless")
    world.settle()
    assert warned(world, "SI-107") == [], "what people put right there is not warned of any longer"


@pytest.mark.requirement("S-22", "S-23", "S-24")
def test_auto_route_with_the_queue_as_failover_and_its_reason(paperless):
    world = paperless("SI-103", "SI-107", "SI-109", sync=False)
    world.save(import_behavior=ROUTE)
    world.sync()
    placed = {n: (there(world, n)["placement"], there(world, n)["failover_reason"]) for n in ("SI-103", "SI-107", "SI-109")}
    assert placed.pop("SI-103") == ("routed", None)
    assert placed == {"SI-107": ("queue", "validation_failed"), "SI-109": ("queue", "reviewer_missing")}
    assert there(world, "SI-109")["queue_id"] == "q-ap"
    assert warned(world, "SI-107") == ["paperless_validation_failed"]
    assert warned(world, "SI-109") == ["paperless_reviewer_missing"]
    status = next(w for w in world.record("invoice", "SI-103").warnings if w["code"] == "paperless_status")
    assert (status["values"]["status"], status["values"]["place"]) == ("pending", "routed")


@pytest.mark.requirement("S-05", "S-10", "S-26", "S-27")
def test_manual_import_waits_for_a_person_and_leaves_the_files_behind_even_with_cloud_sync_stopped(paperless):
    world = paperless("SI-101", sync=False)
    world.save(import_behavior="manual_import")
    world.act("sage_paperless", "stop_cloud_sync")
    world.sync()
    assert world.state("sage_paperless", "invoices") == []
    record = world.record("invoice", "SI-101")
    assert (record.state, world.problems("invoice", "SI-101")) == ("ignored", ["waiting_for_push"])
    world.run(records.retry(world.company, [record.id], "test"))
    world.settle()
    invoice = there(world, "SI-101")
    assert (invoice["placement"], invoice["document"], invoice["gross"]) == ("open_entry_screen", None, "80000.00")
    assert world.transports["procore"].sent("GET", "/attachments/") == []


@pytest.mark.requirement("S-05", "S-22")
def test_an_invoice_picked_by_hand_stays_part_of_the_sync(paperless):
    world = paperless("SI-103", sync=False)
    world.save(import_behavior="manual_import")
    world.sync()
    world.run(records.retry(world.company, [world.record("invoice", "SI-103").id], "test"))
    world.settle()
    revision = there(world, "SI-103")["procore_revision"]
    world.act("procore", "approve_requisition", commitment="PO-1001-01", number=1, status="under_review")
    world.scan("procore")
    world.settle()
    assert world.problems("invoice", "SI-103") == ["approval_taken_back"]
    shown_by_procore(world, {"due_date": "2026-12-24"})
    world.act("procore", "approve_requisition", commitment="PO-1001-01", number=1)
    world.scan("procore")
    world.settle()
    assert world.record("invoice", "SI-103").state == "synced"
    assert there(world, "SI-103")["procore_revision"] != revision
    world.act("sage_paperless", "start_work", invoice="SI-103")
    world.settle()
    assert (world.record("invoice", "SI-103").state, world.problems("invoice", "SI-103")) == ("synced", [])


@pytest.mark.requirement("S-27")
def test_manual_import_takes_no_document_away_from_what_was_imported_before(paperless):
    world = paperless("SI-103")
    before = there(world, "SI-103")
    world.save(import_behavior="manual_import")
    world.act("sage_paperless", "approve_invoice", invoice="SI-103")
    world.settle()
    assert (world.record("invoice", "SI-103").state, world.problems("invoice", "SI-103")) == ("synced", [])
    shown_by_procore(world, {"due_date": "2026-12-24"})
    world.act("procore", "approve_requisition", commitment="PO-1001-01", number=1)
    world.scan("procore")
    world.settle()
    assert world.problems("invoice", "SI-103") == ["imported_with_its_files"]
    assert there(world, "SI-103")["document"] == before["document"]
    assert world.transports["sage_paperless"].sent("POST", "/refresh") == []


@pytest.mark.requirement("S-09")
def test_what_one_invoice_is_refused_for_holds_up_nothing_else_of_the_vault(paperless):
    world = paperless("SI-101", "SI-102", sync=False)
    world.act("sage_paperless", "stop_cloud_sync")
    world.sync()
    for number in ("SI-101", "SI-102"):
        assert world.problems("invoice", number) == ["cloud_sync_not_running"]


@pytest.mark.requirement("S-31")
def test_an_invoice_signed_with_docusign_can_be_picked_by_hand_onto_the_file_in_the_queue(paperless):
    world = paperless("SI-103", sync=False)
    world.save(import_behavior="manual_import")
    world.sync()
    world.run(records.retry(world.company, [world.record("invoice", "SI-103").id], "test"))
    world.settle()
    assert (there(world, "SI-103")["placement"], there(world, "SI-103")["document"]) == ("open_entry_screen", None)


def test_looking_ahead_at_what_is_synced_foresees_no_change(paperless):
    world = paperless("SI-101", "SI-106")
    assert {one.number: one.outcome for one in preview.foresee(world.company)} == {"SI-101": "no_change", "SI-106": "held"}


@pytest.mark.requirement("S-22")
def test_a_newer_revision_is_taken_while_nobody_works_on_it_and_else_shown(paperless):
    world = paperless("SI-103")
    world.act("procore", "attach_file", commitment="PO-1001-01", number=1, name="More.pdf", pages=2)
    world.scan("procore")
    world.settle()
    assert there(world, "SI-103")["document"]["pages"] == 3
    world.act("sage_paperless", "start_work", invoice="SI-103")
    world.act("procore", "attach_file", commitment="PO-1001-01", number=1, name="Late.pdf")
    world.scan("procore")
    world.settle()
    assert world.problems("invoice", "SI-103") == ["paperless_in_work"]
    assert there(world, "SI-103")["document"]["pages"] == 3
    assert [e["effect"] for e in world.ledger("sage_paperless", kind="invoices")] == ["created", "updated"]


@pytest.mark.requirement("S-22")
def test_going_back_to_an_earlier_revision_and_forth_again_reaches_the_vault_each_time(paperless):
    world = paperless("SI-103")
    pages = []
    for change in ("attach_file", "remove_attachment") * 2:
        world.act("procore", change, commitment="PO-1001-01", number=1, name="More.pdf")
        world.scan("procore")
        world.settle()
        record = world.record("invoice", "SI-103")
        assert record.state == "synced"
        assert there(world, "SI-103")["procore_revision"] == record.sent["metadata"]["procore_revision"]
        pages.append(there(world, "SI-103")["document"]["pages"])
    assert pages == [2, 1, 2, 1]


def lost_there(world: PaperlessWorld, remote_id: str) -> None:
    """Neither the contract nor a person can delete an invoice in the vault: somebody did it in its database."""
    core = world.sage_paperless
    del core.data.vaults["sage300"].invoices[remote_id]
    [made] = [e for e in core.ledger.entries if e["remote_id"] == remote_id and e["effect"] == "created"]
    core.ledger.entries.append({**made, "seq": len(core.ledger.entries) + 1, "actor": "person", "effect": "deleted"})


def test_an_invoice_that_vanished_in_the_vault_is_imported_anew_when_somebody_asks(paperless):
    """Unchanged, and within the days for which the adapter answers a known Idempotency-Key with its first answer."""
    world = paperless("SI-103")
    first, record = there(world, "SI-103"), world.record("invoice", "SI-103")
    lost_there(world, first["id"])
    world.act("procore", "attach_file", commitment="PO-1001-01", number=1, name="More.pdf")
    world.scan("procore")
    world.settle()
    assert world.problems("invoice", "SI-103") == ["vanished_at_target"]
    world.act("procore", "remove_attachment", commitment="PO-1001-01", number=1, name="More.pdf")
    world.run(records.retry(world.company, [record.id], "somebody"))
    world.scan("procore")
    world.settle()
    again = there(world, "SI-103")
    assert again["id"] != first["id"] and world.record("invoice", "SI-103").remote_id == again["id"]
    assert world.record("invoice", "SI-103").state == "synced"


def test_a_vault_that_answers_with_another_revision_is_not_called_synced(paperless):
    world = paperless("SI-103")
    match = {"method": "POST", "path": "/refresh$"}
    old = {"procore_revision": there(world, "SI-103")["procore_revision"]}
    world.fault("sage_paperless", on="request", match={"method": "GET", "path": "/invoices/inv"}, action="mutate", change=old)
    world.act("procore", "attach_file", commitment="PO-1001-01", number=1, name="More.pdf")
    world.scan("procore")
    world.settle()
    assert world.problems("invoice", "SI-103") == ["not_as_sent"]
    assert len(world.transports["sage_paperless"].sent(match["method"], "/refresh")) == 3


@pytest.mark.requirement("S-33")
def test_imported_invoices_are_read_only_unless_the_flag_allows_edits(paperless):
    world = paperless("SI-103")
    assert there(world, "SI-103")["read_only"] is True
    world.save(allow_edit=True)
    assert world.one("sage_paperless", "configurations", vault_id="sage300")["allow_edit_of_imported_invoices"] is True
    world.act("procore", "attach_file", commitment="PO-1001-01", number=1, name="More.pdf")
    world.scan("procore")
    world.settle()
    assert there(world, "SI-103")["read_only"] is False


def test_what_people_decide_there_is_shown_here(paperless):
    world = paperless("SI-101", "SI-102")
    world.act("sage_paperless", "reject_invoice", invoice="SI-102")
    world.act("sage_paperless", "pay_invoice", invoice="SI-101")
    world.settle()
    assert warned(world, "SI-102") == ["paperless_rejected_there"]
    said = next(w for w in world.record("invoice", "SI-101").warnings if w["code"] == "paperless_status")["values"]["status"]
    assert said == "paid" and world.states("invoice") == {"SI-101": "synced", "SI-102": "synced"}


def test_an_import_whose_answer_is_lost_is_found_and_not_sent_again(paperless):
    world = paperless("SI-103", sync=False)
    world.fault("sage_paperless", on="request", match={"method": "POST", "path": "/invoices$"}, action="drop_after", times=1)
    world.sync()
    assert world.record("invoice", "SI-103").state == "checking"
    with session(world.company) as db:
        db.execute(DOUBTS_OVER)
    world.due_now()
    assert world.record("invoice", "SI-103").state == "synced"
    assert len(world.transports["sage_paperless"].sent("POST", "/invoices")) == 1
    assert [e["effect"] for e in world.ledger("sage_paperless", kind="invoices")] == ["created"]


@pytest.mark.requirement("S-21")
@pytest.mark.parametrize(("number", "codes", "named"), [
    ("SI-110", ["attachment_unreadable"], "Docket 7.pdf"), ("SI-111", ["attachment_password_protected"], "Locked.pdf"),
    ("SI-112", ["attachment_empty", "type_not_convertible"], "Empty.pdf"),
])  # fmt: skip
def test_a_file_that_cannot_be_joined_is_named_and_nothing_torn_arrives(paperless, number, codes, named):
    world = paperless(number)
    assert world.problems("invoice", number) == codes
    shown = world.shown("invoice", number).problems[0]
    assert named in shown.cause and shown.fix
    assert world.state("sage_paperless", "invoices") == []
    assert world.transports["sage_paperless"].sent("POST", "/invoices") == []


def test_a_file_that_vanishes_between_listing_and_download_holds_the_invoice_until_it_is_attached_again(paperless):
    world = paperless("SI-103", sync=False)
    world.act("procore", "lose_file", commitment="PO-1001-01", number=1, name="Invoice SI-103.pdf")
    world.sync()
    assert world.problems("invoice", "SI-103") == ["attachment_gone"]
    assert "Invoice SI-103.pdf" in world.shown("invoice", "SI-103").problems[0].cause
    world.act("procore", "attach_file", commitment="PO-1001-01", number=1, name="Again.pdf")
    world.act("procore", "remove_attachment", commitment="PO-1001-01", number=1, name="Invoice SI-103.pdf")
    world.scan("procore")
    world.settle()
    assert document_parts(there(world, "SI-103")) == [("Again.pdf", 1, 1)]


def test_a_file_whose_name_has_path_parts_arrives_under_its_last_part(paperless):
    world = paperless("SI-106", sync=False)
    world.act("procore", "attach_file", commitment="SC-1001-02", number=1, name="../../x\r\n/Invoice.pdf")
    world.sync()
    assert document_parts(there(world, "SI-106")) == [("Invoice.pdf", 1, 1)]


def test_content_that_is_not_what_its_type_says_is_named(paperless):
    world = paperless("SI-106", sync=False)
    wrong = {"name": "Photo.jpg", "kind": "png", "content_type": "image/jpeg"}
    world.act("procore", "attach_file", commitment="SC-1001-02", number=1, **wrong)
    world.sync()
    assert world.problems("invoice", "SI-106") == ["attachment_not_what_it_says"]


def shown_by_procore(world: PaperlessWorld, change: dict[str, str]) -> None:
    """What the list of invoices says otherwise than the simulator's books."""
    match = {"method": "GET", "path": "/rest/v1.1/requisitions"}
    world.fault("procore", on="request", match=match, action="mutate", change=change)


@pytest.mark.requirement("S-28")
def test_what_is_held_back_of_stored_materials_arrives_and_agrees_with_the_payment_due(paperless):
    world = paperless("SI-102", sync=False)
    claimed = Decimal(world.one("procore", "requisitions", invoice_number="SI-102")["total_claimed_amount"]) + 1000
    shown_by_procore(world, {
        "items.0.materials_presently_stored": "1000.00", "total_claimed_amount": f"{claimed}",
        "items.0.materials_stored_retainage_currently_retained": "100.00",
        "summary.current_payment_due": f"{claimed - 6100}",
    })  # fmt: skip
    world.sync()
    sent = world.record("invoice", "SI-102").sent["metadata"]
    assert (sent["net"], sent["retainage"]) == (f"{claimed}", "6100.00")


@pytest.mark.requirement("S-28")
def test_an_invoice_that_comes_to_another_amount_than_is_due_is_held(paperless):
    world = paperless("SI-102", sync=False)
    shown_by_procore(world, {"summary.current_payment_due": "1.00"})
    world.sync()
    record = world.record("invoice", "SI-102")
    assert (record.state, world.problems("invoice", "SI-102")) == ("held", ["invoice_due_differs"])
    assert "is 1.00" in world.shown("invoice", "SI-102").problems[0].cause
    assert world.state("sage_paperless", "invoices") == []


@pytest.mark.requirement("S-28")
@pytest.mark.parametrize("wrong", [{"items.0.work_completed_this_period": "0.00"}, {"total_claimed_amount": "80000.01"}])
def test_an_invoice_whose_items_do_not_make_its_total_is_held(paperless, wrong):
    world = paperless("SI-101", sync=False)
    shown_by_procore(world, wrong)
    world.sync()
    assert world.record("invoice", "SI-101").state == "held"
    assert world.problems("invoice", "SI-101")[0] == "invoice_claim_differs"
    assert world.state("sage_paperless", "invoices") == []
    world.mend()
    world.scan("procore", full=True)
    world.settle()
    assert there(world, "SI-101")["gross"] == "80000.00"
