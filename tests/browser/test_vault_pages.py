"""The vault's page as people see it: what it must have, its settings, payments on demand, and what goes no further."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from simulators import datasets
from sync import settings
from sync.connections import new_company
from sync.tokens import ensure_user, new_token
from tests.browser.conftest import serving
from tests.browser.test_granting import SHOTS, Path
from tests.world_paperless import PaperlessWorld, only


class Vault:
    """Our console over a company on Sage Paperless, with one invoice in its queue."""

    def __init__(self, url: str, company: int) -> None:
        self.url = url
        self.world = PaperlessWorld(company, only(datasets.load("paperless"), "SI-103"))
        self.world.sync()
        self.there = self.world.sage_paperless.data.vaults["sage300"]

    def open(self, browser: Any, role: Any, path: str, width: int = 1440, theme: str = "light") -> Any:
        ensure_user(self.world.company, role, role)
        context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=theme)
        page = context.new_page()
        page.goto(f"{self.url}/sign-in/{new_token(self.world.company, role, 'sign_in', [], timedelta(minutes=5))}")
        assert page.goto(self.url + path).status == 200
        return page


@pytest.fixture
def vault(database: str) -> Iterator[Vault]:
    with serving() as url:
        made = Vault(url, new_company("Kauri & Sons", "4100"))
        yield made
        made.world.close()


def shot(page: Any, name: str) -> None:
    if SHOTS:
        page.screenshot(path=str(Path(SHOTS) / f"{name}.png"), full_page=True)


@pytest.mark.requirement("S-01", "S-13")
def test_what_the_vault_has_and_what_it_lacks(chromium: Any, vault: Vault) -> None:
    page = vault.open(chromium, "admin", "/systems/sage_paperless")
    assert page.locator(".checks .no").count() == 0 and page.locator("select[name=import_behavior]").count() == 1
    shot(page, "vault")
    vault.there.licences["procore"] = False
    page.reload()
    assert "A Procore licence is required" in page.text_content(".decide h2")
    assert page.locator("select[name=import_behavior]").count() == 0
    shot(page, "vault-no-licence")


@pytest.mark.requirement("Y-02", "Y-16")
def test_an_approver_presses_sync_payments_on_the_invoice(chromium: Any, vault: Vault) -> None:
    record = vault.world.record("invoice", "SI-103")
    page = vault.open(chromium, "approver", f"/objects/{record.id}")
    page.click("text=Sync payments for synced invoices")
    assert page.url == f"{vault.url}/objects/{record.id}?said=payments"
    assert "Payments of synced invoices are being read now." in page.text_content("main")
    shot(page, "vault-invoice")


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [320, 1440])
def test_the_page_fits_with_everything_wrong(chromium: Any, vault: Vault, width: int, theme: str) -> None:
    vault.world.save(create_payments_in_procore=True)
    vault.there.configuration["create_payments_in_procore"] = True
    vault.there.version += 1
    settings.fetch(vault.world.company, "sage_paperless", "scan")
    vault.world.act("sage_paperless", "stop_cloud_sync")
    page = vault.open(chromium, "admin", "/systems/sage_paperless", width, theme)
    assert page.locator(".checks .no").count() >= 1
    assert "Two writers of payments." in page.text_content("main")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    shot(page, f"vault-{width}-{theme}")


@pytest.mark.requirement("S-21")
@pytest.mark.parametrize(("width", "theme"), [(1440, "light"), (390, "dark")])
def test_an_invoice_with_its_document_and_what_was_paid_of_it(
    chromium: Any, vault: Vault, width: int, theme: str
) -> None:
    vault.world.save(create_payments_in_procore=True)
    vault.world.act("sage_paperless", "pay_invoice", invoice="SI-103", amount="20000.00", check="7001")
    vault.world.settle()
    page = vault.open(chromium, "viewer", f"/objects/{vault.world.record('invoice', 'SI-103').id}", width, theme)
    shot(page, f"invoice-document-{width}")
    wider = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    assert wider == 0, "nothing stands out at the side"
    assert "Invoice SI-103.pdf" in page.text_content("section[aria-labelledby=h-paper]")
    assert "20,000.00" in page.text_content("section[aria-labelledby=h-paid]")
    address = page.get_attribute("section[aria-labelledby=h-paper] a", "href")
    answer = page.request.get(vault.url + address)
    assert answer.status == 200 and answer.body()[:5] == b"%PDF-"
