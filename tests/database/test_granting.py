"""Grant Access from the button to the company: what is stored, what a state is worth, and who may do it."""

import logging
import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
from sqlalchemy import text
from starlette.testclient import TestClient

import simulators
from models import session
from settings.secret_values import blank
from simulators.kit.http import Request
from sync import clients, connections
from sync.connections import new_company
from sync.secrets import decrypt
from tasks import scan as passes
from tests.database.test_console_pages import text_of
from tests.database.web_clients import post, visitor
from tests.transport import SimulatorTransport

HERE = "http://127.0.0.1"
FORM = {"content-type": "application/x-www-form-urlencoded"}


class Site:
    """Procore with its people, and an administrator of ours in front of the connection page."""

    def __init__(self, core: Any, company: int) -> None:
        self.core, self.company = core, company
        self.admin = visitor(company, "admin")

    def begin(self, client: TestClient | None = None) -> str:
        """Presses Grant access; gives the address at Procore."""
        app = {name: str(self.core.credentials[name]) for name in ("client_id", "client_secret")}
        answer = post(client or self.admin, "/systems/procore/grant", base_url=HERE, **app)
        assert answer.status_code == 200, text_of(answer.text)
        return leads_to(answer)

    def sign_in(self, address: str, decision: str = "allow") -> str:
        """What a person does on Procore's page; gives where their browser is sent back to, as a path."""
        person = {name: self.core.credentials[name] for name in ("email", "password")}
        fields = {name: values[0] for name, values in parse_qs(urlsplit(address).query).items()}
        body = urlencode({**fields, **person, "decision": decision}).encode()
        answer = self.core.handle(Request("POST", "/oauth/authorize", [], FORM, body))
        assert answer.status == 302, answer.body
        back = urlsplit(answer.headers["Location"])
        return f"{back.path}?{back.query}"

    def granted(self) -> None:
        answer = self.admin.get(self.sign_in(self.begin()))
        assert answer.headers["location"] == "/systems/procore/company?said=granted"

    def row(self) -> Any:
        with session(self.company) as db:
            return db.execute(text("""
                SELECT n.*, c.secrets, c.token FROM connection n JOIN credential c ON c.connection_id = n.id
                WHERE n.system = 'procore'
            """)).first()  # fmt: skip

    def site_id(self) -> str:
        with session(self.company) as db:
            return str(db.scalar(text("SELECT site_id FROM company")))

    def exchanges(self) -> int:
        return len(clients.transports["procore"].sent("POST", "/oauth/token"))


def leads_to(answer: Any) -> str:
    """Where the browser goes from this page."""
    return str(answer.headers["refresh"]).partition("url=")[2]


@pytest.fixture
def site(database: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    """A company that Procore has never been connected for."""
    monkeypatch.setattr(passes, "start", lambda *args, **options: None)
    core = simulators.load("procore", dataset="small")
    clients.close_all()
    clients.transports.clear()
    clients.transports["procore"] = SimulatorTransport(core)
    yield Site(core, new_company("Kauri & Sons", ""))
    clients.close_all()
    clients.transports.clear()


@pytest.mark.requirement("S-11", "S-13", "S-14")
def test_from_the_button_to_the_company_picked_from_a_list(site: Site) -> None:
    assert "Connection Not established" in text_of(site.admin.get("/systems/procore").text)
    address = site.begin()
    asked = {name: values[0] for name, values in parse_qs(urlsplit(address).query).items()}
    assert address.startswith(f"{HERE}/oauth/authorize?")
    assert asked["response_type"] == "code" and asked["redirect_uri"].endswith("/systems/procore/granted")
    assert site.row() is None, "nothing is stored before Procore has let us in"

    back = site.admin.get(site.sign_in(address))
    assert (back.status_code, back.headers["location"]) == (303, "/systems/procore/company?said=granted")
    page = site.admin.get(back.headers["location"]).text
    assert "Access was granted." in text_of(page)
    offered = re.findall(r'name="company" value="(\d+)"', page)
    installed = {str(one) for one in site.core.data.installed}
    assert set(offered) == installed and site.site_id() == ""

    picked = str(site.core.credentials["company_id"])
    saved = post(site.admin, "/systems/procore/company", company=picked)
    assert (saved.status_code, saved.headers["location"]) == (303, "/systems/procore?said=picked")
    assert site.site_id() == picked
    shown = text_of(site.admin.get("/systems/procore").text)
    assert "Connection Successful" in shown and f"({picked})" in shown
    assert re.search(r"Granted today \d\d:\d\d by the admin, signed in as " + re.escape(site.core.credentials["email"]), shown)


@pytest.mark.requirement("S-11")
def test_what_is_kept_is_encrypted_and_holds_no_code(site: Site) -> None:
    site.granted()
    row = site.row()
    _, refresh = decrypt(row.token)
    assert refresh and set(decrypt(row.secrets)) == {"client_id", "client_secret", "grant"}
    assert str(site.core.credentials["client_secret"]).encode() not in bytes(row.secrets)
    with session(site.company) as db:
        assert db.scalar(text("SELECT count(*) FROM access_grant")) == 0
        told = db.execute(text("SELECT actor, after FROM history WHERE what = 'granted.procore'")).one()
    assert (told.actor, told.after) == ("the admin", {"as": site.core.credentials["email"]})


@pytest.mark.requirement("S-12")
def test_granted_again_with_what_is_stored_and_without_a_second_consent(site: Site) -> None:
    site.granted()
    first = site.row()
    answer = post(site.admin, "/systems/procore/grant")  # no secret is typed again
    page = site.core.handle(Request("GET", "/oauth/authorize", list(_query(leads_to(answer))), {}, b""))
    assert b"Deny" not in page.body and b"Sign in" in page.body
    site.admin.get(site.sign_in(leads_to(answer)))
    assert decrypt(site.row().token) != decrypt(first.token) and site.row().id == first.id


def _query(address: str) -> Iterator[tuple[str, str]]:
    for name, values in parse_qs(urlsplit(address).query).items():
        yield name, values[0]


@pytest.mark.requirement("S-11")
@pytest.mark.parametrize("misuse", ["replayed", "foreign_session", "foreign_company", "expired", "made_up", "none"])
def test_a_state_works_once_in_time_and_for_the_one_who_began(site: Site, misuse: str) -> None:
    back, browser = site.sign_in(site.begin()), site.admin
    if misuse == "replayed":
        site.admin.get(back)
        with session(site.company) as db:
            db.execute(text("UPDATE connection SET granted_at = NULL"))
    elif misuse == "foreign_session":
        browser = visitor(site.company, "admin")
    elif misuse == "foreign_company":
        browser = visitor(new_company("Somebody else", ""), "admin")
    elif misuse == "expired":
        with session(site.company) as db:
            db.execute(text("UPDATE access_grant SET expires_at = clock_timestamp()"))
    else:
        back = f"{back.partition('?')[0]}?code=abcdefgh" + ("&state=made-up" if misuse == "made_up" else "")
    asked = site.exchanges()
    answer = browser.get(back)
    assert (answer.status_code, answer.headers["location"]) == (303, "/systems/procore?said=misused")
    assert site.exchanges() == asked, "Procore is not even asked"
    assert site.row() is None or site.row().granted_at is None
    assert "was begun by somebody else" in text_of(browser.get(answer.headers["location"]).text)


@pytest.mark.requirement("S-11")
def test_refused_and_broken_off_are_said_in_a_sentence_and_change_nothing(site: Site) -> None:
    denied = site.admin.get(site.sign_in(site.begin(), "deny"))
    assert denied.headers["location"] == "/systems/procore?said=denied"
    assert "Access was not granted. Access was not allowed on the other side." in text_of(
        site.admin.get(denied.headers["location"]).text
    )
    state = dict(_query(site.begin()))["state"]
    broken = site.admin.get(f"/systems/procore/granted?error=server_error&state={state}")
    assert broken.headers["location"] == "/systems/procore?said=cancelled"
    assert site.row() is None and site.exchanges() == 0


@pytest.mark.requirement("S-11")
def test_a_code_that_procore_does_not_take_stores_nothing(site: Site) -> None:
    back = site.sign_in(site.begin())
    site.core.data.codes.clear()
    assert site.admin.get(back).headers["location"] == "/systems/procore?said=not-taken"
    assert site.row() is None


@pytest.mark.requirement("Y-04")
@pytest.mark.parametrize("role", ["viewer", "approver"])
def test_only_an_admin_grants_and_picks(site: Site, role: Any) -> None:
    site.granted()
    other = visitor(site.company, role)
    for path in ("/systems/procore/grant", "/systems/procore/company"):
        refused = post(other, path, company="1")
        assert refused.status_code == 403 and "it takes admin" in text_of(refused.text)
    assert other.get("/systems/procore/company").status_code == 403
    shown = other.get("/systems/procore")
    assert shown.status_code == 200 and "/systems/procore/grant" not in shown.text


def test_nothing_secret_stands_in_an_address_of_ours_or_in_a_log(site: Site, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    there = site.begin()
    back = site.sign_in(there)
    code, state = (parse_qs(urlsplit(back).query)[name][0] for name in ("code", "state"))
    answer = site.admin.get(back)
    secrets = [code, state, str(site.core.credentials["client_secret"]), *decrypt(site.row().token)]
    logged = "\n".join(record.getMessage() for record in caplog.records if not record.name.startswith("httpx"))
    assert not any(secret in logged or secret in answer.headers["location"] for secret in secrets)
    assert str(site.core.credentials["client_secret"]) not in there
    assert blank(f"GET {back}") == blank(f"GET {back.partition('?')[0]}?code=***&state=***")
    assert answer.headers["referrer-policy"] == "same-origin" and answer.headers["cache-control"] == "no-store"


def test_no_form_of_ours_may_lead_elsewhere(site: Site) -> None:
    site.granted()
    for path in ("/systems/procore", "/systems/procore/company", "/systems"):
        assert "form-action 'self';" in site.admin.get(path).headers["content-security-policy"]


@pytest.mark.requirement("S-14")
def test_a_company_that_is_not_in_the_list_or_lets_nobody_in_is_not_saved(site: Site) -> None:
    site.granted()
    unknown = post(site.admin, "/systems/procore/company", company="999999")
    assert unknown.status_code == 422 and "Pick one of the companies in the list." in text_of(unknown.text)
    spec = {"on": "request", "match": {"path": "/rest/v1.1/projects"}, "action": "status", "status": 403}
    site.core.handle(Request("POST", "/_sim/faults", [], {"content-type": "application/json"}, _json(spec)))
    closed = post(site.admin, "/systems/procore/company", company=str(site.core.credentials["company_id"]))
    assert closed.status_code == 422 and "does not let us in" in text_of(closed.text)
    assert site.site_id() == ""


def _json(value: Any) -> bytes:
    import json

    return json.dumps(value).encode()


@pytest.mark.requirement("S-14")
def test_another_company_cannot_be_picked_once_one_was_read(site: Site) -> None:
    from sync import scan

    site.granted()
    picked = str(site.core.credentials["company_id"])
    post(site.admin, "/systems/procore/company", company=picked)
    scan.scan(site.company, "procore", "project")
    with session(site.company) as db:
        db.execute(text("UPDATE company SET site_id = '4999'"))
    refused = post(site.admin, "/systems/procore/company", company=picked)
    assert refused.status_code == 422, text_of(refused.text)
    assert "has been read already" in text_of(refused.text)
    assert site.site_id() == "4999"


def test_without_a_person_there_is_no_list_of_companies(site: Site) -> None:
    connections.connect(site.company, "procore", {"base_url": HERE}, {"client_id": "x", "client_secret": "y"})
    for answer in (site.admin.get("/systems/procore/company"), post(site.admin, "/systems/procore/company", company="4100")):
        assert "No person has granted access yet" in text_of(answer.text)
    assert site.site_id() == "" and site.exchanges() == 0
