"""The console as people use it: without scripts, in both themes, on wide and narrow screens."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.browser.conftest import Console

IMAGES = Path(__file__).parents[2] / "docs" / "images"
PAGES = (
    "/", "/objects", "/objects?kind=commitment", "/approvals", "/problems", "/problems?tab=healing", "/events", "/systems",
    "/systems/lentune", "/reconciliation", "/activity",
)


class Seen:
    """A signed-in page, and everything it asked for or complained about."""

    def __init__(self, browser: Any, console: Console, role: str = "approver", **options: Any) -> None:
        self.context = browser.new_context(**options)
        self.page = self.context.new_page()
        self.url, self.requests, self.complaints = console.url, [], []
        self.page.on("request", lambda request: self.requests.append(request.url))
        self.page.on("console", lambda message: self.complaints.append(message.text))
        self.page.goto(console.link(role))

    def go(self, path: str) -> Any:
        answer = self.page.goto(self.url + path)
        assert answer.status == 200, path
        return self.page

    def close(self) -> None:
        assert [url for url in self.requests if not url.startswith(self.url)] == []
        assert self.complaints == []
        self.context.close()


@pytest.fixture
def seen(chromium: Any, console: Console) -> Iterator[Seen]:
    """A desktop without JavaScript."""
    visitor = Seen(chromium, console, java_script_enabled=False, viewport={"width": 1440, "height": 900})
    yield visitor
    visitor.close()


def test_from_the_link_to_an_object(seen: Seen, console: Console) -> None:
    page = seen.page
    assert page.url == console.url + "/"
    assert "records agree to the cent." in page.text_content("h1")
    page.click("nav >> text=Objects")
    page.click(".tabs >> text=Commitments")
    page.select_option("select[name=state]", label="Held")
    page.click("text=Filter")
    assert page.locator("tbody tr").count() == sum(r.state == "held" for r in console.world.records("commitment"))
    page.click("tbody a:text-is('PO-1001-03')")
    assert "waits for a code on the budget" in page.text_content(".verdict")
    assert page.locator(".checks .no").count() == 1


def test_approving_by_the_button_that_names_amount_and_version(seen: Seen, console: Console) -> None:
    waiting = [r for r in console.world.records("variation") if r.state == "awaiting_approval"]
    page = seen.go("/approvals")
    assert page.locator(".queue tbody tr").count() == len(waiting)
    opened = waiting[0]
    seen.go(f"/approvals?item={opened.id}")
    page.click(f"text=Approve version {opened.version}, NZD {opened.amount:,.2f}")
    assert "Approved. It is sent next." in page.text_content("main")
    console.world.due_now()
    seen.go(f"/objects/{opened.id}")
    assert "In both systems, equal to the cent." in page.text_content(".verdict")


def test_signing_out(seen: Seen, console: Console) -> None:
    seen.page.click(".user summary")
    seen.page.click("text=Sign out")
    assert seen.page.url == console.url + "/sign-in"
    seen.page.goto(console.url + "/objects")
    assert seen.page.url == console.url + "/sign-in"


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [320, 1440])
def test_every_page_fits_and_loads_nothing_from_elsewhere(chromium: Any, console: Console, width: int, theme: str) -> None:
    visitor = Seen(chromium, console, "admin", viewport={"width": width, "height": 900}, color_scheme=theme)
    record = console.world.record("commitment", "PO-1001-03")
    try:
        for path in (*PAGES, f"/objects/{record.id}"):
            page = visitor.go(path)
            page.evaluate("for (const d of document.querySelectorAll('main details')) d.open = true")
            wide = page.evaluate("document.documentElement.scrollWidth")
            assert wide <= width, f"{path} is {wide} wide on a screen of {width}"
    finally:
        visitor.close()


def test_the_chosen_theme_stays(chromium: Any, console: Console) -> None:
    visitor = Seen(chromium, console, viewport={"width": 1440, "height": 900}, color_scheme="light")
    page = visitor.page
    page.click(".user summary")
    page.check("input[value=dark]")
    page.click("text=Keep")
    assert page.get_attribute("html", "data-theme") == "dark"
    background = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert background == "rgb(22, 25, 27)"
    visitor.close()


def test_the_picture_of_the_overview(chromium: Any, console: Console) -> None:
    visitor = Seen(chromium, console, "admin", viewport={"width": 1440, "height": 900})
    page = visitor.go("/")
    assert page.locator("h1.say").is_visible()
    if os.environ.get("SITEBOOKS_SCREENSHOTS") == "1":
        IMAGES.mkdir(parents=True, exist_ok=True)
        page.screenshot(path=str(IMAGES / "overview.png"))
    visitor.close()
