"""The vault itself: its bridge, licences, jobs and connection with Procore; what is missing for a go-live; granting access."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from connectors.calls import Answer, Forbidden, NotFound, NotUnderstood, Request
from connectors.ports import Client
from connectors.sage_paperless.client import Vault, own
from objects.problem import Problem, on_settings
from settings.sage_paperless import BRIDGES, SagePaperlessSettings

#: The vendor's words for the one capability that finds payments (conflict C-5).
BACKFILL = "payment_backfill"
CONNECTED = "successful"


@dataclass(frozen=True, slots=True)
class Company:
    """One Procore company of the vault's sign-in; `held_by` is another vault that is tied to it (S-15)."""

    id: str
    name: str
    held_by: str = ""


@dataclass(frozen=True, slots=True)
class Standing:
    """A vault as it stands now. `visible`: it shows a Procore part at all, which only two bridges do (S-08)."""

    id: str
    name: str
    bridge: str
    visible: bool
    procore_licence: bool
    cloud_sync_licence: bool
    cloud_sync_ever_ran: bool
    cloud_sync_running: bool
    connection: str = "not_established"
    connected_as: str = ""
    companies: tuple[Company, ...] = ()
    company: str = ""
    queues: tuple[tuple[str, str], ...] = ()
    jobs: Mapping[str, bool] | None = None

    @property
    def payments_found(self) -> bool:
        """The job that finds payments is configured and runs (S-35)."""
        return bool((self.jobs or {}).get(BACKFILL))


def standing(client: Client) -> Standing:
    """Read anew, a handful of requests. Raises CallFailed's subclasses and NotUnderstood."""
    vault = own(client)
    row = _record(vault.get(f"/vaults/{vault.settings.vault_id}"), "vault")
    licences, sync = _record(row.get("licences"), "vault.licences"), _record(row.get("cloud_sync"), "vault.cloud_sync")
    queues = tuple((str(one["id"]), str(one["name"])) for page in vault.pages("/queues") for one in page if one.get("active"))
    jobs = {str(one["name"]): bool(one.get("configured") and one.get("running")) for page in vault.pages("/jobs") for one in page}
    there = Standing(
        str(row.get("id")), str(row.get("name")), str(row.get("bridge")), bool(row.get("procore_available")),
        bool(licences.get("procore")), bool(licences.get("cloud_sync")), bool(sync.get("ever_run")), bool(sync.get("running")),
        queues=queues, jobs=jobs,
    )  # fmt: skip
    return _with_connection(vault, there) if there.visible and there.procore_licence else there


def _with_connection(vault: Vault, there: Standing) -> Standing:
    try:
        row = _record(vault.get("/procore-connection"), "procore-connection")
        configuration = _record(vault.get("/procore-configuration"), "procore-configuration")
    except (NotFound, Forbidden):
        return there
    companies = tuple(
        Company(str(one["procore_company_id"]), str(one.get("name") or ""), str(one.get("bound_to_vault_id") or ""))
        for one in row.get("companies") or ()
    )
    return replace(
        there, connection=str(row.get("state")), connected_as=str(row.get("connected_as") or ""), companies=companies,
        company=str(configuration.get("procore_company_id") or ""),
    )  # fmt: skip


def findings(there: Standing, settings: SagePaperlessSettings, company: str) -> tuple[Problem, ...]:
    """What a go-live still needs, in the order in which people would put it right."""
    named = {"vault": there.name or there.id, "text": "", "number": "", "queue": settings.queue or ""}
    return tuple(Problem(code, {**named, "text": text}, (on_settings(),)) for code, text in _missing(there, settings, company))


def _missing(there: Standing, settings: SagePaperlessSettings, company: str) -> Iterator[tuple[str, str]]:
    if not there.visible or there.bridge not in BRIDGES:
        yield "bridge_not_supported", f"its bridge is {there.bridge}"
        return
    if not there.procore_licence:
        yield "procore_licence_required", "a Procore licence is required"
        return
    if not there.cloud_sync_ever_ran:
        yield "cloud_sync_never_ran", "the cloud sync service has never been run"
    if settings.automated and not there.cloud_sync_licence:
        yield "cloud_sync_licence_required", "it has no cloud sync licence"
    elif settings.automated and not there.cloud_sync_running:
        yield "cloud_sync_not_running", "cloud sync is stopped"
    if there.connection != CONNECTED:
        yield "vault_not_connected", f"the connection is {there.connection.replace('_', ' ')}"
    elif there.company != company:
        held_by = next((one.held_by for one in there.companies if one.id == company), "")
        code = "company_already_bound" if held_by else "vault_not_connected"
        yield code, f"the company is tied to vault {held_by}" if held_by else "the company is not picked yet"
    if settings.queue and settings.queue not in dict(there.queues):
        yield "queue_unknown", "there is no such active queue"
    if settings.create_payments_in_procore and not there.payments_found:
        yield "backfill_job_not_running", "the job that finds payments is not configured or stopped"


def grant_access(client: Client) -> str:
    """The address where a person signs in to Procore and allows it, once (S-11, S-12). Raises CallFailed."""
    answer: Answer = own(client).write(Request("POST", "/procore-connection"))
    url = _record(answer.body, "procore-connection").get("authorise_url")
    if not isinstance(url, str) or not url.startswith(("https://", "http://")):
        raise NotUnderstood("procore-connection.authorise_url", f"{url!r} is no address")
    return url


def disconnect(client: Client) -> None:
    """Forgets the vault's connection and frees its company. Raises CallFailed."""
    own(client).write(Request("DELETE", "/procore-connection"))


def _record(value: Any, path: str) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise NotUnderstood(path, "is not a record")
    return value
