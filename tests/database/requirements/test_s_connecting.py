"""Connecting a vault: one company to one vault, licences and services, one route, and who may have payments read."""

import threading
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, Literal
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

import sync.company
from cli.doctor import systems as doctor
from connectors import registry
from models import session
from settings.sage_paperless import SagePaperlessSettings
from sync import connections, granting, one_route, settings
from sync.connections import new_company
from sync.probing import probe
from sync.refusal import Refused
from tasks import publish
from tests.database.test_console_pages import text_of
from tests.database.test_granting import Site
from tests.database.web_clients import post, script, visitor
from tests.world_paperless import PaperlessWorld

VAULT_2 = {
    "base_url": "http://127.0.0.1", "vault_id": "sage100", "vault": "Kauri Civil (Sage 100)", "bridge": "sage_100_contractor",
    "queue": "q-ap",
}  # fmt: skip
MOVED = """
    UPDATE connection SET settings = settings || jsonb_build_object('vault_id', CAST(:v AS text)) WHERE system = 'sage_paperless'
"""
TOKEN = {"token": "some-token-of-a-vault"}


@pytest.fixture
def world(paperless) -> PaperlessWorld:
    return paperless("SI-103", sync=False)


def row(world: PaperlessWorld, system: str = "sage_paperless") -> Any:
    with session(world.company) as db:
        return db.execute(text("SELECT * FROM connection WHERE system = :s"), {"s": system}).one()


def site_of(company: int) -> str:
    with session(company) as db:
        return str(db.scalar(text("SELECT site_id FROM company")))


def another(site_id: str) -> int:
    """A company of ours with this Procore company, not connected with anything yet but Procore."""
    made = new_company("Kauri Civil", site_id)
    connections.connect(made, "procore", {"base_url": "http://127.0.0.1"}, {"client_id": "x", "client_secret": "y"})
    return made


# one company to one vault


@pytest.mark.requirement("S-15", "S-16", "S-36")
def test_a_second_vault_for_the_same_company_is_refused_with_the_first_ones_name(world):
    other = another(site_of(world.company))
    with pytest.raises(Refused, match=r"Kauri & Sons \(Sage 300\)") as told:
        connections.connect(other, "sage_paperless", VAULT_2, TOKEN)
    assert told.value.code == "company_already_bound" and "S-16" in told.value.reason
    with session(other) as db:
        assert db.execute(text("SELECT 1 FROM connection WHERE system = 'sage_paperless'")).first() is None
        assert db.scalar(text("SELECT count(*) FROM credential")) == 1, "its token was not stored either"


@pytest.mark.requirement("S-15")
def test_one_vault_is_not_given_to_two_companies(world):
    other = another("4999")
    ours = row(world).settings
    with pytest.raises(Refused, match=f"holds Procore company {site_of(world.company)}"):
        connections.connect(other, "sage_paperless", dict(ours), TOKEN)


@pytest.mark.requirement("S-15", "S-16")
@pytest.mark.parametrize("how", ["company", "settings", "enabled"])
def test_the_database_itself_refuses_whatever_writes_the_rows(world, how):
    site, ours = site_of(world.company), row(world).settings
    other = another("4998")
    connections.connect(other, "sage_paperless", VAULT_2, TOKEN)
    statements = {
        "company": ("UPDATE company SET site_id = :v", site),
        "settings": (MOVED, ours["vault_id"]),
        "enabled": ("UPDATE connection SET enabled = true WHERE system = 'sage_paperless' AND :v = 'x'", "x"),
    }
    if how == "enabled":  # switched off it ties nothing, so the company may move; it cannot be switched on again then
        with session(other) as db:
            db.execute(text("UPDATE connection SET enabled = false WHERE system = 'sage_paperless'"))
            db.execute(text("UPDATE company SET site_id = :s"), {"s": site})
    statement, value = statements[how]
    with pytest.raises(IntegrityError, match="already"), session(other) as db:
        db.execute(text(statement), {"v": value})


@pytest.mark.requirement("S-15")
def test_of_two_who_connect_at_once_one_wins(world):
    ours = [another("4997"), another("4997")]
    done: list[str] = []
    both = threading.Barrier(2)

    def take(company: int, vault: str) -> None:
        both.wait(10)
        try:
            connections.connect(company, "sage_paperless", {**VAULT_2, "vault_id": vault, "vault": vault}, TOKEN)
            done.append("taken")
        except Refused as refused:
            done.append(refused.code)

    threads = [threading.Thread(target=take, args=(company, f"race-{company}")) for company in ours]
    for each in threads:
        each.start()
    for each in threads:
        each.join(20)
    assert sorted(done) == ["company_already_bound", "taken"]


@pytest.mark.requirement("S-14", "S-15", "S-16")
def test_picking_a_company_that_another_vault_holds_is_refused_in_a_prompt_and_saves_nothing(world):
    site = site_of(world.company)
    other = another("")
    Site(world.procore, other).granted()
    connections.connect(other, "sage_paperless", VAULT_2, TOKEN)
    before = row_of(other)
    refused = post(visitor(other, "admin"), "/systems/procore/company", company=site)
    said = text_of(refused.text)
    assert refused.status_code == 422 and "The company was not saved." in said
    assert f"Procore company {site} is tied to the vault Kauri & Sons (Sage 300) already" in said
    assert site_of(other) == "" and row_of(other) == before
    assert world.ledger("sage_paperless", kind="configurations") == [], "the vault was not told either"


def row_of(company: int) -> Any:
    with session(company) as db:
        return db.execute(text("SELECT settings, settings_version FROM connection ORDER BY id")).all()


@pytest.mark.requirement("S-15", "S-16", "S-36")
def test_what_the_vault_refuses_leaves_nothing_of_ours_behind(world, monkeypatch):
    """The other vault is one of theirs that Sitebooks does not know: only the vault can say so."""
    Site(world.procore, world.company).granted()
    site = site_of(world.company)
    with session(world.company) as db:
        db.execute(text("UPDATE company SET site_id = ''"))
    vault(world).configuration = {}
    world.sage_paperless.data.vaults["sage100"].configuration = {"procore_company_id": site}
    before = row_of(world.company)
    with pytest.raises(Refused, match="is tied to vault") as told:
        granting.pick(world.company, "procore", site, "Ana")
    assert told.value.code == "company_already_bound"
    assert site_of(world.company) == "" and row_of(world.company) == before


@pytest.mark.requirement("S-36")
def test_where_the_documents_go_is_changed_by_connecting_again_only(world):
    before = row(world)
    for values in ({"vault_id": "sage100"}, {"transport": "drop_folder", "folder": "/srv/elsewhere"}):
        with pytest.raises(Refused, match="connecting again"):
            settings.save(world.company, "sage_paperless", {**values, "allow_edit": True}, "Ana")
    assert row(world) == before


# what the vault must have


def vault(world: PaperlessWorld) -> Any:
    return world.sage_paperless.data.vaults["sage300"]


@pytest.mark.requirement("S-01", "S-02", "S-08", "S-09", "S-13", "S-35")
def test_the_page_shows_what_the_vault_has(world):
    shown = text_of(visitor(world.company, "admin").get("/systems/sage_paperless").text)
    for words in ("Bridge Sage 300", "Procore licence licensed", "Cloud sync was run once it was", "Cloud sync running",
                  "Connection of the vault with Procore successful", "Import Behavior", "Save the settings"):  # fmt: skip
        assert words in shown
    assert probe(world.company, "sage_paperless").stop is None


@pytest.mark.requirement("S-01")
def test_without_a_licence_the_page_prompts_for_it_and_goes_no_further(world):
    vault(world).licences["procore"] = False
    page = visitor(world.company, "admin").get("/systems/sage_paperless")
    assert "A Procore licence is required in Sage Paperless" in text_of(page.text)
    assert 'name="import_behavior"' not in page.text and "Save the settings" not in page.text
    before = row(world)
    refused = post(visitor(world.company, "admin"), "/systems/sage_paperless", allow_edit="on")
    assert refused.status_code == 422 and row(world) == before


@pytest.mark.requirement("S-02")
def test_before_cloud_sync_was_run_nothing_is_configured(world):
    vault(world).cloud_sync.update(running=False, ever_run=False)
    page = visitor(world.company, "admin").get("/systems/sage_paperless")
    assert "has never been run" in text_of(page.text) and 'name="import_behavior"' not in page.text
    before = row(world)
    assert post(visitor(world.company, "admin"), "/systems/sage_paperless", allow_edit="on").status_code == 422
    assert row(world) == before


@pytest.mark.requirement("S-08")
def test_for_another_bridge_there_is_no_procore_configuration(world):
    vault(world).bridge = "intacct"
    page = visitor(world.company, "admin").get("/systems/sage_paperless")
    assert "The vault's bridge has no Procore part" in text_of(page.text) and 'name="import_behavior"' not in page.text
    assert [one.name for one in probe(world.company, "sage_paperless").looked] == ["Bridge"]


@pytest.mark.requirement("S-09", "S-10")
def test_cloud_sync_is_missed_for_automated_import_and_not_for_manual(world):
    world.act("sage_paperless", "stop_cloud_sync")
    wrong = [one.name for one in probe(world.company, "sage_paperless").looked if not one.good]
    assert wrong == ["Cloud sync"]
    admin = visitor(world.company, "admin")
    refused = post(admin, "/systems/sage_paperless", allow_edit="on")
    assert refused.status_code == 422 and not row(world).settings.get("allow_edit")
    assert post(admin, "/systems/sage_paperless", import_behavior="manual_import").status_code == 303
    assert probe(world.company, "sage_paperless").stop is None
    assert all(one.good for one in probe(world.company, "sage_paperless").looked)


def test_a_vault_that_does_not_answer_is_unknown_never_good(world):
    world.fault("sage_paperless", on="request", match={"path": "/vaults"}, action="status", status=503)
    probed = probe(world.company, "sage_paperless")
    assert probed.failed and not probed.looked
    page = visitor(world.company, "admin").get("/systems/sage_paperless")
    assert page.status_code == 200 and "It could not be asked" in text_of(page.text)


def test_doctor_names_what_is_missing_there(world):
    world.act("sage_paperless", "stop_cloud_sync")
    found = {one.name: one for one in doctor.check(world.company, "sage_paperless")}
    assert found["cloud sync"].mark == "fail" and "Start the cloud sync" in found["cloud sync"].fix
    assert found["procore licence"].mark == "ok" and found["one route and one writer"].mark == "ok"


# one route, one writer (C-12)


class BooksSettings(SagePaperlessSettings):
    """Of the second one, with its own word for its route."""

    invoice_route: Literal["books", "elsewhere"] = "books"


@pytest.fixture
def books(monkeypatch):
    """A second accounting system that would take Procore's invoices and report payments."""
    paperless = registry.connector("sage_paperless")
    flows = tuple(replace(flow, source=flow.source.replace("sage_paperless", "books")) for flow in paperless.flows)
    second = replace(
        paperless, system="books", settings=BooksSettings, flows=flows, probe=None, read_settings=None, save_settings=None
    )
    both = {**registry.all_connectors(), "books": second}
    for module in (one_route, connections, settings, sync.company):
        for name, value in (("all_connectors", lambda: both), ("connector", lambda system: both[system])):
            if hasattr(module, name):
                monkeypatch.setattr(module, name, value)
    return {**VAULT_2, "vault_id": "books"}


def test_a_second_route_for_invoices_is_refused_before_it_is_connected(world, books):
    with pytest.raises(Refused) as told:
        connections.connect(world.company, "books", books, TOKEN)
    assert told.value.code == "two_invoice_routes" and "entered twice" in told.value.reason
    assert "Route of invoices" in told.value.fix
    with session(world.company) as db:
        assert db.execute(text("SELECT 1 FROM connection WHERE system = 'books'")).first() is None
    connections.connect(world.company, "books", {**books, "invoice_route": "elsewhere"}, TOKEN)
    with session(world.company) as db:
        assert one_route.of_company(db) == []


def test_a_setting_that_opens_a_second_route_is_refused_and_nobody_is_asked(world, books):
    connections.connect(world.company, "books", {**books, "invoice_route": "elsewhere"}, TOKEN)
    with pytest.raises(Refused, match="and Books"):
        settings.save(world.company, "books", {"invoice_route": "books"}, "Ana")
    with session(world.company) as db:
        assert one_route.of_company(db) == []


def test_two_writers_of_payments_are_refused(world, books):
    world.save(create_payments_in_procore=True)
    with pytest.raises(Refused) as told:
        wanted = {**books, "invoice_route": "elsewhere", "create_payments_in_procore": True}
        connections.connect(world.company, "books", wanted, TOKEN)
    assert told.value.code == "two_payment_writers" and "Who writes payments" in told.value.fix


def test_the_vaults_own_switch_beside_ours_is_two_writers_and_ours_falls_silent(world):
    """A person turned it on in Sage Paperless after us: it cannot be refused there, so it is shown, and we write nothing."""
    world.save(create_payments_in_procore=True)
    assert crossed(world) == []
    vault(world).configuration["create_payments_in_procore"] = True
    vault(world).version += 1
    settings.fetch(world.company, "sage_paperless", "scan")
    assert [one.code for one in crossed(world)] == ["two_payment_writers"]
    assert "Sage Paperless itself" in crossed(world)[0].said
    shown = text_of(visitor(world.company, "viewer").get("/systems/sage_paperless").text)
    assert "Two writers of payments." in shown and "each would stand there twice" in shown
    assert [one.mark for one in doctor.check(world.company, "sage_paperless") if one.group == "money"] == ["fail"]


def test_procores_own_erp_integration_is_a_route_too(paperless):
    """S-07: Procore is integrated with accounting already; if that exports invoices, the same one would arrive twice."""
    world = paperless("SI-103")
    assert crossed(world) == []
    world.act("procore", "set_erp_status", commitment="PO-1001-01", number=1, erp_status="synced")
    world.scan("procore", full=True)
    (found,) = crossed(world)
    assert found.code == "two_invoice_routes" and "SI-103" in found.said and "Export Subcontractor Invoices" in found.fix
    world.save(invoice_route="elsewhere")
    assert crossed(world) == []


def crossed(world: PaperlessWorld) -> list[one_route.Crossing]:
    with session(world.company) as db:
        return one_route.of_company(db)


# payments on demand: who may


@pytest.fixture
def sent(monkeypatch) -> list[tuple[str, list[Any], str]]:
    made: list[tuple[str, list[Any], str]] = []
    monkeypatch.setattr(publish, "send", lambda name, args, queue=None, **_: made.append((name, list(args), queue)) or True)
    return made


@pytest.mark.requirement("Y-01", "Y-02", "Y-16")
@pytest.mark.parametrize("role", ["admin", "approver"])
def test_admins_and_accounting_approvers_may_have_payments_read(world, sent, role):
    client = visitor(world.company, role)
    assert "Sync payments for synced invoices" in text_of(client.get("/systems/sage_paperless").text)
    answer = post(client, "/payments/sync", system="sage_paperless", back="/systems/sage_paperless")
    assert (answer.status_code, answer.headers["location"]) == (303, "/systems/sage_paperless?said=payments")
    assert sent == [("sitebooks.payment.pull", [world.company, "sage_paperless"], "interactive")]
    assert "Payments of synced invoices are being read now." in text_of(client.get(answer.headers["location"]).text)
    assert script(world.company, "approve").post("/payments/sync", json={}).json() == {"systems": ["sage_paperless"]}
    with session(world.company) as db:
        told = db.execute(text("SELECT actor FROM history WHERE what = 'payments.sage_paperless' ORDER BY id")).scalars().all()
    assert told == [f"the {role}", "script of admin"]


@pytest.mark.requirement("Y-01", "Y-03")
def test_a_reader_sees_payments_and_may_not_have_them_read(world, sent):
    client = visitor(world.company, "viewer")
    page = client.get("/systems/sage_paperless")
    assert page.status_code == 200 and 'action="/payments/sync"' not in page.text
    assert client.get("/objects?kind=payment").status_code == 200
    refused = post(client, "/payments/sync", system="sage_paperless")
    assert refused.status_code == 403 and "Your role does not include this; it takes approve." in text_of(refused.text)
    told = script(world.company, "read").post("/payments/sync", json={})
    assert told.status_code == 403 and told.json()["code"] == "not_allowed"
    assert sent == []


@pytest.mark.requirement("Y-04")
@pytest.mark.parametrize("role", ["viewer", "approver"])
def test_only_an_admin_configures(world, role):
    before = row(world)
    refused = post(visitor(world.company, role), "/systems/sage_paperless", create_payments_in_procore="on")
    assert refused.status_code == 403 and "it takes admin" in text_of(refused.text)
    token = script(world.company, "read", "approve", role=role)
    told = token.put("/connections/sage_paperless/settings", json={"create_payments_in_procore": True})
    assert told.status_code == 403 and row(world) == before


def test_payments_are_asked_of_connections_that_report_them_only(world, sent):
    assert script(world.company, "approve").post("/payments/sync", json={"system": "procore"}).status_code == 404
    assert sent == []


@pytest.mark.requirement("Y-16")
def test_the_button_brings_a_payment_to_procore(paperless):
    """One job behind schedule, webhook and button: pressed twice, it stands there once."""
    from tasks import payment

    world = paperless("SI-103", sync=False)
    world.save(create_payments_in_procore=True)
    world.sync()
    world.act("sage_paperless", "pay_invoice", invoice="SI-103")
    world.sage_paperless.tick()
    for _ in range(2):
        payment.pull.apply(args=[world.company, "sage_paperless"], throw=True)
        world.due_now()
    assert [p["amount"] for p in world.state("procore", "contract_payments")] == ["42000.00"]


@pytest.mark.requirement("A-14", "Y-16", "S-35")
def test_the_schedule_reads_payments_twice_a_day_by_the_job_behind_the_button(world, sent, monkeypatch):
    """Ticks of two beats through a local day: each of the two times starts the job once."""
    from sync import clock
    from tasks.maintenance import read_payments

    zone = ZoneInfo("Pacific/Auckland")
    now = datetime(2026, 11, 23, 0, 0, tzinfo=zone)
    monkeypatch.setattr(clock, "source", lambda: now)

    def day() -> list[str]:
        nonlocal now
        started = []
        for _ in range(24 * 6):
            for _beat in range(2):
                sent.clear()
                read_payments.apply(args=["payments"], throw=True)
                started += [f"{now:%H:%M} {name} {queue}" for name, args, queue in sent if args[0] == world.company]
            now += timedelta(minutes=10)
        return started

    assert day() == [], "Create payments in Procore is off (S-34)"
    world.save(create_payments_in_procore=True, payment_times=["06:00", "18:30"])
    day()
    assert day() == ["06:00 sitebooks.payment.pull bulk", "18:30 sitebooks.payment.pull bulk"]
