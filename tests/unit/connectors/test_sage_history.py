"""What the drop folder's client remembers of an invoice's files: refusals, answers that were cleared away, stems (C.3)."""

import json
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from connectors.calls import Answer, Request, Upload
from connectors.sage_paperless import folder
from connectors.sage_paperless.folder import FolderClient
from objects.outcome import Outcome
from tests.unit.connectors.sage_world import settings

pytestmark = [pytest.mark.unit, pytest.mark.fault("F56")]
LINK = "procore:4100:77"
PDF = b"%PDF-whole"
SHA = sha256(PDF).hexdigest()


class Site:
    """A share with its importer played by hand, and our client of it."""

    def __init__(self, place: Path) -> None:
        self.now = datetime(2026, 11, 22, 10, tzinfo=UTC)
        self.place, documents = place / "share" / "sage300", place / "documents"
        for name in ("inbox/q-ap", "archive", "error", "outbox/payments", "state"):
            (self.place / name).mkdir(parents=True)
        documents.mkdir()
        (documents / f"{SHA}.pdf").write_bytes(PDF)
        ours = settings(transport="drop_folder", folder=str(place / "share"))
        self.client = FolderClient(ours, company="4100", documents=documents, clock=lambda: self.now)

    def send(self, revision: str, path: str = f"/invoices/{LINK}/refresh") -> Answer:
        (self.place / "state" / "heartbeat.json").write_text(json.dumps({"at": self.now.isoformat()}))
        document = {"file_name": "x.pdf", "sha256": SHA, "pages": 1, "parts": [], "excluded": []}
        meta: dict[str, Any] = {
            "procore_company_id": "4100", "procore_project_id": "7", "procore_invoice_id": "77", "procore_revision": revision,
            "vendor": "V", "commitment_type": "subcontract", "commitment_number": "SC-1", "invoice_number": "1",
            "invoice_date": "2026-11-20", "due_date": None, "net": "5.00", "tax": "0.00", "retainage": "0.00",
            "lines": [{"description": "L", "amount": "5.00"}], "document": document,
        }  # fmt: skip
        return self.client.send(Request("POST", path, body=meta, upload=Upload(SHA, "x.pdf")))

    def look(self) -> Answer:
        return self.client.send(Request("GET", f"/invoices/{LINK}"))

    def lying(self, where: str) -> list[str]:
        return sorted(path.stem for path in (self.place / where).glob("*.ready"))

    def take(self, to: str, **error: str) -> str:
        [mark] = (self.place / "inbox" / "q-ap").glob("*.ready")
        if error:
            (self.place / to / f"{mark.stem}.err.json").write_text(json.dumps(error))
        for path in (self.place / "inbox" / "q-ap").glob(f"{mark.stem}.*"):
            path.rename(self.place / to / path.name)
        return mark.stem

    def clear(self, where: str) -> None:
        for path in (self.place / where).iterdir():
            path.unlink()


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return Site(tmp_path)


A, B = "a" * 12, "b" * 12


def test_no_stem_is_ever_used_for_two_revisions(site):
    stems = []
    for revision in (A, B, A, B, A):
        assert site.send(revision).outcome is Outcome.confirmed
        stems.append(site.take("archive"))
        assert site.look().body["procore_revision"] == revision
    assert stems[:2] == [f"4100-77-r{A}", f"4100-77-r{B}"] and len(set(stems)) == 5
    site.clear("archive")
    site.send(B)
    assert site.take("archive") not in stems, "also where the folders were cleared"


def test_the_same_revision_again_is_the_same_files_while_they_stand(site):
    site.send(A)
    site.send(A)
    assert site.lying("inbox/q-ap") == [f"4100-77-r{A}"]
    site.take("archive")
    assert site.look().outcome is Outcome.confirmed
    site.clear("archive")
    assert site.send(A).outcome is Outcome.confirmed and site.look().body["procore_revision"] == A
    assert site.lying("inbox/q-ap") == []


@pytest.mark.parametrize("after", [timedelta(minutes=2), timedelta(minutes=50)])
def test_a_refusal_is_told_of_before_the_same_content_goes_again(site, monkeypatch, after):
    monkeypatch.setattr(folder, "environment", lambda: SimpleNamespace(recheck_seconds=1800, hard_limit_seconds=120))
    site.send(A)
    site.take("error", code="procore_not_connected", message="no company")
    assert site.look().body["refused"] == "procore_not_connected"
    told = site.send(A)
    assert (told.outcome, told.body["code"], told.reason) == (Outcome.refused, "procore_not_connected", "no company")
    site.now += after
    assert site.send(A).outcome is Outcome.confirmed and len(site.lying("inbox/q-ap")) == 1


def test_what_nobody_asks_for_goes_again_ever_more_rarely(site, monkeypatch):
    monkeypatch.setattr(folder, "environment", lambda: SimpleNamespace(recheck_seconds=1800, hard_limit_seconds=120))
    site.send(A)
    site.take("error", code="procore_not_connected", message="no company")
    sent = 1
    for _ in range(2 * 24 * 3):
        if site.send(A).outcome is Outcome.confirmed:
            sent += 1
            site.take("error", code="procore_not_connected", message="no company")
        site.now += timedelta(minutes=30)
    assert 6 <= sent <= 9, "three days"


def test_an_answer_noted_late_does_not_take_a_newer_drop_away(site):
    site.send(A)
    site.take("archive")
    old = site.client.history.of("77")[-1].drop
    site.send(B)
    site.client.history.note("77", old)
    assert [one.drop.revision for one in site.client.history.of("77")] == [A, B]


def test_what_stood_before_a_refused_revision_stands_still(site):
    site.send(A)
    site.take("archive")
    site.send(B)
    site.take("error", code="procore_invoice_already_imported", message="it is pending")
    assert site.send(B).outcome is Outcome.refused
    assert site.look().body["procore_revision"] == A and "refused" not in site.look().body


def test_files_that_are_gone_unseen_are_no_import_and_no_refusal(site):
    site.send(A)
    site.take("archive")
    site.clear("archive")
    assert site.look().body["refused"] == "importer_answer_gone"


def test_files_that_people_put_into_the_inbox_again_are_waited_for(site):
    site.send(A)
    stem = site.take("error", code="torn", message="half of it")
    site.send(A)
    for path in (site.place / "error").glob(f"{stem}.*"):
        path.rename(site.place / "inbox" / "q-ap" / path.name)
    assert site.look().outcome is Outcome.not_applied and site.send(A).outcome is Outcome.confirmed
    site.take("archive")
    assert site.look().body["procore_revision"] == A
