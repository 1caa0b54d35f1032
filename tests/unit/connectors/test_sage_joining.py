"""An invoice's files as one PDF: in order, the same bytes each time, whole or not at all (S-21, contract C.5)."""

import io
from pathlib import Path

import pikepdf
import pytest
from PIL import Image

from connectors.sage_paperless import joining, kinds, office
from connectors.sage_paperless.joining import File
from objects.document import LeftOut
from simulators.procore import files
from simulators.sage_paperless import pdf as judge
from tests.benchmarks import joining as benchmark

pytestmark = pytest.mark.unit


@pytest.fixture
def put(tmp_path: Path):
    """`put("pdf", "Invoice.pdf", pages=3)`: such a file on disk; `content` replaces its bytes."""
    count = 0

    def make(kind: str, name: str = "", content: bytes | None = None, content_type: str | None = None, **spec) -> File:
        nonlocal count
        count += 1
        name = name or f"{kind}.{files.KINDS[kind][1]}"
        path = tmp_path / f"file-{count}"
        path.write_bytes(files.content({"kind": kind, "name": name, **spec}) if content is None else content)
        return File(str(count), name, files.KINDS[kind][0] if content_type is None else content_type, path)

    return make


def codes(made) -> list[tuple[str, str]]:
    return [(one.name, one.code) for one in made.left_out]


@pytest.mark.requirement("S-21")
def test_all_kinds_become_one_document_in_their_order(put, tmp_path):
    given = [put("text"), put("pdf", pages=3), put("tiff", pages=2), put("jpeg"), put("png")]
    made = joining.join(given, tmp_path, "A4")
    assert [(p.name, p.first_page, p.last_page) for p in made.parts] == [
        ("text.txt", 1, 1), ("pdf.pdf", 2, 4), ("tiff.tif", 5, 6), ("jpeg.jpg", 7, 7), ("png.png", 8, 8),
    ]  # fmt: skip
    whole = (tmp_path / f"{made.sha256}.pdf").read_bytes()
    assert judge.page_count(whole) == made.pages == 8 and len(whole) == made.size
    with pikepdf.open(io.BytesIO(whole)) as opened:
        assert [float(v) for v in opened.pages[6].mediabox][2:] == [595.28, 841.89]
        assert b"pdf.pdf - page 2 of 3" in opened.pages[2].Contents.read_bytes()
    assert not list(tmp_path.glob("joining-*")), "nothing is left of the work"


def test_the_same_files_give_the_same_bytes_and_paper_is_heeded(put, tmp_path):
    given = [put("pdf"), put("text"), put("png")]
    first = joining.join(given, tmp_path, "A4")
    (tmp_path / f"{first.sha256}.pdf").unlink()
    assert joining.join(given, tmp_path, "A4") == first
    assert joining.join(given, tmp_path, "Letter").sha256 != first.sha256


@pytest.mark.requirement("S-21")
@pytest.mark.parametrize(("kind", "code"), [
    ("damaged", "attachment_unreadable"), ("encrypted", "attachment_password_protected"), ("zero-byte", "attachment_empty"),
    ("drawing", "type_not_convertible"),
])  # fmt: skip
def test_a_file_that_cannot_be_part_is_named_and_nothing_is_made(put, tmp_path, kind, code):
    made = joining.join([put("pdf"), put(kind, f"Docket 7.{files.KINDS[kind][1]}"), put("png")], tmp_path, "A4")
    assert codes(made) == [(f"Docket 7.{files.KINDS[kind][1]}", code)]
    assert made.left_out[0].reason and (made.sha256, made.pages, made.parts) == ("", 0, ())
    assert not list(tmp_path.glob("*.pdf"))


def test_all_that_cannot_be_part_are_named_at_once(put, tmp_path):
    assert [code for _, code in codes(joining.join([put("damaged"), put("encrypted"), put("pdf")], tmp_path, "A4"))] == [
        "attachment_unreadable", "attachment_password_protected",
    ]  # fmt: skip


def torn(kind: str, cut: int) -> bytes:
    whole = files.content({"kind": kind, "name": "x", "pages": 3})
    return whole[:-cut]


@pytest.mark.parametrize("content", [
    torn("pdf", 1 + len("%%EOF\n")), torn("pdf", 40), torn("pdf", 200), torn("pdf", 600), torn("jpeg", 60), torn("png", 20),
    torn("tiff", 500),
    files.content({"kind": "pdf", "name": "x", "pages": 2}).replace(b"4 0 obj", b"4 0 oxj"),
])  # fmt: skip
def test_what_lacks_its_end_or_an_object_is_refused_and_not_repaired(put, tmp_path, content):
    kind = next(kind for kind, start in {"pdf": b"%PDF", "jpeg": b"\xff\xd8", "png": b"\x89PNG", "tiff": b"II"}.items()
                if content.startswith(start))  # fmt: skip
    assert [code for _, code in codes(joining.join([put(kind, content=content)], tmp_path, "A4"))] == ["attachment_unreadable"]


def test_a_pdf_that_anybody_may_open_is_joined_and_not_locked_any_more(put, tmp_path):
    out = io.BytesIO()
    with pikepdf.open(io.BytesIO(files.content({"kind": "pdf", "name": "x"}))) as source:
        source.save(out, encryption=pikepdf.Encryption(owner="nobody knows", user=""))
    made = joining.join([put("pdf", content=out.getvalue())], tmp_path, "A4")
    assert judge.page_count((tmp_path / f"{made.sha256}.pdf").read_bytes()) == 1


def carrying(*names: str, portfolio: bool = False, pinned: bool = False, mime: str = "") -> bytes:
    """A PDF of one page with files inside."""
    out = io.BytesIO()
    with pikepdf.open(io.BytesIO(files.content({"kind": "pdf", "name": "cover"}))) as pdf:
        for name in names:
            spec = pikepdf.AttachedFileSpec(pdf, b"<a/>", filename=name, mime_type=mime)
            if pinned:
                note = pikepdf.Dictionary(Type=pikepdf.Name.Annot, Subtype=pikepdf.Name.FileAttachment, Rect=[0, 0, 9, 9])
                note.FS = pikepdf.Dictionary(spec.obj)
                pdf.pages[0].obj.Annots = pikepdf.Array([note])
            else:
                pdf.attachments[name] = spec
        if portfolio:
            pdf.Root.Collection = pikepdf.Dictionary(Type=pikepdf.Name.Collection)
        pdf.save(out)
    return out.getvalue()


@pytest.mark.parametrize(("content", "said"), [
    (carrying("Docket 7.pdf", "Plan.dwg", portfolio=True), "it is a portfolio of files: Docket 7.pdf, Plan.dwg"),
    (carrying("factur-x.xml", portfolio=True), "it is a portfolio of files"),
    (carrying("Docket 7.pdf"), "it carries files that its pages do not show: Docket 7.pdf"),
    (carrying("factur-x.xml", "../Docket 7.pdf"), "it carries files that its pages do not show: Docket 7.pdf"),
    (carrying("Docket 7.pdf", pinned=True), "it carries files that its pages do not show: Docket 7.pdf"),
    (carrying(*"abcdefg"), "it carries files that its pages do not show: a, b, c, d, e and 2 more"),
])  # fmt: skip
def test_a_pdf_with_files_inside_is_refused_for_joining_would_lose_them(put, tmp_path, content, said):
    made = joining.join([put("pdf", "Claim.pdf", content)], tmp_path, "A4")
    assert codes(made) == [("Claim.pdf", "attachment_holds_files")] and made.left_out[0].reason == said


@pytest.mark.parametrize("content", [carrying("factur-x.XML"), carrying("invoice", mime="text/xml"), carrying()])
def test_an_invoice_with_its_figures_as_xml_inside_is_joined(put, tmp_path, content):
    assert joining.join([put("pdf", content=content)], tmp_path, "A4").pages == 1


@pytest.mark.parametrize(("name", "kind", "content_type", "content"), [
    ("Invoice.pdf", "pdf", "application/pdf", b"<html>Sign in</html>"), ("Photo.jpg", "jpeg", "image/jpeg", b"%PDF-1.4 nothing"),
    ("Notes.txt", "text", "text/plain", files.content({"kind": "pdf", "name": "x"})),
    ("Invoice.pdf", "pdf", "", b"\0\1\2\3" * 10), ("Report.docx", "docx", None, b"%PDF-1.4"),
])  # fmt: skip
def test_content_that_is_not_what_its_type_says_is_refused(put, tmp_path, name, kind, content_type, content):
    made = joining.join([put(kind, name, content, content_type)], tmp_path, "A4")
    assert codes(made) == [(name, "attachment_not_what_it_says")]


def test_a_file_without_a_type_is_known_by_its_ending_else_by_its_content(put, tmp_path):
    unnamed = put("pdf", "scan", content_type="application/octet-stream")
    assert joining.join([put("png", "plan.PNG", content_type=""), unnamed], tmp_path, "A4").pages == 2


def test_an_office_document_needs_a_converter(put, tmp_path, monkeypatch):
    monkeypatch.setattr(office, "converter", lambda: None)
    assert codes(joining.join([put("docx", "Claim.docx")], tmp_path, "A4")) == [("Claim.docx", "converter_missing")]


def test_an_office_document_is_converted_by_a_program_that_is_killed_when_it_takes_too_long(put, tmp_path, monkeypatch):
    program = tmp_path / "soffice"
    page = tmp_path / "page.pdf"
    page.write_bytes(files.content({"kind": "pdf", "name": "made", "pages": 2}))
    program.write_text(f'#!/bin/sh\nwhile [ "$1" != --outdir ]; do shift; done\ncp {page} "$2/made.pdf"\n')
    program.chmod(0o755)
    monkeypatch.setattr(office, "converter", lambda: str(program))
    assert joining.join([put("docx")], tmp_path, "A4").pages == 2
    program.write_text("#!/bin/sh\nexec sleep 30\n")
    monkeypatch.setattr(office, "SECONDS", 0.2)
    made = joining.join([put("docx", "Slow.docx")], tmp_path, "A4")
    assert codes(made) == [("Slow.docx", "attachment_unreadable")] and "seconds" in made.left_out[0].reason


@pytest.mark.skipif(office.converter() is None, reason="LibreOffice is not installed here")
def test_libreoffice_makes_pages_of_an_office_document(put, tmp_path):
    assert joining.join([put("docx")], tmp_path, "A4").pages == 1


@pytest.mark.requirement("S-29")
def test_what_is_out_of_reach_is_listed_and_the_rest_is_joined(put, tmp_path):
    signed = LeftOut("docusign:1", "DocuSign document 1", "docusign_not_accessible")
    made = joining.join([put("pdf")], tmp_path, "A4", [signed])
    assert made.pages == 1 and made.left_out == (signed,)


@pytest.mark.parametrize(("name", "shown"), [
    ("../../etc/passwd", "passwd"), ("C:\\Users\\me\\Invoice.pdf", "Invoice.pdf"), ("a\r\nX-Evil: 1.pdf", "aX-Evil: 1.pdf"),
    ("\u202egpj.exe.pdf", "gpj.exe.pdf"), ("", "file"), ("..", "file"), ("  .hidden", "hidden"), ("\0\1", "file"),
    ("Māori \u2013 tīpuna.pdf", "Māori \u2013 tīpuna.pdf"), ("x" * 300 + ".pdf", "x" * 146 + ".pdf"),
])  # fmt: skip
def test_a_name_is_shown_without_path_parts_and_control_characters(put, tmp_path, name, shown):
    assert kinds.safe(name) == shown
    if name.endswith(".pdf"):
        assert joining.join([put("pdf", name)], tmp_path, "A4").parts[0].name == shown


def test_a_transparent_picture_is_put_on_white(put, tmp_path):
    out = io.BytesIO()
    Image.new("RGBA", (40, 20), (255, 0, 0, 0)).save(out, "PNG")
    made = joining.join([put("png", content=out.getvalue())], tmp_path, "A4")
    with pikepdf.open(tmp_path / f"{made.sha256}.pdf") as opened:
        picture = next(iter(opened.pages[0].get_images().values()))
        assert pikepdf.PdfImage(picture).as_pil_image().convert("RGB").getpixel((5, 5)) == (255, 255, 255)


def phone_picture() -> bytes:
    """A photograph with a second, smaller picture behind it, as phones take them."""
    out = io.BytesIO()
    first, second = Image.new("RGB", (64, 48), "red"), Image.new("RGB", (32, 24), "blue")
    first.save(out, "MPO", save_all=True, append_images=[second])
    return out.getvalue()


@pytest.mark.parametrize("cut", [0, 100])
def test_a_photograph_of_a_phone_is_one_page_whatever_stands_behind_it(put, tmp_path, cut):
    content = phone_picture()
    assert Image.open(io.BytesIO(content)).n_frames == 2
    made = joining.join([put("jpeg", content=content[: len(content) - cut])], tmp_path, "A4")
    assert made.pages == 1, made.left_out
    with pikepdf.open(tmp_path / f"{made.sha256}.pdf") as opened:
        picture = next(iter(opened.pages[0].get_images().values()))
        shown = pikepdf.PdfImage(picture).as_pil_image()
        assert shown.size == (64, 48) and shown.convert("RGB").getpixel((60, 45))[0] > 200


def test_a_photograph_of_a_phone_that_is_torn_itself_is_refused(put, tmp_path):
    content = phone_picture()
    torn = content[: content.index(b"\xff\xd9") - 20]
    assert codes(joining.join([put("jpeg", content=torn)], tmp_path, "A4")) == [("jpeg.jpg", "attachment_unreadable")]


def test_text_is_wrapped_paged_and_keeps_its_letters(put, tmp_path):
    text = "\n".join(f"{n} Māori tīpuna €5 – " + "long " * 60 for n in range(60))
    made = joining.join([put("text", content=text.encode())], tmp_path, "A4")
    assert made.pages > 3
    latin = joining.join([put("text", content="Café £5".encode("cp1252"))], tmp_path, "A4")
    assert latin.pages == 1
    foreign = joining.join([put("text", "請求書.txt", content="請求書".encode())], tmp_path, "A4")
    assert codes(foreign) == [("請求書.txt", "type_not_convertible")]


@pytest.mark.slow
def test_fifty_files_of_a_hundred_pages_and_200_mb_stay_within_time_and_memory():
    """Measured in a process of its own."""
    measured = benchmark.run()["detail"]
    assert (measured["many"]["pages"], measured["large"]["pages"]) == (100, 200)
    assert measured["many"]["seconds"] < benchmark.TARGET_SECONDS
    assert measured["many"]["peak_memory_mb"] < benchmark.TARGET_MB
    assert measured["wide"]["pages"] == 5 and measured["wide"]["peak_memory_mb"] < benchmark.TARGET_MB
    assert measured["large"]["megabytes"] >= 200 and measured["large"]["peak_memory_mb"] < benchmark.TARGET_MB
