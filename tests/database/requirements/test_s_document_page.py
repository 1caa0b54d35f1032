"""An invoice's page shows its one document: whose pages are where, what is left out and why, and the PDF itself."""

import io
import os
import re
from pathlib import Path

import pikepdf
import pytest
from sqlalchemy import text

from models import session
from sync import clients, documents
from sync.connections import new_company
from tests.database.test_console_pages import text_of
from tests.database.web_clients import visitor
from tests.worker.command import Command
from tests.world_paperless import PaperlessWorld


def page(world: PaperlessWorld, kind: str, number: str, role="viewer") -> str:
    return text_of(visitor(world.company, role).get(f"/objects/{world.record(kind, number).id}").text)


def link(world: PaperlessWorld, number: str) -> str:
    return f"/objects/{world.record('invoice', number).id}/document"


def kept(world: PaperlessWorld, number: str) -> Path:
    with session(world.company) as db:
        held = db.scalar(text("SELECT held FROM sync_record WHERE number = :n"), {"n": number})
    return clients.documents(world.company) / f"{held['metadata']['document']['sha256']}.pdf"


@pytest.fixture
def why(company, monkeypatch, capsys) -> Command:
    return Command(company, monkeypatch, capsys)


@pytest.mark.requirement("S-21", "S-29")
def test_the_page_says_which_pages_are_of_which_file_and_opens_the_pdf(paperless):
    world = paperless("SI-101", "SI-103")
    shown = page(world, "invoice", "SI-101")
    assert "5 pages of 3 files in one PDF" in shown
    assert "Invoice SI-101.pdf 1 to 3" in shown and "Site photo.jpg 4" in shown and "Delivery notes.txt 5" in shown
    answer = visitor(world.company, "viewer").get(link(world, "SI-101"))
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/pdf")
    assert answer.headers["content-disposition"].startswith('inline; filename="4100-')
    assert answer.headers["cache-control"] == "no-store" and int(answer.headers["content-length"]) == len(answer.content)
    assert answer.content == kept(world, "SI-101").read_bytes()
    with pikepdf.open(io.BytesIO(answer.content)) as read:
        assert len(read.pages) == 5
    assert "Supplier Southern Steel Ltd equal Southern Steel Ltd" in shown and "not there yet" not in shown
    signed = page(world, "invoice", "SI-103")
    assert "1 page of 1 file in one PDF" in signed
    assert re.search(r"DocuSign document \d+ is not part of it\. Signed with DocuSign", signed)


@pytest.mark.requirement("S-21")
def test_without_a_document_the_page_names_the_files_and_what_is_wrong_with_them(paperless):
    world = paperless("SI-110")
    shown = page(world, "invoice", "SI-110")
    assert "No document has been made of these files so far: Invoice SI-110.pdf, Docket 7.pdf." in shown
    assert "Docket 7.pdf is not part of it." in shown and "Open the PDF" not in shown
    assert visitor(world.company, "viewer").get(link(world, "SI-110")).status_code == 404


def test_nobody_else_gets_the_document(paperless):
    world = paperless("SI-103")
    stranger = visitor(new_company("Somebody else", "4998"), "admin")
    assert stranger.get(link(world, "SI-103")).status_code == 404
    signed_out = visitor(world.company, "viewer")
    signed_out.cookies.clear()
    answer = signed_out.get(link(world, "SI-103"))
    assert (answer.status_code, answer.headers["location"]) == (303, "/sign-in")


def test_a_file_that_is_not_what_was_sent_is_not_shown(paperless):
    world = paperless("SI-103")
    client, path = visitor(world.company, "viewer"), kept(world, "SI-103")
    path.write_bytes(path.read_bytes() + b"%")
    answer = client.get(link(world, "SI-103"))
    assert answer.status_code == 409 and "not the document that was sent" in text_of(answer.text)
    path.unlink()
    answer = client.get(link(world, "SI-103"))
    assert answer.status_code == 404 and "not kept on this machine" in text_of(answer.text)


@pytest.mark.parametrize("named", ["../../secret", "a" * 63, "A" * 64, "0" * 64 + "\n"])
def test_a_record_that_names_no_digest_leads_to_no_file(paperless, named):
    world = paperless("SI-103")
    with session(world.company) as db:
        db.execute(text("""
            UPDATE sync_record SET held = jsonb_set(held, '{metadata,document,sha256}', to_jsonb(CAST(:s AS text)))
        """), {"s": named})  # fmt: skip
    assert visitor(world.company, "viewer").get(link(world, "SI-103")).status_code == 404


@pytest.mark.requirement("Y-17", "Y-12")
def test_what_was_paid_stands_on_the_pages_of_the_invoice_and_of_the_payment(paperless):
    world = paperless("SI-103", ours={"create_payments_in_procore": True})
    world.act("sage_paperless", "pay_invoice", invoice="SI-103", amount="20000.00", check="7001")
    world.settle()
    world.act("sage_paperless", "pay_invoice", invoice="SI-103", amount="1000.00", check="7002")
    world.settle()
    world.act("sage_paperless", "void_payment", payment="7002")
    world.settle()
    for shown in (page(world, "invoice", "SI-103"), page(world, "payment", "7001")):
        assert "NZD 20,000.00 of NZD 42,000.00 is paid in accounting." in shown
        assert "7001 payment 1 in Procore" in shown and "Voided in accounting" in shown
    assert "Open the invoice" in page(world, "payment", "7001")


@pytest.mark.requirement("Y-17")
def test_what_is_held_back_is_told_beside_what_was_paid(paperless, why):
    world = paperless("SI-101", ours={"create_payments_in_procore": True})
    world.act("sage_paperless", "pay_invoice", invoice="SI-101", check="7001")
    world.settle()
    told = "NZD 76,000.00 of NZD 80,000.00 is paid in accounting; NZD 4,000.00 of it is held back as retainage."
    assert told in page(world, "invoice", "SI-101") and told in why("why", "SI-101").out


@pytest.mark.requirement("S-21", "Y-17")
def test_why_tells_the_same_in_words(paperless, why):
    world = paperless("SI-103", ours={"create_payments_in_procore": True})
    world.act("sage_paperless", "pay_invoice", invoice="SI-103", amount="20000.00", check="7001")
    world.settle()
    told = why("why", "SI-103").out
    assert "page 1: Invoice SI-103.pdf" in told and "is not part of it. Signed with DocuSign" in told
    assert "NZD 20,000.00 of NZD 42,000.00 is paid in accounting." in told
    payment = why("why", "7001")
    assert "Paid of invoice SI-103" in payment.out and "payment 1 in Procore" in payment.out
    plain = why.json("why", "SI-103")
    part = plain["document"]["parts"][0]
    assert (part["name"], part["first_page"], part["last_page"]) == ("Invoice SI-103.pdf", 1, 1)
    assert [(one["number"], one["amount"], one["state"]) for one in plain["paid"]["payments"]] == [("7001", "20000.00", "synced")]


@pytest.mark.requirement("S-21")
def test_why_does_not_tick_a_rule_that_the_fetched_files_broke(paperless):
    world = paperless("SI-110")
    checks = {check.name: check.ok for check in world.shown("invoice", "SI-110").checks}
    assert checks["attachment unreadable"] is False and "Sage Paperless's own rules" not in checks


def test_documents_that_no_record_names_go_after_a_month(paperless):
    world = paperless("SI-101", "SI-103")
    folder, month = clients.documents(world.company), 31 * 86_400
    named, replaced, fresh = kept(world, "SI-103"), folder / f"{'0' * 64}.pdf", folder / f"{'1' * 64}.pdf"
    torn = folder / "file-abc.part"
    for path in (replaced, fresh, torn):
        path.write_bytes(b"%PDF-")
    for path in folder.iterdir():
        if path != fresh:
            os.utime(path, (path.stat().st_atime, path.stat().st_mtime - month))
    stranger = clients.documents(new_company("Somebody else", "4997")) / replaced.name
    stranger.parent.mkdir(parents=True)
    stranger.write_bytes(b"%PDF-")
    os.utime(stranger, (0, 0))
    documents.prune(world.company)
    left = {path.name for path in folder.iterdir()}
    assert {named.name, kept(world, "SI-101").name, fresh.name} == left and stranger.exists()
    assert documents.prune(world.company) == 0
    assert visitor(world.company, "viewer").get(link(world, "SI-103")).status_code == 200
    world.scan(full=True)
    world.settle()
    assert len(world.state("sage_paperless", "invoices")) == 2, "what is looked at again is not sent again"
