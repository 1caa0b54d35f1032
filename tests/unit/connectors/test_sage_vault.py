"""The vault's own rules: bridge, licence, cloud sync, connection, company, queue, jobs; settings whole or not at all."""

import json
import secrets

import pytest
from pydantic import ValidationError

from connectors.calls import CallFailed, SignInRefused
from connectors.sage_paperless import vault
from connectors.sage_paperless.mirror import read_settings, save_settings
from objects.outcome import Outcome
from settings.sage_paperless import SagePaperlessSettings
from simulators.kit.http import Request as Sent
from sync.problems import text
from tests.unit.connectors.sage_world import client, settings, site

pytestmark = pytest.mark.unit


def key() -> str:
    return secrets.token_hex(16)


def act(core, action: str, **args) -> None:
    body = json.dumps({"action": action, "args": args}).encode()
    answer = core.handle(Sent("POST", "/_sim/act", [], {"content-type": "application/json"}, body))
    assert answer.status < 300, answer.body


def missing(core, name: str = "sage300", company: str = "4100", **given) -> list[str]:
    mine = client(core, name, company, **given)
    return [one.code for one in vault.findings(vault.standing(mine), mine.settings, company)]


def saved(core, name: str, company: str, **values):
    mine = client(core, name, company)
    _, version = read_settings(mine)
    return save_settings(mine, settings(name, **values).model_dump(mode="json"), version, key())


def test_a_vault_in_order_needs_nothing():
    assert missing(site()) == []


@pytest.mark.requirement("S-01")
def test_without_a_procore_licence_it_goes_no_further():
    assert missing(site(), "unlicensed") == ["procore_licence_required"]
    answer = saved_without_reading(site(), "unlicensed")
    assert (answer.outcome, answer.body["code"]) == (Outcome.refused, "procore_licence_required")
    assert "licence" in text("procore_licence_required").title


def saved_without_reading(core, name: str, **values):
    return save_settings(client(core, name), settings(name, **values).model_dump(mode="json"), "1", key())


@pytest.mark.requirement("S-02")
def test_cloud_sync_must_have_been_run_once_before_anything_is_configured():
    core = site()
    assert "cloud_sync_never_ran" in missing(core, "nosync")
    assert saved(core, "nosync", "4100").body["code"] == "cloud_sync_not_running"


@pytest.mark.requirement("S-08")
def test_only_vaults_bridged_to_sage_100_or_sage_300_have_a_procore_part():
    core = site()
    assert missing(core, "intacct") == ["bridge_not_supported"]
    assert vault.standing(client(core, "intacct")).visible is False
    assert vault.standing(client(core, "sage300")).visible and vault.standing(client(core, "sage100", "4190")).visible
    assert saved_without_reading(core, "intacct").body["code"] == "bridge_not_supported"
    with pytest.raises(ValidationError):
        settings(bridge="sage_intacct")


@pytest.mark.requirement("S-09", "S-10")
def test_automated_import_needs_the_cloud_sync_licence_and_cloud_sync_running_and_manual_does_not():
    core = site()
    act(core, "stop_cloud_sync")
    assert missing(core) == ["cloud_sync_not_running"]
    assert missing(core, import_behavior="manual_import") == []
    assert saved(core, "sage300", "4100", import_behavior="manual_import").outcome is Outcome.confirmed
    assert saved(core, "sage300", "4100").body["code"] == "cloud_sync_not_running"
    act(core, "take_licence", licence="cloud_sync")
    assert missing(core) == ["cloud_sync_licence_required"]


@pytest.mark.requirement("S-11", "S-13")
def test_the_connections_state_is_known_and_access_is_granted_by_a_person():
    core = site()
    act(core, "disconnect_procore")
    mine = client(core)
    assert vault.standing(mine).connection == "not_established"
    assert missing(core) == ["vault_not_connected"]
    assert saved(core, "sage300", "4100").body["code"] == "procore_not_connected"
    assert vault.grant_access(mine).startswith("http")
    assert vault.standing(mine).connection == "authorising"
    act(core, "connect_procore")
    there = vault.standing(mine)
    assert (there.connection, there.connected_as) == ("successful", "office@kauri.example")


@pytest.mark.requirement("S-14", "S-15", "S-16")
def test_one_company_to_one_vault_refused_with_the_name_of_the_other():
    core = site()
    act(core, "connect_procore", vault="sage100")
    companies = {one.id: one.held_by for one in vault.standing(client(core, "sage100", "4190")).companies}
    assert companies == {"4100": "sage300", "4190": ""}
    act(core, "disconnect_procore", vault="sage100")
    act(core, "connect_procore", vault="sage100")
    before = core.state()["configurations"]
    answer = saved(core, "sage100", "4100")
    assert (answer.status, answer.body["code"]) == (409, "company_already_bound") and "Sage 300" in answer.reason
    assert core.state()["configurations"] == before, "nothing is saved"
    assert missing(core, "sage100", "4100") == ["company_already_bound"]


@pytest.mark.requirement("S-15")
def test_a_vault_that_holds_another_company_is_not_entered():
    with pytest.raises(SignInRefused, match="4100"):
        vault.standing(client(site(), "sage300", "4190"))
    with pytest.raises(SignInRefused):
        wrong = client(site())
        wrong.store._secrets = {"token": "not the token"}
        vault.standing(wrong)


@pytest.mark.requirement("S-17", "S-18")
def test_import_behavior_has_three_values_and_its_default():
    core = site()
    field = SagePaperlessSettings.model_fields["import_behavior"]
    assert field.title == "Import Behavior" and field.default == "automated_import_into_queue"
    for value in ("automated_import_into_queue", "automated_import_and_auto_route_with_queue_failover", "manual_import"):
        assert saved(core, "sage300", "4100", import_behavior=value).outcome is Outcome.confirmed
        assert read_settings(client(core))[0]["import_behavior"] == value
    with pytest.raises(ValidationError):
        settings(import_behavior="by_post")


@pytest.mark.requirement("S-32")
def test_an_automated_import_has_one_queue_that_exists():
    core = site()
    with pytest.raises(ValidationError, match="S-32"):
        settings(queue=None)
    assert saved(core, "sage300", "4100", queue="q-check").outcome is Outcome.confirmed
    assert saved(core, "sage300", "4100", queue="q-none").body["code"] == "queue_unknown"
    assert missing(core, queue="q-none") == ["queue_unknown"]


@pytest.mark.requirement("S-34", "S-35")
def test_payments_need_the_job_that_finds_them():
    core = site()
    wanted = {"create_payments_in_procore": True, "payment_writer": "product"}
    assert saved(core, "sage300", "4100", **wanted).outcome is Outcome.confirmed
    assert read_settings(client(core))[0]["product_writes_payments"] is True
    act(core, "stop_job")
    assert missing(core, create_payments_in_procore=True) == ["backfill_job_not_running"]
    assert saved(core, "sage300", "4100", **wanted, allow_edit=True).body["code"] == "backfill_job_not_running"


@pytest.mark.requirement("S-36")
def test_settings_are_saved_as_a_whole_or_not_at_all():
    core = site()
    before = read_settings(client(core))
    assert saved(core, "sage300", "4100", allow_edit=True, queue="q-none").outcome is Outcome.refused
    assert read_settings(client(core)) == before
    mine = client(core)
    answer = save_settings(mine, settings(allow_edit=True).model_dump(mode="json"), '"0"', key())
    assert answer.status == 412 and read_settings(client(core)) == before, "somebody else saved meanwhile"


def test_never_both_write_payments():
    assert settings(create_payments_in_procore=True).payments_by == "sitebooks"
    assert settings(create_payments_in_procore=True, payment_writer="product").payments_by == "product"
    assert settings(create_payments_in_procore=True, product_writes_payments=True).payments_by == "product"
    assert settings().payments_by == "nobody"
    assert settings(create_payments_in_procore=True).mirrored()["create_payments_in_procore"] is False


@pytest.mark.parametrize("given", [
    {"base_url": ""}, {"transport": "drop_folder"}, {"transport": "drop_folder", "folder": "relative/path"},
    {"transport": "drop_folder", "folder": "/srv/../etc"}, {"vault_id": "../up"}, {"queue": "a/b"},
    {"payment_times": ("06:00", "06:00")}, {"payment_times": ("6:00", "25:00")}, {"base_url": "http://elsewhere.example"},
    {"transport": "drop_folder", "folder": "/srv/drop", "import_behavior": "manual_import"}, {"nothing": 1},
])  # fmt: skip
def test_settings_that_cannot_stand_are_refused(given):
    with pytest.raises(ValidationError):
        settings(**given)


def test_a_lost_licence_or_job_is_told_where_payments_are_read():
    core = site()
    act(core, "remove_job")
    with pytest.raises(CallFailed, match="not configured"):
        list(client(core).pages("/payments"))

