"""sitebooks connect: what is tried before anything is stored, what is stored, and what was read before a system joined."""

import re
from collections.abc import Iterator, Sequence
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import pytest
from sqlalchemy import text

import simulators
from cli import connecting
from cli.commands.connect import connect
from cli.connecting import known_company
from cli.exits import Failure
from connectors.calls import Forbidden, SignInRefused
from models import session, unscoped
from simulators.kit.clock import Clock
from simulators.kit.http import Request
from sync import clients, scan
from sync.connections import reachable
from sync.secrets import decrypt
from tasks import publish
from tasks import scan as passes
from tests.transport import SimulatorTransport

HERE = "http://127.0.0.1"


@pytest.fixture
def systems(database: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, Any]]:
    """Both simulators in process, their secrets in the environment; nothing is published."""
    clock = Clock()
    cores = {name: simulators.load(name, dataset="small", clock=clock) for name in ("procore", "lentune", "sage_paperless")}
    clients.close_all()
    for name, core in cores.items():
        clients.transports[name] = SimulatorTransport(core)
        for secret in ("token",) if name == "sage_paperless" else ("client_id", "client_secret"):
            monkeypatch.setenv(f"{name}_{secret}".upper(), str(core.credentials[secret]))
    monkeypatch.setattr(publish, "ring_all", lambda *args, **options: None)
    monkeypatch.setattr(passes, "start", lambda *args, **options: None)
    yield cores
    clients.close_all()
    clients.transports.clear()


def procore(name: str, **options: Any) -> int:
    site = {"company_id": str(clients.transports["procore"].simulator.credentials["company_id"])}
    connect("procore", base_url=HERE, company_name=name, **{**site, **options})
    made = known_company(name)
    assert made is not None
    return made


def row(company: int, system: str) -> Any:
    with session(company) as db:
        return db.execute(
            text("SELECT n.*, secrets, token FROM connection n JOIN credential c ON c.connection_id = n.id WHERE n.system = :s"),
            {"s": system},
        ).one()


def test_nothing_is_stored_when_the_sign_in_is_refused(systems: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PROCORE_CLIENT_SECRET", "wrong")
    with pytest.raises(SignInRefused):
        procore("Refused Ltd")
    assert known_company("Refused Ltd") is None


def test_nothing_is_stored_for_a_company_the_app_is_not_in(systems: Any) -> None:
    with pytest.raises(Forbidden):
        procore("Elsewhere Ltd", company_id="4999")
    assert known_company("Elsewhere Ltd") is None


def test_a_setting_that_cannot_stand_is_named(systems: Any) -> None:
    with pytest.raises(Failure, match="page_size"):
        procore("Bad Setting Ltd", setting=["page_size=3"])
    assert known_company("Bad Setting Ltd") is None


def test_a_missing_secret_says_where_it_comes_from(systems: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PROCORE_CLIENT_SECRET")
    monkeypatch.setattr("sys.stdin.isatty", lambda: False)
    with pytest.raises(Failure) as refused:
        procore("No Secret Ltd")
    assert "PROCORE_CLIENT_SECRET" in refused.value.fix


def test_the_accounting_system_needs_the_company_first(systems: Any) -> None:
    with pytest.raises(Failure, match="no company Nobody"):
        connect("lentune", base_url=HERE, company_name="Nobody Ltd")


@pytest.mark.requirement("S-01", "S-08")
def test_a_vault_that_lacks_what_it_needs_is_refused_before_anything_is_stored(systems: Any, capsys: Any) -> None:
    company = procore("Rimu Ltd")
    with unscoped() as db:  # the companies of earlier tests hold the same vault, which one company only may (S-15)
        db.execute(text("DELETE FROM vault_tie"))
    given = ["bridge=sage_300_cre", "queue=q-ap", f"vault_id={systems['sage_paperless'].credentials['vault_id']}"]
    systems["sage_paperless"].act("take_licence", {"licence": "procore"})
    with pytest.raises(Failure) as refused:
        connect("sage_paperless", base_url=HERE, company=str(company), setting=given)
    assert refused.value.code == "procore_licence_required" and refused.value.fix
    with session(company) as db:
        assert db.scalar(text("SELECT count(*) FROM connection WHERE system = 'sage_paperless'")) == 0
    systems["sage_paperless"].act("give_licence", {"licence": "procore"})
    connect("sage_paperless", base_url=HERE, company=str(company), setting=given)
    assert "Cloud sync licence: licensed" in capsys.readouterr().out
    assert row(company, "sage_paperless").settings["queue"] == "q-ap"


def test_procore_then_lentune_and_what_was_read_before_joins(systems: Any, capsys: pytest.CaptureFixture[str]) -> None:
    company = procore("Kauri Ltd", setting=['only_projects=["1001"]'])
    stored = row(company, "procore")
    assert stored.settings["only_projects"] == ["1001"] and "Projects" in stored.covered
    assert decrypt(stored.secrets)["client_id"] == systems["procore"].credentials["client_id"]
    assert stored.token is not None and "/sign-in/" in capsys.readouterr().out

    scan.scan(company, "procore", "project")
    connect("lentune", base_url=HERE, company=str(company), setting=["rounding_tolerance=0.05"])
    with session(company) as db:
        kinds = db.execute(text("SELECT kind, count(*) FROM sync_record GROUP BY kind")).all()
    assert ("project", 1) in [tuple(k) for k in kinds]
    assert row(company, "lentune").settings["rounding_tolerance"] == "0.05"
    assert [entry["kind"] for entry in systems["lentune"].ledger.after(0)].count("settings") == 1, "held there, not only by us"


def test_a_person_lets_the_app_in(systems: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    ask = connecting.ask_secrets

    def typed(system: str, names: Sequence[str]) -> dict[str, str]:
        return {"code": code_shown(systems["procore"], capsys)} if names == ["code"] else ask(system, names)

    monkeypatch.setattr(connecting, "ask_secrets", typed)
    company = procore("By Person Ltd", as_user=True)
    _, refresh = decrypt(row(company, "procore").token)
    assert refresh, "the code worked once; what goes on from here is the refresh token"


def code_shown(core: Any, capsys: pytest.CaptureFixture[str]) -> str:
    """What a person does with the address that was printed: open it, sign in, copy the code."""
    address = next(line for line in capsys.readouterr().err.splitlines() if line.startswith("http"))
    person = {name: core.credentials[name] for name in ("email", "password")}
    fields = dict(parse_qsl(urlsplit(address).query)) | person
    kind = {"content-type": "application/x-www-form-urlencoded"}
    page = core.handle(Request("POST", "/oauth/authorize", [], kind, urlencode(fields).encode()))
    return re.findall(r"<code>(.+)</code>", page.body.decode())[0]


def test_webhooks_are_left_out_when_they_cannot_arrive() -> None:
    assert reachable(HERE) and not reachable("https://api.procore.com") and not reachable("")
