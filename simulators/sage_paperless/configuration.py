"""The Procore window of a vault: what may be saved, all or nothing (contract B.3, S-32 to S-36)."""

from typing import Any

from simulators.sage_paperless.problems import Refusal, malformed
from simulators.sage_paperless.shapes import CONFIGURATION, Json
from simulators.sage_paperless.site import Answer, Call, Site, check_version, procore_part
from simulators.sage_paperless.store import MANUAL, QUEUE, Row, Store, Vault

NOTHING: Row = {
    "procore_company_id": None, "import_behaviour": MANUAL, "queue_id": None, "allow_edit_of_imported_invoices": False,
    "create_payments_in_procore": False,
}  # fmt: skip


def get_configuration(site: Site, call: Call) -> Answer:
    procore_part(call.vault, write=False)
    return shown(call.vault)


def shown(vault: Vault) -> Answer:
    return Answer(200, vault.configuration or NOTHING, {"ETag": f'"{vault.version}"'})


def put_configuration(site: Site, call: Call) -> Answer:
    vault = call.vault
    procore_part(vault, write=True)
    check_version(call, str(vault.version))
    save(site.store, vault, call.content)
    return shown(vault)


def save(store: Store, vault: Vault, content: Any) -> None:
    """Takes the whole of it, or raises Refusal and takes nothing."""
    if not vault.cloud_sync["ever_run"]:
        raise Refusal("cloud_sync_not_running", "The cloud sync service has never been run for this vault.")
    if vault.connection["state"] != "successful":
        raise Refusal("procore_not_connected", f"The connection with Procore is {vault.connection['state']}.")
    wanted = wanted_of(content)
    company = wanted["procore_company_id"]
    if company is not None:
        if all(company != known["procore_company_id"] for known in store.procore_companies):
            raise malformed("/procore_company_id", "is none of the companies of the connection", 400)
        holder = store.holder(company)
        if holder is not None and holder.id != vault.id:
            raise Refusal("company_already_bound", f"Procore company {company} is tied to vault {holder.name} ({holder.id}).")
    _queue(vault, wanted)
    _automated(vault, wanted)
    if wanted["create_payments_in_procore"]:
        job = vault.jobs["payment_backfill"]
        if not (job["configured"] and job["running"]):
            raise Refusal("backfill_job_not_running", "Payments in Procore need the payment job configured and running.")
    if wanted != vault.configuration:
        vault.configuration = wanted
        vault.version += 1
        store.note(vault, "configurations", vault.id, vault.id, "updated")


def wanted_of(content: Any) -> Json:
    """What was sent, with the defaults of the contract (S-18). Raises Refusal validation_failed."""
    sent = CONFIGURATION.require(content)
    defaults = {
        "import_behaviour": QUEUE, "allow_edit_of_imported_invoices": False, "create_payments_in_procore": False,
    }  # fmt: skip
    merged = defaults | sent
    return {name: merged[name] for name in NOTHING}


def _queue(vault: Vault, wanted: Json) -> None:
    queue = wanted["queue_id"]
    if queue is None and wanted["import_behaviour"] != MANUAL:
        raise Refusal("queue_required", f"{wanted['import_behaviour']} needs a queue.")
    if queue is not None and all(queue != row["id"] or not row["active"] for row in vault.queues):
        raise Refusal("queue_unknown", f"There is no active queue {queue} in vault {vault.name}.")


def _automated(vault: Vault, wanted: Json) -> None:
    if wanted["import_behaviour"] == MANUAL:
        return
    if not vault.licences["cloud_sync"]:
        raise Refusal("cloud_sync_licence_required", f"Vault {vault.name} has no cloud sync licence.")
    if not vault.cloud_sync["running"]:
        raise Refusal("cloud_sync_not_running", f"Cloud sync of vault {vault.name} is stopped.")


def list_queues(site: Site, call: Call) -> Answer:
    from simulators.sage_paperless.paging import listed

    waiting = [row["queue_id"] for row in call.vault.invoices.values() if row["status"] == "unprocessed"]
    return listed(site, call, [row | {"waiting": waiting.count(row["id"])} for row in call.vault.queues])
