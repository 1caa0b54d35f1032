"""The vault's checks as a page shows them: what holds and what does not, each with its requirement."""

from collections.abc import Callable, Sequence

from connectors.flow import Looked
from connectors.ports import Client
from connectors.sage_paperless.client import own
from connectors.sage_paperless.vault import Standing, findings, standing
from settings.sage_paperless import BRIDGES, SagePaperlessSettings

Said = Callable[[Standing, SagePaperlessSettings], str]


def _needed(holds: str, lacks: str, flag: Callable[[Standing], bool]) -> Said:
    """Manual Import needs neither the cloud sync licence nor the service (S-10)."""

    def said(there: Standing, ours: SagePaperlessSettings) -> str:
        return holds if flag(there) else lacks if ours.automated else f"{lacks}; Manual Import does not need it"

    return said


def _job(there: Standing, ours: SagePaperlessSettings) -> str:
    if there.payments_found:
        return "running"
    said = "not configured or stopped"
    return said if ours.create_payments_in_procore else f"{said}; payments are not written, so it is not needed"


#: Name, requirement, codes that say it does not hold, whether nothing can be set before, and what stands there.
ROWS: Sequence[tuple[str, str, tuple[str, ...], bool, Said]] = (
    ("Bridge", "S-08", ("bridge_not_supported",), True, lambda there, _: BRIDGES.get(there.bridge, there.bridge)),
    ("Procore licence", "S-01", ("procore_licence_required",), True,
     lambda there, _: "licensed" if there.procore_licence else "none"),
    ("Cloud sync was run once", "S-02", ("cloud_sync_never_ran",), True,
     lambda there, _: "it was" if there.cloud_sync_ever_ran else "never yet"),
    ("Cloud sync licence", "S-09", ("cloud_sync_licence_required",), False,
     _needed("licensed", "none", lambda there: there.cloud_sync_licence)),
    ("Cloud sync", "S-09", ("cloud_sync_not_running",), False,
     _needed("running", "stopped", lambda there: there.cloud_sync_running)),
    ("Connection of the vault with Procore", "S-13", ("vault_not_connected", "company_already_bound"), False,
     lambda there, _: there.connection.replace("_", " ") + (f", company {there.company}" if there.company else "")),
    ("Queue", "S-32", ("queue_unknown",), False,
     lambda there, ours: dict(there.queues).get(ours.queue or "", ours.queue or "none, for Manual Import")),
    ("Payment job", "S-35", ("backfill_job_not_running",), False, _job),
)  # fmt: skip


def probe(client: Client) -> Sequence[Looked]:
    """In the order in which people put them right; nothing after one that stops. A drop folder tells of none of this."""
    vault = own(client)
    if vault.settings.transport != "rest":
        return ()
    there, found = standing(vault), []
    wrong = {one.code: one for one in findings(there, vault.settings, vault.company)}
    for name, requirement, codes, stops, said in ROWS:
        problem = next((wrong[code] for code in codes if code in wrong), None)
        found.append(Looked(name, requirement, said(there, vault.settings), problem, stops))
        if stops and problem is not None:
            break
    return found
