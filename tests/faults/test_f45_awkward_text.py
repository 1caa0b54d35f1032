"""F45: emoji, right to left, NUL, half characters, over-long: text arrives equal, identifiers are never shortened."""

import unicodedata

import pytest

from tests.faults.people import line
from tests.faults.stand import Stand

pytestmark = pytest.mark.fault("F45")

TEXTS = (
    "Béton 🏗️ 👩‍🔧 基礎",
    unicodedata.normalize("NFD", "Ngā Pōneke armé"),
    "\u202eRTL \u200fעברית ﷽",
    "Nul\x00byte",
    "Half \ud83d pair",
    "'; DROP TABLE sync_record; --",
    "<script>alert(1)</script>",
    "12, Quay Street, Level 3, Auckland",
    "x" * 5000,
)


def arrived(text: str) -> str:
    """As it is kept: NFC, no NUL, half a character replaced."""
    return unicodedata.normalize("NFC", text).replace("\x00", "").replace("\ud83d", "\ufffd")


def test_any_text_goes_the_whole_way_there_and_back(site: Stand) -> None:
    projects = {site.new_project("05-100", name=text): text for text in TEXTS}
    orders = {}
    for project, text in projects.items():
        lines = [line("10.00", description=text)]
        orders[site.new_commitment(project, type="po", title=text, lines=lines)] = text
    for order, text in orders.items():
        site.wait_state("commitment", order)
        [there] = site.state("lentune", "purchase_orders", number=order)
        assert there["description"] == there["lines"][0]["description"] == arrived(text)
    for project, text in projects.items():
        [there] = site.state("lentune", "projects", code=project)
        assert there["description"] == arrived(text)
    for text in TEXTS:
        invoice = site.new_invoice(number=f"I {text[:12]}", net="1.00", lines=[
            {"code": "05-100", "type": "S", "net": "1.00", "description": text}])  # fmt: skip
        number = arrived(invoice).strip()
        site.wait_state("invoice", number)
        [cost] = site.state("procore", "direct_costs", invoice_number=number)
        assert cost["lines"][0]["description"] == arrived(text)


def test_an_identifier_that_is_too_long_is_refused_and_two_never_become_one(site: Stand) -> None:
    long = site.number("PO-").ljust(60, "9")
    too_long = [f"{long}{end}" for end in "AB"]
    for number in (long, *too_long):
        site.new_commitment(number=number, type="po")
    site.wait_state("commitment", long)
    for number in too_long:
        site.wait_state("commitment", number, "needs_attention")
        assert site.codes("commitment", number) == ["commitment_number_too_long"]
    assert [o["number"] for o in site.state("lentune", "purchase_orders") if o["number"].startswith(long)] == [long]


def test_names_that_look_alike_are_different_records(site: Stand) -> None:
    """Latin A and Cyrillic А: two numbers, two records on both sides."""
    base = site.number()
    pair = [f"A{base}", f"\u0410{base}"]
    for number in pair:
        site.new_project(number=number)
    for number in pair:
        site.wait_state("project", number)
        assert len(site.state("lentune", "projects", code=number)) == 1
