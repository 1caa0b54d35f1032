"""The jobs of a vault: configured, running, run now (S-09, S-35)."""

from datetime import timedelta

from simulators.sage_paperless import payments
from simulators.sage_paperless.paging import listed
from simulators.sage_paperless.problems import Refusal
from simulators.sage_paperless.site import Answer, Call, Site
from simulators.sage_paperless.store import JOBS, Row, Vault, stamp
from simulators.sage_paperless.webhooks import emit


def shown(vault: Vault, name: str) -> Row:
    job = vault.jobs[name]
    if name == "cloud_sync":
        job = job | {"running": vault.cloud_sync["running"], "last_run_at": vault.cloud_sync["last_run_at"]}
    return {"name": name, "aliases": JOBS[name], **job}


def list_jobs(site: Site, call: Call) -> Answer:
    return listed(site, call, [shown(call.vault, name) for name in JOBS])


def run_job(site: Site, call: Call) -> Answer:
    name = call.params["job_name"]
    if name not in JOBS:
        raise Refusal("not_found", f"There is no job {name}.")
    run(site, call.vault, name)
    return Answer(202)


def run(site: Site, vault: Vault, name: str) -> None:
    """Raises Refusal where it cannot run."""
    if name == "cloud_sync":
        if not vault.licences["cloud_sync"]:
            raise Refusal("cloud_sync_licence_required", f"Vault {vault.name} has no cloud sync licence.")
        vault.cloud_sync.update(running=True, ever_run=True, last_run_at=stamp(site.now))
    elif not (vault.jobs[name]["configured"] and vault.jobs[name]["running"]):
        code = "backfill_job_not_running" if name == "payment_backfill" else "payments_not_enabled"
        raise Refusal(code, f"The job {name} is not configured or stopped.")
    elif name == "payment_backfill":
        payments.backfill(site, vault)
    else:
        vault.jobs[name]["last_run_at"] = stamp(site.now)
    site.store.note(vault, "jobs", name, name, "action")


def start(site: Site, vault: Vault, name: str) -> None:
    if name == "cloud_sync":
        vault.cloud_sync.update(running=True, ever_run=True, last_run_at=stamp(site.now))
    else:
        vault.jobs[name].update(configured=True, running=True, last_error=None)


def stop(site: Site, vault: Vault, name: str) -> None:
    if name == "cloud_sync":
        vault.cloud_sync["running"] = False
    vault.jobs[name]["running"] = False
    emit(site, vault, "job.stopped", name, str(site.store.number("stops")), shown(vault, name))


def work(site: Site) -> None:
    """The payment job by itself, every `backfill_seconds`."""
    pause = timedelta(seconds=float(site.options["backfill_seconds"]))
    for vault in site.store.vaults.values():
        job = vault.jobs["payment_backfill"]
        if job["configured"] and job["running"] and (job["next_run_at"] or "") <= stamp(site.now):
            payments.backfill(site, vault)
            job["next_run_at"] = stamp(site.now + pause)


def health(site: Site) -> Row:
    runs = [vault.jobs["payment_backfill"]["last_run_at"] for vault in site.store.vaults.values()]
    last = max((run for run in runs if run), default=None)
    body: Row = {"status": "ok"}
    if last is not None:
        from datetime import datetime

        body["seconds_since_last_backfill"] = int((site.now - datetime.fromisoformat(last)).total_seconds())
    return body
