"""Grant Access as a person does it: our button, Procore's own sign-in and consent pages, back to us, a company picked."""

import os
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

import simulators
from models import session
from settings.environment import environment
from simulators.kit.shell import Shell
from sync import clients
from sync.connections import new_company
from sync.tokens import ensure_user, new_token
from tests.browser.conftest import serving

#: Where pictures go when somebody wants to look at them.
SHOTS = os.environ.get("SITEBOOKS_SHOTS", "")


class Desk:
    """Our console, Procore behind its own address, and a company that nobody has connected yet."""

    def __init__(self, url: str, procore: Shell) -> None:
        self.url, self.procore = url, procore
        self.credentials = procore.simulator.credentials
        self.company = new_company("Kauri & Sons", "")
        ensure_user(self.company, "Ana", "admin")

    def link(self) -> str:
        return f"{self.url}/sign-in/{new_token(self.company, 'Ana', 'sign_in', [], timedelta(minutes=5))}"

    def site_id(self) -> str:
        with session(self.company) as db:
            return str(db.scalar(text("SELECT site_id FROM company")))


@pytest.fixture
def desk(database: str) -> Iterator[Desk]:
    clients.close_all()
    clients.transports.clear()
    procore = Shell(simulators.load("procore", dataset="small", hourly=0, spike=0)).start()
    with serving() as url, pytest.MonkeyPatch.context() as patch:
        patch.setenv("PUBLIC_URL", url)
        environment.cache_clear()
        yield Desk(url, procore)
        clients.close_all()
    environment.cache_clear()
    procore.stop()


class Person:
    """A browser without scripts; every address it went to is kept, and what it complained about."""

    def __init__(self, browser: Any, desk: Desk, width: int = 1440, theme: str = "light", scripts: bool = False) -> None:
        view = {"width": width, "height": 900}
        self.context = browser.new_context(java_script_enabled=scripts, viewport=view, color_scheme=theme)
        self.page, self.desk, self.complaints = self.context.new_page(), desk, []
        self.page.on("console", self.heard)
        self.page.goto(desk.link())

    def heard(self, message: Any) -> None:
        """Procore's pages may lack what browsers ask for, such as an icon; ours may not."""
        if str(message.location.get("url", "")).startswith(self.desk.url):
            self.complaints.append(message.text)

    def connection(self) -> Any:
        self.page.goto(f"{self.desk.url}/systems/procore")
        return self.page

    def type_app(self) -> None:
        self.page.fill("input[name=base_url]", self.desk.procore.url)
        self.page.fill("input[name=client_id]", self.desk.credentials["client_id"])
        self.page.fill("input[name=client_secret]", self.desk.credentials["client_secret"])

    def sign_in(self, button: str) -> None:
        """On Procore's page, whose address is Procore's."""
        self.page.wait_for_url(f"{self.desk.procore.url}/oauth/authorize*")
        self.page.fill("input[name=email]", self.desk.credentials["email"])
        self.page.fill("input[name=password]", self.desk.credentials["password"])
        self.page.click(f"button:text-is('{button}')")

    def shot(self, name: str) -> None:
        if SHOTS:
            self.page.screenshot(path=str(Path(SHOTS) / f"{name}.png"), full_page=True)


@pytest.fixture
def person(chromium: Any, desk: Desk) -> Iterator[Person]:
    made = Person(chromium, desk)
    yield made
    assert made.complaints == []
    made.context.close()


@pytest.mark.requirement("S-11", "S-12", "S-13", "S-14")
def test_from_grant_access_to_a_company_and_consent_only_once(person: Person, desk: Desk) -> None:
    page = person.connection()
    assert "Not established" in page.text_content("main")
    person.shot("grant-not-established")
    person.type_app()
    page.click("text=Grant access")
    person.sign_in("Sign in and allow")
    assert page.url == f"{desk.url}/systems/procore/company?said=granted", "the code does not stay in the address"
    assert "Access was granted." in page.text_content("main")
    person.shot("grant-company")
    site_id = str(desk.credentials["company_id"])
    page.check(f"input[name=company][value='{site_id}']")
    page.click("text=Save the company")
    assert page.url == f"{desk.url}/systems/procore?said=picked" and desk.site_id() == site_id
    said = page.text_content("main")
    assert "Successful" in said and "by Ana" in said and desk.credentials["email"] in said
    person.shot("grant-successful")

    page.click("text=Grant access again")
    assert page.locator("button:text-is('Deny')").count() == 0, "consent is asked once"
    person.sign_in("Sign in")
    assert "Access was granted." in page.text_content("main")


@pytest.mark.requirement("S-11")
def test_denied_and_then_granted_after_all(person: Person, desk: Desk) -> None:
    person.connection()
    person.type_app()
    person.page.click("text=Grant access")
    person.sign_in("Deny")
    assert "Access was not granted." in person.page.text_content("main")
    assert "Not established" in person.page.text_content("main") and desk.site_id() == ""
    person.shot("grant-denied")
    person.type_app()
    person.page.click("button:has-text('Grant access')")
    person.sign_in("Sign in and allow")
    assert "Access was granted." in person.page.text_content("main")


def test_a_wrong_password_stays_at_procore(person: Person, desk: Desk) -> None:
    person.connection()
    person.type_app()
    person.page.click("text=Grant access")
    person.page.wait_for_url(f"{desk.procore.url}/oauth/authorize*")
    person.page.fill("input[name=email]", desk.credentials["email"])
    person.page.fill("input[name=password]", "wrong")
    person.page.click("button:text-is('Sign in and allow')")
    assert person.page.url.startswith(desk.procore.url) and "Wrong email or password." in person.page.text_content("body")
    person.sign_in("Sign in and allow")
    assert person.page.url.startswith(desk.url)


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [320, 1440])
def test_the_pages_fit(chromium: Any, desk: Desk, width: int, theme: str) -> None:
    one = Person(chromium, desk, width, theme, scripts=True)
    page = one.connection()
    _fits(page, width)
    one.shot(f"grant-{width}-{theme}")
    one.type_app()
    page.click("text=Grant access")
    one.sign_in("Sign in and allow")
    _fits(page, width)
    one.shot(f"company-{width}-{theme}")
    one.context.close()


def _fits(page: Any, width: int) -> None:
    assert page.evaluate("document.documentElement.scrollWidth") <= width and page.locator("h1").count() == 1
