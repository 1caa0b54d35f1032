"""Files of Procore's invoices, what is fixed once accounting has it, and payments that came from there."""

import struct
import zipfile
import zlib
from io import BytesIO
from urllib.parse import parse_qsl, urlsplit

import pytest

from simulators.kit.actions import BadAction
from simulators.kit.http import Response
from simulators.procore import files
from tests.unit.simulators.procore_calls import Caller, Json

pytestmark = pytest.mark.unit
SC = "SC-1001-01"
FILES = [{"kind": "pdf", "name": "Invoice.pdf", "pages": 2}, {"kind": "jpeg", "name": "Photo.jpg"}, {"kind": "text"}]


@pytest.fixture
def caller() -> Caller:
    caller = Caller(storage_host="storage.test")
    caller.act("create_requisition", commitment=SC, lines=[{"line": 1, "amount": "1000.00"}], attachments=FILES)
    return caller


def invoice(caller: Caller) -> Json:
    return dict(caller.get("/rest/v1.1/requisitions/470001", project_id=caller.project()))


def follow(caller: Caller, url: str, token: bool = True, **changed: str) -> Response:
    """One GET of an address that was given, with the token or without."""
    parts = urlsplit(url)
    headers = {"authorization": f"Bearer {caller.token}"} if token else {}
    answer: Response = caller.raw("GET", parts.path, None, headers, **dict(parse_qsl(parts.query)) | changed)
    return answer


def fetched(caller: Caller, url: str) -> Response:
    return follow(caller, follow(caller, url).headers["Location"], token=False)


def test_files_are_listed_in_order_and_fetched_by_way_of_the_storage(caller: Caller) -> None:
    listed = invoice(caller)["attachments"]
    assert [(a["name"], a["content_type"]) for a in listed] == [
        ("Invoice.pdf", "application/pdf"), ("Photo.jpg", "image/jpeg"), ("file-3.txt", "text/plain"),
    ]  # fmt: skip
    sent = follow(caller, listed[0]["url"])
    assert sent.status == 302 and urlsplit(sent.headers["Location"]).netloc == "storage.test"
    got = fetched(caller, listed[0]["url"])
    assert (got.status, got.headers["Content-Type"]) == (200, "application/pdf")
    assert got.body == files.content(FILES[0])
    view = caller.get("/rest/v1.1/requisitions", project_id=caller.project())
    assert len(view[0]["attachments"]) == 3


def test_the_token_is_needed_at_the_own_host_and_refused_at_the_storage(caller: Caller) -> None:
    url = invoice(caller)["attachments"][0]["url"]
    assert follow(caller, url, token=False).status == 401
    there = follow(caller, url).headers["Location"]
    assert follow(caller, there, token=True).status == 400
    assert caller.core.company.tokens_at_storage == 1
    assert follow(caller, url, signature="0" * 32).status == 403 == follow(caller, there, token=False, expires="9").status


@pytest.mark.parametrize(("asked", "status", "part"), [
    ({"range": "bytes=100-"}, 206, slice(100, None)), ({"range": "bytes=0-9"}, 206, slice(0, 10)),
    ({"range": "bytes=100-", "if-range": "same"}, 206, slice(100, None)),
    ({"range": "bytes=100-", "if-range": '"other"'}, 200, slice(None)), ({"range": "lines=1-"}, 200, slice(None)),
    ({"range": "bytes=9999999-"}, 416, slice(0)),
])  # fmt: skip
def test_the_storage_gives_a_part_of_a_file_that_is_still_the_same(caller: Caller, asked: Json, status: int, part: slice) -> None:
    there = urlsplit(follow(caller, invoice(caller)["attachments"][0]["url"]).headers["Location"])
    query = dict(parse_qsl(there.query))
    whole = caller.raw("GET", there.path, None, {}, **query)
    if asked.get("if-range") == "same":
        asked = {**asked, "if-range": whole.headers["ETag"]}
    got = caller.raw("GET", there.path, None, asked, **query)
    assert (got.status, got.body) == (status, whole.body[part])
    if status == 206:
        first, last, size = part.start, (part.stop or len(whole.body)) - 1, len(whole.body)
        assert got.headers["Content-Range"] == f"bytes {first}-{last}/{size}" and got.headers["ETag"] == whole.headers["ETag"]


def test_an_address_is_over_after_a_while(caller: Caller) -> None:
    url = invoice(caller)["attachments"][0]["url"]
    there = follow(caller, url).headers["Location"]
    caller.clock.advance(601)
    caller.token = caller.sign_in().json()["access_token"]
    assert follow(caller, url).status == 403 == follow(caller, there, token=False).status
    assert fetched(caller, invoice(caller)["attachments"][0]["url"]).status == 200


def test_people_attach_remove_lose_and_sign(caller: Caller) -> None:
    caller.act("attach_file", commitment=SC, number=1, kind="tiff", name="Scan.tif", pages=3)
    caller.act("remove_attachment", commitment=SC, number=1, name="Photo.jpg")
    caller.act("lose_file", commitment=SC, number=1, name="Invoice.pdf")
    caller.act("attach_docusign", commitment=SC, number=1)
    shown = invoice(caller)
    assert [a["name"] for a in shown["attachments"]] == ["Invoice.pdf", "file-3.txt", "Scan.tif"], "not the signed one"
    assert shown["electronic_signature_id"]
    assert follow(caller, shown["attachments"][0]["url"]).status == 404
    with pytest.raises(BadAction, match="no kind of file exe"):
        caller.act("attach_file", commitment=SC, number=1, kind="exe")


def test_every_kind_of_file_is_what_it_says() -> None:
    made = {kind: files.content({"kind": kind, "name": f"the {kind}", "pages": 2}) for kind in files.KINDS}
    assert made == {kind: files.content({"kind": kind, "name": f"the {kind}", "pages": 2}) for kind in files.KINDS}
    assert made["pdf"].startswith(b"%PDF-1.4") and made["pdf"].endswith(b"%%EOF\n") and made["pdf"].count(b"/Type /Page ") == 2
    assert made["damaged"].startswith(b"%PDF-") and b"%%EOF" not in made["damaged"]
    assert b"/Encrypt" in made["encrypted"] and made["zero-byte"] == b""
    assert made["jpeg"][:2] == b"\xff\xd8" and made["jpeg"][-2:] == b"\xff\xd9"
    assert zlib.decompress(made["png"][made["png"].index(b"IDAT") + 4 : -16])
    assert struct.unpack("<2sHI", made["tiff"][:8]) == (b"II", 42, 8)
    assert "word/document.xml" in zipfile.ZipFile(BytesIO(made["docx"])).namelist()
    assert len(files.content({"kind": "pdf", "name": "big", "size": 3_000_000})) > 3_000_000


def test_of_a_payment_from_accounting_only_number_and_files_change(caller: Caller) -> None:
    project, contract = caller.project(), caller.contract(SC)["id"]
    scope: Json = {"project_id": project, "contract_id": contract}
    body = {"amount": "400.00", "date": "2026-11-19", "requisition_id": 470001, "origin_id": "pay-1"}
    made = caller.call("POST", "/rest/v1.0/contract_payments", {**scope, "contract_payment": body}).json()
    assert [e["key"] for e in caller.core.ledger.entries if e["kind"] == "contract_payments"] == ["pay-1"]
    path = f"/rest/v1.0/contract_payments/{made['id']}"
    for refused in ({"amount": "1.00"}, {"date": "2026-01-01"}, {"notes": "x", "origin_id": None}):
        assert caller.call("PATCH", path, {**scope, "contract_payment": refused}).status == 422
    with pytest.raises(BadAction, match="synced with ERP"):
        caller.act("edit_payment", commitment=SC, number=1, amount="1.00")
    with pytest.raises(BadAction, match="synced with ERP"):
        caller.act("delete_payment", commitment=SC, number=1)
    caller.act("edit_payment", commitment=SC, number=1, new_number=77)
    caller.act("attach_to_payment", commitment=SC, number=77)
    shown = caller.get(path, **scope)
    assert (shown["payment_number"], shown["amount"]) == (77, "400.00")
    assert [a["name"] for a in shown["attachments"]] == ["Remittance.pdf"]


def test_a_payment_entered_by_hand_is_changed_and_deleted(caller: Caller) -> None:
    caller.act("enter_payment", commitment=SC, amount="10.00", date="2026-11-19", invoice=1)
    caller.act("edit_payment", commitment=SC, number=1, amount="11.00")
    assert caller.core.state()["contract_payments"][0]["amount"] == "11.00"
    caller.act("delete_payment", commitment=SC, number=1)
    assert caller.core.state()["contract_payments"] == []


def test_an_invoice_synced_with_erp_stays_as_it_is(caller: Caller) -> None:
    caller.act("set_erp_status", commitment=SC, number=1, erp_status="synced")
    assert invoice(caller)["erp_status"] == "synced"
    path, scope = "/rest/v1.1/requisitions/470001", {"project_id": caller.project()}
    assert caller.call("PATCH", path, {**scope, "requisition": {"status": "draft"}}).status == 422
    assert caller.call("PATCH", path, {**scope, "requisition": {"origin_id": "p-1"}}).status == 200


def test_a_data_set_gives_invoices_with_files() -> None:
    from simulators import datasets

    whole = datasets.load("small")
    spec = {"commitment": SC, "number": "7001", "status": "approved", "lines": [{"line": 1, "amount": "500.00"}],
            "attachments": ["pdf", {"kind": "encrypted", "name": "Locked.pdf"}], "docusign": ["Signed.pdf"]}  # fmt: skip
    whole["procore"]["requisitions"] = [spec]
    caller = Caller(whole)
    row = caller.core.state()["requisitions"][0]
    assert (row["invoice_number"], row["status"], row["total_claimed_amount"]) == ("7001", "approved", "500.00")
    assert (row["attachments"], row["docusign"]) == (["file-1.pdf", "Locked.pdf"], ["Signed.pdf"])
