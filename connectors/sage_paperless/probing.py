"""What the vault must have for Procore: its bridge, licences, cloud sync, its own connection, and the payment job."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from connectors.calls import NotUnderstood, Request
from connectors.flow import Looked
from connectors.ports import Client
from connectors.sage_paperless.client import Vault, below, own
from settings.sage_paperless import BRIDGES, SagePaperlessSettings

Record = Mapping[str, Any]
PAYMENT_JOB = "payment_backfill"


def probe(client: Client) -> Sequence[Looked]:
    """In the order in which a person puts them right. A drop folder tells of none of this."""
    vault = own(client)
    if vault.settings.transport != "rest":
        return ()
    about = _record(vault, "")
    found = list(_may_be_set(about, vault.settings))
    if any(one.stops and not one.good for one in found):
        return found
    return [*found, *_automated(about, vault.settings), *_job(vault), _connection(vault)]


def _may_be_set(about: Record, settings: SagePaperlessSettings) -> Iterator[Looked]:
    """Without these there is no Procore configuration at all (S-01, S-02, S-08)."""
    bridge, ours = str(about.get("bridge") or "none"), BRIDGES[settings.bridge]
    if bridge not in BRIDGES:
        yield Looked("Bridge", "S-08", f"the vault is bridged to {bridge.replace('_', ' ')}, which has no Procore part",
                     "bridge_not_supported", True, "Use a vault that is bridged to Sage 100 or Sage 300.")  # fmt: skip
        return
    wrong = "bridge_differs" if bridge != settings.bridge else ""
    yield Looked("Bridge", "S-08", f"{BRIDGES[bridge]}{f', and the settings here say {ours}' if wrong else ''}", wrong,
                 fix="Choose the vault's own bridge in the settings.")  # fmt: skip
    licensed = _flag(about, "licences", "procore")
    yield Looked("Procore licence", "S-01", "licensed" if licensed else "the vault has no Procore licence",
                 "" if licensed else "procore_licence_required", True,
                 "Buy the Procore licence, or enter it in Sage Paperless; then open this page again.")  # fmt: skip
    ever = _flag(about, "cloud_sync", "ever_run")
    yield Looked("Cloud sync was run", "S-02", "it has run" if ever else "the cloud sync service has never run for this vault",
                 "" if ever else "cloud_sync_not_running", True, "Run the cloud sync service once.")  # fmt: skip


def _automated(about: Record, settings: SagePaperlessSettings) -> Iterator[Looked]:
    """Automated import needs both; manual import neither (S-09, S-10)."""
    licensed, running = _flag(about, "licences", "cloud_sync"), _flag(about, "cloud_sync", "running")
    free = "" if settings.automated else ", which Manual Import does not need"
    yield Looked("Cloud sync licence", "S-09", ("licensed" if licensed else "there is no cloud sync licence") + free,
                 "" if licensed or free else "cloud_sync_licence_required",
                 fix="Enter the cloud sync licence, or choose Manual Import.")  # fmt: skip
    yield Looked("Cloud sync", "S-09", ("running" if running else "the cloud sync service is stopped") + free,
                 "" if running or free else "cloud_sync_not_running",
                 fix="Start the cloud sync service, or choose Manual Import.")  # fmt: skip


def _job(vault: Vault) -> Iterator[Looked]:
    jobs = [row for page in vault.pages("/jobs") for row in page if row.get("name") == PAYMENT_JOB]
    job = jobs[0] if jobs else {}
    runs, wanted = bool(job.get("configured") and job.get("running")), vault.settings.create_payments_in_procore
    said = "running" if runs else "not configured" if not job.get("configured") else "stopped"
    yield Looked("Payment job", "S-35", said if wanted or runs else f"{said}; payments are not written, so it is not needed",
                 "" if runs or not wanted else "backfill_job_not_running",
                 fix="Configure and start the job AP Check to Invoice Backfiller.")  # fmt: skip


def _connection(vault: Vault) -> Looked:
    state = str(_record(vault, "/procore-connection").get("state") or "unknown").replace("_", " ")
    good = state == "successful"
    return Looked("The vault's own connection with Procore", "S-13", state, "" if good else "procore_not_connected",
                  fix="Grant access in Sage Paperless: the vault takes its settings only when it is connected.")  # fmt: skip


def _record(vault: Vault, path: str) -> Record:
    answer = vault.read(Request("GET", below(vault, path)))
    if not isinstance(answer.body, dict):
        raise NotUnderstood(path or "vault", "the answer is not a record")
    return answer.body


def _flag(about: Record, part: str, name: str) -> bool:
    value = (about.get(part) or {}).get(name)
    if not isinstance(value, bool):
        raise NotUnderstood(f"vault.{part}.{name}", "is missing")
    return value
